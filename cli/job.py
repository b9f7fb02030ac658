"""A job: one file to work on, where it is read, and where its result is written."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from unspin.cli.files import PARQUET, STDIN
from unspin.infer.documents.base import Document, DocumentError, DocumentOptions
from unspin.infer.documents.formats import decode_document, format_of, read_all, read_bytes
from unspin.storage import download, is_url, real_path, storage_errors


@dataclass(frozen=True)
class Job:
    """A file to restore, its path relative to the output folders, and the file to write (None: stdout).

    `record` is the file that records the finished restoration; None if nothing could resume it. `source` is what is
    read if it is not `path`: the original of a file that was restored in place before. `error` says why there is
    nothing to read.
    """

    path: Path
    relative: Path
    target: Path | None
    record: Path | None = None
    source: Path | None = None
    error: str = ""

    @property
    def is_table(self) -> bool:
        """Whether the file is a Parquet table, whose rows are articles."""
        return self.path.suffix.lower() == PARQUET and not self.error

    @property
    def name(self) -> str:
        """The path as messages and edits files show it: in one line, valid in UTF-8, and different for each path."""
        text = "stdin" if self.path == STDIN else str(self.path)
        shown = (c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode() for c in text)
        return "".join(shown)


def read_job(job: Job, options: DocumentOptions) -> tuple[Document, str]:
    """Read the document of a job; returns it with the digest of its bytes. Raises `DocumentError`."""
    if job.error:
        raise DocumentError(job.error)
    if job.path == STDIN:
        try:
            data = read_all(job.name, sys.stdin.buffer)
        except OSError as error:
            raise DocumentError(f"stdin: {error.strerror or error}") from None
        return decode_document(job.name, data, options), digest_of(data)
    if options.format is None:
        format_of(job.name)  # refuses a large file of an unknown type before it is read
    data = read_bytes(job.source or job.path)
    return decode_document(job.name, data, options), digest_of(data)


@contextmanager
def local_table(job: Job) -> Iterator[Path]:
    """The local file of a table: what the job reads, or a temporary copy of an object in a store."""
    source = job.source or job.path
    if not is_url(source):
        yield source
        return
    with TemporaryDirectory(prefix="unspin-") as scratch:
        copy = Path(scratch) / source.name
        download(source, copy)
        yield copy


def scratch_parent(target: Path) -> Path | None:
    """Where to write a file that will be moved to `target`: on the same disk; None (the system's folder) for a URL."""
    if is_url(target):
        return None
    folder = real_path(target).parent  # of a link, where it leads to
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def digest_of_file(path: Path) -> str:
    """A digest of the bytes of a file. Raises OSError or `StorageError`."""
    with storage_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def digest_of(data: bytes) -> str:
    """The digest of a file that holds these bytes."""
    return hashlib.sha256(data).hexdigest()[:32]
