"""Lexicons: the shipped tables are well formed and as large as claimed; a malformed row is named."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from unspin.english.lexicons import LexiconError, frequency, phrase_lexicon, read_lexicon, spinner_only_words

TABLES = sorted(Path(str(files("unspin.english"))).glob("*.tsv"))


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_shipped_table_is_valid_and_states_its_origin(table: Path) -> None:
    assert read_lexicon(table)
    assert table.read_text(encoding="utf-8").startswith("# ")


def test_lexicon_is_large_enough() -> None:
    entries = phrase_lexicon().values()
    assert len(entries) >= 4000
    assert sum(entry.pos == "function" for entry in entries) >= 400
    assert sum(" " in entry.headword for entry in entries) >= 1000


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("use\tverb\tword", "4 tab-separated cells"),
        ("use\tvreb\tword\tutilise", "part of speech 'vreb'"),
        ("use\tverb\tsort\tutilise", "kind 'sort'"),
        ("use\tverb\tword\tuse", "its own substitute"),
        ("use\tverb\tword\tutilise | utilise", "twice"),
        ("use\tverb\tword\t", "is not a term"),
        ("use\tverb\tword\tutilise\nuse\tverb\tword\temploy", "has two rows"),
    ],
)
def test_malformed_rows_are_refused_with_their_line(tmp_path: Path, row: str, complaint: str) -> None:
    table = tmp_path / "bad.tsv"
    table.write_text(f"# header\n{row}\n", encoding="utf-8")
    with pytest.raises(LexiconError, match=rf"bad\.tsv:\d: .*{complaint}"):
        read_lexicon(table)


def test_a_term_is_as_frequent_as_its_rarest_word() -> None:
    assert frequency("commence") > frequency("zzyzx") == 0
    assert frequency("take part") == min(frequency("take"), frequency("part")) > 0


def test_words_that_only_spinners_write_are_no_headwords() -> None:
    assert "commence" in spinner_only_words()
    assert not spinner_only_words() & {head for head, _ in phrase_lexicon()}


def test_the_checker_prints_sizes_or_the_bad_row(tmp_path: Path) -> None:
    table = tmp_path / "table.tsv"
    table.write_text("use\tverb\tword\tutilise\n", encoding="utf-8")
    check = [sys.executable, "-m", "unspin.english", str(table)]
    assert subprocess.run(check, capture_output=True, text=True, check=True).stdout == f"{table}: 1 entries\n"
    table.write_text("use\tverb\n", encoding="utf-8")
    output = subprocess.run(check, capture_output=True, text=True, check=False)
    assert (output.returncode, output.stderr[:14]) == (1, "table.tsv:1: e")
