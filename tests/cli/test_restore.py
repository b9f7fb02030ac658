"""`unspin restore`, end to end: what is written where, and that one bad file never stops the others."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from zipfile import ZipFile

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from unspin.extras import packages_of_extras

Command = Callable[..., "subprocess.CompletedProcess[str]"]
CLEAN = "A sentence that reads well enough.\n"
SPUN = "The overseas minister said on Monday that the warfare had ended.\n"
WAITING = "The engine waits at the gate.\n"
RESTORED = "The foreign minister said on Monday that the war had ended.\n"


def _rows(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "article.txt: No such file or directory"),
        (b"", "article.txt is empty"),
        (b" \n\n", "article.txt is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "article.txt is not text"),
    ],
)
def test_an_unusable_article_is_reported(
    tmp_path: Path, refused: Callable[..., str], content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "article.txt").write_bytes(content)
    assert message in refused("restore", "article.txt", "--output", "restored")
    assert not (tmp_path / "restored").exists()


def test_one_bad_file_never_stops_the_others(tmp_path: Path, unspin_words: Command) -> None:
    folder = tmp_path / "in" / "deep"
    folder.mkdir(parents=True)
    (folder / "good.txt").write_text(SPUN)
    (folder / "page.html").write_text(f"<p>{SPUN}</p>")
    (folder / "empty.txt").write_text("")
    (folder / "broken.jsonl").write_text("{")
    (folder / "picture.png").write_bytes(b"\0")
    done = unspin_words("restore", "in", "--output", "out", "--html", "pages", "--edits", "e.jsonl")
    assert done.returncode == 1 and done.stdout == ""
    assert "empty.txt is empty" in done.stderr and "broken.jsonl: line 1" in done.stderr
    assert sorted(file.name for file in (tmp_path / "out" / "deep").iterdir()) == ["good.txt", "page.html"]
    assert (tmp_path / "out" / "deep" / "good.txt").read_text() == RESTORED
    assert (tmp_path / "out" / "deep" / "page.html").read_text() == f"<p>{RESTORED}</p>"
    assert "war" in (tmp_path / "pages" / "deep" / "good.txt.html").read_text()


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_unforeseen_error_does_not_stop_the_other_documents(
    jobs: int, tmp_path: Path, unspin_words: Command
) -> None:
    (tmp_path / "in").mkdir()
    for number in range(6):
        (tmp_path / "in" / f"{number}.txt").write_text("This was unforeseen.\n" if number == 2 else SPUN)
    pq.write_table(pa.table({"text": ["This was unforeseen."]}), tmp_path / "in" / "a.parquet")
    pq.write_table(pa.table({"text": [SPUN]}), tmp_path / "in" / "b.parquet")
    done = unspin_words("restore", "in", "--output", "out", "--jobs", jobs)
    what = "cannot be handled (ValueError: list index out of range): please report this, with the file"
    assert done.returncode == 1
    assert f"in/2.txt {what}" in done.stderr and f"in/a.parquet {what}" in done.stderr
    assert "Traceback" not in done.stderr
    written = [f"{number}.txt" for number in (0, 1, 3, 4, 5)]
    assert [(tmp_path / "out" / name).read_text() for name in written] == [RESTORED] * 5
    assert not (tmp_path / "out" / "2.txt").exists() and not (tmp_path / "out" / "a.parquet").exists()
    assert pq.read_table(tmp_path / "out" / "b.parquet").to_pydict() == {"text": [RESTORED]}


def test_a_table_that_cannot_be_written_does_not_stop_the_next(tmp_path: Path, unspin_words: Command) -> None:
    for name in ("in/sub/a.parquet", "in/z.parquet"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"text": [SPUN]}), tmp_path / name)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "sub").write_text("ours")
    done = unspin_words("restore", "in", "--output", "out")
    assert done.returncode == 1 and "in/sub/a.parquet cannot be written" in done.stderr
    assert pq.read_table(tmp_path / "out" / "z.parquet").to_pydict() == {"text": [RESTORED]}
    assert (tmp_path / "out" / "sub").read_text() == "ours"


@pytest.mark.parametrize("command", ["restore", "screen"])
def test_a_killed_worker_is_told_of(command: str, tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "a.txt").write_text(SPUN)
    (tmp_path / "b.txt").write_text("The process was killed.\n")
    done = unspin_words(command, "a.txt", "b.txt", "--output", "out", "--jobs", 2)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "unspin: a worker process was killed, perhaps for lack of memory: try fewer --jobs" in done.stderr


def test_the_edits_file_places_each_edit_in_both_texts(tmp_path: Path, unspin_words: Command) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(SPUN + "\n" + SPUN)
    done = unspin_words("restore", "a.txt", "b.txt", "--output", "out", "--edits", "e.jsonl")
    assert done.returncode == 0, done.stderr
    rows = _rows(tmp_path / "e.jsonl")
    edits = [("overseas", "foreign"), ("warfare", "war")]
    assert [(row["document"], row["spun"], row["restored"]) for row in rows] == [
        (name, *edit) for name in ("a.txt", "b.txt") for edit in [*edits, *edits]
    ]
    for row in rows:
        spun = (tmp_path / str(row["document"])).read_text()
        restored = (tmp_path / "out" / str(row["document"])).read_text()
        assert spun[row["start"] : row["end"]] == row["spun"]  # type: ignore[misc]
        assert restored[row["restored_start"] : row["restored_end"]] == row["restored"]  # type: ignore[misc]


def test_resuming_restores_only_what_is_missing(tmp_path: Path, unspin_words: Command) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        (tmp_path / name).write_text(SPUN)
    command = ("restore", "a.txt", "b.txt", "c.txt", "--output", "out", "--edits", "e.jsonl", "--resume")
    assert unspin_words(*command).returncode == 0
    done = unspin_words(*command)
    assert (done.returncode, done.stderr) == (0, "3 of 3 documents are finished already\n")
    (tmp_path / "out" / "a.txt").write_text("edited since")  # the reader's own work is kept
    (tmp_path / "out" / "b.txt").unlink()
    (tmp_path / "c.txt").write_text("Now the warfare had ended.\n")
    with (tmp_path / "e.jsonl").open("a") as rows:
        rows.write('{"document": "b.txt", "spun": "stale"}\n{"docum')
    done = unspin_words(*command)
    assert done.returncode == 0 and done.stderr.startswith("1 of 3 documents are finished already"), done.stderr
    texts = {name: (tmp_path / "out" / name).read_text() for name in ("a.txt", "b.txt", "c.txt")}
    assert texts == {"a.txt": "edited since", "b.txt": RESTORED, "c.txt": "Now the war had ended.\n"}
    places = [(row["document"], row["spun"]) for row in _rows(tmp_path / "e.jsonl")]
    pair = ["overseas", "warfare"]
    assert places == [*(("a.txt", it) for it in pair), *(("b.txt", it) for it in pair), ("c.txt", "warfare")]


def test_resuming_with_other_settings_restores_again(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "a.txt").write_text(SPUN + "“The warfare ended,” he said.\n")
    command = ("restore", "a.txt", "--output", "out", "--resume")
    assert unspin_words(*command).returncode == 0
    assert "“The war" in (tmp_path / "out" / "a.txt").read_text()
    assert unspin_words(*command, "--keep-quotations").returncode == 0
    assert "“The warfare" in (tmp_path / "out" / "a.txt").read_text()
    in_place = ("restore", "a.txt", "--in-place", "--resume")
    assert unspin_words(*in_place).returncode == 0
    assert "“The war ended" in (tmp_path / "a.txt").read_text()
    assert unspin_words(*in_place, "--keep-quotations").returncode == 0
    assert "“The warfare" in (tmp_path / "a.txt").read_text()


def test_in_place_keeps_the_first_original(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "a.txt").write_text(SPUN)
    (tmp_path / "b.md").write_text(SPUN)
    done = unspin_words("restore", "*.txt", "b.md", "--in-place")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.txt").read_text() == (tmp_path / "b.md").read_text() == RESTORED
    assert (tmp_path / "a.txt.bak").read_text() == (tmp_path / "b.md.bak").read_text() == SPUN
    (tmp_path / "b.md").write_text(SPUN)  # as if the run had been killed before it changed the file
    done = unspin_words("restore", "*.txt", "b.md", "--in-place", "--resume")
    assert done.returncode == 0 and "a.txt" not in done.stderr and "b.md: 2 edits" in done.stderr
    assert (tmp_path / "b.md").read_text() == RESTORED
    (tmp_path / "a.txt").write_text("Edited by hand; the warfare had ended.\n")
    assert unspin_words("restore", "a.txt", "--in-place").returncode == 0
    assert (tmp_path / "a.txt").read_text() == "Edited by hand; the war had ended.\n"
    assert (tmp_path / "a.txt.bak").read_text() == SPUN


def test_in_place_keeps_permissions_times_and_links(tmp_path: Path, unspin_words: Command) -> None:
    files = {name: tmp_path / name for name in ("spun.txt", "clean.txt", "real.md")}
    for name, file in files.items():
        file.write_text(CLEAN if name == "clean.txt" else SPUN)
        file.chmod(0o640)
        os.utime(file, (1_000_000, 1_000_000))
    (tmp_path / "link.md").symlink_to("real.md")
    done = unspin_words("restore", "spun.txt", "clean.txt", "link.md", "--in-place")
    assert done.returncode == 0, done.stderr
    assert [file.stat().st_mode & 0o777 for file in files.values()] == [0o640] * 3
    assert files["clean.txt"].stat().st_mtime == 1_000_000 and not (tmp_path / "clean.txt.bak").exists()
    backup = (tmp_path / "spun.txt.bak").stat()
    assert (backup.st_mode & 0o777, backup.st_mtime) == (0o640, 1_000_000)
    assert files["spun.txt"].stat().st_mtime > 1_000_000
    assert (tmp_path / "link.md").is_symlink() and files["real.md"].read_text() == RESTORED


def test_a_restored_copy_is_as_private_as_its_source(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "a.txt").write_text(SPUN)
    (tmp_path / "a.txt").chmod(0o600)
    assert unspin_words("restore", "a.txt", "--output", "new.txt").returncode == 0
    assert (tmp_path / "new.txt").read_text() == RESTORED
    assert (tmp_path / "new.txt").stat().st_mode & 0o777 == 0o600


def test_odd_names_are_written_and_named(tmp_path: Path, unspin_words: Command) -> None:
    names = ["-dash.txt", "two\nlines.txt", "caf\udce9.txt", "x" * 246 + ".txt"]
    (tmp_path / "in").mkdir()
    for name in names:
        (tmp_path / "in" / name).write_text(SPUN)
    done = unspin_words("restore", "in", "--output", "out", "--html", "pages", "--edits", "e.jsonl")
    assert done.returncode == 0, done.stderr
    assert all((tmp_path / "out" / name).read_text() == RESTORED for name in names)
    assert "in/two\\nlines.txt: 2 edits" in done.stderr and "restored 4 of 4 documents: 8 edits" in done.stderr
    assert {row["document"] for row in _rows(tmp_path / "e.jsonl")} >= {"in/-dash.txt", "in/caf\\udce9.txt"}


def test_a_name_that_leaves_no_room_for_the_backup_is_reported(tmp_path: Path, unspin_words: Command) -> None:
    names = ["a.txt", "x" * 251 + ".txt", "y.txt"]
    for name in names:
        (tmp_path / name).write_text(SPUN)
    done = unspin_words("restore", *names, "--in-place")
    assert done.returncode == 1 and "cannot be written" in done.stderr and "File name too long" in done.stderr
    assert [(tmp_path / name).read_text() for name in names] == [RESTORED, SPUN, RESTORED]


def test_a_dry_run_reads_and_writes_nothing(tmp_path: Path, unspin: Command) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text(SPUN)
    (tmp_path / "in" / "b.jsonl").write_text("{")
    done = unspin("restore", "in", "--output", "out", "--dry-run")
    assert done.returncode == 1 and "b.jsonl: line 1 is not JSON" in done.stderr
    assert done.stdout == "in/a.txt -> out/a.txt: 11 words\n1 of 2 documents, with 11 words, can be restored\n"
    assert not (tmp_path / "out").exists()


def test_the_diff_marks_words_without_colours(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "a.html").write_text(f"<p>{SPUN}</p>")
    done = unspin_words("restore", "a.html", "--diff")
    assert "The [-overseas-]{+foreign+} minister said on Monday that the [-warfare-]{+war+} had ended." in done.stderr
    assert "<p>" not in done.stderr and "\x1b" not in done.stderr
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [
        "a.html",
        done.stderr.splitlines()[1],
        "a.html",
    ]


def test_a_web_address_is_refused(refused: Callable[..., str]) -> None:
    message = refused("restore", "https://example.org/a.html", code=2)
    assert message == (
        "unspin: https://example.org/a.html: web addresses are not fetched: save the page to a file, and give that\n"
    )


def test_a_format_may_be_named(tmp_path: Path, unspin_words: Command, refused: Callable[..., str]) -> None:
    page = f"<script>overseas()</script><p>{SPUN}</p>"
    done = unspin_words("restore", "-", "--format", "html", stdin=page)
    assert (done.returncode, done.stdout) == (0, page.replace(SPUN, RESTORED))
    assert "looks like HTML" in unspin_words("restore", "-", stdin=f"<html><p>{SPUN}</p>").stderr
    (tmp_path / "a.story").write_text(SPUN)
    assert "files of type .story cannot be read" in refused("restore", "a.story")
    assert unspin_words("restore", "a.story", "--format", "txt").stdout == RESTORED


def test_rows_that_cannot_be_read_are_skipped_on_demand(tmp_path: Path, unspin_words: Command) -> None:
    rows = [{"text": SPUN}, {"body": "x"}, {"text": SPUN}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = unspin_words("restore", "a.jsonl")
    assert (done.returncode, done.stdout) == (1, "") and "line 2" in done.stderr and "--on-error skip" in done.stderr
    done = unspin_words("restore", "a.jsonl", "--on-error", "skip")
    assert done.returncode == 0 and "a.jsonl, line 2" in done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"text": RESTORED},
        {"body": "x"},
        {"text": RESTORED},
    ]


def test_several_processes_write_what_one_writes(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "in").mkdir()
    for number in range(20):
        (tmp_path / "in" / f"{number:02}.txt").write_text(f"{SPUN}It was said {number} times.\n")
    (tmp_path / "in" / "empty.txt").write_text("")
    for jobs in (1, 2):
        done = unspin_words("restore", "in", "--output", f"out{jobs}", "--edits", f"{jobs}.jsonl", "--jobs", jobs)
        assert done.returncode == 1 and "empty.txt is empty" in done.stderr
    one, two = ({file.name: file.read_bytes() for file in (tmp_path / f"out{jobs}").glob("*.txt")} for jobs in (1, 2))
    assert one == two and len(one) == 20 and all(text.startswith(RESTORED.encode()) for text in one.values())
    assert (tmp_path / "1.jsonl").read_text() == (tmp_path / "2.jsonl").read_text()
    assert len(_rows(tmp_path / "1.jsonl")) == 40


def test_a_column_of_a_table_is_restored(tmp_path: Path, refused: Callable[..., str], unspin_words: Command) -> None:
    pq.write_table(pa.table({"body": [SPUN, None, SPUN], "n": [1, 2, 3]}), tmp_path / "a.parquet")
    assert "needs an output folder" in refused("restore", "a.parquet", code=2)
    message = refused("restore", "a.parquet", "--output", "out")
    assert "no text column 'text'" in message and "body, n" in message and "--field" in message
    assert list((tmp_path / "out").iterdir()) == []
    done = unspin_words("restore", "a.parquet", "--output", "out", "--field", "body", "--edits", "e.jsonl")
    assert done.returncode == 0 and "a.parquet: 4 edits" in done.stderr, done.stderr
    restored = pq.read_table(tmp_path / "out" / "a.parquet")
    assert restored.to_pydict() == {"body": [RESTORED, None, RESTORED], "n": [1, 2, 3]}
    rows = _rows(tmp_path / "e.jsonl")
    assert [row["row"] for row in rows] == [0, 0, 2, 2]
    for row in rows:
        text = restored["body"][row["row"]].as_py()
        assert text[row["restored_start"] : row["restored_end"]] == row["restored"]


def test_stdin_goes_to_stdout(unspin_words: Command) -> None:
    done = unspin_words("restore", "-", "--diff", stdin=SPUN)
    assert (done.returncode, done.stdout) == (0, RESTORED)
    assert "stdin: 2 edits" in done.stderr
    assert "stdin is empty" in unspin_words("restore", "-", stdin="\ufeff").stderr


@pytest.mark.parametrize(
    ("redirection", "message"),
    [
        ("a.txt >&-", "stdout is closed: add --output FOLDER"),
        ("a.txt > /dev/full", "stdout: No space left on device"),
        ("- <&-", "stdin is closed: name files"),
    ],
)
def test_a_closed_or_full_stream_is_named(tmp_path: Path, word_script: Path, redirection: str, message: str) -> None:
    (tmp_path / "a.txt").write_text(SPUN)
    line = f"{sys.executable} {word_script} restore {redirection}"
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert (done.stderr, done.returncode > 0) == (f"unspin: {message}\n", True)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "a.txt").write_text(SPUN)
    (tmp_path / "file").write_text("")
    assert refused("restore", "a.txt", "--output", "/proc/out") == "unspin: /proc/out: No such file or directory\n"
    message = refused("restore", "a.txt", "--edits", "/proc/e.jsonl")
    assert message == "unspin: /proc/e.jsonl: No such file or directory\n"
    assert refused("restore", "a.txt", "--output", "file/out") == f"unspin: {tmp_path / 'file'}: File exists\n"


def test_the_processes_of_a_killed_run_end(tmp_path: Path, word_script: Path) -> None:
    (tmp_path / "a.txt").write_text(WAITING)
    os.mkfifo(tmp_path / "gate")
    line = [sys.executable, word_script, "restore", "a.txt", "--output", "out", "--jobs", "2"]
    with (
        subprocess.Popen(line, cwd=tmp_path, stderr=subprocess.DEVNULL) as process,
        (tmp_path / "gate").open("w"),  # once a worker reads it
    ):
        workers = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        _, alive = psutil.wait_procs(workers, timeout=60)
    assert workers and not alive


def _heed_ctrl_c() -> None:
    """The tests may run in the background, where shells let processes ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_ends_a_run_and_says_how_to_go_on(tmp_path: Path, word_script: Path, jobs: int) -> None:
    (tmp_path / "a.txt").write_text(SPUN)
    (tmp_path / "b.txt").write_text(WAITING)
    os.mkfifo(tmp_path / "gate")
    line = [sys.executable, word_script, "restore", "a.txt", "b.txt", "--output", "out", "--jobs", str(jobs)]
    with (
        subprocess.Popen(line, cwd=tmp_path, stderr=subprocess.PIPE, text=True, preexec_fn=_heed_ctrl_c) as process,
        (tmp_path / "gate").open("w"),  # once the run reads it
    ):
        process.send_signal(signal.SIGINT)
        _, message = process.communicate(timeout=60)
    assert process.returncode == 130
    assert message == "stopped after 0 of 2 documents; the same command with --resume goes on\n"


