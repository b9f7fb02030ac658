"""Restores one file after another in one process: read, restore, write the edits, the page and, last, the file.

The record of a file (`records`) is written just before the file, so if both exist, all that belongs to the file exists
too. `local` and `cluster` call this module, each with a restorer of its own.
"""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EDQUOT, ENOSPC
from functools import cache
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from unspin.cli.files import STDIN
from unspin.cli.job import Job, digest_of, digest_of_file, local_table, read_job, scratch_parent
from unspin.cli.jobs import RestoreOptions, page_of
from unspin.cli.options import OptionError
from unspin.cli.records import Record, check_unchanged, keep_original, unfinished, write_record
from unspin.infer.documents.base import FORESEEN, Document, DocumentError, unforeseen_errors
from unspin.infer.render import html_page
from unspin.infer.restoration import Restoration, dump_json
from unspin.infer.restorer import OnRead, Restorer
from unspin.lazy import cached_property
from unspin.phrase_lists import read_terms
from unspin.storage import SCRATCH, is_private, is_url, put_file, take_permissions, write_atomic


@dataclass(frozen=True)
class Outcome:
    """A restored document, or the reason why a file could not be read.

    `digest` is that of the bytes read, `restored` are the bytes to write, and `warnings` are those of the document.
    Worker processes send outcomes to the process that writes them.
    """

    job: Job
    digest: str = ""
    restored: bytes = b""
    restoration: Restoration | None = None
    warnings: Sequence[str] = ()
    error: str = ""


class LazyRestorer:
    """Loads the model when the first text is restored, so that unreadable files are reported at once."""

    def __init__(self, options: RestoreOptions) -> None:
        self._options = options

    @cached_property
    def restorer(self) -> Restorer:
        """The restorer that the options describe. Raises `ModelError` if the checkpoint cannot be used."""
        return Restorer.from_pretrained(
            self._options.checkpoint,
            engine=self._options.engine,
            device=self._options.device,
            min_confidence=self._options.min_confidence,
            keep_quotations=self._options.keep_quotations,
            alternatives=self._options.alternatives,
            phrases=self._options.phrases,
            protect=() if self._options.protect is None else read_terms(self._options.protect),
        )


@cache
def _restorer_of_process(options: RestoreOptions) -> LazyRestorer:
    return LazyRestorer(options)


