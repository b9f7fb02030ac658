"""Restores one text column of a Parquet file, one article per row.

All other columns, the schema with its metadata, the order of rows, the row groups and the compression stay as they
are; a file without an edit is copied byte for byte. Memory holds one row group at a time.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from unspin.infer.documents.base import DocumentError
from unspin.infer.restoration import Restoration

SUFFIX = ".parquet"
Restore = Callable[[Sequence[str]], Iterator[Restoration]]


def restore_table(source: Path, target: Path, column: str, restore: Restore) -> Iterator[tuple[int, Restoration]]:
    """Write `source` to `target` with `column` restored, and yield each row's number with its restoration.

    `target` is complete once the iterator is exhausted; it must differ from `source`. A null is passed to `restore`
    as an empty text and written as a null. Raises `DocumentError` if the file is not Parquet or lacks the text
    column, before anything is written, and if a row group is damaged, which leaves an incomplete `target`.
    """
    with _open(source) as file:
        schema = file.schema_arrow
        text_type = _text_type(source, schema, column)
        edited = False
        with pq.ParquetWriter(target, schema, compression=_compression(file)) as writer:
            first = 0
            for group in range(file.num_row_groups):
                table = _read_group(source, file, group)
                texts = table[column].to_pylist()
                restorations = list(restore([text or "" for text in texts]))
                edited = edited or any(restoration.edits for restoration in restorations)
                pairs = zip(texts, restorations, strict=True)
                values = pa.array([None if text is None else restored.text for text, restored in pairs], text_type)
                table = table.set_column(schema.get_field_index(column), schema.field(column), values)
                writer.write_table(table, row_group_size=max(len(table), 1))
                yield from enumerate(restorations, first)
                first += len(table)
    if not edited:
        shutil.copyfile(source, target)


def _open(source: Path) -> Any:
    try:
        return pq.ParquetFile(source)
    except (pa.ArrowException, OSError) as error:
        raise DocumentError(f"{source} is not a Parquet file ({_first_line(error)})") from None


def _text_type(source: Path, schema: Any, column: str) -> Any:
    """The Arrow type of the text column. Raises `DocumentError` if there is no such column or it holds no text."""
    if column in schema.names:
        text_type = schema.field(column).type
        if pa.types.is_string(text_type) or pa.types.is_large_string(text_type):
            return text_type
    names = ", ".join(schema.names)
    raise DocumentError(f"{source} has no text column {column!r} (columns: {names}): name it with --field")


def _read_group(source: Path, file: Any, group: int) -> Any:
    try:
        return file.read_row_group(group)
    except (pa.ArrowException, OSError) as error:
        raise DocumentError(f"{source}: row group {group} is damaged ({_first_line(error)})") from None


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