def test_restoring_a_text_needs_no_extra(tmp_path: Path, tiny_adapter: Path) -> None:
    """With every package blocked that the base installation does not bring, directly or indirectly."""
    base: set[str] = set()
    pending = [*packages_of_extras()[""]]
    while pending:
        name = canonicalize_name(pending.pop())
        if name not in base:
            base.add(name)
            requirements = map(Requirement, requires(name) or ())
            pending += [it.name for it in requirements if not it.marker or it.marker.evaluate({"extra": ""})]
    installed = packages_distributions().items()
    blocked = [module for module, names in installed if not base & {canonicalize_name(name) for name in names}]
    blocked = [module for module in blocked if module != "unspin" and module not in sys.builtin_module_names]
    assert {"datasets", "pyarrow", "ctranslate2", "fastapi"} <= {*blocked}
    code = f"import sys; sys.modules.update(dict.fromkeys({blocked})); from unspin.cli import main; main()"
    command = [sys.executable, "-c", code, "restore", "-", "--checkpoint", str(tiny_adapter)]
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(command, input=CLEAN, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout) == (0, CLEAN), done.stderr


def test_a_checkpoint_decodes_with_its_own_model(tmp_path: Path, tiny_adapter: Path, unspin: Command) -> None:
    done = unspin("restore", "-", "--min-confidence", "1", "--checkpoint", tiny_adapter, stdin=CLEAN)
    assert (done.returncode, done.stdout) == (0, CLEAN), done.stderr


