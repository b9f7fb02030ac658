"""A lock that lets only one process write an output folder at a time."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EINVAL
from pathlib import Path
from time import time

from filelock import FileLock, Timeout
from unspin.errors import UnspinError
from unspin.storage import SCRATCH

_SCRATCH_AGE = 24 * 3600  # seconds after which nobody writes a scratch file any more


class BusyError(UnspinError):
    """Another process is writing the same output folder."""


@contextmanager
def sole_writer(output: Path) -> Iterator[None]:
    """Hold a lock file beside an output folder, and remove what killed processes left half-written in it.

    Raises `BusyError` at once if another process holds it, and OSError if files cannot be written beside the folder.
    The operating system releases the lock when the process ends, even if it is killed.
    """
    folder = output.resolve()  # a link to the folder is the folder
    if not folder.name:
        raise OSError(EINVAL, "the root of the file system cannot be written as a whole: name a folder", str(output))
    file = folder.with_name(f".{folder.name}.unspin-lock")  # removed at the end, so that it must not be a user's file
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        file.touch()
    except OSError as error:  # FileLock would take it for a lock that another process holds
        error.filename = str(output)
        raise
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BusyError(f"another run is writing {output}: wait for it to end, or choose another output") from None
    try:
        _remove_scratch(folder)
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)  # before the release, so that no other process holds this file yet
        lock.release()


def _remove_scratch(folder: Path) -> None:
    """Remove old scratch files and folders. A cluster may be writing younger ones: its tasks hold no lock."""
    for scratch in folder.rglob(f"{SCRATCH}????????"):
        with suppress(OSError):
            if time() - scratch.stat().st_mtime < _SCRATCH_AGE:
                continue
            if scratch.is_dir():
                shutil.rmtree(scratch)
            else:
                scratch.unlink()
