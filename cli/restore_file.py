"""Restores one file after another in one process: read, restore, write the edits, the page and, last, the file.

The restored file is written last, so if it exists, its page and its edits exist too. `local` and `cluster` call
this module, each with a restorer of its own.
"""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from unspin.cli.jobs import STDIN, Job, RestoreOptions, backup_of, page_of
from unspin.edits import target_spans
from unspin.infer.documents.base import Document, DocumentError, DocumentOptions, View
from unspin.infer.documents.formats import decode_document, read_document
from unspin.infer.render import html_page
from unspin.infer.restoration import Restoration
from unspin.infer.restorer import Restorer
from unspin.storage import download, is_url, put_file, write_atomic


@dataclass(frozen=True)
class Outcome:
    """A restored document, or the reason why a file could not be read."""

    job: Job
    document: Document | None = None
    restoration: Restoration | None = None
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
        )


def restore_documents(jobs: Iterable[Job], options: RestoreOptions, lazy: LazyRestorer) -> Iterator[Outcome]:
    """Read and restore text documents in order, small ones in shared batches; unreadable ones come last.

    Nothing is written. Memory holds the documents of one batch.
    """
    pending: deque[tuple[Job, Document]] = deque()
    unreadable: list[Outcome] = []

    def texts() -> Iterator[tuple[str, Sequence[View]]]:
        for job in jobs:
            try:
                document = _read(job.path, options.documents)
            except DocumentError as error:
                unreadable.append(Outcome(job, error=str(error)))
                continue
            pending.append((job, document))
            yield document.text, document.views

    documents = texts()
    for first in documents:  # runs once, and only if there is a readable document: `lazy.restorer` loads the model
        for restoration in lazy.restorer.restore_all(chain([first], documents)):
            yield Outcome(*pending.popleft(), restoration)
    yield from unreadable


def restore_file(job: Job, options: RestoreOptions, lazy: LazyRestorer) -> None:
    """Restore one file, text or table, and write it. Raises `DocumentError` if it cannot be read."""
    if job.is_table:
        for _ in restore_table_file(job, options, lazy):
            pass
        return
    for outcome in restore_documents([job], options, lazy):
        write_outcome(outcome, options)


def write_outcome(outcome: Outcome, options: RestoreOptions) -> Restoration:
    """Write a document and its edits and page as the options ask, and return its restoration.

    Raises `DocumentError` if the document could not be read, OSError or `StorageError` if it cannot be written.
    """
    job, document, restoration = outcome.job, outcome.document, outcome.restoration
    if document is None or restoration is None:
        raise DocumentError(outcome.error)
    if options.edits is not None:
        _append_rows(options.edits, ({"document": str(job.path), **row} for row in _edit_rows(restoration)))
    if options.html is not None:
        write_atomic(page_of(job, options.html), html_page(restoration, job.path.name).encode())
    if job.target is None:
        sys.stdout.buffer.write(document.encode(restoration))
        sys.stdout.buffer.flush()
    else:
        if options.in_place:
            _keep_backup(job.path)
        write_atomic(job.target, document.encode(restoration))
    return restoration


def restore_table_file(job: Job, options: RestoreOptions, lazy: LazyRestorer) -> Iterator[tuple[int, Restoration]]:
    """Restore the text column of a Parquet file, and yield each row's number with its restoration.

    The file is written once the iterator is exhausted. Raises `DocumentError` if the file cannot be read or lacks the
    column; then nothing is written.
    """
    from unspin.infer.documents.parquet import restore_table

    def restore(texts: Sequence[str]) -> Iterator[Restoration]:
        return lazy.restorer.restore_all((text, None) for text in texts)

    assert job.target is not None, "find_jobs gives every table a target"
    with TemporaryDirectory(prefix=f".{job.path.name}.", dir=_scratch_parent(job.target)) as scratch:
        restored, source = Path(scratch) / job.path.name, job.path
        if is_url(source):
            source = Path(scratch) / f"downloaded-{job.path.name}"
            download(job.path, source)
        for number, restoration in restore_table(source, restored, options.documents.field, restore):
            if options.edits is not None:
                place = {"document": str(job.path), "row": number}
                _append_rows(options.edits, ({**place, **row} for row in _edit_rows(restoration)))
            yield number, restoration
        if options.in_place:
            _keep_backup(job.path)
        put_file(restored, job.target)


def prepare_edits_file(file: Path, unfinished: set[str], resume: bool) -> None:
    """Empty the edits file; when resuming, keep only the rows of documents that are finished.

    A killed run may have left rows of `unfinished` documents, which will be written again, and a broken last line.
    """
    kept: list[str] = []
    if resume and file.is_file():
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["document"] not in unfinished]
    write_atomic(file, "".join(kept).encode())


def _read(path: Path, options: DocumentOptions) -> Document:
    if path == STDIN:
        return decode_document("stdin", sys.stdin.buffer.read(), options)
    return read_document(path, options)


def _keep_backup(path: Path) -> None:
    """Copy a file before it is changed. An existing copy is kept, since it may be the only original."""
    if not backup_of(path).exists():
        write_atomic(backup_of(path), path.read_bytes())


def _scratch_parent(target: Path) -> Path | None:
    """Where to write a file that will be moved to `target`: on the same disk; None (the system's folder) for a URL."""
    if is_url(target):
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.parent


def _append_rows(file: Path, rows: Iterable[dict[str, object]]) -> None:
    with file.open("a", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _edit_rows(restoration: Restoration) -> Iterator[dict[str, object]]:
    """One row per edit, with its place in the restored text."""
    for edit, (start, end) in zip(restoration.edits, target_spans(restoration.edits), strict=True):
        yield {**asdict(edit), "restored_start": start, "restored_end": end}