def test_an_incomplete_checkpoint_is_reported(tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "article.txt").write_text(CLEAN)
    (tmp_path / "half").mkdir()
    message = refused("restore", "article.txt", "--checkpoint", "half")
    assert "half has no unspin.json, so it is not a checkpoint: give one that" in message
    (tmp_path / "half" / "unspin.json").write_text("{}")
    message = refused("restore", "article.txt", "--checkpoint", "half")
    assert "half is incomplete: adapter_config.json, adapter_model.safetensors is missing; copy" in message


def test_each_original_of_a_path_is_kept(tmp_path: Path, unspin_words: Command) -> None:
    file = tmp_path / "day.txt"
    for text in (SPUN, "A new day: the warfare had ended.\n"):
        file.write_text(text)
        assert unspin_words("restore", "day.txt", "--in-place").returncode == 0
        assert unspin_words("restore", "day.txt", "--in-place").returncode == 0  # of its own work no copy is kept
    backups = {backup.name: backup.read_text() for backup in tmp_path.glob("day.txt.bak*")}
    assert backups == {"day.txt.bak": SPUN, "day.txt.bak.2": "A new day: the warfare had ended.\n"}
    file.write_text(RESTORED)
    (tmp_path / "day.txt.bak").write_text(SPUN)
    done = unspin_words("restore", "day.txt", "--in-place", "--resume", "--keep-quotations")
    assert done.returncode == 0 and file.read_text() == RESTORED


