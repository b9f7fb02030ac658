"""`unspin restore`: finds the documents, restores them together, and writes each whole or not at all.

A document that cannot be read is reported and never stops the rest; the run then fails at its end. With `resume`, what a killed run
finished is not done again.
"""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text
from unspin.cli.jobs import STDIN, Job, RestoreOptions, backup, find_jobs
from unspin.data.guard import sole_writer
from unspin.data.stores import fetch, is_address, send_file, write_whole
from unspin.infer.diff import page, terminal
from unspin.infer.documents import Document, DocumentError
from unspin.infer.formats import View
from unspin.infer.restoration import Restoration
from unspin.infer.restorer import Restorer
from unspin.infer.tables import SUFFIX as PARQUET
from unspin.infer.tables import restore_table

CHUNK = 16  # documents a worker takes at a time


@dataclass(frozen=True)
class Outcome:
    """A document and its restoration, or why there is none."""

    job: Job
    document: Document | None = None
    restoration: Restoration | None = None
    complaint: str = ""


def restore_files(paths: Sequence[Path], options: RestoreOptions) -> None:
    """Restore files and folders.

    Raises `DocumentError` if any document could not be restored, `ModelError` for a bad checkpoint, `BusyError` where another run writes to the
    same folder.
    """
    with sole_writer(options.output) if options.output is not None and not is_address(options.output) else nullcontext():
        _restore_files(paths, options)


def _restore_files(paths: Sequence[Path], options: RestoreOptions) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    jobs = find_jobs(paths, options)
    if options.executor is not None:
        from unspin.cli.cluster import restore_on

        restore_on(options.executor, jobs, options)
        return
    complaints: list[str] = []
    if options.edits is not None:
        _keep_rows(options.edits, {str(job.path) for job in jobs}, options.resume)
    model = Model(options, lambda line: console.print(line, style="dim"))
    tables = [job for job in jobs if job.path.suffix.lower() == PARQUET]
    with _progress(console, len(jobs)) as progress:
        task = progress.add_task("restoring", total=len(jobs))
        for outcome in _outcomes([job for job in jobs if job not in tables], options, model):
            if outcome.restoration is None or outcome.document is None:
                complaints.append(outcome.complaint)
            else:
                _finish(outcome.job, outcome.document, outcome.restoration, options)
                _show(outcome.job, outcome.restoration, options, console)
            progress.advance(task)
        for job in tables:
            try:
                _restore_table(job, model, options, console)
            except DocumentError as error:
                complaints.append(str(error))
            progress.advance(task)
    if complaints:
        raise DocumentError("; ".join(complaints))


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:.2f} documents/s")


def _progress(console: Console, documents: int) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Speed(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=documents < 2)


class Model:
    """The restorer, loaded when the first text is there to be restored."""

    def __init__(self, options: RestoreOptions, report: Callable[[str], None]) -> None:
        self._options, self._report = options, report

    @cached_property
    def restorer(self) -> Restorer:
        return Restorer.from_pretrained(
            self._options.checkpoint,
            engine=self._options.engine,
            device=self._options.device,
            min_confidence=self._options.min_confidence,
            keep_quotations=self._options.keep_quotations,
            alternatives=self._options.alternatives,
            report=self._report,
        )


def _outcomes(jobs: Sequence[Job], options: RestoreOptions, model: Model) -> Iterator[Outcome]:
    """The documents restored, in this process or shared out to several."""
    if options.jobs == 1:
        yield from _restored(jobs, options, model)
        return
    chunks = (jobs[i : i + CHUNK] for i in range(0, len(jobs), CHUNK))
    with ProcessPoolExecutor(options.jobs, get_context("spawn"), initializer=_start_worker, initargs=(options,)) as workers:
        waiting = deque(workers.submit(_restore_chunk, chunk, options) for chunk in islice(chunks, 2 * options.jobs))
        while waiting:
            yield from waiting.popleft().result()
            waiting.extend(workers.submit(_restore_chunk, chunk, options) for chunk in islice(chunks, 1))


_of_worker: list[Model] = []


