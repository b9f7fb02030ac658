"""Opens Parquet files so that reading them holds a row group at a time."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import pyarrow.parquet as pq


def open_parquet(source: Path | IO[bytes]) -> pq.ParquetFile:
    """A Parquet file, given by its path or open. Raises pyarrow's errors if it is none.

    By default, pyarrow reads the columns of all row groups ahead and holds them until the end of the file.
    """
    return pq.ParquetFile(source, pre_buffer=False)
