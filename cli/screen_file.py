"""Screens one file after another. What is found is written to a file of its own, with a record of what was screened.

So a file need not be screened again unless its bytes or the settings have changed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import chain, groupby, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from unspin import __version__
from unspin.cli.files import STDIN
from unspin.cli.job import Job, digest_of_file, local_table, read_job, scratch_parent
from unspin.infer.documents.base import (
    DEFAULT_OPTIONS,
    Document,
    DocumentError,
    DocumentOptions,
    View,
    unforeseen_errors,
)
from unspin.infer.documents.formats import format_of
from unspin.infer.inputs import Text
from unspin.infer.models.checkpoint import Checkpoint
from unspin.infer.restoration import dump_json
from unspin.infer.restorer import Restorer
from unspin.phrase_lists import read_terms
from unspin.storage import SCRATCH, StorageError, is_url, put_file, storage_errors, take_permissions

ROW_FORMATS = ("csv", "jsonl", "json")  # each row of such a file is a document
Finding = dict[str, Any]  # the row of one document: its file, its part of it, and `Screening.to_dict`


@dataclass(frozen=True)
class ScreenOptions:
    """The options of `unspin screen` that say how files are read and screened; its help explains them."""

    documents: DocumentOptions = DEFAULT_OPTIONS
    checkpoint: str = "default"
    phrases: Path | None = None
    protect: Path | None = None
    engine: str = "draft"
    device: str = "cpu"

    def digest(self) -> str:
        """A digest of all that a screening depends on besides the document. Raises `ModelError`."""
        checkpoint = Checkpoint.open(self.checkpoint)
        settings = {
            "version": __version__,
            "checkpoint": checkpoint.digest,
            "calibration": asdict(checkpoint.calibration),
            "documents": asdict(self.documents),
            "engine": self.engine,
            "phrases": None if self.phrases is None else digest_of_file(self.phrases),
            "protect": None if self.protect is None else digest_of_file(self.protect),
        }
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


@cache
def _restorer_of_process(options: ScreenOptions) -> Restorer:
    return Restorer.from_pretrained(
        options.checkpoint,
        engine=options.engine,
        device=options.device,
        phrases=options.phrases,
        protect=() if options.protect is None else read_terms(options.protect),
    )


@dataclass(frozen=True)
class ScreenFile:
    """Screens a file and writes what is found to ``job.record``. `settings` is the digest of the options."""

    options: ScreenOptions
    settings: str

    def __call__(self, job: Job) -> None:
        """Screen a file; see `screen`."""
        self.screen(job)

    def screen(self, job: Job) -> int:
        """Screen a file; returns the number of words of its prose. What an earlier run found in it is removed first.

        Raises `DocumentError` if it cannot be read, and `ModelError` if the checkpoint cannot be used.
        """
        assert job.record is not None, "every file of a screening has a record"
        job.record.unlink(missing_ok=True)
        count = 0
        with ExitStack() as stack:
            stack.enter_context(unforeseen_errors(job.name))
            digest, texts = self._read(job, stack)
            scratch = Path(stack.enter_context(TemporaryDirectory(prefix=SCRATCH, dir=scratch_parent(job.record))))
            findings = scratch / "findings.jsonl"
            with findings.open("w", encoding="utf-8") as lines:
                lines.write(dump_json({"document": job.name, "digest": digest, "settings": self.settings}) + "\n")
                for part, text, warnings in texts:
                    screening = _restorer_of_process(self.options).screen(text)
                    count += screening.words
                    row = {"document": job.name, "part": part, **screening.to_dict()}
                    row["warnings"] = [*warnings, *row["warnings"]]
                    lines.write(dump_json(row) + "\n")
            with findings.open("r+b") as lines:
                seal = _seal(hashlib.file_digest(lines, "sha256").hexdigest())
                lines.write(seal)
            if not is_url(job.record) and not is_url(job.path) and job.path != STDIN:
                take_permissions(findings, job.path)
            put_file(findings, job.record)
        return count

    def unfinished(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """The files that have not been screened with these settings, or have changed since."""
        for job in jobs:
            if not self._is_finished(job):
                yield job

    def _is_finished(self, job: Job) -> bool:
        record = next(_lines_of(job), {})
        if record.get("settings") != self.settings:
            return False
        try:
            return record.get("digest") == digest_of_file(job.path)
        except OSError:  # screening it again reports what is wrong
            return False

    def _read(self, job: Job, stack: ExitStack) -> tuple[str, Iterator[tuple[str, Text, list[str]]]]:
        """The digest of a file, and its documents: the name of the part, its text, and warnings."""
        if job.is_table:
            return self._read_table(job, stack)
        document, digest = read_job(job, self.options.documents)
        return digest, _parts(document, self.options.documents)

    def _read_table(self, job: Job, stack: ExitStack) -> tuple[str, Iterator[tuple[str, Text, list[str]]]]:
        from unspin.infer.documents.parquet import read_texts

        try:
            source = stack.enter_context(local_table(job))
            digest = digest_of_file(source)
        except OSError as error:
            raise DocumentError(f"{job.name}: {error.strerror or error}") from None
        except StorageError as error:
            raise DocumentError(str(error)) from None
        rows = read_texts(source, self.options.documents.field)
        parts: Iterator[tuple[str, Text, list[str]]] = ((f"row {number}", text, []) for number, text in rows)
        return digest, chain([next(parts, ("", "", []))], parts)  # a table without texts is one empty text


def _parts(document: Document, options: DocumentOptions) -> Iterator[tuple[str, Text, list[str]]]:
    """The rows of a format with rows, the first with the warnings about the others; any other document as a whole."""
    format = options.format or format_of(document.name).name
    warnings = list(document.warnings)
    if format not in ROW_FORMATS or not document.views:
        yield "", document, warnings
        return
    for name, views in groupby(document.views, key=_row_of_json if format == "json" else _row_of):
        yield name, replace(document, views=list(views)), warnings
        warnings = []


def _row_of_json(view: View) -> str:
    """The element of a list that a view belongs to: "[3]" of "[3].authors[0]"; in an object, each text is its own."""
    element = re.match(r"\[\d+\]", view.name)
    return element[0] if element else view.name


def _row_of(view: View) -> str:
    """The row that a view belongs to: "line 3" of "line 3, authors[0]"."""
    return view.name.partition(", ")[0]


def read_findings(job: Job) -> Iterator[Finding]:
    """The findings in a file, one row for each of its documents; none if it was not screened."""
    lines = _lines_of(job)
    next(lines, None)
    yield from lines


def _lines_of(job: Job) -> Iterator[dict[str, Any]]:
    """The record of a file and the findings in it; none if it was not screened, or the record is damaged."""
    assert job.record is not None, "every file of a screening has a record"
    try:
        with storage_errors(job.record):
            if _is_whole(job.record):
                with job.record.open(encoding="utf-8") as lines:
                    yield from (json.loads(line) for line, _ in pairwise(lines))
    except FileNotFoundError:
        return


def _is_whole(record: Path) -> bool:
    """Whether a record ends with the digest of the lines before."""
    digest, last = hashlib.sha256(), b""
    with record.open("rb") as lines:
        for line in lines:
            digest.update(last)
            last = line
    return last == _seal(digest.hexdigest())


def _seal(digest: str) -> bytes:
    """The last line of a record."""
    return json.dumps({"sha256": digest}).encode() + b"\n"