def _start_worker(options: RestoreOptions) -> None:
    """Give a worker its share of the cores, before anything that counts them is imported, and a model for all its chunks."""
    os.environ["OMP_NUM_THREADS"] = str(max((os.cpu_count() or 1) // options.jobs, 1))
    _of_worker.append(Model(options, lambda line: None))


def _restore_chunk(jobs: Sequence[Job], options: RestoreOptions) -> list[Outcome]:
    return list(_restored(jobs, options, _of_worker[0]))


def _restored(jobs: Sequence[Job], options: RestoreOptions, model: Model) -> Iterator[Outcome]:
    read: deque[tuple[Job, Document]] = deque()
    unread: list[Outcome] = []

    def texts() -> Iterator[tuple[str, Sequence[View]]]:
        for job in jobs:
            try:
                document = Document.decode("stdin", sys.stdin.buffer.read()) if job.path == STDIN else Document.read(job.path)
                views = document.views(options.field)
            except DocumentError as error:
                unread.append(Outcome(job, complaint=str(error)))
                continue
            read.append((job, document))
            yield document.text, views

    documents = texts()
    for first in documents:
        for restoration in model.restorer.restore_all(chain([first], documents)):
            job, document = read.popleft()
            yield Outcome(job, document, restoration)
    yield from unread


def restore_job(job: Job, model: Model, options: RestoreOptions, console: Console) -> None:
    """Restore one file, of any kind, and write it. Raises `DocumentError`."""
    if job.path.suffix.lower() == PARQUET:
        _restore_table(job, model, options, console)
        return
    for outcome in _restored([job], options, model):
        if outcome.restoration is None or outcome.document is None:
            raise DocumentError(outcome.complaint)
        _finish(job, outcome.document, outcome.restoration, options)


def _keep_backup(path: Path) -> None:
    """Copy a file that is about to be changed; the copy of an earlier run is not written over, since it may be the only original."""
    if not backup(path).exists():
        write_whole(backup(path), path.read_bytes())


def _finish(job: Job, document: Document, restoration: Restoration, options: RestoreOptions) -> None:
    """Write everything asked for, the document last: one that is there has its page and its rows."""
    if options.edits is not None:
        _append(options.edits, ({"document": str(job.path), **row} for row in _rows(restoration)))
    if options.html is not None:
        write_whole((options.html / job.place).with_suffix(".html"), page(restoration, job.path.name).encode())
    restored = document.encode(restoration.text)
    if job.target is None:
        sys.stdout.buffer.write(restored)
        sys.stdout.buffer.flush()
        return
    if options.in_place:
        _keep_backup(job.path)
    write_whole(job.target, restored)


def _restore_table(job: Job, model: Model, options: RestoreOptions, console: Console) -> None:
    assert job.target is not None
    count, beside = 0, None
    if not is_address(job.target):
        job.target.parent.mkdir(parents=True, exist_ok=True)
        beside = job.target.parent
    with TemporaryDirectory(prefix=f".{job.path.name}.", dir=beside) as scratch:
        made, source = Path(scratch) / job.path.name, job.path
        if is_address(source):
            source = Path(scratch) / f"fetched-{job.path.name}"
            fetch(job.path, source)

        def restore(texts: Sequence[str]) -> Iterator[Restoration]:
            return model.restorer.restore_all((text, None) for text in texts)

        for number, restoration in restore_table(source, made, options.field, restore):
            count += len(restoration.edits)
            if options.edits is not None:
                _append(options.edits, ({"document": str(job.path), "row": number, **row} for row in _rows(restoration)))
            for warning in restoration.warnings:
                console.print(f"{job.path}, row {number}, {warning}", style="yellow", markup=False)
        if options.in_place:
            _keep_backup(job.path)
        send_file(made, job.target)
    console.print(f"{job.path}: {count} edits", markup=False)


def _show(job: Job, restoration: Restoration, options: RestoreOptions, console: Console) -> None:
    if options.diff:
        console.print(terminal(restoration))
    for warning in restoration.warnings:
        console.print(f"{job.path}, {warning}", style="yellow", markup=False)
    console.print(f"{job.path}: {len(restoration.edits)} edits", markup=False)


def _keep_rows(file: Path, waiting: set[str], resume: bool) -> None:
    """Make the edits file ready: empty, or where a run goes on, without what a killed one left of the documents still to do."""
    kept: list[str] = []
    if resume and file.is_file():
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["document"] not in waiting]
    write_whole(file, "".join(kept).encode())


def _append(path: Path, rows: Iterable[dict[str, object]]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _rows(restoration: Restoration) -> Iterator[dict[str, object]]:
    shift = 0
    for edit in restoration.edits:
        start = edit.start + shift
        yield {**asdict(edit), "restored_start": start, "restored_end": start + len(edit.restored)}
        shift += len(edit.restored) - (edit.end - edit.start)
