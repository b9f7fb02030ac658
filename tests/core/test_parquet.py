"""Parquet files: every table is read as it is, in small pieces, and those that would fill the memory are refused."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from unspin import parquet
from unspin.parquet import ParquetFile

LONG = "warfare " * 1250  # 10 kB
REFERENCES = pa.array([0] * 5000, pa.int32())
REPEATED = pa.DictionaryArray.from_arrays(REFERENCES, pa.array([LONG]))


def _in_one_list(values: pa.Array) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)


def _written(folder: Path, **columns: object) -> Path:
    pq.write_table(pa.table(columns), folder / "in.parquet", compression="zstd")
    return folder / "in.parquet"


def test_ordinary_tables_are_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "MAX_UNPACKED", 100_000)
    rows = 3000
    numbers = np.random.default_rng(0)
    file = _written(
        tmp_path,
        text=[f"{row} {LONG[: row % 300]}" for row in range(rows)],
        licence=[LONG] * rows,
        tags=[["a", f"b{row % 7}", None] for row in range(rows)],
        map=pa.array([[("k", str(row))] for row in range(rows)], pa.map_(pa.string(), pa.string())),
        struct=[{"a": [{"b": "c", "d": row}]} for row in range(rows)],
        vector=list(numbers.random((rows, 16))),
        missing=[None] * rows,
    )
    opened = ParquetFile(file)
    assert pa.Table.from_batches(opened.batches()).equals(pq.read_table(file))
    texts = pa.Table.from_batches(opened.batches(["text", "struct"], [0]))
    assert texts.equals(pq.read_table(file, columns=["text", "struct"]))


@pytest.mark.parametrize("kind", [pa.string(), pa.binary(10_000), pa.struct({"a": pa.struct({"b": pa.string()})})])
def test_rows_that_repeat_a_long_text_are_read_few_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: pa.DataType
) -> None:
    monkeypatch.setattr(parquet, "PIECE_BYTES", 50_000)
    value = {"a": {"b": LONG}} if pa.types.is_struct(kind) else LONG
    file = _written(tmp_path, text=pa.array([value] * 5000, kind))
    assert file.stat().st_size < 2000
    sizes = [(len(batch), batch.nbytes) for batch in ParquetFile(file).batches()]
    assert sum(rows for rows, _ in sizes) == 5000 and max(size for _, size in sizes) <= 50_000


@pytest.mark.parametrize(
    "values",
    [
        pa.array(np.zeros(100_000, np.int8)),
        pa.nulls(100_000, pa.string()),
        pa.array([b"x" * 1000] * 5000, pa.binary(1000)),
        _in_one_list(pa.array(np.zeros(100_000, np.float64))),
    ],
    ids=["numbers", "nulls", "fixed size", "lists"],
)
def test_a_list_of_very_many_values_is_refused_when_the_file_is_opened(
    values: pa.Array, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _written(tmp_path, text=["a"], x=_in_one_list(values))
    assert ParquetFile(file).metadata.num_rows == 1
    monkeypatch.setattr(parquet, "MAX_UNPACKED", 1_000_000)
    with pytest.raises(pa.ArrowInvalid, match=r"a row group unpacks to \d MB, [\d,]+ times its size in the file: save"):
        ParquetFile(file)
    monkeypatch.setattr(parquet, "MAX_RATIO", 1_000_000)
    assert ParquetFile(file).metadata.num_rows == 1


@pytest.mark.parametrize(
    "column",
    [
        _in_one_list(REPEATED),
        _in_one_list(pa.StructArray.from_arrays([REPEATED], ["a"])),
        _in_one_list(_in_one_list(REPEATED)),
        pa.MapArray.from_arrays(pa.array([0, 5000], pa.int32()), pa.array(range(5000)), REPEATED),
    ],
    ids=["list", "struct", "list in a list", "map"],
)
@pytest.mark.parametrize("is_schema_stored", [True, False])
def test_a_list_that_repeats_a_long_text_is_refused_before_it_is_read(
    column: pa.Array, is_schema_stored: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pa.table({"text": ["a"], "x": column})
    pq.write_table(table, tmp_path / "in.parquet", compression="zstd", store_schema=is_schema_stored)
    monkeypatch.setattr(parquet, "MAX_UNPACKED", 40_000_000)
    with (tmp_path / "in.parquet").open("rb") as opened:
        file = ParquetFile(opened)
        assert [batch.to_pydict() for batch in file.batches(["text"])] == [{"text": ["a"]}]
        with pytest.raises(pa.ArrowInvalid, match="a row group unpacks to 50 MB"):
            list(file.batches())
    monkeypatch.setattr(parquet, "MAX_UNPACKED", 60_000_000)
    assert len(next(ParquetFile(tmp_path / "in.parquet").batches())) == 1


def test_one_long_text_among_short_ones_does_not_slow_all_of_them(tmp_path: Path) -> None:
    file = _written(tmp_path, text=[str(row) * 50 for row in range(100_000)], source=["a", "b"] * 50_000)
    assert len(list(ParquetFile(file).batches())) == 100, "a batch of a row each takes twenty times as long"
