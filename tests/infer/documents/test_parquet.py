"""Parquet: one column is restored and everything else stays; a file without an edit is copied."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from unspin.infer.documents.base import DocumentError
from unspin.infer.documents.parquet import restore_table
from unspin.infer.restoration import Restoration, RestoredEdit


def _upper_case(texts: Sequence[str]) -> Iterator[Restoration]:
    for text in texts:
        edit = RestoredEdit(0, len(text), text, text.upper(), text.upper(), "word", 1.0)
        yield Restoration(text, text.upper(), (edit,) if text.upper() != text else (), (text,))


def _unchanged(texts: Sequence[str]) -> Iterator[Restoration]:
    return (Restoration(text, text, (), (text,)) for text in texts)


def _table(texts: list[str | None]) -> pa.Table:
    schema = pa.schema(
        [("id", pa.int32()), pa.field("body", pa.large_string(), metadata={"k": "v"}), ("tags", pa.list_(pa.string()))],
        {"made by": "us"},
    )
    return pa.table([list(range(len(texts))), texts, [["x"]] * len(texts)], schema)


@example(texts=[])
@given(texts=st.lists(st.none() | st.text(max_size=20), max_size=8))
def test_everything_but_the_column_stays(tmp_path_factory: pytest.TempPathFactory, texts: list[str | None]) -> None:
    folder = tmp_path_factory.mktemp("tables")
    pq.write_table(
        _table(texts),
        folder / "in.parquet",
        row_group_size=3,
        compression={"id": "zstd", "body": "gzip", "tags": "none"},
    )
    rows = list(restore_table(folder / "in.parquet", folder / "out.parquet", "body", _upper_case))
    original = pq.read_table(folder / "in.parquet")
    upper = pa.array([text and text.upper() for text in texts], pa.large_string())
    expected = original.set_column(1, original.schema.field("body"), upper)
    assert pq.read_table(folder / "out.parquet").equals(expected, check_metadata=True)
    assert [number for number, _ in rows] == list(range(len(texts)))
    if any(text and text.upper() != text for text in texts):
        before, after = (pq.ParquetFile(folder / name).metadata for name in ("in.parquet", "out.parquet"))
        assert before.num_row_groups == after.num_row_groups
        for i in range(3):
            assert before.row_group(0).column(i).compression == after.row_group(0).column(i).compression


def test_without_an_edit_the_file_is_copied(tmp_path: Path) -> None:
    pq.write_table(_table(["a", None]), tmp_path / "in.parquet", version="1.0")
    list(restore_table(tmp_path / "in.parquet", tmp_path / "out.parquet", "body", _unchanged))
    assert (tmp_path / "out.parquet").read_bytes() == (tmp_path / "in.parquet").read_bytes()


def test_a_wrong_column_and_a_damaged_file_are_refused(tmp_path: Path) -> None:
    pq.write_table(_table(["a" * 5000] * 9), tmp_path / "in.parquet", compression="none", use_dictionary=False)
    for column in ("text", "id"):
        with pytest.raises(DocumentError, match=rf"no text column '{column}' \(columns: id, body, tags\)"):
            list(restore_table(tmp_path / "in.parquet", tmp_path / "out.parquet", column, _unchanged))
    data = (tmp_path / "in.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(data[:100])
    with pytest.raises(DocumentError, match=r"cut\.parquet is not a Parquet file"):
        list(restore_table(tmp_path / "cut.parquet", tmp_path / "out.parquet", "body", _unchanged))
    (tmp_path / "bad.parquet").write_bytes(data[:4] + b"\xff" * 400 + data[404:])
    with pytest.raises(DocumentError, match=r"bad\.parquet: row group 0 is damaged"):
        list(restore_table(tmp_path / "bad.parquet", tmp_path / "out.parquet", "body", _unchanged))
