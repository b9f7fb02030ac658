"""A lock that lets only one process write an output folder at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EINVAL
from pathlib import Path

from filelock import FileLock, Timeout
from unspin.errors import UnspinError
from unspin.storage import SCRATCH, real_path, remove_scratch


class BusyError(UnspinError):
    """Another process is writing the same output."""


@contextmanager
def sole_writer(output: Path) -> Iterator[None]:
    """Hold a lock file beside an output, a folder or a file, and remove what killed processes left half-written in it.

    If no file can be made beside a folder, the lock file is in it. Raises `BusyError` at once if another process holds
    the lock, and OSError if no lock file can be made. The operating system releases the lock when the process ends,
    even if it is killed.
    """
    place = real_path(output)  # a link to the folder is the folder
    if not place.name:
        raise OSError(EINVAL, "the root of the file system cannot be written as a whole: name a folder", str(output))
    lock = FileLock(_lock_file(place, output))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BusyError(f"another run is writing {output}: wait for it to end, or choose another output") from None
    try:
        remove_scratch(place.rglob(f"{SCRATCH}*"))
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)  # before the release, so that no other process holds this file yet
        lock.release()


def _lock_file(place: Path, output: Path) -> Path:
    """Make the lock file of a place. Raises OSError, which names the place as the user does."""
    file = place.with_name(f".{place.name}.unspin-lock")  # removed at the end, so that it must not be a user's file
    if place.is_dir() and not os.access(place.parent, os.W_OK):
        file = place / ".unspin-lock"
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        file.touch()
    except OSError as error:  # FileLock would take it for a lock that another process holds
        error.filename = str(output)
        raise
    return file
