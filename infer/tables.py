"""Restoring one text column of a Parquet file; every other column, the schema, its metadata and the order of rows stay as they are.

A row is an article. Row groups are read, restored and written one after the other, so memory holds one group.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from unspin.infer.documents import DocumentError
from unspin.infer.restoration import Restoration

SUFFIX = ".parquet"
Restore = Callable[[Sequence[str]], Iterator[Restoration]]


def restore_table(source: Path, target: Path, column: str, restore: Restore) -> Iterator[tuple[int, Restoration]]:
    """Write `source` to `target` with a column restored; yields (row, its restoration). Without any edit the copy is byte for byte.

    Raises `DocumentError` where the file is damaged or lacks the column; then nothing is written. `target` must not be `source`.
    """
    try:
        file = pq.ParquetFile(source)
    except (pa.ArrowException, OSError) as error:
        raise DocumentError(f"{source}: no Parquet file ({str(error).splitlines()[0]})") from None
    with file:
        schema = file.schema_arrow
        if column not in schema.names or not (pa.types.is_string(kind := schema.field(column).type) or pa.types.is_large_string(kind)):
            raise DocumentError(f"{source} has no text column {column!r}, it has {', '.join(schema.names)}: name it with --field")
        edited = False
        with pq.ParquetWriter(target, schema, compression=_compression(file)) as writer:
            first = 0
            for group in range(file.num_row_groups):
                try:
                    table = file.read_row_group(group)
                except (pa.ArrowException, OSError) as error:
                    raise DocumentError(f"{source}: damaged in row group {group} ({str(error).splitlines()[0]})") from None
                texts = table[column].to_pylist()
                restored = list(restore([text or "" for text in texts]))
                edited = edited or any(restoration.edits for restoration in restored)
                values = [None if text is None else restoration.text for text, restoration in zip(texts, restored, strict=True)]
                index = schema.get_field_index(column)
                writer.write_table(table.set_column(index, schema.field(column), pa.array(values, kind)), row_group_size=max(len(table), 1))
                yield from enumerate(restored, first)
                first += len(table)
    if not edited:
        shutil.copyfile(source, target)


def _compression(file: Any) -> Any:
    """Each column's own compression, from the first row group."""
    if not file.num_row_groups:
        return "snappy"
    group = file.metadata.row_group(0)
    return {group.column(i).path_in_schema: group.column(i).compression.lower().replace("uncompressed", "none") for i in range(group.num_columns)}