@dataclass(frozen=True)
class RestoreFile:
    """Restores one file and writes it with its record; the work of a task on a cluster.

    `settings` is the digest of all settings.
    """

    options: RestoreOptions
    settings: str

    def __call__(self, job: Job) -> None:
        """Restore a file. Raises `DocumentError` if it cannot be read."""
        restore_file(job, self.options, _restorer_of_process(self.options), self.settings)

    def unfinished(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """The files that no run has finished with these settings."""
        return unfinished(jobs, self.options, self.settings)


def restore_documents(
    jobs: Iterable[Job], options: RestoreOptions, lazy: LazyRestorer, on_read: OnRead | None = None
) -> Iterator[Outcome]:
    """Read and restore text documents in order, small ones in shared batches; unreadable ones come last.

    Nothing is written. Memory holds the documents of one batch. `on_read` is told of the model's progress.
    """
    pending: deque[tuple[Job, Document, str]] = deque()
    unreadable: list[Outcome] = []

    def documents() -> Iterator[Document]:
        for job in jobs:
            try:
                document, digest = read_job(job, options.documents)
            except DocumentError as error:
                unreadable.append(Outcome(job, error=str(error)))
                continue
            pending.append((job, document, digest))
            yield document

    readable = documents()
    for first in readable:  # runs only if there is a readable document: `lazy.restorer` loads the model
        try:
            for restoration in lazy.restorer.restore_all(chain([first], readable), on_read):
                job, document, digest = pending[0]
                outcome = Outcome(job, digest, document.encode(restoration), restoration, document.warnings)
                pending.popleft()
                yield outcome
        except FORESEEN:
            raise
        except Exception:  # one of the documents in the model's batch is at fault
            yield from _restore_one_by_one(pending, lazy)
    yield from unreadable


def _restore_one_by_one(pending: deque[tuple[Job, Document, str]], lazy: LazyRestorer) -> Iterator[Outcome]:
    while pending:
        job, document, digest = pending.popleft()
        try:
            with unforeseen_errors(job.name):
                restoration = lazy.restorer.restore(document)
                yield Outcome(job, digest, document.encode(restoration), restoration, document.warnings)
        except DocumentError as error:
            yield Outcome(job, error=str(error))


def restore_file(job: Job, options: RestoreOptions, lazy: LazyRestorer, settings: str) -> None:
    """Restore one file, text or table, and write it with its record. Raises `DocumentError` if it cannot be read.

    `settings` is the digest of all settings.
    """
    if job.is_table:
        for _ in restore_table_file(job, options, lazy, settings):
            pass
        return
    for outcome in restore_documents([job], options, lazy):
        write_outcome(outcome, options, settings)


def write_outcome(outcome: Outcome, options: RestoreOptions, settings: str) -> tuple[Restoration, list[str]]:
    """Write a document and its edits and page as the options ask; returns its restoration, and all warnings.

    Raises `DocumentError` if the document could not be read or its files cannot be written, OSError if the disk is
    full, and `StorageError`.
    """
    job, restoration, restored = outcome.job, outcome.restoration, outcome.restored
    if restoration is None:
        raise DocumentError(outcome.error)
    like = None if job.path == STDIN else job.path
    with _document_errors(job), _edits_of(job, options, settings) as append:
        check_unchanged(job, outcome.digest)
        append(restoration)
        if options.html is not None:
            page = html_page(restoration, job.name).encode(errors="replace")  # an escape may be half a character
            write_atomic(page_of(job, options.html), page, like)
        changes = not options.in_place or digest_of(restored) != digest_of_file(job.path)
        if options.in_place and changes:
            keep_original(job)
        write_record(job, outcome.digest, digest_of(restored), settings)
        if job.target is None:
            _write_to_stdout(restored)
        elif changes:
            write_atomic(job.target, restored, like)
    return restoration, [*outcome.warnings, *restoration.warnings]


def _write_to_stdout(data: bytes) -> None:
    """Write to stdout at once. Raises OSError, which names stdout."""
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        error.filename = "stdout"
        raise


@contextmanager
def _document_errors(job: Job) -> Iterator[None]:
    """Turn an error of one document's files, such as a name that is too long, into `DocumentError`.

    A full disk would fail every document after it, and is raised as it is.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise
        place = "" if error.filename is None else f": {error.filename}"
        raise DocumentError(f"{job.name} cannot be written{place}: {error.strerror or error}") from None


def restore_table_file(
    job: Job, options: RestoreOptions, lazy: LazyRestorer, settings: str
) -> Iterator[tuple[int, Restoration]]:
    """Restore the text column of a Parquet file, and yield each row's number with its restoration.

    The file is written once the iterator is exhausted. Raises `DocumentError` if the file cannot be read or lacks the
    column; then nothing is written.
    """
    from unspin.infer.documents.parquet import restore_table

    def restore(texts: Sequence[str]) -> Iterator[Restoration]:
        restorer = lazy.restorer
        with unforeseen_errors(job.name):
            yield from restorer.restore_all(texts)

    assert job.target is not None, "find_jobs gives every table a target"
    with (
        _document_errors(job),
        local_table(job) as source,
        _edits_of(job, options, settings) as append,
        TemporaryDirectory(prefix=SCRATCH, dir=scratch_parent(job.target)) as scratch,
    ):
        restored = Path(scratch) / "restored.parquet"
        digest = digest_of_file(source)
        for number, restoration in restore_table(source, restored, options.documents.field, restore):
            append(restoration, row=number)
            yield number, restoration
        check_unchanged(job, digest)
        restored_digest = digest_of_file(restored)
        changes = not options.in_place or restored_digest != digest_of_file(job.path)
        if options.in_place and changes:
            keep_original(job)
        write_record(job, digest, restored_digest, settings)
        if changes:
            if not is_url(job.target) and not is_url(job.path):
                take_permissions(restored, job.path)
            put_file(restored, job.target)


def prepare_edits_file(file: Path, unfinished: Sequence[Job], resume: bool) -> None:
    """Empty the edits file; when resuming, keep only the rows of documents that are finished.

    A killed run may have left rows of `unfinished` documents, which will be written again, and a broken last line.
    Others may read the file only if they may read all documents. Raises `OptionError` if the file to be kept holds
    anything else.
    """
    kept: list[str] = []
    private = any(is_private(job.path) for job in unfinished)
    if resume and file.is_file():
        records = [record for job in unfinished if (record := Record.read(job.record))]
        names = {job.name for job in unfinished} | {record.document for record in records}  # as it was named then
        try:
            lines = file.read_text(encoding="utf-8").split("\n")[:-1]  # a whole line ends in a line end
            rows = [(f"{line}\n", json.loads(line)["document"]) for line in lines]
            kept = [line for line, document in rows if document not in names]
            private |= is_private(file) or any(map(is_private, {Path(document) for _, document in rows}))
        except (ValueError, KeyError, TypeError, RecursionError):
            raise OptionError(f"--edits {file} holds something else than edits: name another file") from None
    write_atomic(file, "".join(kept).encode(), private=private)


class _Append(Protocol):
    def __call__(self, restoration: Restoration, **place: int) -> None:
        """Append the edits of a document, or of a row of it, to the edits file."""
        ...


@contextmanager
def _edits_of(job: Job, options: RestoreOptions, settings: str) -> Iterator[_Append]:
    """Append the edits of a document to the edits file, if there is one; if the block fails, they are removed again.

    They stay if the block is stopped when the document is finished: nobody would write them again.
    """
    if options.edits is None:
        yield lambda restoration, **place: None
        return
    file = options.edits

    def append(restoration: Restoration, **place: int) -> None:
        rows = ({"document": job.name, **place, **row} for row in restoration.edit_rows())
        with file.open("a", encoding="utf-8") as lines:
            lines.writelines(dump_json(row) + "\n" for row in rows)

    file.touch()
    end = file.stat().st_size
    try:
        yield append
    except Exception:
        os.truncate(file, end)
        raise
    except BaseException:
        if any(unfinished([job], options, settings)):
            os.truncate(file, end)
        raise
