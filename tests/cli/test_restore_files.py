"""`unspin restore` and the files of its user: nothing of theirs is overwritten, lost, or shown to others."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from unspin.storage import SCRATCH, remove_scratch

Command = Callable[..., "subprocess.CompletedProcess[str]"]
SPUN = "The overseas minister said on Monday that the warfare had ended.\n"
RESTORED = "The foreign minister said on Monday that the war had ended.\n"
QUOTED = "“The warfare ended,” he said.\n"


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _spun_in(rows: Path) -> list[tuple[str, str]]:
    return [(row["document"], row["spun"]) for row in map(json.loads, rows.read_text().splitlines())]


def test_a_file_that_unspin_did_not_write_is_not_overwritten(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "docs" / "2024").mkdir(parents=True)
    (tmp_path / "docs" / "index.md").write_text("The user's own page.\n")
    (tmp_path / "docs" / "2024" / "index.md").write_text(SPUN)
    (tmp_path / "a.txt").write_text(SPUN)
    (tmp_path / "a.txt.html").write_text("<p>The user's own page.</p>\n")
    for options in (["docs/2024", "--output", "docs"], ["a.txt", "--output", "out", "--html", "."]):
        for more in ([], ["--resume"], ["--dry-run"]):
            done = unspin_words("restore", *options, *more)
            assert done.returncode == 2 and "is not as unspin wrote it" in done.stderr, done
    assert (tmp_path / "docs" / "index.md").read_text() == "The user's own page.\n"
    assert (tmp_path / "a.txt.html").read_text() == "<p>The user's own page.</p>\n"
    assert not (tmp_path / "out").exists()


def test_what_unspin_wrote_is_overwritten_until_somebody_changes_it(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "a.txt").write_text(QUOTED)
    command = ("restore", "a.txt", "--output", "out", "--html", "pages", "--edits", "e.jsonl")
    for options, restored in (([], "“The war ended"), (["--keep-quotations"], "“The warfare ended")):
        assert unspin_words(*command, *options).returncode == 0
        assert restored in (tmp_path / "out" / "a.txt").read_text()
    (tmp_path / "out" / "a.txt").write_text("Corrected by hand.\n")
    for options in ([], ["--resume"]):
        done = unspin_words(*command, *options)
        assert done.returncode == 2 and "out/a.txt would be overwritten" in done.stderr
    done = unspin_words(*command, "--keep-quotations", "--resume")  # finished with these settings, and corrected since
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "a.txt").read_text() == "Corrected by hand.\n"


@pytest.mark.parametrize("place", ["--in-place", "--output=out"])
def test_a_run_killed_just_before_it_wrote_a_file_goes_on(tmp_path: Path, unspin_words: Command, place: str) -> None:
    source, target = tmp_path / "a.txt", tmp_path / ("a.txt" if place == "--in-place" else "out/a.txt")
    source.write_text(QUOTED)
    command = ("restore", "a.txt", place, "--edits", "e.jsonl", "--resume")
    states = []
    for options in ([], ["--keep-quotations"], []):
        states.append(target.read_text() if target.exists() else None)
        assert unspin_words(*command, *options).returncode == 0
        written = target.read_text()
        if states[-1] is None:
            target.unlink()
        else:
            target.write_text(states[-1])  # the record tells of bytes that were not written
        assert unspin_words(*command, *options).returncode == 0
        assert target.read_text() == written
        assert _spun_in(tmp_path / "e.jsonl") == ([] if options else [("a.txt", "warfare")])
    assert {backup.read_text() for backup in tmp_path.glob("*.bak*")} <= {QUOTED}


def test_the_edits_of_a_document_that_cannot_be_written_are_removed(tmp_path: Path, unspin_words: Command) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(SPUN)
    pq.write_table(pa.table({"text": [SPUN]}), tmp_path / "c.parquet")
    for taken in ("out/a.txt", "out/c.parquet"):
        (tmp_path / taken / "folder").mkdir(parents=True)
    done = unspin_words("restore", "a.txt", "b.txt", "c.parquet", "--output", "out", "--edits", "e.jsonl")
    assert done.returncode == 1 and "a.txt cannot be written" in done.stderr and "c.parquet cannot" in done.stderr
    assert _spun_in(tmp_path / "e.jsonl") == [("b.txt", "overseas"), ("b.txt", "warfare")]


def test_a_second_run_does_not_touch_the_edits_of_a_running_one(tmp_path: Path, word_script: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    for name, text in (("a.txt", "The engine waits at the gate, overseas.\n"), ("b.txt", SPUN)):
        (tmp_path / name).write_text(text)
    line = [sys.executable, word_script, "restore", "--edits", "e.jsonl"]
    with subprocess.Popen([*line, "a.txt", "--output", "one"], cwd=tmp_path, stderr=subprocess.PIPE) as first:
        with (tmp_path / "gate").open("w") as gate:  # opened once the engine waits at the other end
            second = [*line, "b.txt", "--output", "two"]
            done = subprocess.run(second, cwd=tmp_path, capture_output=True, text=True, timeout=60)
            gate.write("go on")
        assert first.wait(60) == 0
    assert done.returncode == 1 and "another run is writing e.jsonl" in done.stderr
    assert _spun_in(tmp_path / "e.jsonl") == [("a.txt", "overseas")]


def test_what_is_written_about_a_private_document_is_private(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "in").mkdir()
    for name, mode in (("private.txt", 0o600), ("shared.txt", 0o644)):
        (tmp_path / "in" / name).write_text(SPUN)
        (tmp_path / "in" / name).chmod(mode)
    assert unspin_words("restore", "in", "--output", "out", "--html", "pages", "--edits", "e.jsonl").returncode == 0
    for name, mode in (("private.txt", 0o600), ("shared.txt", 0o644)):
        assert _mode(tmp_path / "out" / name) == _mode(tmp_path / "pages" / f"{name}.html") == mode
    assert sorted(map(_mode, (tmp_path / "out" / ".unspin").iterdir())) == [0o600, 0o644]
    assert _mode(tmp_path / "e.jsonl") == 0o600
    command = ("restore", "in", "--output", "out", "--html", "pages", "--edits", "e.jsonl", "--resume")
    (tmp_path / "out" / "shared.txt").unlink()
    assert unspin_words(*command).returncode == 0
    assert _mode(tmp_path / "e.jsonl") == 0o600  # it still holds the edits of the private document
    assert unspin_words("screen", "in", "--output", "screened").returncode == 0
    assert {_mode(file) for file in (tmp_path / "screened").iterdir() if file.is_file()} == {0o600}
    assert sorted(map(_mode, (tmp_path / "screened" / ".screening").iterdir())) == [0o600, 0o644]


def test_new_files_obey_the_umask(tmp_path: Path, word_script: Path) -> None:
    (tmp_path / "a.txt").write_text(SPUN)
    for umask in (0o077, 0o002):
        out = f"out{umask}"
        line = [sys.executable, word_script, "restore", "-", "--output", out, "--html", out, "--edits", f"{out}.jsonl"]
        subprocess.run(line, cwd=tmp_path, input=SPUN, text=True, check=True, umask=umask)
        files = [tmp_path / out / "stdin.txt", tmp_path / out / "stdin.txt.html", tmp_path / f"{out}.jsonl"]
        assert {_mode(file) for file in files} == {0o666 & ~umask}


def test_extended_attributes_are_kept_in_place(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "a.txt").write_text(SPUN)
    try:
        os.setxattr(tmp_path / "a.txt", "user.note", b"from the archive")  # as access lists are kept
    except OSError:
        pytest.skip("this file system has no extended attributes")
    assert unspin_words("restore", "a.txt", "--in-place").returncode == 0
    assert (tmp_path / "a.txt").read_text() == RESTORED
    for name in ("a.txt", "a.txt.bak"):
        assert os.getxattr(tmp_path / name, "user.note") == b"from the archive"


def test_a_link_to_a_table_stays_one_in_place(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "elsewhere").mkdir()
    pq.write_table(pa.table({"text": [SPUN]}), tmp_path / "elsewhere" / "real.parquet")
    (tmp_path / "link.parquet").symlink_to("elsewhere/real.parquet")
    assert unspin_words("restore", "link.parquet", "--in-place").returncode == 0
    assert (tmp_path / "link.parquet").is_symlink()
    assert pq.read_table(tmp_path / "elsewhere" / "real.parquet")["text"].to_pylist() == [RESTORED]
    assert [file.name for file in (tmp_path / "elsewhere").iterdir()] == ["real.parquet"]


def test_what_a_killed_run_left_beside_the_files_is_removed(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "pages").mkdir()
    (tmp_path / "in" / "a.txt").write_text(SPUN)
    old, young, other = (tmp_path / "in" / f"{SCRATCH}{end}" for end in ("00000001", "00000002", "of a user"))
    page = tmp_path / "pages" / f"{SCRATCH}00000003"
    for scratch in (old, young, other, page):
        scratch.write_text("half")
    for scratch in (old, other, page):
        os.utime(scratch, (0, 0))
    assert unspin_words("restore", "in", "--in-place", "--html", "pages").returncode == 0
    assert [file.name for file in (tmp_path / "pages").iterdir()] == ["a.txt.html"]
    names = {file.name for file in (tmp_path / "in").iterdir()}
    assert names == {"a.txt", "a.txt.bak", ".unspin", young.name, other.name}


def test_an_argument_without_documents_does_not_stop_the_others(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "a.txt").write_text(SPUN)
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe.txt")
    long = f"{'n' * 300}.txt"
    bad = ("empty", "*.tyt", long, "pipe.txt", "gone.txt")
    for command in ("restore", "screen"):
        done = unspin_words(command, *bad, "a.txt", "--output", f"{command}ed")
        assert done.returncode == 1 and "Traceback" not in done.stderr
        for message in (
            "no document in empty: looked for .txt",
            "no document in *.tyt: looked for .txt",
            f"{long}: File name too long",
            "pipe.txt is a device or a pipe",
            "gone.txt: No such file",
        ):
            assert message in done.stderr
    assert (tmp_path / "restoreed" / "a.txt").read_text() == RESTORED


def test_a_stdin_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path, word_script: Path) -> None:
    (tmp_path / "a.txt").write_text(SPUN)
    line = [sys.executable, word_script, "restore", "-", "a.txt", "--output", "out"]
    with (tmp_path / "log").open("w") as written:
        done = subprocess.run(line, cwd=tmp_path, stdin=written, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "unspin: stdin: Bad file descriptor" in done.stderr, done.stderr
    assert (tmp_path / "out" / "a.txt").read_text() == RESTORED


def test_a_run_in_place_does_not_entitle_another_to_overwrite(tmp_path: Path, unspin_words: Command) -> None:
    for folder, text in (("a", "A clean article that reads well.\n"), ("b", SPUN)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.txt").write_text(text)
    assert unspin_words("restore", "a", "--in-place").returncode == 0
    assert unspin_words("restore", "b", "--output", "a").returncode == 2
    assert (tmp_path / "a" / "x.txt").read_text() == "A clean article that reads well.\n"


@pytest.mark.parametrize("name", ["a.txt", "a.parquet"])
@pytest.mark.parametrize("place", ["--in-place", "--output=out"])
def test_what_somebody_writes_during_the_run_is_kept(tmp_path: Path, word_script: Path, place: str, name: str) -> None:
    os.mkfifo(tmp_path / "gate")
    text = "The engine waits at the gate, overseas.\n"
    (tmp_path / "a.txt").write_text(text)
    pq.write_table(pa.table({"text": [text]}), tmp_path / "a.parquet")
    target = tmp_path / (name if place == "--in-place" else f"out/{name}")
    line = [sys.executable, word_script, "restore", name, place, "--edits", "e.jsonl"]
    with subprocess.Popen(line, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as run:
        with (tmp_path / "gate").open("w") as gate:  # opened once the engine waits at the other end
            target.parent.mkdir(exist_ok=True)
            target.write_text("Written meanwhile.\n")
            gate.write("go on")
        _, message = run.communicate(timeout=60)
    assert run.returncode == 1 and "was written by somebody else during the run" in message
    assert target.read_text() == "Written meanwhile.\n" and _spun_in(tmp_path / "e.jsonl") == []


@pytest.mark.parametrize("name", ["x.txt", "x.parquet"])
def test_a_stop_right_after_a_file_was_replaced_keeps_its_edits(tmp_path: Path, word_script: Path, name: str) -> None:
    (tmp_path / "x.txt").write_text(SPUN)
    pq.write_table(pa.table({"text": [SPUN]}), tmp_path / "x.parquet")
    stopping = f"""
