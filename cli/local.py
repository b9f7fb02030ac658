"""`unspin restore` on this machine: in this process, or in several worker processes that each load the model.

This process writes the documents, in order. It then restores and writes the tables, one after another.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text
from unspin.cli.jobs import Job, RestoreOptions
from unspin.cli.restore_file import (
    LazyRestorer,
    Outcome,
    prepare_edits_file,
    restore_documents,
    restore_table_file,
    write_outcome,
)
from unspin.infer.documents.base import DocumentError
from unspin.infer.render import terminal_diff
from unspin.infer.restoration import Restoration
from unspin.logs import log_to_terminal

DOCUMENTS_PER_TASK = 16  # documents that a worker process takes at a time


def restore_locally(jobs: Sequence[Job], options: RestoreOptions) -> None:
    """Restore files and write them; progress goes to stderr.

    Raises `DocumentError` once all other files are done, if any file could not be read; `ModelError` if the checkpoint
    cannot be used; OSError or `StorageError` if a file cannot be written.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if options.edits is not None:
        prepare_edits_file(options.edits, {str(job.path) for job in jobs}, options.resume)
    lazy = LazyRestorer(options)
    documents = [job for job in jobs if not job.is_table]
    errors: list[str] = []
    with _progress(console, len(jobs)) as progress:
        task = progress.add_task("restoring", total=len(jobs))
        for outcome in _restore_documents(documents, options, lazy):
            try:
                _show(outcome.job, write_outcome(outcome, options), options, console)
            except DocumentError as error:
                errors.append(str(error))
            progress.advance(task)
        for job in jobs:
            if not job.is_table:
                continue
            try:
                _restore_table(job, options, lazy, console)
            except DocumentError as error:
                errors.append(str(error))
            progress.advance(task)
    if errors:
        raise DocumentError("; ".join(errors))


def _restore_documents(jobs: Sequence[Job], options: RestoreOptions, lazy: LazyRestorer) -> Iterator[Outcome]:
    if options.jobs == 1:
        yield from restore_documents(jobs, options, lazy)
        return
    chunks = iter([jobs[i : i + DOCUMENTS_PER_TASK] for i in range(0, len(jobs), DOCUMENTS_PER_TASK)])
    context = get_context("spawn")
    with ProcessPoolExecutor(options.jobs, context, initializer=_start_worker, initargs=(options,)) as workers:
        # Two chunks per worker are in flight: enough to keep all of them busy, and memory stays flat.
        waiting = deque(workers.submit(_restore_chunk, chunk, options) for chunk in islice(chunks, 2 * options.jobs))
        while waiting:
            yield from waiting.popleft().result()
            waiting.extend(workers.submit(_restore_chunk, chunk, options) for chunk in islice(chunks, 1))


_restorer_of_worker: list[LazyRestorer] = []


def _start_worker(options: RestoreOptions) -> None:
    """Limit a worker's threads before any library counts the cores, and give it one model for all its chunks."""
    os.environ["OMP_NUM_THREADS"] = str(max((os.cpu_count() or 1) // options.jobs, 1))
    log_to_terminal()
    _restorer_of_worker.append(LazyRestorer(options))


def _restore_chunk(jobs: Sequence[Job], options: RestoreOptions) -> list[Outcome]:
    return list(restore_documents(jobs, options, _restorer_of_worker[0]))


def _restore_table(job: Job, options: RestoreOptions, lazy: LazyRestorer, console: Console) -> None:
    edits = 0
    for number, restoration in restore_table_file(job, options, lazy):
        edits += len(restoration.edits)
        for warning in restoration.warnings:
            console.print(f"{job.path}, row {number}, {warning}", style="yellow", markup=False)
    console.print(f"{job.path}: {edits} edits", markup=False)


def _show(job: Job, restoration: Restoration, options: RestoreOptions, console: Console) -> None:
    if options.diff:
        console.print(terminal_diff(restoration))
    for warning in restoration.warnings:
        console.print(f"{job.path}, {warning}", style="yellow", markup=False)
    console.print(f"{job.path}: {len(restoration.edits)} edits", markup=False)


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:.2f} documents/s")


def _progress(console: Console, documents: int) -> Progress:
    """A progress bar; none for a single document."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Speed(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, disable=documents < 2)
