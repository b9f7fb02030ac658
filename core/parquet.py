"""Parquet files, read in pieces of bounded size.

A few hundred bytes of Parquet can stand for gigabytes: a run of equal values is stored once, and so is a text that many
rows repeat. How much a row group takes in memory follows from what the file states about its columns, except for texts
in lists. These are measured before they are read, as references to the texts that they repeat.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

PIECE_BYTES = 64_000_000  # of the rows that are read at a time, unless a single row takes more
MAX_UNPACKED = 64_000_000  # bytes that a row group may take in memory, however small it is in the file
MAX_RATIO = 100  # of the bytes in memory to those in the file, for larger ones; that of text is below 10
_MAX_ROWS = 1000
_MAX_MEASURED_ROWS = 65_536
_PLACE_BYTES = 24  # in memory, of a value in a list, with the numbers that say where in the list it stands


class ParquetFile(pq.ParquetFile):
    """A Parquet file, given by its path or open.

    Raises pyarrow's errors if it is none. Raises `pyarrow.ArrowInvalid` if a row group would take more than
    `MAX_UNPACKED` bytes in memory, and more than `MAX_RATIO` times as many as in the file.
    """

    def __init__(self, source: Path | IO[bytes]) -> None:
        # By default, pyarrow reads the columns of all row groups ahead and holds them until the end of the file.
        # In nanoseconds, its default for timestamps of 96 bits, the year 9999 would become 1816.
        super().__init__(source, pre_buffer=False, coerce_int96_timestamp_unit="us")
        self._source = source
        leaves = [self.schema.column(i) for i in range(self.metadata.num_columns)]
        self._list_value_bytes = {  # in memory, of a value that stands in a list, by its column
            leaf.path: _PLACE_BYTES + max(leaf.length, 0) for leaf in leaves if leaf.max_repetition_level
        }
        self._fixed_bytes = {leaf.path: max(leaf.length, 0) for leaf in leaves}  # of a value whose type has a length
        for group in range(self.num_row_groups):
            self._check(group, sum(map(self._unpacked_bytes, self._columns(group))))

    def batches(self, names: Sequence[str] | None = None, groups: Iterable[int] | None = None) -> Iterator[Any]:
        """The rows of all row groups or of some, in all columns or those of some names.

        As many are read at a time as fit in a piece if each is as large as the average row and holds the longest text
        of its row group. Raises pyarrow's errors if a row group is damaged or, as above, too large.
        """
        for group in range(self.num_row_groups) if groups is None else groups:
            columns = self._columns(group, names)
            rows = self._rows_in_a_piece(group, columns)
            self._measure_texts_in_lists(group, columns, rows)
            yield from self.iter_batches(rows, row_groups=[group], columns=names)

    def _columns(self, group: int, names: Sequence[str] | None = None) -> list[Any]:
        """What the file states about the columns of a row group; one for each field of structs and lists."""
        metadata = self.metadata.row_group(group)
        columns = [metadata.column(i) for i in range(metadata.num_columns)]
        roots = None if names is None else tuple(f"{name}." for name in names)
        return [each for each in columns if roots is None or f"{each.path_in_schema}.".startswith(roots)]

    def _unpacked_bytes(self, column: Any) -> int:
        """The bytes that a column takes in memory, but for texts that several rows or values of lists repeat."""
        return column.total_uncompressed_size + column.num_values * self._list_value_bytes.get(column.path_in_schema, 0)

    def _rows_in_a_piece(self, group: int, columns: Sequence[Any]) -> int:
        count = self.metadata.row_group(group).num_rows
        total = sum(map(self._unpacked_bytes, columns))
        size = total / max(count, 1) + sum(self._fixed_bytes[column.path_in_schema] for column in columns)
        texts = [
            column.path_in_schema
            for column in columns
            if column.physical_type == "BYTE_ARRAY" and column.path_in_schema not in self._list_value_bytes
        ]
        if texts and total * min(count, _MAX_ROWS) > PIECE_BYTES:
            rows = max(min(int(PIECE_BYTES // max(size, 1)), _MAX_MEASURED_ROWS), 1)
            longest = [0]
            with pq.ParquetFile(self._source, pre_buffer=False, read_dictionary=texts) as file:
                for batch in file.iter_batches(rows, row_groups=[group], columns=texts):
                    longest.append(sum(map(_longest_text_bytes, batch.columns)))
            size += max(longest)
        return max(min(int(PIECE_BYTES // max(size, 1)), _MAX_ROWS), 1)

    def _measure_texts_in_lists(self, group: int, columns: Sequence[Any], rows: int) -> None:
        """Raise `pyarrow.ArrowInvalid` if the texts in lists are too large in as many rows as are read at a time."""
        paths = [
            column.path_in_schema
            for column in columns
            if column.physical_type == "BYTE_ARRAY"
            and column.path_in_schema in self._list_value_bytes
            and column.num_values * column.total_uncompressed_size > MAX_UNPACKED
        ]
        if paths:
            with pq.ParquetFile(self._source, pre_buffer=False, read_dictionary=paths) as file:
                for batch in file.iter_batches(rows, row_groups=[group], columns=paths):
                    self._check(group, sum(map(_text_bytes, batch.columns)))

    def _check(self, group: int, size: int) -> None:
        stored = sum(column.total_compressed_size for column in self._columns(group))
        if size > max(MAX_UNPACKED, MAX_RATIO * stored):
            what = f"a row group unpacks to {size // 10**6:,} MB, {size // max(stored, 1):,} times its size in the file"
            raise pa.ArrowInvalid(f"{what}: save the table in smaller row groups")


def _longest_text_bytes(array: Any) -> int:
    """The bytes of the longest texts, one of each field, in an array of structs and references to a dictionary."""
    if pa.types.is_dictionary(array.type):
        return pc.max(pc.binary_length(array.dictionary)).as_py() or 0
    return sum(map(_longest_text_bytes, array.flatten())) if pa.types.is_struct(array.type) else 0


def _text_bytes(array: Any) -> int:
    """The bytes of all texts in an array of lists, maps, structs and references to a dictionary."""
    if pa.types.is_dictionary(array.type):
        return pc.sum(pc.binary_length(array.dictionary).take(array.indices)).as_py() or 0
    if pa.types.is_map(array.type):
        return _text_bytes(array.keys) + _text_bytes(array.items)
    if pa.types.is_struct(array.type):
        return sum(map(_text_bytes, array.flatten()))
    return _text_bytes(array.flatten()) if pa.types.is_nested(array.type) else 0
