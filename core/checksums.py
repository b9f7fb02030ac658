"""SHA-256 checksums, written beside finished files and verified before the files are used.

Checksums detect truncated and damaged files; they do not protect against tampering. Cost: one read of every file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from unspin.errors import UnspinError

CHECKSUMS = "checksums.json"


class ChecksumError(UnspinError):
    """A file is missing or does not match its checksum; the message names it."""


def sha256_of(file: Path) -> str:
    """Return the SHA-256 checksum of a file, as 64 hexadecimal digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def write_checksums(folder: Path, files: Iterable[Path]) -> None:
    """Write ``checksums.json`` into a folder, with the checksums of the given files in it."""
    sums = {file.relative_to(folder).as_posix(): sha256_of(file) for file in sorted(files)}
    (folder / CHECKSUMS).write_text(json.dumps(sums, indent=1) + "\n", encoding="utf-8")


def verify_checksums(folder: Path, prefix: str = "") -> None:
    """Verify the files of a folder against its ``checksums.json``; a folder without that file passes.

    `prefix` limits the check to names that begin with it, such as "train/". Raises `ChecksumError` if a file is missing
    or differs, or if ``checksums.json`` itself cannot be read.
    """
    record = folder / CHECKSUMS
    if not record.is_file():
        return
    try:
        sums = json.loads(record.read_text(encoding="utf-8"))
        if not isinstance(sums, dict):
            raise ValueError
    except (ValueError, RecursionError):
        raise ChecksumError(f"{record} is damaged: download or make the folder again") from None
    for name, expected in sums.items():
        if name.startswith(prefix):
            _verify(folder / name, expected)


def _verify(file: Path, expected: str) -> None:
    if not file.is_file():
        raise ChecksumError(f"{file} is missing: download or make it again")
    if sha256_of(file) != expected:
        raise ChecksumError(f"{file} is damaged (it does not match its SHA-256 checksum): download or make it again")
