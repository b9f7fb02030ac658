"""Reads a built data set back, checking that it is intact and has the columns that training and scoring need.

Costs one SHA-256 over the files of a split. Field names of earlier versions are translated to today's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset, load_dataset
from datasets.table import InMemoryTable
from unspin.checksums import ChecksumError, verify_checksums
from unspin.data.rows import SCHEMA, upgrade_batch, upgrade_type
from unspin.errors import UnspinError
from unspin.storage import local_copy

# The columns that training and scoring read.
COLUMNS = ("article_id", "paragraph", "sentence", "variant", "spun", "original", "edits", "strength")


class DataError(UnspinError):
    """A data set lacks rows, columns or values, or a column has the wrong type; the message says which."""


def load_split(folder: Path, split: str) -> Dataset:
    """Load one split, memory-mapped. A split that an earlier version wrote is loaded into memory instead.

    Raises `DataError` if files, columns or rows are missing, and `ChecksumError` if a file does not match its checksum.
    """
    rows = load_dataset("parquet", data_files=[str(file) for file in split_files(folder, split)], split="train")
    edits = rows.data.schema.field("edits").type
    if edits == upgrade_type(edits):
        return rows
    return Dataset(InMemoryTable(pa.Table.from_batches([upgrade_batch(batch) for batch in rows.data.to_batches()])))


def split_files(folder: Path, split: str) -> list[Path]:
    """The Parquet files of one split, sorted and checked; an object store's are copied to this machine first.

    Raises `DataError` if files, columns or rows are missing, and `ChecksumError` if a file does not match its checksum.
    """
    folder = local_copy(folder)
    files = sorted((folder / split).glob("*.parquet"))
    if not files:
        raise DataError(f"{folder / split} holds no rows: give a folder that `unspin build` wrote")
    verify_checksums(folder, f"{split}/")
    for file in files:
        try:
            opened = pq.ParquetFile(file)
        except pa.ArrowInvalid as error:
            raise ChecksumError(f"{file} is not a Parquet file ({error}): build the data set again") from None
        with opened:
            if problems := list(_problems(opened)):
                raise DataError(f"{file}: {'; '.join(problems)}")
    if not sum(pq.read_metadata(file).num_rows for file in files):
        raise DataError(f"{folder / split}: no rows")
    return files


def _problems(file: pq.ParquetFile) -> Iterator[str]:
    """One message for all missing columns, and one for each column with the wrong type or a missing value."""
    types = {field.name: upgrade_type(field.type) for field in file.schema_arrow}
    if missing := [name for name in COLUMNS if name not in types]:
        yield f"no column {', '.join(missing)}"
    for name in COLUMNS:
        if name not in types:
            continue
        expected = SCHEMA.field(name).type
        if not _is_compatible(types[name], expected):
            yield f"column {name} holds {types[name]}, where {expected} is needed"
        elif name != "edits" and (row := _first_null(file, name)) is not None:  # a null list of edits counts as empty
            yield f"column {name} has no value in row {row:,}, counted from 0"


def _is_compatible(actual: pa.DataType, expected: pa.DataType) -> bool:
    """Whether values of one type can be read as the other, whatever their bit widths."""
    if pa.types.is_list(expected):
        is_list = pa.types.is_list(actual) or pa.types.is_large_list(actual)
        return is_list and _is_compatible(actual.value_type, expected.value_type)
    if pa.types.is_struct(expected):
        fields = {field.name: field.type for field in actual} if pa.types.is_struct(actual) else {}
        return all(field.name in fields and _is_compatible(fields[field.name], field.type) for field in expected)
    if pa.types.is_string(expected):
        return pa.types.is_string(actual) or pa.types.is_large_string(actual) or pa.types.is_string_view(actual)
    return pa.types.is_integer(actual) or (pa.types.is_floating(expected) and pa.types.is_floating(actual))


def _first_null(file: pq.ParquetFile, name: str) -> int | None:
    """The first row, from 0, without a value in a column. Row groups whose statistics report no nulls are not read."""
    start = 0
    for i in range(file.num_row_groups):
        group = file.metadata.row_group(i)
        columns = [group.column(c) for c in range(group.num_columns)]
        counted = [column.statistics for column in columns if column.path_in_schema == name]
        if not (counted and counted[0] and counted[0].has_null_count and not counted[0].null_count):
            nulls = np.flatnonzero(file.read_row_group(i, columns=[name])[name].is_null().to_numpy())
            if len(nulls):
                return start + int(nulls[0])
        start += group.num_rows
    return None


def group_by_article(rows: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Rows grouped by article, in the order of their first rows."""
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        grouped[row["article_id"]].append(row)
    return list(grouped.values())
