"""`unspin restore`, end to end: what is written where, and that one bad file never stops the others."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from unspin.extras import packages_of_extras

Command = Callable[..., "subprocess.CompletedProcess[str]"]
CLEAN = "A sentence that reads well enough.\n"
SPUN = "The overseas minister said on Monday that the warfare had ended.\n"
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
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(SPUN)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.txt").write_text("restored before")
    (tmp_path / "e.jsonl").write_text('{"document": "a.txt"}\n{"document": "b.txt", "spun": "stale"}\n{"docum')
    done = unspin_words("restore", "a.txt", "b.txt", "--output", "out", "--edits", "e.jsonl", "--resume")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "a.txt").read_text() == "restored before"
    assert (tmp_path / "out" / "b.txt").read_text() == RESTORED
    rows = _rows(tmp_path / "e.jsonl")
    assert [(row["document"], row.get("spun")) for row in rows] == [
        ("a.txt", None),
        ("b.txt", "overseas"),
        ("b.txt", "warfare"),
    ]


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


def test_several_processes_write_what_one_writes(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "in").mkdir()
    for number in range(20):
        (tmp_path / "in" / f"{number:02}.txt").write_text(f"{SPUN}It was said {number} times.\n")
    (tmp_path / "in" / "empty.txt").write_text("")
    for jobs in (1, 2):
        done = unspin_words("restore", "in", "--output", f"out{jobs}", "--edits", f"{jobs}.jsonl", "--jobs", jobs)
        assert done.returncode == 1 and "empty.txt is empty" in done.stderr
    one, two = ({file.name: file.read_bytes() for file in (tmp_path / f"out{jobs}").iterdir()} for jobs in (1, 2))
    assert one == two and len(one) == 20 and all(text.startswith(RESTORED.encode()) for text in one.values())
    assert (tmp_path / "1.jsonl").read_text() == (tmp_path / "2.jsonl").read_text()
    assert len(_rows(tmp_path / "1.jsonl")) == 40


def test_a_column_of_a_table_is_restored(tmp_path: Path, refused: Callable[..., str], unspin_words: Command) -> None:
    pq.write_table(pa.table({"body": [SPUN, None, SPUN], "n": [1, 2, 3]}), tmp_path / "a.parquet")
    assert "needs an output folder" in refused("restore", "a.parquet")
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
    assert "stdin.txt" not in done.stderr and "2 edits" in done.stderr


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
    assert "half is incomplete: adapter_config.json, adapter_model.safetensors, unspin.json" in message


def test_files_of_the_same_name_are_not_merged(tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "good.txt").write_text(CLEAN)
    assert "would be written to one file" in refused("restore", "good.txt", "good.txt", "--output", "restored")
    assert not (tmp_path / "restored").exists()
