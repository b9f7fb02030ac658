"""`unspin restore`: finds the documents, restores one after the other, and writes each whole or not at all.

A document that cannot be read is reported and never stops the rest; the run then fails at its end. With `resume`, what a killed run
finished is not done again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track
from unspin.infer.diff import page, terminal
from unspin.infer.documents import Document, DocumentError, write_whole
from unspin.infer.engines import ENGINES
from unspin.infer.formats import FORMATS
from unspin.infer.restorer import Restoration, Restorer

STDIN = Path("-")


@dataclass(frozen=True)
class RestoreOptions:
    """What the command line asks for; see the options' help."""

    output: Path | None = None
    html: Path | None = None
    edits: Path | None = None
    diff: bool = False
    resume: bool = False
    field: str = "text"
    checkpoint: str = "default"
    min_confidence: float | None = None
    keep_quotations: bool = False
    engine: str = "draft"
    device: str = "cpu"


@dataclass(frozen=True)
class Job:
    """A document to restore, and its place below the output folders."""

    path: Path
    place: Path


def restore_files(paths: Sequence[Path], options: RestoreOptions) -> None:
    """Restore files and folders. Raises `DocumentError` if any document could not be restored, `ModelError` for a bad checkpoint."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    jobs = _jobs(paths, options)
    restorer: Restorer | None = None
    complaints: list[str] = []
    if options.edits is not None:
        _keep_rows(options.edits, {str(job.path) for job in jobs}, options.resume)
    for job in track(jobs, "restoring", console=console, disable=len(jobs) == 1):
        try:
            document = Document.decode("stdin", sys.stdin.buffer.read()) if job.path == STDIN else Document.read(job.path)
            views = document.views(options.field)
        except DocumentError as error:
            complaints.append(str(error))
            continue
        restorer = restorer or _restorer(options, console)
        restoration = restorer.restore(document.text, views)
        if options.edits is not None:  # before the document: one that is there has its rows
            with options.edits.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in _rows(job, restoration))
        _write(job, document, restoration, options)
        _show(job, restoration, options, console)
    if complaints:
        raise DocumentError("; ".join(complaints))


def _restorer(options: RestoreOptions, console: Console) -> Restorer:
    return Restorer.from_pretrained(
        options.checkpoint,
        engine=options.engine,
        device=options.device,
        min_confidence=options.min_confidence,
        keep_quotations=options.keep_quotations,
        report=lambda line: console.print(line, style="dim"),
    )


def _jobs(paths: Sequence[Path], options: RestoreOptions) -> list[Job]:
    if options.engine not in ENGINES:
        raise DocumentError(f"--engine {options.engine}: there are {', '.join(ENGINES)}")
    jobs = list(_find(paths))
    if not jobs:
        raise DocumentError(f"no document in {', '.join(map(str, paths))}: looked for {', '.join(FORMATS)}")
    if len(jobs) > 1 and options.output is None:
        raise DocumentError(f"{len(jobs)} files need a folder to go to: add --output FOLDER")
    if options.resume and options.output is None:
        raise DocumentError("--resume goes on with what is missing in a folder: add --output FOLDER")
    seen: dict[Path, Path] = {}
    for job in jobs:
        if job.place in seen:
            raise DocumentError(f"{seen[job.place]} and {job.path} would become one file: restore them apart")
        seen[job.place] = job.path
    if options.output is None or not options.resume:
        return jobs
    return [job for job in jobs if not (options.output / job.place).exists()]


def _find(paths: Iterable[Path]) -> Iterator[Job]:
    for path in paths:
        if path.is_dir():
            yield from (Job(p, p.relative_to(path)) for p in sorted(path.rglob("*")) if p.suffix.lower() in FORMATS and p.is_file())
        else:
            yield Job(path, Path("stdin.txt") if path == STDIN else Path(path.name))


def _write(job: Job, document: Document, restoration: Restoration, options: RestoreOptions) -> None:
    restored = document.encode(restoration.text)
    if options.output is None:
        sys.stdout.buffer.write(restored)
        sys.stdout.buffer.flush()
    else:
        write_whole(options.output / job.place, restored)
    if options.html is not None:
        write_whole((options.html / job.place).with_suffix(".html"), page(restoration, job.path.name).encode())


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


def _rows(job: Job, restoration: Restoration) -> Iterator[dict[str, object]]:
    shift = 0
    for edit in restoration.edits:
        start = edit.start + shift
        yield {"document": str(job.path), **asdict(edit), "restored_start": start, "restored_end": start + len(edit.restored)}
        shift += len(edit.restored) - (edit.end - edit.start)
