"""What keeps finished files whole: SHA-256 sums beside them, and a lock that lets one run write a folder at a time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from unspin.data.errors import UnspinError

SUMS = "checksums.json"


class DamagedError(UnspinError):
    """A file that is not as it was written; the message names it."""


class BusyError(UnspinError):
    """Another run writes the same output."""


def sum_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def seal(folder: Path, files: Iterable[Path]) -> None:
    """Write the sums of some files of a folder to ``checksums.json`` in it."""
    sums = {file.relative_to(folder).as_posix(): sum_of(file) for file in sorted(files)}
    (folder / SUMS).write_text(json.dumps(sums, indent=1) + "\n", encoding="utf-8")


def verify(folder: Path, below: str = "") -> None:
    """Check the files of a sealed folder whose names begin with `below`. Raises `DamagedError`; a folder without sums passes."""
    record = folder / SUMS
    if not record.is_file():
        return
    try:
        sums = dict(json.loads(record.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise DamagedError(f"{record} is damaged: fetch or make the folder again") from None
    for name, expected in sums.items():
        if name.startswith(below):
            if not (folder / name).is_file():
                raise DamagedError(f"{folder / name} is missing: fetch or make it again")
            if sum_of(folder / name) != expected:
                raise DamagedError(f"{folder / name} is damaged (its SHA-256 is not the one noted beside it): fetch or make it again")


@contextmanager
def sole_writer(output: Path) -> Iterator[None]:
    """Hold a lock beside an output folder; the system lets go of it when the process ends, however it ends. Raises `BusyError`."""
    output.absolute().parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(output.absolute().with_name(f".{output.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BusyError(f"another run is writing {output}: wait for it, or give another output") from None
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)  # while it is held: nobody else can hold the file that goes
        lock.release()
