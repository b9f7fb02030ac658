"""The shipped tables are well formed and as large as they claim; the validator names the bad row."""

from importlib.resources import files
from pathlib import Path

import pytest
from unspin.data.lexicons import LexiconError, phrase_lexicon, read_lexicon
from unspin.data.lexicons.surface import ABBREVIATIONS, BRITISH, CONTRACTIONS, NUMBERS

TABLES = sorted(Path(str(files("unspin.data.lexicons"))).glob("*.tsv"))


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_table_is_valid_and_says_where_it_comes_from(table: Path) -> None:
    assert read_lexicon(table)
    assert table.read_text(encoding="utf-8").startswith("# ")


def test_lexicon_is_large_enough() -> None:
    entries = phrase_lexicon().values()
    assert len(entries) >= 4000
    assert sum(entry.pos == "function" for entry in entries) >= 400
    assert sum(" " in entry.head for entry in entries) >= 1000


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("use\tverb\tword", "4 tab-separated cells"),
        ("use\tvreb\tword\tutilise", "part of speech 'vreb'"),
        ("use\tverb\tsort\tutilise", "kind 'sort'"),
        ("use\tverb\tword\tuse", "stands for itself"),
        ("use\tverb\tword\tutilise | utilise", "twice"),
        ("use\tverb\tword\t", "is not a term"),
        ("use\tverb\tword\tutilise\nuse\tverb\tword\temploy", "stands twice"),
    ],
)
def test_malformed_rows_are_refused_with_their_line(tmp_path: Path, row: str, complaint: str) -> None:
    table = tmp_path / "bad.tsv"
    table.write_text(f"# header\n{row}\n", encoding="utf-8")
    with pytest.raises(LexiconError, match=rf"bad\.tsv:\d: .*{complaint}"):
        read_lexicon(table)


def test_surface_tables_are_one_to_one_where_they_are_read_backwards() -> None:
    for table in (CONTRACTIONS, NUMBERS, BRITISH, ABBREVIATIONS):
        assert all(key != value for key, value in table.items())
    assert len(set(NUMBERS.values())) == len(NUMBERS)
