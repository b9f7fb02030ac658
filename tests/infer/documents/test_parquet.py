"""Parquet: one column is restored and everything else stays; a file without an edit is copied."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from unspin.infer.documents import parquet
from unspin.infer.documents.base import DocumentError
from unspin.infer.documents.parquet import read_texts, restore_table
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
    for column, what in (("text", ""), ("id", ", which holds int32"), ("tags", ", which holds list<.*>"), ("", "")):
        with pytest.raises(DocumentError, match=rf"no text column '{column}'{what} \(columns: id, body, tags\)"):
            list(restore_table(tmp_path / "in.parquet", tmp_path / "out.parquet", column, _unchanged))
    data = (tmp_path / "in.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(data[:100])
    with pytest.raises(DocumentError, match=r"cut\.parquet cannot be read as Parquet"):
        list(restore_table(tmp_path / "cut.parquet", tmp_path / "out.parquet", "body", _unchanged))
    (tmp_path / "bad.parquet").write_bytes(data[:4] + b"\xff" * 400 + data[404:])
    with pytest.raises(DocumentError, match=r"bad\.parquet: row group 0 cannot be read"):
        list(restore_table(tmp_path / "bad.parquet", tmp_path / "out.parquet", "body", _unchanged))


def _restored(table: pa.Table, folder: Path, column: str) -> pa.Table:
    pq.write_table(table, folder / "in.parquet", row_group_size=2)
    list(restore_table(folder / "in.parquet", folder / "out.parquet", column, _upper_case))
    restored = pq.read_table(folder / "out.parquet")
    assert restored.schema.equals(pq.read_schema(folder / "in.parquet"), check_metadata=True)
    return restored


@pytest.mark.parametrize(
    "text_type",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.dictionary(pa.int8(), pa.large_string()),
    ],
    ids=str,
)
def test_every_type_of_text_is_restored(tmp_path: Path, text_type: pa.DataType) -> None:
    table = pa.table({"text": pa.array(["a", None, "b"], text_type), "other": ["a", "b", None]})
    assert _restored(table, tmp_path, "text").to_pydict() == {"text": ["A", None, "B"], "other": ["a", "b", None]}


def test_a_text_inside_structs_is_restored(tmp_path: Path) -> None:
    inner = pa.struct([pa.field("title", pa.string(), nullable=False)])
    article = pa.struct([("id", pa.int32()), pa.field("body", pa.string(), metadata={"k": "v"}), ("inner", inner)])
    rows = [
        {"id": 1, "body": "a", "inner": {"title": "b"}},
        None,
        {"id": 2, "body": None, "inner": None},
        {"id": None, "body": "c", "inner": {"title": "d"}},
        {"id": 3, "body": "", "inner": {"title": ""}},
    ]
    table = pa.table({"article": pa.array(rows, article)})
    bodies = [row and row | {"body": row["body"] and row["body"].upper()} for row in rows]
    assert _restored(table, tmp_path, "article.body")["article"].to_pylist() == bodies
    titles = [row and row | {"inner": row["inner"] and {"title": row["inner"]["title"].upper()}} for row in rows]
    assert _restored(table, tmp_path, "article.inner.title")["article"].to_pylist() == titles
    columns = r"\(columns: article\.id, article\.body, article\.inner\.title\)"
    for column in ("article", "article.id", "article.bod", "article.body.x", "article."):
        with pytest.raises(DocumentError, match=rf"no text column '{column}'.* {columns}"):
            _restored(table, tmp_path, column)


def test_a_column_with_dots_in_its_name_wins_over_a_path(tmp_path: Path) -> None:
    table = pa.table({"a": [{"b": "old"}], "a.b": ["old"]})
    assert _restored(table, tmp_path, "a.b").to_pydict() == {"a": [{"b": "old"}], "a.b": ["OLD"]}


def test_other_columns_may_share_a_name(tmp_path: Path) -> None:
    table = pa.table([pa.array(["a"])] * 3, names=["x", "x", "text"])
    pq.write_table(table, tmp_path / "in.parquet")
    list(restore_table(tmp_path / "in.parquet", tmp_path / "out.parquet", "text", _upper_case))
    assert [c.to_pylist() for c in pq.ParquetFile(tmp_path / "out.parquet").read().columns] == [["a"], ["a"], ["A"]]
    with pytest.raises(DocumentError, match="2 columns have the name 'x': rename all but one"):
        _restored(table, tmp_path, "x")


def test_texts_that_a_small_dictionary_cannot_hold_are_refused(tmp_path: Path) -> None:
    def numbered(texts: Sequence[str]) -> Iterator[Restoration]:
        return (Restoration(text, f"{text}{i}", (), (text,)) for i, text in enumerate(texts))

    table = pa.table({"text": pa.array(["x"] * 300, pa.dictionary(pa.int8(), pa.string()))})
    pq.write_table(table, tmp_path / "in.parquet")
    with pytest.raises(DocumentError, match=r"in\.parquet: the restored texts do not fit the column"):
        list(restore_table(tmp_path / "in.parquet", tmp_path / "out.parquet", "text", numbered))


def test_bytes_that_are_no_text_are_named_by_their_row(tmp_path: Path) -> None:
    valid = pa.array([b"The council said so.", b"caf\xe9", None], pa.binary())
    text = pa.Array.from_buffers(pa.string(), 3, valid.buffers())
    pq.write_table(pa.table({"text": text}), tmp_path / "in.parquet", row_group_size=1)
    with pytest.raises(DocumentError, match=r"in\.parquet: row 1 is not valid UTF-8 \(at byte 3\)"):
        list(restore_table(tmp_path / "in.parquet", tmp_path / "out.parquet", "text", _upper_case))


@pytest.mark.parametrize("text_type", [pa.string(), pa.dictionary(pa.int32(), pa.string()), pa.string_view()], ids=str)
def test_memory_holds_a_piece_of_a_table_whose_rows_repeat_a_long_text(
    text_type: pa.DataType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "PIECE_BYTES", 5_000_000)
    monkeypatch.setattr("unspin.parquet.PIECE_BYTES", 5_000_000)
    texts = ["a" * 1_000_000] * 99 + [None]
    table = pa.table({"text": pa.array(texts, text_type), "number": range(100)})
    pq.write_table(table, tmp_path / "in.parquet", compression="zstd")
    assert (tmp_path / "in.parquet").stat().st_size < 10_000
    counts: list[int] = []

    def upper_case(texts: Sequence[str]) -> Iterator[Restoration]:
        counts.append(len(texts))
        return _upper_case(texts)

    rows = [
        number for number, _ in restore_table(tmp_path / "in.parquet", tmp_path / "out.parquet", "text", upper_case)
    ]
    assert rows == list(range(100)) and max(counts) < 10
    assert [number for number, _ in read_texts(tmp_path / "in.parquet", "text")] == rows[:-1]
    restored = pq.read_table(tmp_path / "out.parquet")
    assert restored.column("number").to_pylist() == rows
    assert restored.column("text").to_pylist() == [text and text.upper() for text in texts]


def test_a_text_that_is_larger_than_any_document_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "MAX_BYTES", 2_000_000)
    for text_type in (pa.string(), pa.dictionary(pa.int32(), pa.string())):
        texts = pa.array(["é" * 1_000_000, None, "é" * 1_000_001], text_type)
        pq.write_table(pa.table({"text": texts}), tmp_path / "in.parquet")
        with pytest.raises(DocumentError, match="row 2 has a text of 2 MB; at most 2 MB are read: split it"):
            list(read_texts(tmp_path / "in.parquet", "text"))


def test_other_columns_than_the_text_are_not_read_without_need(tmp_path: Path) -> None:
    rows = pa.DictionaryArray.from_arrays(pa.array([0] * 9000, pa.int32()), pa.array(["a" * 10_000]))
    other = pa.ListArray.from_arrays(pa.array([0, 9000], pa.int32()), rows)
    table = pa.table([pa.array([{"b": "no"}]), pa.array(["yes"]), other], ["a", "a.b", "x"])
    pq.write_table(table, tmp_path / "in.parquet", compression="zstd")
    assert list(read_texts(tmp_path / "in.parquet", "a.b")) == [(0, "yes")]
    with pytest.raises(DocumentError, match=r"in\.parquet: row group 0 cannot be read \(a row group unpacks to 90 MB"):
        list(restore_table(tmp_path / "in.parquet", tmp_path / "out.parquet", "a.b", _upper_case))


FLIP_EACH_BYTE = """
import sys
from datetime import datetime
from pathlib import Path
from unspin.infer.documents.base import unforeseen_errors, DocumentError
from unspin.infer.documents.parquet import restore_table
from unspin.infer.restoration import Restoration

