"""Restores one text column of a Parquet file, one article per row: a column, or a field of structs ("article.body").

All other columns, the schema with its metadata, the order of rows, the row groups and the compression stay as they
are, except that row groups of more than 64 MB are cut; a file without an edit is copied byte for byte. Memory holds
some 64 MB of a table at a time, or a single row.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from textwrap import shorten
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from unspin.infer.documents.base import DocumentError
from unspin.infer.documents.fields import path_prefixes
from unspin.infer.documents.formats import MAX_BYTES
from unspin.infer.restoration import Restoration
from unspin.parquet import PIECE_BYTES, ParquetFile

SUFFIX = ".parquet"
Restore = Callable[[Sequence[str]], Iterator[Restoration]]


def restore_table(source: Path, target: Path, column: str, restore: Restore) -> Iterator[tuple[int, Restoration]]:
    """Write `source` to `target` with `column` restored, and yield each row's number with its restoration.

    `target` is complete once the iterator is exhausted; it must differ from `source`. `column` may be a path to a text
    in structs, such as "article.body". A null is passed to `restore` as an empty text and written as a null. Raises
    `DocumentError` if the file is not Parquet or lacks the text column, before anything is written. Raises it too if a
    row group is damaged, a text is not UTF-8, or the column cannot hold the restored texts, which leaves an incomplete
    `target`.
    """
    with _open(source) as file:
        schema = file.schema_arrow
        path = _find_text(source, schema, column)
        edited = False
        pieces = _pieces(source, file, path)
        opening = list(islice(pieces, 1))  # refuses a damaged file, whose codecs pyarrow cannot name without aborting
        has_old_lists = any(".list.item" in file.schema.column(i).path for i in range(len(file.schema)))
        options: dict[str, Any] = {"use_compliant_nested_type": not has_old_lists}  # keeps the name of their values
        with pq.ParquetWriter(target, schema, compression=_compression(file), **options) as writer:
            first = 0
            for table in chain(opening, pieces):
                texts = _texts(source, first, _column(table, path))
                restorations = list(restore([text or "" for text in texts]))
                edited = edited or any(restoration.edits for restoration in restorations)
                pairs = zip(texts, restorations, strict=True)
                values = [None if text is None else restored.text for text, restored in pairs]
                table = table.set_column(
                    path[0], schema.field(path[0]), _restored(source, table[path[0]], path[1:], values)
                )
                writer.write_table(table, row_group_size=max(len(table), 1))
                yield from enumerate(restorations, first)
                first += len(table)
    if not edited:
        shutil.copyfile(source, target)


def read_texts(source: Path, column: str) -> Iterator[tuple[int, str]]:
    """(row number, text) of a column, without nulls. Raises `DocumentError` as `restore_table` does."""
    with _open(source) as file:
        root, *path = _find_text(source, file.schema_arrow, column)
        first = 0
        for table in _pieces(source, file, [0, *path], [file.schema_arrow.names[root]]):
            texts = _texts(source, first, _column(table, [0, *path]))
            yield from ((number, text) for number, text in enumerate(texts, first) if text)
            first += len(texts)


def _open(source: Path) -> Any:
    try:
        return ParquetFile(source)
    except (pa.ArrowException, OSError) as error:
        raise DocumentError(f"{source} cannot be read as Parquet ({_first_line(error)})") from None


def _find_text(source: Path, schema: Any, column: str) -> list[int]:
    """The index of the text column, followed by the indexes of the fields that lead to the text in its structs.

    A column whose name contains dots wins over a path. Raises `DocumentError` if nothing has the name, more than one
    column has it, or it holds no text.
    """
    indexes: list[int] = []
    fields: list[Any] = list(schema)
    found, path = None, column
    while path:
        names = [field.name for field in fields]
        key = next((key for key in path_prefixes(path) if key in names), None)
        if key is None:
            break
        if names.count(key) > 1:
            raise DocumentError(f"{source}: {names.count(key)} columns have the name {key!r}: rename all but one")
        indexes.append(names.index(key))
        found = fields[indexes[-1]].type
        fields, path = list(found) if pa.types.is_struct(found) else [], path[len(key) + 1 :]
    if found is not None and not path and _is_text(found):
        return indexes
    what = "" if path or found is None else f", which holds {shorten(str(found), 40, placeholder=' …')}"
    columns = shorten(", ".join(_column_names(list(schema))), 200, placeholder=" …")
    raise DocumentError(f"{source} has no text column {column!r}{what} (columns: {columns}): name it with --field")


def _is_text(type: Any) -> bool:
    if pa.types.is_dictionary(type):
        return _is_text(type.value_type)
    return pa.types.is_string(type) or pa.types.is_large_string(type) or pa.types.is_string_view(type)


def _column_names(fields: Sequence[Any], prefix: str = "") -> Iterator[str]:
    """The names of columns, and the paths to the fields of structs."""
    for field in fields:
        if pa.types.is_struct(field.type):
            yield from _column_names(list(field.type), f"{prefix}{field.name}.")
        else:
            yield prefix + field.name


def _column(table: Any, path: Sequence[int]) -> Any:
    """The text column of a table, or of a part of its rows."""
    return pc.struct_field(table[path[0]], list(path[1:])) if path[1:] else table[path[0]]


def _texts(source: Path, first: int, column: Any) -> list[str | None]:
    """The texts of a column; `first` is the number of its first row.

    Raises `DocumentError` if one has more than `MAX_BYTES` or is not UTF-8: Parquet files that other programs wrote may
    hold any bytes.
    """
    for row, size in enumerate(pc.binary_length(column.cast(pa.large_string())).to_pylist(), first):
        if size is not None and size > MAX_BYTES:
            what = f"{source}: row {row} has a text of {size // 10**6:,} MB"
            raise DocumentError(f"{what}; at most {MAX_BYTES // 10**6} MB are read: split it")
    texts: list[str | None] = []
    try:
        texts.extend(value.as_py() for value in column)
    except UnicodeDecodeError as error:
        raise DocumentError(f"{source}: row {first + len(texts)} is not valid UTF-8 (at byte {error.start})") from None
    return texts


def _restored(source: Path, column: Any, path: Sequence[int], texts: Sequence[str | None]) -> Any:
    try:
        return _with_texts(column, path, texts)
    except pa.ArrowException as error:  # a dictionary whose indexes have eight bits holds no more than 127 texts
        raise DocumentError(f"{source}: the restored texts do not fit the column ({_first_line(error)})") from None


def _with_texts(column: Any, path: Sequence[int], texts: Sequence[str | None]) -> Any:
    """The column with other texts, or with other texts at a path in its structs."""
    if not path:
        return pa.array(texts, column.type).cast(column.type)  # a dictionary may have got wider indexes
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    fields = [column.field(i) for i in range(column.type.num_fields)]
    if len(path) == 1 and not column.type.field(path[0]).nullable:
        texts = [text or "" for text in texts]  # of structs that are null
    fields[path[0]] = _with_texts(fields[path[0]], path[1:], texts)
    return pa.StructArray.from_arrays(fields, fields=list(column.type), mask=column.is_null())


def _pieces(source: Path, file: ParquetFile, path: Sequence[int], names: Sequence[str] | None = None) -> Iterator[Any]:
    """The table or columns of it, a row group at a time; large ones in several pieces.

    Raises `DocumentError` if one is damaged or takes too much memory.

    A few kilobytes can stand for gigabytes, since a dictionary stores a text once that every row repeats. So the texts
    count as they are read, one for each row.
    """
    for group in range(file.num_row_groups):
        batches, size = [], 0
        for batch in _batches(source, file, group, names):
            batches.append(batch)
            size += batch.nbytes + _column(batch, path).cast(pa.large_string()).nbytes
            if size > PIECE_BYTES:
                yield pa.Table.from_batches(batches)
                batches, size = [], 0
        if batches:
            yield pa.Table.from_batches(batches)


def _batches(source: Path, file: ParquetFile, group: int, names: Sequence[str] | None) -> Iterator[Any]:
    try:
        for batch in file.batches(names, [group]):
            yield batch if names is None else batch.select(names)  # "a.b" also reads the field b of a column a
    except (pa.ArrowException, OSError) as error:
        raise DocumentError(f"{source}: row group {group} cannot be read ({_first_line(error)})") from None


def _first_line(error: Exception) -> str:
    """The first line of an Arrow message, which says what is wrong."""
    return str(error).splitlines()[0]


def _compression(file: Any) -> Any:
    """The compression of each column in the first row group, by column path; pyarrow's default for an empty table."""
    if not file.num_row_groups:
        return "snappy"
    group = file.metadata.row_group(0)
    columns = [group.column(i) for i in range(group.num_columns)]
    return {column.path_in_schema: column.compression.lower().replace("uncompressed", "none") for column in columns}
