"""`unspin restore` with a list of garbled phrases, and with one of protected terms."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]
TEXT = "The overseas minister said on Monday that the vapor motors had ended the warfare.\n"


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "phrases.tsv").write_text("garbled\texpected\nvapor motor\tsteam engine\n")
    (tmp_path / "names.txt").write_text("# ours\nWarfare\n")


def test_listed_phrases_are_restored_and_protected_terms_stay(tmp_path: Path, unspin_words: Command) -> None:
    done = unspin_words(
        "restore", "a.txt", "--phrases", "phrases.tsv", "--protect", "names.txt", "--edits", "edits.jsonl"
    )
    assert done.stdout == "The foreign minister said on Monday that the steam engines had ended the warfare.\n", done
    edits = [json.loads(line) for line in (tmp_path / "edits.jsonl").read_text().splitlines()]
    assert [(edit["spun"], edit["kind"]) for edit in edits] == [("overseas", "word"), ("vapor motors", "dictionary")]


def test_a_changed_list_restores_finished_files_again(tmp_path: Path, unspin_words: Command) -> None:
    command = ("restore", "a.txt", "--output", "out", "--resume", "--phrases", "phrases.tsv", "--protect", "names.txt")
    for written in (True, False):
        done = unspin_words(*command)
        assert ("finished already" in done.stderr) != written, done
    (tmp_path / "phrases.tsv").write_text("vapor motor\tsteam turbine\n")
    assert "finished already" not in unspin_words(*command).stderr
    assert "steam turbines had ended the warfare" in (tmp_path / "out" / "a.txt").read_text()
    (tmp_path / "names.txt").write_text("vapor\n")
    assert "finished already" not in unspin_words(*command).stderr
    assert "vapor motors had ended the war." in (tmp_path / "out" / "a.txt").read_text()


def test_worker_processes_use_the_lists(tmp_path: Path, unspin_words: Command) -> None:
    for name in "bc":
        (tmp_path / f"{name}.txt").write_text(TEXT)
    lists = ("--phrases", "phrases.tsv", "--protect", "names.txt")
    done = unspin_words("restore", "a.txt", "b.txt", "c.txt", "--output", "out", "--jobs", "2", *lists)
    assert done.returncode == 0, done
    assert {file.read_text() for file in (tmp_path / "out").glob("*.txt")} == {
        "The foreign minister said on Monday that the steam engines had ended the warfare.\n"
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--phrases", "none.tsv"), "none.tsv: cannot be read (No such file or directory): give the screener's JSON"),
        (("--phrases", "a.txt"), "a.txt: no pair of phrases found: give the screener's JSON, or lines of garbled<TAB>"),
        (("--protect", "none.txt"), "none.txt: cannot be read (No such file or directory): give one on each line"),
        (("--protect", "."), ". is a folder, a device or a pipe, which cannot be read twice: give one on each line"),
    ],
)
def test_a_wrong_list_is_reported_before_anything_is_read(
    options: tuple[str, str], message: str, tmp_path: Path, refused: Callable[..., str]
) -> None:
    assert message in refused("restore", "missing.txt", *options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--phrases", "phrases.tsv", "--edits", "phrases.tsv"), "--edits phrases.tsv would be written over the list"),
        (("--protect", "out/a.txt", "--output", "out"), "a.txt would be written over the list out/a.txt"),
    ],
)
def test_no_list_is_written_over(
    options: tuple[str, ...], message: str, tmp_path: Path, refused: Callable[..., str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.txt").write_text("Warfare\n")
    assert message in refused("restore", "a.txt", *options, code=2)
    assert (tmp_path / "out" / "a.txt").read_text() == "Warfare\n"
    assert "vapor motor" in (tmp_path / "phrases.tsv").read_text()


def test_a_list_in_a_folder_is_no_article_of_it(tmp_path: Path, unspin_words: Command) -> None:
    lists = ("--phrases", "phrases.tsv", "--protect", "names.txt")
    assert unspin_words("restore", ".", "--output", "out", *lists).returncode == 0
    assert [file.name for file in (tmp_path / "out").glob("[!.]*")] == ["a.txt"]
