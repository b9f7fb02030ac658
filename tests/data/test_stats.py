"""Figures of a data set: checked against a count by hand, in both layouts of files, printed and drawn."""

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.data.corpora import CorpusError
from unspin.data.rows import SCHEMA
from unspin.data.stats import Stats, print_stats, read_stats, stream
from unspin.data.stats_plot import plot_stats
from unspin.edits import count_touched_words
from unspin.english.lexicons import function_words
from unspin.segment import words


def _row(spun: str, original: str, strength: float, *edits: tuple[int, int, str, str]) -> dict[str, Any]:
    fields = ("start", "end", "replacement", "spinner")
    return {
        "spun": spun,
        "original": original,
        "strength": strength,
        "edits": [dict(zip(fields, edit, strict=True)) | {"rule": ""} for edit in edits],
    }


ROWS = [
    _row("The roof leaks.", "The roof leaks.", 0.0),
    _row(
        "Its rooftop leaks along with drips.",
        "Its roof leaks and drips.",
        0.2,
        (4, 11, "roof", "thesaurus"),
        (18, 28, "and", "phrases"),
    ),
    _row("This roof leaks.", "The roof leaks.", 0.4, (0, 4, "The", "phrases")),
    _row("It leaked.", "It leaked.", 0.4),
]


def _write(file: Path, rows: list[dict[str, Any]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), file)


def test_figures_match_a_count_by_hand(tmp_path: Path) -> None:
    _write(tmp_path / "train.parquet", ROWS)
    train = read_stats(tmp_path).splits["train"]
    assert (train.rows, train.clean, train.words, train.touched, train.edits) == (4, 2, 14, 4, 3)
    assert (train.clean_share, train.touched_share, train.edits_per_spun_row) == (0.5, 4 / 14, 1.5)
    assert (train.multi_word_share, train.function_word_share) == (1 / 3, 2 / 3)
    assert train.spinners == {"phrases": 2, "thesaurus": 1}
    assert train.strength_quartiles == (0.2, 0.4, 0.4)
    assert train.touched_shares == {5: 1, 3: 1}


def test_both_layouts_of_files_give_the_same_figures(tmp_path: Path) -> None:
    for split, rows in (("train", ROWS), ("test", ROWS[:2])):
        _write(tmp_path / "flat" / f"{split}.parquet", rows)
        for n, row in enumerate(rows):
            _write(tmp_path / "deep" / split / f"{n:05d}.parquet", [row])
    flat, deep = read_stats(tmp_path / "flat"), read_stats(tmp_path / "deep")
    assert flat.splits == deep.splits and list(deep.splits) == ["train", "test"]


@given(st.lists(st.sampled_from(["roof", "it’s", "40,000", "well-known", ",", " ", "é"]), max_size=12), st.data())
def test_a_span_touches_the_words_inside_it(tokens: list[str], data: st.DataObject) -> None:
    text = " ".join(tokens)
    assert count_touched_words(text, []) == (0, len(words(text)))
    assert count_touched_words(text, [(0, len(text))]) == (len(words(text)),) * 2
    place = data.draw(st.integers(0, len(text)))
    assert count_touched_words(text, [(place, place)])[0] == 0
    before, after = count_touched_words(text, [(0, place)])[0], count_touched_words(text, [(place, len(text))])[0]
    assert len(words(text)) <= before + after <= len(words(text)) + 1


def test_rows_are_read_without_holding_a_file(tmp_path: Path) -> None:
    """Of a file of 40 row groups with 1 MB of text each, no more than a few are in memory at any time."""
    file, schema = tmp_path / "rows.parquet", pa.schema([("spun", pa.string())])
    text = [random.Random(0).randbytes(500).hex()] * 1000
    with pq.ParquetWriter(file, schema, compression="none", use_dictionary=False) as writer:
        for _ in range(40):
            writer.write_table(pa.table({"spun": text}))
    before = pa.total_allocated_bytes()
    held = [pa.total_allocated_bytes() - before for _ in stream([file], ["spun"])]
    assert len(held) == 40_000 and max(held) < file.stat().st_size / 4


def test_function_words_are_of_closed_classes() -> None:
    assert {"the", "under", "whom", "isn't", "may", "because"} <= function_words()
    assert function_words().isdisjoint({"seven", "monday", "mr", "really", "people", "roof"})


def test_tables_name_splits_figures_and_engines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write(tmp_path / "train.parquet", ROWS)
    _write(tmp_path / "validation.parquet", [])
    print_stats(read_stats(tmp_path))
    printed = capsys.readouterr().out
    assert "0.20 0.40 0.40" in printed and "66.7%" in printed
    assert all(
        word in printed
        for word in ("train", "validation", "clean rows", "edits of a function word", "phrases", "thesaurus")
    )


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], []])
def test_any_data_set_can_be_drawn(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    _write(tmp_path / "test.parquet", rows)
    plot_stats(read_stats(tmp_path), tmp_path / "new" / "figures.png")
    assert (tmp_path / "new" / "figures.png").read_bytes().startswith(b"\x89PNG")


def test_the_shares_of_an_empty_split_are_zero(tmp_path: Path) -> None:
    _write(tmp_path / "test.parquet", [])
    found: Stats = read_stats(tmp_path)
    assert found.splits["test"].clean_share == 0 and found.splits["test"].strength_quartiles == (0, 0, 0)


def test_a_folder_without_parquet_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(CorpusError, match=rf"^{folder}: no Parquet files of a split"):
            read_stats(folder)


def test_missing_columns_and_fields_are_named(tmp_path: Path) -> None:
    table = pa.Table.from_pylist(ROWS, schema=SCHEMA)
    pq.write_table(table.drop_columns(["original", "strength"]), tmp_path / "train.parquet")
    with pytest.raises(CorpusError, match=r"train\.parquet: no column original, strength; it has article_id, "):
        read_stats(tmp_path)
    pq.write_table(
        table.set_column(SCHEMA.get_field_index("edits"), "edits", pa.array(["none"] * 4)), tmp_path / "train.parquet"
    )
    with pytest.raises(CorpusError, match=r"no column edits\.start, edits\.end, edits\.replacement, edits\.spinner"):
        read_stats(tmp_path)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "train.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(CorpusError, match=r"train\.parquet: cannot be read as Parquet"):
        read_stats(tmp_path)
