"""`unspin screen`: the table, the reports, the exit codes, and what a second run does again."""

import csv
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from unspin.cli.screen_report import show

Command = Callable[..., "subprocess.CompletedProcess[str]"]
GARBLED = "The overseas minister said on Monday that the warfare had ended in the vapor motors of the north.\n"
CLEAN = "The talks were held on Monday in the capital of the country, and nobody left them early.\n"


@pytest.fixture(autouse=True)
def documents(tmp_path: Path) -> None:
    folder = tmp_path / "papers" / "old"
    folder.mkdir(parents=True)
    (folder / "garbled.txt").write_text(f"{GARBLED}\n{CLEAN}")
    (tmp_path / "papers" / "clean.txt").write_text(CLEAN)
    (tmp_path / "phrases.tsv").write_text("vapor motor\tsteam engine\n")


def _findings(folder: Path) -> dict[str, dict[str, Any]]:
    rows = map(json.loads, (folder / "screening.jsonl").read_text().splitlines())
    return {", ".join(filter(None, (row["document"], row["part"]))): row for row in rows}


def test_the_table_begins_with_the_most_garbled_document(unspin_words: Command) -> None:
    done = unspin_words("screen", "papers")
    assert done.returncode == 0 and done.stderr == "", done
    lines = [line.split() for line in done.stdout.splitlines() if ".txt" in line]
    assert [line[4] for line in lines] == ["papers/old/garbled.txt", "papers/clean.txt"]
    assert lines[0][-3:] in (["“overseas”", "→", "“foreign”"], ["“warfare”", "→", "“war”"])
    assert lines[1][0] == "0%"


def test_a_single_document_is_shown_with_its_places(unspin_words: Command) -> None:
    done = unspin_words("screen", "-", stdin=GARBLED)
    assert done.returncode == 0 and "“overseas” → “foreign”  … The overseas minister said" in done.stdout, done
    assert "stdin" in done.stdout


def test_the_output_folder_gets_a_page_and_files_for_other_programs(tmp_path: Path, unspin_words: Command) -> None:
    done = unspin_words("screen", "papers", "--output", "out", "--phrases", "phrases.tsv")
    assert done.returncode == 0 and done.stderr == "report: out/report.html\n", done
    out = tmp_path / "out"
    findings = _findings(out)
    garbled, clean = findings["papers/old/garbled.txt"], findings["papers/clean.txt"]
    assert garbled["share"] > 0 == clean["share"]
    assert [hit["found"] for hit in garbled["hits"]] == ["vapor motors"]
    assert {place["expected"] for place in garbled["places"]} == {"foreign", "war", "steam engines"}
    assert [row["text"] for row in garbled["paragraphs"]] == [GARBLED.strip(), CLEAN.strip()]
    with (out / "documents.csv").open(newline="", encoding="utf-8") as rows:
        table = {row["document"]: row for row in csv.DictReader(rows)}
    assert float(table["papers/old/garbled.txt"]["share"]) == garbled["share"]
    assert table["papers/old/garbled.txt"]["hits"] == "1"
    with (out / "paragraphs.csv").open(newline="", encoding="utf-8") as rows:
        paragraphs = [(row["document"], row["paragraph"]) for row in csv.DictReader(rows)]
    assert paragraphs == [("papers/clean.txt", "1"), ("papers/old/garbled.txt", "1"), ("papers/old/garbled.txt", "2")]
    page = (out / "report.html").read_text()
    assert page.index("garbled.txt") < page.index("clean.txt")
    assert "<mark>vapor motors</mark>" in page and "probably was <q>foreign</q>" in page


def test_pages_and_tables_escape_what_they_show(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "=evil<script>.txt").write_text(f"=1 <script>alert(1)</script> {GARBLED}")
    assert unspin_words("screen", "=evil<script>.txt", "--output", "out").returncode == 0
    assert "<script>" not in (tmp_path / "out" / "report.html").read_text()
    with (tmp_path / "out" / "documents.csv").open(newline="", encoding="utf-8") as rows:
        assert next(csv.DictReader(rows))["document"] == "'=evil<script>.txt"


