"""`unspin restore` on this machine: in this process, or in several worker processes that each load the model.

This process writes the documents, in order. It then restores and writes the tables, one after another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from functools import partial

from rich.console import Console
from rich.text import Text
from unspin.cli.job import Job, local_table, read_job
from unspin.cli.jobs import RestoreOptions
from unspin.cli.progress import DocumentProgress
from unspin.cli.restore_file import (
    LazyRestorer,
    Outcome,
    prepare_edits_file,
    restore_documents,
    restore_table_file,
    write_outcome,
)
from unspin.cli.workers import work_in_processes
from unspin.infer.documents.base import DocumentError, unforeseen_errors
from unspin.infer.render import plain_diff, terminal_diff
from unspin.infer.restoration import Restoration
from unspin.infer.restorer import OnRead
from unspin.logs import counted, without_controls
from unspin.segment import count_words


def restore_locally(jobs: Sequence[Job], options: RestoreOptions, settings: str) -> None:
    """Restore files and write them; progress, warnings and a summary go to stderr.

    `settings` is the digest of all settings. Raises `DocumentError` once all other files are done, if any file could
    not be read; `ModelError` if the checkpoint cannot be used; OSError or `StorageError` if a file cannot be written.
    """
    if options.edits is not None and not all(job.error for job in jobs):
        prepare_edits_file(options.edits, jobs, options.resume)
    lazy = LazyRestorer(options)
    with _Report(jobs, options) as report:
        for outcome in _restore_documents([job for job in jobs if not job.is_table], options, lazy, report.read):
            try:
                report.document(outcome.job, *write_outcome(outcome, options, settings))
            except DocumentError as error:
                report.failure(outcome.job, error)
        for job in jobs:
            if job.is_table:
                try:
                    with unforeseen_errors(job.name):
                        report.table(job, restore_table_file(job, options, lazy, settings))
                except DocumentError as error:
                    report.failure(job, error)
    report.raise_failures()


def show_plan(jobs: Sequence[Job], options: RestoreOptions) -> None:
    """Read all files without restoring them, and print what would be read and written.

    Raises `DocumentError` at the end if a file cannot be read.
    """
    console = Console(highlight=False, soft_wrap=True)
    errors, total = [], 0
    for job in jobs:
        try:
            with unforeseen_errors(job.name):
                count, warnings = _count_words(job, options)
        except DocumentError as error:
            errors.append(str(error))
            continue
        total += count
        plan = f"{job.name} -> {job.target or 'stdout'}: {counted(count, 'word')}"
        console.print(without_controls(plan), markup=False)
        for warning in warnings:
            console.print(without_controls(f"{job.name}, {warning}"), markup=False)
    console.print(f"{len(jobs) - len(errors)} of {len(jobs)} documents, with {counted(total, 'word')}, can be restored")
    if errors:
        raise DocumentError("\n".join(errors))


def _count_words(job: Job, options: RestoreOptions) -> tuple[int, Sequence[str]]:
    """The number of words in a file, and warnings about it. Raises `DocumentError` if it cannot be read."""
    if job.is_table:
        from unspin.infer.documents.parquet import read_texts

        with local_table(job) as source:
            return sum(count_words(text) for _, text in read_texts(source, options.documents.field)), ()
    document, _ = read_job(job, options.documents)
    return sum(count_words(view.text) for view in document.views), document.warnings


def _restore_documents(
    jobs: Sequence[Job], options: RestoreOptions, lazy: LazyRestorer, on_read: OnRead
) -> Iterator[Outcome]:
    if options.jobs == 1:
        yield from restore_documents(jobs, options, lazy, on_read)
        return
    for outcome in work_in_processes(jobs, partial(_RestoreDocuments, options), options.jobs):
        on_read(outcome.restoration.word_count if outcome.restoration else 0)
        yield outcome


class _RestoreDocuments:
    """The work of a worker process, which has one model for all its documents."""

    def __init__(self, options: RestoreOptions) -> None:
        self._options, self._lazy = options, LazyRestorer(options)

    def __call__(self, jobs: Sequence[Job]) -> Iterator[Outcome]:
        return restore_documents(jobs, self._options, self._lazy)


@dataclass(frozen=True)
class _Totals:
    """What was done in one or more documents."""

    documents: int = 0
    edits: int = 0
    warnings: int = 0
    words: int = 0
    spun_words: float = 0.0

    @classmethod
    def of(cls, restoration: Restoration, warnings: int) -> _Totals:
        """Those of one article or document."""
        words = restoration.word_count
        return cls(0, len(restoration.edits), warnings, words, words * restoration.spun_share)

    def __add__(self, other: _Totals) -> _Totals:
        return _Totals(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __str__(self) -> str:
        share = f", about {self.spun_words / self.words:.0%} of the words spun" if self.words else ""
        warnings = f", {counted(self.warnings, 'warning')}" if self.warnings else ""
        return f"{counted(self.edits, 'edit')}{share}{warnings}"


class _Report:
    """What the user sees on stderr: a progress bar, the edits and warnings of each document, and a summary."""

    def __init__(self, jobs: Sequence[Job], options: RestoreOptions) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._progress = DocumentProgress(self._console, "restoring", jobs)
        self._options, self._jobs = options, jobs
        self._totals = _Totals()
        self._failures: list[str] = []

    def __enter__(self) -> _Report:
        self._progress.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        self._progress.__exit__()
        if kind is KeyboardInterrupt:
            advice = "; the same command with --resume goes on" if any(job.record for job in self._jobs) else ""
            self._console.print(f"stopped after {self._totals.documents} of {len(self._jobs)} documents{advice}")

    def read(self, count: int) -> None:
        """Note that the model has read so many words."""
        self._progress.read(count)

    def document(self, job: Job, restoration: Restoration, warnings: Sequence[str]) -> None:
        """Show the edits and warnings of a document that is done."""
        if self._options.diff and restoration.edits:
            self._show_diff(job.name, restoration)
        self._finish(job, _Totals.of(restoration, len(warnings)), warnings)

    def table(self, job: Job, rows: Iterator[tuple[int, Restoration]]) -> None:
        """Show the edits and warnings of a table, row by row as they are restored."""
        totals = _Totals()
        warnings = []
        for number, restoration in rows:
            if self._options.diff and restoration.edits:
                self._show_diff(f"{job.name}, row {number}", restoration)
            totals += _Totals.of(restoration, len(restoration.warnings))
            warnings += [f"row {number}, {warning}" for warning in restoration.warnings]
        self._finish(job, totals, warnings)

    def failure(self, job: Job, error: DocumentError) -> None:
        """Keep the reason why a document is not restored for the end."""
        self._failures.append(str(error))
        self._progress.finish(job)

    def raise_failures(self) -> None:
        """Show the summary of several documents. Raises `DocumentError` if some could not be restored."""
        if self._totals.documents > 1:
            self._console.print(f"restored {self._totals.documents} of {len(self._jobs)} documents: {self._totals}")
        if self._failures:
            raise DocumentError("\n".join(self._failures))

    def _show_diff(self, name: str, restoration: Restoration) -> None:
        is_plain = not self._console.is_terminal or self._console.no_color
        self._console.print(f"{name}:", style="bold", markup=False)
        diff = Text(without_controls(plain_diff(restoration))) if is_plain else terminal_diff(restoration)
        diff.rstrip()
        self._console.print(diff)

    def _finish(self, job: Job, totals: _Totals, warnings: Sequence[str]) -> None:
        for warning in warnings:
            self._console.print(without_controls(f"{job.name}, {warning}"), style="yellow", markup=False)
        self._console.print(f"{job.name}: {totals}", markup=False)
        self._totals += replace(totals, documents=1)
        self._progress.finish(job)