def test_two_runs_in_place_keep_every_original(tmp_path: Path, word_script: Path) -> None:
    (tmp_path / "in").mkdir()
    texts = {f"{number}.txt": f"{SPUN}{number}\n" for number in range(60)}
    for name, text in texts.items():
        (tmp_path / "in" / name).write_text(text)
    line = [sys.executable, word_script, "restore", "in", "--in-place"]
    runs = [subprocess.Popen(line, cwd=tmp_path, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert all("Traceback" not in run.communicate(timeout=120)[1] for run in runs)
    for name, text in texts.items():
        assert text in {copy.read_text() for copy in (tmp_path / "in").glob(f"{name}.bak*")}
        assert (tmp_path / "in" / name).read_text() == text.replace("overseas", "foreign").replace("warfare", "war")


def test_a_second_run_in_place_remembers_the_original(tmp_path: Path, unspin_words: Command) -> None:
    file = tmp_path / "a.txt"
    file.write_text("“The warfare ended,” he said.\n")
    for _ in range(2):
        assert unspin_words("restore", "a.txt", "--in-place").returncode == 0
    assert unspin_words("restore", "a.txt", "--in-place", "--resume", "--keep-quotations").returncode == 0
    assert file.read_text() == "“The warfare ended,” he said.\n"


def test_half_a_character_does_not_stop_the_pages(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "The talks \\ud800 ended. The warfare had ended then."}\n')
    (tmp_path / "b.txt").write_text(SPUN)
    done = unspin_words("restore", "a.jsonl", "b.txt", "--output", "out", "--html", "pages")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "b.txt").read_text() == RESTORED and (tmp_path / "pages" / "a.jsonl.html").exists()


@pytest.mark.parametrize("content", [b"my notes\n", b'{"a": 1}\n', b"[1]\n", b"\xff\n"])
def test_an_edits_file_that_holds_something_else_is_kept(tmp_path: Path, unspin_words: Command, content: bytes) -> None:
    (tmp_path / "a.txt").write_text(SPUN)
    (tmp_path / "notes.jsonl").write_bytes(content)
    done = unspin_words("restore", "a.txt", "--output", "out", "--resume", "--edits", "notes.jsonl")
    assert done.returncode == 2 and "notes.jsonl holds something else than edits" in done.stderr
    assert (tmp_path / "notes.jsonl").read_bytes() == content


@pytest.mark.parametrize("source", ["in/a.txt", "in", "in/*.txt"])
def test_an_article_named_for_the_edits_is_kept(source: str, tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.txt", "b.txt"):
        (tmp_path / "in" / name).write_text(SPUN)
    done = unspin_words("restore", source, "--output", "out", "--edits", "in/a.txt")
    assert done.returncode == 2 and "--edits in/a.txt" in done.stderr
    assert (tmp_path / "in" / "a.txt").read_text() == SPUN and not (tmp_path / "out").exists()


def test_resuming_writes_pages_and_edits_that_are_gone(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "a.txt").write_text(SPUN)
    command = ("restore", "a.txt", "--output", "out", "--html", "pages", "--edits", "e.jsonl", "--resume")
    for gone in ("nothing.txt", "pages/a.txt.html", "e.jsonl"):
        (tmp_path / gone).unlink(missing_ok=True)
        assert unspin_words(*command).returncode == 0
        assert (tmp_path / "pages" / "a.txt.html").exists() and len(_rows(tmp_path / "e.jsonl")) == 2


def test_a_dry_run_reads_tables(tmp_path: Path, unspin: Command) -> None:
    pq.write_table(pa.table({"text": [SPUN, None]}), tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(b"PAR1")
    done = unspin("restore", "a.parquet", "b.parquet", "--output", "out", "--dry-run")
    assert done.returncode == 1 and "b.parquet cannot be read as Parquet" in done.stderr
    assert done.stdout.startswith("a.parquet -> out/a.parquet: 11 words\n")


def _zip(members: dict[str, str]) -> bytes:
    file = io.BytesIO()
    with ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def documents() -> dict[str, bytes]:
    """A spun document of every sort of format."""
    word = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>'
    office = "urn:oasis:names:tc:opendocument:xmlns"
    odt = f'<o:document-content xmlns:o="{office}:office:1.0" xmlns:t="{office}:text:1.0"><o:body><o:text><t:p>'
    types = "http://schemas.openxmlformats.org/package/2006"
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    override = f'<Override PartName="/word/document.xml" ContentType="{main}"/>'
    office_document = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    relation = f'<Relationship Id="r" Type="{office_document}" Target="word/document.xml"/>'
    docx = {
        "[Content_Types].xml": f'<Types xmlns="{types}/content-types">{override}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{types}/relationships">{relation}</Relationships>',
        "word/document.xml": f"{word}{SPUN}</w:t></w:r></w:p></w:body></w:document>",
    }
    mimetype, end = "application/vnd.oasis.opendocument.text", "</t:p></o:text></o:body></o:document-content>"
    texts = {
        "a.md": SPUN,
        "a.html": f"<p>{SPUN}</p>",
        "a.jsonl": json.dumps({"text": SPUN}),
        "a.csv": f"text\n{SPUN}",
        "a.srt": f"1\n00:00:01,000 --> 00:00:04,000\n{SPUN}",
        "a.rst": SPUN,
    }
    return {name: text.encode() for name, text in texts.items()} | {
        "a.docx": _zip(docx),
        "a.odt": _zip({"mimetype": mimetype, "content.xml": f"{odt}{SPUN}{end}"}),
    }


def test_several_processes_restore_every_format(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "in").mkdir()
    for name, content in documents().items():
        (tmp_path / "in" / name).write_bytes(content)
    for jobs in (1, 2):
        done = unspin_words("restore", "in", "--output", f"out{jobs}", "--jobs", jobs)
        assert done.returncode == 0, done.stderr
    one, two = ({file.name: file.read_bytes() for file in (tmp_path / f"out{jobs}").glob("a.*")} for jobs in (1, 2))
    assert one == two and one.keys() == documents().keys()
    assert all(one[name] != content for name, content in documents().items())