def test_a_terminal_gets_no_control_characters_of_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    place = {"found": "war\x1b[2Jfare", "expected": "w\x1bar", "confidence": 1.0, "sentence": "The war\x1b[2Jfare."}
    row = {"document": "a.txt", "part": "", "words": 2, "share": 0.5, "low": 0.0, "high": 1.0}
    show([{**row, "hits": [], "places": [place]}], 1)
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and shown.count("fare") == 3


def test_a_terminal_that_lacks_characters_gets_the_table(
    unspin_words: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = unspin_words("screen", "papers")
    assert done.returncode == 0 and "?overseas? ? ?foreign?" in done.stdout, done


def test_a_document_above_the_limit_ends_with_exit_code_3(tmp_path: Path, unspin_words: Command) -> None:
    done = unspin_words("screen", "papers", "--fail-over", "0.01")
    assert done.returncode == 3 and "1 of 2 documents have a share above 1%" in done.stderr, done
    assert "share above 0.4%" in unspin_words("screen", "papers", "--fail-over", "0.004").stderr
    assert unspin_words("screen", "papers", "--fail-over", "0.9").returncode == 0


def test_rows_of_tables_are_documents(tmp_path: Path, unspin_words: Command) -> None:
    pq.write_table(pa.table({"text": [CLEAN, None, GARBLED]}), tmp_path / "rows.parquet", row_group_size=2)
    rows = [{"text": CLEAN}, {"text": GARBLED}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "rows.csv").write_text(f'text\n"{CLEAN.strip()}"\n"{GARBLED.strip()}"\n')
    done = unspin_words("screen", "rows.parquet", "rows.jsonl", "rows.csv", "--output", "out")
    assert done.returncode == 0, done
    shares = {name: row["share"] > 0 for name, row in _findings(tmp_path / "out").items()}
    assert shares == {
        "rows.parquet, row 0": False,
        "rows.parquet, row 2": True,
        "rows.jsonl, line 1": False,
        "rows.jsonl, line 2": True,
        "rows.csv, row 0": False,
        "rows.csv, row 1": True,
    }


def test_texts_of_a_row_are_one_document_and_texts_of_an_object_are_several(
    tmp_path: Path, unspin_words: Command
) -> None:
    texts = {"body, main": [CLEAN, GARBLED]}
    (tmp_path / "rows.jsonl").write_text(json.dumps(texts) + "\n")
    (tmp_path / "object.json").write_text(json.dumps(texts))
    (tmp_path / "list.json").write_text(json.dumps([texts, texts]))
    files = ("rows.jsonl", "object.json", "list.json")
    done = unspin_words("screen", *files, "--field", "body, main", "--output", "out")
    assert done.returncode == 0, done
    words = {name: row["words"] for name, row in _findings(tmp_path / "out").items()}
    assert words == {
        "rows.jsonl, line 1": 35,
        "object.json, body, main[0]": 17,
        "object.json, body, main[1]": 18,
        "list.json, [0]": 35,
        "list.json, [1]": 35,
    }


def test_rows_that_are_skipped_are_told_of(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps({"text": CLEAN}) + '\n{"text": 1}\n' + json.dumps({"text": CLEAN}))
    done = unspin_words("screen", "rows.jsonl", "--on-error", "skip", "--output", "out")
    assert done.returncode == 0 and "\nwarnings: 1, see out/documents.csv\n" in done.stderr
    warnings = {name: row["warnings"] for name, row in _findings(tmp_path / "out").items()}
    assert warnings == {"rows.jsonl, line 1": ["line 2 has a number under the key 'text'"], "rows.jsonl, line 3": []}
    done = unspin_words("screen", "rows.jsonl", "--on-error", "skip")
    assert "warning: rows.jsonl, line 1: line 2 has a number under the key 'text'\n" in done.stderr


def test_tables_without_texts_are_named(tmp_path: Path, unspin_words: Command) -> None:
    pq.write_table(pa.table({"text": pa.array([None], pa.string())}), tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text("text\n")
    (tmp_path / "c.jsonl").write_text('{"text": null}\n')
    assert unspin_words("screen", "a.parquet", "b.csv", "c.jsonl", "--output", "out").returncode == 0
    rows = _findings(tmp_path / "out")
    assert {name: row["words"] for name, row in rows.items()} == {"a.parquet": 0, "b.csv": 0, "c.jsonl": 0}
    assert all(row["warnings"] == ["no English prose: nothing to judge"] for row in rows.values())


def test_resuming_screens_only_what_is_new_or_has_changed(tmp_path: Path, unspin_words: Command) -> None:
    command = ("screen", "papers", "--output", "out", "--resume")
    assert "screened already" not in unspin_words(*command).stderr
    (tmp_path / "papers" / "clean.txt").write_text(GARBLED)
    assert "1 of 2 documents are screened already" in unspin_words(*command).stderr
    assert _findings(tmp_path / "out")["papers/clean.txt"]["share"] > 0
    done = unspin_words(*command, "--fail-over", "0.01")
    assert "2 of 2 documents are screened already" in done.stderr and done.returncode == 3, done
    assert "screened already" not in unspin_words(*command, "--phrases", "phrases.tsv").stderr


@pytest.mark.parametrize("damage", [lambda lines: lines[:1], lambda lines: lines[:-1], lambda _: [b"null\n", b"[]\n"]])
def test_a_damaged_record_is_no_screening(
    tmp_path: Path, unspin_words: Command, damage: Callable[[list[bytes]], list[bytes]]
) -> None:
    command = ("screen", "papers", "--output", "out", "--resume")
    assert unspin_words(*command).returncode == 0
    whole = _findings(tmp_path / "out")
    record = min((tmp_path / "out" / ".screening").rglob("*.json*"))
    record.write_bytes(b"".join(damage(record.read_bytes().splitlines(keepends=True))))
    done = unspin_words(*command)
    assert done.returncode == 0 and "1 of 2 documents are screened already" in done.stderr, done
    assert _findings(tmp_path / "out") == whole


def test_worker_processes_find_the_same(tmp_path: Path, unspin_words: Command) -> None:
    for number in range(20):
        (tmp_path / "papers" / f"{number}.txt").write_text(GARBLED if number % 3 else CLEAN)
    for output, jobs in (("one", "1"), ("two", "2")):
        assert unspin_words("screen", "papers", "--output", output, "--jobs", jobs).returncode == 0
    for name in ("screening.jsonl", "documents.csv", "paragraphs.csv", "report.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("command", ["screen", "restore"])
def test_worker_processes_leave_stdin_to_the_first_process(unspin_words: Command, command: str) -> None:
    done = unspin_words(command, "-", "papers", "--jobs", "2", "--output", "out", stdin=GARBLED)
    assert done.returncode == 0, done


def test_an_unreadable_document_does_not_stop_the_others(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "papers" / "broken.docx").write_bytes(b"PK nothing")
    done = unspin_words("screen", "missing.parquet", "missing.txt", "papers", "--output", "out")
    assert done.returncode == 1, done
    assert all(name in done.stderr for name in ("broken.docx", "missing.parquet", "missing.txt")), done
    assert len(_findings(tmp_path / "out")) == 2


def test_a_document_that_cannot_be_read_any_more_is_not_reported(tmp_path: Path, unspin_words: Command) -> None:
    command = ("screen", "papers", "--output", "out")
    assert unspin_words(*command).returncode == 0
    (tmp_path / "papers" / "clean.txt").write_bytes(b"")
    assert unspin_words(*command).returncode == 1
    assert list(_findings(tmp_path / "out")) == ["papers/old/garbled.txt"]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_unreadable_document_does_not_stop_other_tasks(tmp_path: Path, unspin_words: Command, jobs: str) -> None:
    (tmp_path / "local.yaml").write_text("executor: {kind: local}\n")
    for number in range(9):
        (tmp_path / "papers" / f"{number}.txt").write_text("" if number in (0, 7) else CLEAN)
    done = unspin_words("screen", "papers", "--output", "out", "--executor", "local.yaml", "--jobs", jobs)
    assert done.returncode == 1 and "0.txt is empty" in done.stderr and "7.txt is empty" in done.stderr, done
    assert len(_findings(tmp_path / "out")) == 9


def test_what_a_cluster_has_yet_to_screen_is_not_reported(
    tmp_path: Path, unspin_words: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sbatch").write_text("#!/bin/sh\necho Submitted batch job 1\n")
    (tmp_path / "sbatch").chmod(0o755)
    (tmp_path / "slurm.yaml").write_text("executor: {kind: slurm, partition: cpu}\n")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    command = ("screen", "papers", "--output", "out")
    assert unspin_words(*command).returncode == 0
    (tmp_path / "papers" / "clean.txt").write_text(GARBLED)
    assert unspin_words(*command, "--executor", "slurm.yaml").returncode == 0
    assert list(_findings(tmp_path / "out")) == ["papers/old/garbled.txt"]


def test_text_without_prose_is_named_and_not_judged(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "menu.txt").write_text("Menu\n\nHome\n")
    done = unspin_words("screen", "menu.txt", "--output", "out", "--fail-over", "0")
    assert done.returncode == 0, done
    row = _findings(tmp_path / "out")["menu.txt"]
    assert (row["words"], row["share"], row["high"]) == (0, 0.0, 1.0)
    assert row["warnings"] == ["no English prose: nothing to judge"]


def test_the_output_folder_may_lie_in_the_folder_that_is_screened(tmp_path: Path, unspin_words: Command) -> None:
    for paths in ("papers", "papers", "papers/**", "pap*/**/*.*"):
        assert unspin_words("screen", paths, "--output", "papers/out").returncode == 0
        assert set(_findings(tmp_path / "papers" / "out")) == {"papers/old/garbled.txt", "papers/clean.txt"}


@pytest.mark.parametrize("named", [("shelf",), ("shelf/papers", "shelf/reports")])
def test_reports_of_an_earlier_run_are_not_screened(
    tmp_path: Path, unspin_words: Command, named: tuple[str, ...]
) -> None:
    (tmp_path / "shelf" / "reports").mkdir(parents=True)
    (tmp_path / "papers").rename(tmp_path / "shelf" / "papers")
    for _ in range(2):
        done = unspin_words("screen", *named, "--output", named[-1])
        assert done.returncode == 0, done
        assert set(_findings(tmp_path / named[-1])) == {"shelf/papers/old/garbled.txt", "shelf/papers/clean.txt"}


def test_what_restoring_wrote_is_not_overwritten(tmp_path: Path, unspin_words: Command) -> None:
    (tmp_path / "documents.csv").write_text(rows := f'text\n"{CLEAN}"\n')
    assert unspin_words("restore", "documents.csv", "papers", "--output", "out").returncode == 0
    done = unspin_words("screen", "papers", "--output", "out")
    assert done.returncode == 2 and "out holds documents.csv, which no screening wrote" in done.stderr, done
    assert (tmp_path / "out" / "documents.csv").read_text() == rows


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("papers", "--engine", "fast"), "--engine fast: choose one of draft, transformers"),
        (("papers", "--format", "pdf"), "--format pdf: choose one of"),
        (("papers", "--resume"), "--resume skips documents that are already in the output folder: add --output FOLDER"),
        (("papers", "--executor", "ray.yaml"), "--executor writes to a folder that all machines share: add --output"),
        (("-", "--executor", "ray.yaml", "--output", "out"), "--executor reads files that all machines share"),
        (("papers", "--output", "-"), "--output - is not a folder"),
        (("papers", "--output", "phrases.tsv"), "--output phrases.tsv is a file: name a folder"),
        (("papers", "--output", "papers"), "--output papers holds clean.txt, which is to be screened: name another"),
        (("papers", "--output", "mine"), "--output mine holds documents.csv, which no screening wrote"),
        (("https://example.org/a.html",), "web addresses are not fetched"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_read(
    tmp_path: Path, refused: Callable[..., str], arguments: tuple[str, ...], message: str
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "documents.csv").write_text("a,b\n")
    assert message in refused("screen", *arguments, code=2)
    assert (tmp_path / "mine" / "documents.csv").read_text() == "a,b\n"


def test_a_folder_without_documents_is_refused(tmp_path: Path, refused: Callable[..., str]) -> None:
    (tmp_path / "empty").mkdir()
    assert "no document in empty" in refused("screen", "empty")
