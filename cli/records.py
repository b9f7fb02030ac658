"""Records of finished restorations, by which ``--resume`` and a cluster know what is left to do.

The record of a file is written once the restored file and everything about it are complete. It holds digests of what
was read, of what was written and of the settings. So a file is restored again if its content or a setting changed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import count, takewhile
from pathlib import Path

from unspin import __version__
from unspin.cli.job import Job, digest_of, digest_of_file
from unspin.cli.jobs import RestoreOptions, backup_of, page_of
from unspin.infer.models.checkpoint import Checkpoint
from unspin.storage import is_url, storage_errors, write_atomic


@dataclass(frozen=True)
class Record:
    """A finished restoration of a document: digests of the bytes read and written, and of the settings."""

    document: str
    source: str
    restored: str
    settings: str

    @classmethod
    def read(cls, file: Path | None) -> Record | None:
        """Read a record; None if there is none, or if it is damaged."""
        if file is None:
            return None
        try:
            with storage_errors(file):
                return cls(**json.loads(file.read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return None


def digest_of_settings(options: RestoreOptions) -> str:
    """A digest of all that a restoration depends on besides the document, and of where its page and edits are written.

    Raises `ModelError` if the checkpoint cannot be used.
    """
    checkpoint = Checkpoint.open(options.checkpoint)
    settings = {
        "version": __version__,
        "checkpoint": checkpoint.digest,
        "calibration": asdict(checkpoint.calibration),
        "html": str(options.html),
        "edits": str(options.edits),
        "documents": asdict(options.documents),
        "min_confidence": options.min_confidence,
        "keep_quotations": options.keep_quotations,
        "alternatives": options.alternatives,
        "engine": options.engine,
        "phrases": None if options.phrases is None else digest_of_file(options.phrases),
        "protect": None if options.protect is None else digest_of_file(options.protect),
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def write_record(job: Job, source: str, restored: str, settings: str) -> None:
    """Record that a document is finished, from the digests of what was read and written and of the settings.

    What unspin wrote before and read again in place still counts as restored from its first source. Does nothing for a
    job that cannot be resumed. Raises OSError or `StorageError`.
    """
    if job.record is None:
        return
    earlier = Record.read(job.record)
    if job.path == job.target and earlier is not None and earlier.restored == source:
        source = earlier.source
    write_atomic(job.record, json.dumps(asdict(Record(job.name, source, restored, settings))).encode())


def keep_original(job: Job) -> None:
    """Copy a file, with its permissions and times, to "FILE.bak" before it is changed in place.

    No copy is made of what unspin itself wrote, nor twice of the same bytes. A copy that holds something else is kept,
    since it may be the only original, and the next one is "FILE.bak.2". Raises OSError or `StorageError`.
    """
    data, record = job.path.read_bytes(), Record.read(job.record)
    digest = digest_of(data)
    source = record.source if record is not None and record.restored == digest else digest
    if _backup_with(job.path, source) is not None:
        return
    backup = next(backup for number in count(1) if _reserve(backup := backup_of(job.path, number)))
    write_atomic(backup, data, like=job.path)
    if not is_url(job.path):
        status = job.path.stat()
        os.utime(backup, ns=(status.st_atime_ns, status.st_mtime_ns))


def _reserve(backup: Path) -> bool:
    """Make an empty file, unless there is one: another run may be keeping the original of the same file."""
    if is_url(backup):
        return not backup.exists()
    try:
        backup.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def unfinished(jobs: Iterable[Job], options: RestoreOptions, settings: str) -> Iterator[Job]:
    """The jobs that no run has finished with these settings, or whose page or edits are gone.

    A file that was restored in place is restored again from the copy of its original.
    """
    has_edits = options.edits is None or options.edits.exists()
    for job in jobs:
        record = Record.read(job.record)
        if record is None:
            yield job
            continue
        has_page = options.html is None or job.is_table or page_of(job, options.html).exists()
        is_current = record.settings == settings and has_edits and has_page
        if not options.in_place:
            is_written = job.target is not None and job.target.exists()
            if not is_current or not is_written or not _has_digest(job.path, record.source):
                yield job
        elif not _has_digest(job.path, record.restored):
            yield job
        elif not is_current:
            yield replace(job, source=_backup_with(job.path, record.source))


def _backup_with(path: Path, digest: str) -> Path | None:
    """The copy of a file that has this digest; None if there is none."""
    copies = takewhile(lambda copy: copy.exists(), (backup_of(path, number) for number in count(1)))
    return next((copy for copy in copies if _has_digest(copy, digest)), None)


def _has_digest(path: Path, digest: str) -> bool:
    """Whether a file can be read and has this digest; reading it again reports what is wrong with it."""
    try:
        return digest_of_file(path) == digest
    except FileNotFoundError:
        return False
    except OSError:
        if is_url(path):
            raise
        return False
