"""Records of finished restorations, by which ``--resume`` and a cluster know what is left to do.

The record of a file is written once everything about it is complete, just before the restored file itself. It holds
digests of what was read, of what is written, of what stood there before, and of the settings. So a file is restored
again if its content or a setting changed, and a run that is killed between the two can go on.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import count, takewhile
from pathlib import Path

from unspin import __version__
from unspin.cli.files import STDIN
from unspin.cli.job import Job, digest_of, digest_of_file
from unspin.cli.jobs import RestoreOptions, backup_of, is_page, page_of
from unspin.cli.options import OptionError
from unspin.infer.documents.base import DocumentError
from unspin.infer.models.checkpoint import Checkpoint
from unspin.storage import is_url, storage_errors, write_atomic


@dataclass(frozen=True)
class Record:
    """A restoration of a document: digests of the bytes read, written and replaced, and of the settings."""

    document: str
    source: str
    restored: str
    settings: str
    replaced: str = ""  # what the restored bytes take the place of

    def knows(self, digest: str) -> bool:
        """Whether bytes with this digest are those written, or those that a killed run was about to replace."""
        return digest in (self.restored, self.replaced)

    @classmethod
    def read(cls, file: Path | None) -> Record | None:
        """Read a record; None if there is none, or if it cannot be read or is damaged. Raises `StorageError`."""
        if file is None:
            return None
        try:
            with storage_errors(file):
                return cls(**json.loads(file.read_bytes()))
        except (OSError, ValueError, TypeError, RecursionError):
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
    """Record that a document will be finished when its restored file is written, from the digests of what was read and
    is written and of the settings.

    What unspin wrote before and read again in place still counts as restored from its first source. Does nothing for a
    job that cannot be resumed. Raises OSError or `StorageError`.
    """
    if job.record is None or job.target is None:
        return
    earlier = Record.read(job.record)
    if job.path == job.target and earlier is not None and earlier.knows(source):
        source = earlier.source
    replaced = digest_of_file(job.target) if job.target.exists() else ""
    record = Record(job.name, source, restored, settings, replaced)
    write_atomic(job.record, json.dumps(asdict(record)).encode(), like=None if job.path == STDIN else job.path)


def check_unchanged(job: Job, source: str) -> None:
    """Refuse to replace a file that somebody has changed during the run; `source` is the digest of what was read.

    Raises `DocumentError`, OSError or `StorageError`.
    """
    if job.record is None or job.target is None or not job.target.is_file():
        return
    record, present = Record.read(job.record), digest_of_file(job.target)
    if not (record is not None and record.knows(present)) and not (job.path == job.target and present == source):
        what = f"{job.name}: {job.target} was written by somebody else during the run"
        raise DocumentError(f"{what}: it is kept; restore the document again, or to another folder")


def keep_original(job: Job) -> None:
    """Copy a file, with its permissions and times, to "FILE.bak" before it is changed in place.

    No copy is made of what unspin itself wrote, nor twice of the same bytes. A copy that holds something else is kept,
    since it may be the only original, and the next one is "FILE.bak.2". Raises OSError or `StorageError`.
    """
    data, record = job.path.read_bytes(), Record.read(job.record)
    digest = digest_of(data)
    source = record.source if record is not None and record.knows(digest) else digest
    if _backup_with(job.path, source) is not None:
        return
    for backup in (backup_of(job.path, number) for number in count(1)):
        with suppress(FileExistsError):  # another run may be keeping the original of the same file
            write_atomic(backup, data, like=job.path, new=True)
            break
    if not is_url(job.path):
        status = job.path.stat()
        os.utime(backup, ns=(status.st_atime_ns, status.st_mtime_ns))


def unfinished(jobs: Iterable[Job], options: RestoreOptions, settings: str) -> Iterator[Job]:
    """The jobs that no run has finished with these settings, or whose page or edits are gone.

    A restored file that somebody has changed since is finished. A file that was restored in place is restored again
    from the copy of its original.
    """
    for job in jobs:
        try:
            left = _left_of(job, options, settings)
        except OSError:  # restoring it reports what is wrong
            left = job
        if left is not None:
            yield left


def _left_of(job: Job, options: RestoreOptions, settings: str) -> Job | None:
    """The job, with what is to be read; None if it is finished."""
    record = Record.read(job.record)
    if record is None:
        return job
    has_edits = options.edits is None or options.edits.exists()
    has_page = options.html is None or job.is_table or page_of(job, options.html).exists()
    is_current = record.settings == settings and has_edits and has_page
    if not options.in_place:
        is_finished = is_current and _is_written(job, record) and _has_digest(job.path, record.source)
        return None if is_finished else job
    is_written = _has_digest(job.path, record.restored)
    if is_written and is_current:
        return None
    if is_written or _has_digest(job.path, record.replaced):
        return replace(job, source=_backup_with(job.path, record.source))
    return job


def _is_written(job: Job, record: Record) -> bool:
    """Whether the restored file is there, as it was written or changed since; not what was there before."""
    if job.target is None or not job.target.is_file():
        return False
    return _has_digest(job.target, record.restored) or not _has_digest(job.target, record.replaced)


def check_overwriting(jobs: Iterable[Job], options: RestoreOptions) -> None:
    """Refuse to overwrite, in an output folder, what no run wrote, or what somebody has changed since.

    A file that ``--output`` names is overwritten. Raises `OptionError` or `StorageError`.
    """
    foreign = [file for job in jobs if not job.error for file in _foreign_files(job, options)]
    if foreign:
        others = f" ({len(foreign):,} such files)" if len(foreign) > 1 else ""
        what = f"{foreign[0]} would be overwritten, and is not as unspin wrote it{others}"
        raise OptionError(f"{what}: move it away, or name another folder")


def _foreign_files(job: Job, options: RestoreOptions) -> Iterator[Path]:
    """Those of the files of a job that are there and that unspin did not write."""
    with suppress(OSError):  # writing it reports what is wrong
        if job.record is not None and job.target is not None and not options.in_place and job.target.is_file():
            record = Record.read(job.record)
            known = () if record is None else (record.restored, record.replaced)
            if not any(_has_digest(job.target, digest) for digest in known):
                yield job.target
    with suppress(OSError):
        if options.html is not None and not job.is_table:
            page = page_of(job, options.html)
            if page.is_file() and not is_page(page):
                yield page


def _backup_with(path: Path, digest: str) -> Path | None:
    """The copy of a file that has this digest; None if there is none. The first ones may have been moved away."""
    numbered = ((number, backup_of(path, number)) for number in count(1))
    copies = takewhile(lambda pair: pair[0] < 10 or pair[1].exists(), numbered)
    return next((copy for _, copy in copies if _has_digest(copy, digest)), None)


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
