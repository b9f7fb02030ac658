"""Bad input of every kind, through every command: no traceback, and nothing stops the good files."""

import io
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner
from unspin.cli.app import app
from unspin.errors import UnspinError

Command = Callable[..., "subprocess.CompletedProcess[str]"]
SPUN = "The overseas minister said on Monday that the warfare had ended."
RESTORED = "The foreign minister said on Monday that the war had ended."


def _archive(members: dict[str, str]) -> bytes:
    data = io.BytesIO()
    with ZipFile(data, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return data.getvalue()


def _parquet(*columns: pa.Array, name: str = "text") -> bytes:
    data = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(list(columns), names=[name] * len(columns)), data)
    return data.getvalue()


def _bytes_as_text(*values: bytes) -> pa.Array:
    return pa.Array.from_buffers(pa.string(), len(values), pa.array(values, pa.binary()).buffers())


MARKUP = (
    "<![5]>",
    "<![x]>",
    "&#" + "5" * 5000,
    "&bogus;",
    "<!--",
    "<?php",
    "</",
    "<a x='",
    "]]>",
    "<svg><math><p>",
    "\ufffe",
)
DEEP = 100_000
ENTITIES = "<!DOCTYPE a [<!ENTITY b 'b'>" + "".join(f"<!ENTITY b{i} '{'&b;' * 9}'>" for i in range(9)) + "]><a>&b8;</a>"
BAD: dict[str, bytes] = {
    **{f"markup-{i}.html": f"<p>{SPUN}{markup}{SPUN}".encode() for i, markup in enumerate(MARKUP)},
    **{f"markup-{i}.md": f"{SPUN}\n{markup}\n{SPUN}".encode() for i, markup in enumerate(MARKUP)},
    **{f"zeros.{suffix}": b"\0" * 100 for suffix in ("txt", "md", "html", "csv", "json", "jsonl", "srt", "vtt", "rst")},
    **{f"noise.{suffix}": bytes(range(256)) * 4 for suffix in ("txt", "html", "docx", "odt", "epub", "parquet", "csv")},
    **{f"empty.{suffix}": b"" for suffix in ("txt", "docx", "epub", "parquet", "json", "jsonl", "csv", "srt", "rst")},
    "deep.json": b"[" * DEEP + b"]" * DEEP,
    "deep.jsonl": b'{"text":' * DEEP + b"1" + b"}" * DEEP,
    "deep.html": b"<div>" * DEEP + SPUN.encode(),
    "deep.md": b"> " * DEEP + SPUN.encode(),
    "deep.rst": b".. a::\n\n   " * 200 + SPUN.encode(),
    "number.json": b'{"text": ' + b"9" * 10_000 + b"}",
    "surrogate.json": json.dumps({"text": f"\ud800 {SPUN}"}).encode(),
    "latin.txt": f"{SPUN} Café.\n".encode("latin-1"),
    "mixed.txt": f"{SPUN} Café, café.\n".encode() + b"\xe9\xe8",
    "controls.txt": f"\x1b]0;x\x07 {SPUN} \x1b[2J \u202e {SPUN}".encode(),
    "utf16.txt": SPUN.encode("utf-16"),
    "odd-utf16.txt": SPUN.encode("utf-16") + b"x",
    "entities.docx": _archive({"[Content_Types].xml": ENTITIES, "word/document.xml": ENTITIES}),
    "entities.epub": _archive({"mimetype": "application/epub+zip", "META-INF/container.xml": ENTITIES}),
    "entities.odt": _archive({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": ENTITIES}),
    "other.docx": _archive({"a.txt": SPUN}),
    "header.csv": f"\x1b[31mtitle,\u202ebody\n{SPUN},a\n".encode(),
    "header.parquet": _parquet(pa.array([SPUN]), name="\x1b[31mtitle"),
    "bytes.parquet": _parquet(_bytes_as_text(b"caf\xe9", SPUN.encode())),
    "twice.parquet": _parquet(pa.array([SPUN]), pa.array([SPUN])),
    "numbers.parquet": _parquet(pa.array([1])),
    "times.srt": f"1\n99:99:99,999 --> x\n{SPUN}\n".encode(),
    "quotes.csv": f'text\n"{SPUN}\n'.encode(),
    "wide.csv": b"text," * 10_000 + b"\n" + SPUN.encode(),
    "x" * 246 + ".txt": SPUN.encode(),
    "new\nline.txt": SPUN.encode(),
    "-dash.txt": SPUN.encode(),
    "[a]*.txt": SPUN.encode(),
    "unknown.xyz": SPUN.encode(),
}  # fmt: skip
GOOD = ("a-first.txt", "zz-last.txt", "m-middle.html")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, data in BAD.items():
        (folder / name).write_bytes(data)
    (folder / os.fsdecode(b"\xff\xfe.txt")).write_text(SPUN)
    (folder / "loop.txt").symlink_to("loop.txt")
    os.mkfifo(folder / "pipe.txt")
    for name in GOOD:
        (folder / name).write_text(SPUN)
    return folder


def _check(done: "subprocess.CompletedProcess[str]") -> None:
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    assert "cannot be handled" not in done.stderr, "every one of these errors was foreseen"
    assert "\x1b" not in done.stderr + done.stdout and "\u202e" not in done.stderr + done.stdout
    assert done.returncode == 1, "some files cannot be read"


@pytest.mark.parametrize(
    "options",
    [
        ["--output", "out", "--html", "pages", "--edits", "e.jsonl", "--diff"],
        ["--output", "out", "--jobs", "2", "--resume", "--on-error", "skip"],
        ["--output", "out", "--main-content", "--keep-quotations"],
        ["--in-place", "--field", "text.0"],
    ],
    ids=["pages", "jobs", "main content", "in place"],
)
def test_bad_documents_do_not_stop_the_good_ones(
    options: list[str], folder: Path, tmp_path: Path, unspin_words: Command
) -> None:
    _check(unspin_words("restore", "in", *options))
    for name in GOOD[:2] if "--main-content" in options else GOOD:
        assert ((folder if "--in-place" in options else tmp_path / "out") / name).read_text() == RESTORED


@pytest.mark.parametrize("jobs", [1, 2])
def test_bad_documents_do_not_stop_a_screening(jobs: int, folder: Path, tmp_path: Path, unspin_words: Command) -> None:
    _check(unspin_words("screen", "in", "--output", "out", "--jobs", jobs))
    screened = {
        json.loads(line)["document"] for line in (tmp_path / "out" / "screening.jsonl").read_text().splitlines()
    }
    assert {f"in/{name}" for name in GOOD} <= screened


def test_a_dry_run_reads_bad_documents(folder: Path, unspin_words: Command) -> None:
    _check(unspin_words("restore", "in", "--output", "out", "--dry-run"))


CONFIGS = (
    *("", "5", "[]", "[", "\t", "a: &a [*a]", "inherits: 5", "inherits: [a]", "inherits: run.yaml", "inherits: /dev"),
    *("seed: 2001-99-99", "seed: .nan", "seed: 1e999", "output: 5", "output: ''", "output: [a]", "output: {a: 1}"),
    *("? [a]\n: 1", "!!python/object/apply:os.getcwd []", "\ud800", "\x00", "[" * 5000, "a: " + "x" * 100_000, "~: 1"),
    *("output: o\ndata: d\nmax_steps: -1", "output: o\nspinners: {phrases: -1}", "output: o\nsuites: [5]"),
    *("sources: 5", "spun: 5\nrounds: x", "1: 2"),
)


@pytest.mark.parametrize("command", ["train", "build", "evaluate", "calibrate", "self-train"])
@pytest.mark.parametrize("text", CONFIGS, ids=lambda text: repr(text[:20]))
def test_a_bad_config_is_refused(command: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    result = CliRunner().invoke(app, [command, "run.yaml"])
    assert isinstance(result.exception, (UnspinError, OSError))
    assert len(str(result.exception)) < 2000
    assert sorted(file.name for file in tmp_path.iterdir()) == ["run.yaml"]


@pytest.mark.parametrize(
    "command", ["restore a.txt --checkpoint", "screen a.txt --checkpoint", "serve --checkpoint", "export"]
)
@pytest.mark.parametrize("content", ["", "5", "[" * 5000, "{}", '{"backbone": 5}'])
def test_a_bad_checkpoint_is_refused(
    command: str, content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text(SPUN)
    (tmp_path / "model").mkdir()
    for name in ("unspin.json", "adapter_config.json", "adapter_model.safetensors"):
        (tmp_path / "model" / name).write_text(content)
    arguments = [*command.split(), "model", *(["--output", "out"] if command == "export" else [])]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, UnspinError), result.output
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.txt", "model"]