from unspin.cli import restore_file

def stop(put):
    def put_and_stop(source, target, *others):
        put(source, target, *others)
        if {name!r} in (getattr(source, "name", ""), target.name) and target.parent.name == "out":
            raise KeyboardInterrupt
    return put_and_stop

restore_file.put_file = stop(restore_file.put_file)
write = restore_file.write_atomic
def write_and_stop(path, *others, **options):
    write(path, *others, **options)
    if path.parent.name == "out":
        raise KeyboardInterrupt
restore_file.write_atomic = write_and_stop
"""
    script = word_script.with_name("stopping.py")
    main = "if __name__ == "
    script.write_text(word_script.read_text().replace(main, stopping + main))
    command = ["restore", name, "--output", "out", "--edits", "e.jsonl", "--resume"]
    done = subprocess.run([sys.executable, script, *command], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 130, done
    done = subprocess.run([sys.executable, word_script, *command], cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr == "1 of 1 documents are finished already\n"
    assert _spun_in(tmp_path / "e.jsonl") == [(name, "overseas"), (name, "warfare")]


def test_documents_with_like_names_keep_their_edits(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "a").mkdir()
    for name in ("b\nc.txt", "b\\nc.txt"):
        (tmp_path / "a" / name).write_text(SPUN)
    command = ("restore", "a", "--output", "out", "--edits", "e.jsonl", "--resume")
    assert unspin_words(*command).returncode == 0
    (tmp_path / "a" / "b\\nc.txt").write_text("Now one warfare only had ended here.\n")
    assert unspin_words(*command).returncode == 0
    assert sorted(_spun_in(tmp_path / "e.jsonl")) == [
        ("a/b\\\\nc.txt", "warfare"),
        ("a/b\\nc.txt", "overseas"),
        ("a/b\\nc.txt", "warfare"),
    ]


def test_a_document_that_is_named_another_way_has_its_edits_once(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.txt").write_text(SPUN)
    options = ("--output", "out", "--edits", "e.jsonl", "--resume")
    assert unspin_words("restore", "a", *options).returncode == 0
    (tmp_path / "a" / "x.txt").write_text("Another warfare had ended in the north.\n")
    assert unspin_words("restore", tmp_path / "a", *options).returncode == 0
    assert _spun_in(tmp_path / "e.jsonl") == [(f"{tmp_path}/a/x.txt", "warfare")]


def test_arguments_that_are_missing_leave_the_edits_file_as_it_is(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "a.txt").write_text(SPUN)
    assert unspin_words("restore", "a.txt", "--output", "out", "--edits", "e.jsonl").returncode == 0
    edits = (tmp_path / "e.jsonl").read_text()
    assert unspin_words("restore", "typo.txt", "--output", "out", "--edits", "e.jsonl").returncode == 1
    assert (tmp_path / "e.jsonl").read_text() == edits


def test_links_before_two_dots_lead_where_the_system_says(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "other" / "sub").mkdir(parents=True)
    (tmp_path / "link").symlink_to("other/sub")
    for place in (tmp_path, tmp_path / "other"):
        (place / "x.txt").write_text(SPUN)
    done = unspin_words("restore", "link/../x.txt", "x.txt", "--output", "out")
    assert done.returncode == 2 and "would be written to one file" in done.stderr


@pytest.mark.parametrize("damage", ["deep", "folder", "file above"])
def test_an_odd_record_does_not_stop_the_others(tmp_path: Path, unspin_words: Command, damage: str) -> None:
    for folder in ("i", "j"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.txt").write_text(SPUN)
    if damage == "file above":
        (tmp_path / "i" / ".unspin").write_text("")
    else:
        assert unspin_words("restore", "i", "--in-place").returncode == 0
        (record,) = (tmp_path / "i" / ".unspin" / "in-place").iterdir()
        record.unlink()
        record.write_text("[" * 200_000) if damage == "deep" else record.mkdir()
    done = unspin_words("restore", "i", "j", "--in-place", "--resume")
    assert "Traceback" not in done.stderr
    assert (tmp_path / "j" / "x.txt").read_text() == RESTORED


def test_deep_json_in_the_edits_file_is_refused(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "x.txt").write_text(SPUN)
    (tmp_path / "e.jsonl").write_text('{"document": "a", "spun": ' + "[" * 200_000 + "\n")
    done = unspin_words("restore", "x.txt", "--output", "out", "--edits", "e.jsonl", "--resume")
    assert done.returncode == 2 and "holds something else than edits" in done.stderr


def test_a_name_without_room_for_a_copy_does_not_stop_a_resumed_run(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "a").mkdir()
    for name, text in (("good.txt", QUOTED), (f"{'n' * 251}.txt", "All is well.\n")):
        (tmp_path / "a" / name).write_text(text)
    command = ("restore", "a", "--in-place", "--resume")
    assert unspin_words(*command).returncode == 0
    assert unspin_words(*command, "--keep-quotations").returncode == 0
    assert (tmp_path / "a" / "good.txt").read_text() == QUOTED


@pytest.mark.parametrize("jobs", [1, 2])
def test_files_that_the_shell_opens_are_read(tmp_path: Path, word_script: Path, jobs: int) -> None:
    line = (
        f'"{sys.executable}" "{word_script}" restore --format txt --output out --jobs {jobs} <(echo "{SPUN.strip()}")'
    )
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [file.read_text() for file in (tmp_path / "out").glob("*") if file.is_file()] == [RESTORED]


def test_a_running_table_keeps_its_scratch_folder(tmp_path: Path) -> None:
    folder = tmp_path / f"{SCRATCH}abcd1234"
    folder.mkdir()
    (folder / "restored.parquet").write_text("half")
    os.utime(folder, (0, 0))  # it was made long ago, and the file in it grows
    remove_scratch([folder])
    assert folder.exists()


def test_an_original_is_found_when_an_earlier_one_was_moved_away(tmp_path: Path, unspin_words: Command) -> None:
    for text in (SPUN, QUOTED):
        (tmp_path / "a.txt").write_text(text)
        assert unspin_words("restore", "a.txt", "--in-place").returncode == 0
    (tmp_path / "a.txt.bak").unlink()
    assert unspin_words("restore", "a.txt", "--in-place", "--resume", "--keep-quotations").returncode == 0
    assert (tmp_path / "a.txt").read_text() == (tmp_path / "a.txt.bak.2").read_text() == QUOTED