def unchanged(texts):
    return (Restoration(text, text, (), (text,)) for text in texts)

source, refused = Path(sys.argv[1]), 0
data = source.read_bytes()
for place in range(data.rindex(b"text"), len(data)):
    source.write_bytes(data[:place] + b"\\x7f" + data[place + 1:])
    try:
        with unforeseen_errors("x"):
            list(restore_table(source, source.with_name("out"), "text", unchanged))
    except DocumentError:
        refused += 1
print(refused)
"""


def test_no_damage_of_the_last_columns_record_ends_the_process(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "in.parquet", store_schema=False)
    command = [sys.executable, "-c", FLIP_EACH_BYTE, str(tmp_path / "in.parquet")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]
    assert int(done.stdout) > 20


def test_timestamps_and_lists_of_older_writers_keep_their_values_and_names(tmp_path: Path) -> None:
    until = pa.array([datetime(9999, 12, 31), datetime(1, 1, 1)], pa.timestamp("us"))
    table = pa.table({"text": ["the warfare", "b"], "until": until, "tags": [["a"], []]})
    old = {"use_deprecated_int96_timestamps": True, "use_compliant_nested_type": False}
    pq.write_table(table, tmp_path / "in.parquet", **old)
    list(restore_table(tmp_path / "in.parquet", tmp_path / "out.parquet", "text", _upper_case))
    restored = pq.ParquetFile(tmp_path / "out.parquet")
    assert restored.read().select(["until", "tags"]).equals(table.select(["until", "tags"]))
    assert restored.schema.column(2).path == "tags.list.item"
