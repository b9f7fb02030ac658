"""Parquet: one column restored, everything else as it was; without an edit the file is a copy."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.infer.documents import DocumentError
from unspin.infer.restoration import Restoration, RestoredEdit
from unspin.infer.tables import restore_table


def _shout(texts: Sequence[str]) -> Iterator[Restoration]:
    for text in texts:
        edits = (RestoredEdit(0, len(text), text, text.upper(), "word", 1.0),) if text.upper() != text else ()
        yield Restoration(text, text.upper(), edits)


def _silent(texts: Sequence[str]) -> Iterator[Restoration]:
    return (Restoration(text, text, ()) for text in texts)


def _table(texts: list[str | None]) -> pa.Table:
    schema = pa.schema(
        [("id", pa.int32()), pa.field("body", pa.large_string(), metadata={"k": "v"}), ("tags", pa.list_(pa.string()))], {"made by": "us"}
    )
    return pa.table([list(range(len(texts))), texts, [["x"]] * len(texts)], schema)


@given(st.lists(st.none() | st.text(max_size=20), min_size=1, max_size=8))
def test_everything_but_the_texts_stays(tmp_path_factory: pytest.TempPathFactory, texts: list[str | None]) -> None:
    folder = tmp_path_factory.mktemp("tables")
    pq.write_table(_table(texts), folder / "in.parquet", row_group_size=3, compression={"id": "zstd", "body": "gzip", "tags": "none"})
    rows = list(restore_table(folder / "in.parquet", folder / "out.parquet", "body", _shout))
    came = pq.read_table(folder / "in.parquet")
    upper = pa.array([text and text.upper() for text in texts], pa.large_string())
    expected = came.set_column(1, came.schema.field("body"), upper)
    made = pq.read_table(folder / "out.parquet")
    assert made.equals(expected, check_metadata=True)
    assert [number for number, _ in rows] == list(range(len(texts)))
    if any(text and text.upper() != text for text in texts):
        before, after = (pq.ParquetFile(folder / name).metadata for name in ("in.parquet", "out.parquet"))
        assert before.num_row_groups == after.num_row_groups
        assert [before.row_group(0).column(i).compression for i in range(3)] == [after.row_group(0).column(i).compression for i in range(3)]


def test_without_an_edit_the_file_is_copied(tmp_path: Path) -> None:
    pq.write_table(_table(["a", None]), tmp_path / "in.parquet", version="1.0")
    list(restore_table(tmp_path / "in.parquet", tmp_path / "out.parquet", "body", _silent))
    assert (tmp_path / "out.parquet").read_bytes() == (tmp_path / "in.parquet").read_bytes()


def test_a_wrong_column_and_a_damaged_file_are_named(tmp_path: Path) -> None:
    pq.write_table(_table(["a" * 5000] * 9), tmp_path / "in.parquet", compression="none", use_dictionary=False)
    for column in ("text", "id"):
        with pytest.raises(DocumentError, match=rf"no text column '{column}', it has id, body, tags"):
            list(restore_table(tmp_path / "in.parquet", tmp_path / "out.parquet", column, _silent))
    data = (tmp_path / "in.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(data[:100])
    with pytest.raises(DocumentError, match=r"cut\.parquet: no Parquet file"):
        list(restore_table(tmp_path / "cut.parquet", tmp_path / "out.parquet", "body", _silent))
    (tmp_path / "bad.parquet").write_bytes(data[:4] + b"\xff" * 400 + data[404:])
    with pytest.raises(DocumentError, match=r"bad\.parquet: damaged in row group 0"):
        list(restore_table(tmp_path / "bad.parquet", tmp_path / "out.parquet", "body", _silent))
