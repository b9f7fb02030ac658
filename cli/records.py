"""Records of finished restorations, by which ``--resume`` and a cluster know what is left to do.

The record of a file is written once the restored file and everything about it are complete. It holds digests of what
was read, of what was written and of the settings. So a file is restored again if its content or a setting changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from unspin import __version__
from unspin.cli.jobs import Job, RestoreOptions, backup_of
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
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def write_record(job: Job, source: str, restored: str, settings: str) -> None:
    """Record that a document is finished, from the digests of what was read and written and of the settings.

    Does nothing for a job that cannot be resumed. Raises OSError or `StorageError`.
    """
    if job.record is not None:
        write_atomic(job.record, json.dumps(asdict(Record(job.name, source, restored, settings))).encode())


def digest_of_file(path: Path) -> str:
    """A digest of the bytes of a file. Raises OSError or `StorageError`."""
    with storage_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


def digest_of(data: bytes) -> str:
    """The digest of a file that holds these bytes."""
    return hashlib.sha256(data).hexdigest()[:32]


def unfinished(jobs: Iterable[Job], options: RestoreOptions, settings: str) -> Iterator[Job]:
    """The jobs that no run has finished with these settings.

    A file that was restored in place with other settings is restored from the copy of its original.
    """
    for job in jobs:
        record = Record.read(job.record)
        if record is None:
            yield job
        elif not options.in_place:
            is_written = job.target is not None and job.target.exists()
            if record.settings != settings or not is_written or not _has_digest(job.path, record.source):
                yield job
        elif not _has_digest(job.path, record.restored):
            yield job
        elif record.settings != settings:
            backup = backup_of(job.path)
            yield replace(job, source=backup) if _has_digest(backup, record.source) else job


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
