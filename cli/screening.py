"""The work of one `unspin screen`: finds the documents, has them screened, and reports what was found."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from unspin.cli.files import STDIN, find_files
from unspin.cli.job import Job
from unspin.cli.jobs import record_of
from unspin.cli.options import OptionError
from unspin.cli.progress import DocumentProgress
from unspin.cli.screen_file import Finding, ScreenFile, ScreenOptions, read_findings
from unspin.cli.screen_report import (
    DOCUMENTS,
    FILES,
    PAGE,
    most_garbled,
    show,
    title_of,
    write_files,
    write_page,
)
from unspin.cli.workers import work_in_processes
from unspin.infer.documents.base import DocumentError
from unspin.infer.documents.formats import FORMATS_BY_NAME
from unspin.infer.engines import ENGINES
from unspin.locking import sole_writer
from unspin.logs import without_controls
from unspin.phrase_lists import read_phrases, read_terms
from unspin.storage import is_private, is_url, real_path, storage_errors

logger = logging.getLogger(__name__)
RECORDS = ".screening"  # hidden folder in the output folder; not that of `unspin restore`, which keeps other records
SCREENING_ENGINES = [name for name in ENGINES if name != "ctranslate2"]  # which only restores


@dataclass(frozen=True)
class Run:
    """The options of `unspin screen` that say where it runs and what it writes; its help explains them."""

    output: Path | None = None
    resume: bool = False
    jobs: int = 1
    executor: Path | None = None
    fail_over: float | None = None


def screen_documents(paths: Sequence[Path], options: ScreenOptions, run: Run) -> int:
    """Screen documents, write the reports and print a table; returns how many are above ``run.fail_over``.

    Raises `OptionError` for wrong options, `ModelError` if the checkpoint cannot be used, and `DocumentError` once all
    other documents are reported, if some could not be read.
    """
    _check_options(options, run)
    with ExitStack() as stack:
        if run.output is not None and not is_url(run.output):
            stack.enter_context(sole_writer(run.output))
        folder = run.output or Path(stack.enter_context(TemporaryDirectory(prefix="unspin-")))
        jobs = _find_jobs(paths, options, run, folder)
        if not is_url(folder):
            folder.mkdir(parents=True, exist_ok=True)
        work = ScreenFile(options, options.digest())
        left = list(work.unfinished(jobs)) if run.resume or run.executor is not None else jobs
        if len(left) < len(jobs):
            logger.info(f"{len(jobs) - len(left)} of {len(jobs)} documents are screened already")
        errors = _screen(left, work, run)
        garbled = _report(jobs, run)
    if errors:
        raise DocumentError("\n".join(errors))
    return garbled


def _check_options(options: ScreenOptions, run: Run) -> None:
    """Raise `OptionError` if options contradict each other, and `PhraseListError` if a list cannot be read."""
    if options.engine not in SCREENING_ENGINES:
        raise OptionError(f"--engine {options.engine}: choose one of {', '.join(SCREENING_ENGINES)}")
    if options.documents.format not in (None, *FORMATS_BY_NAME):
        raise OptionError(f"--format {options.documents.format}: choose one of {', '.join(FORMATS_BY_NAME)}")
    if run.output is None:
        if run.executor is not None:
            raise OptionError("--executor writes to a folder that all machines share: add --output FOLDER")
        if run.resume:
            raise OptionError("--resume skips documents that are already in the output folder: add --output FOLDER")
    elif run.output == STDIN:
        raise OptionError("--output - is not a folder; without --output, there is only the table")
    else:
        with storage_errors(run.output):
            _check_output(run.output)
    if options.phrases is not None:
        read_phrases(options.phrases)
    if options.protect is not None:
        read_terms(options.protect)


def _check_output(folder: Path) -> None:
    """Raise `OptionError` if something other than the reports of a screening would be overwritten."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OptionError(f"--output {folder} is a file: name a folder")
    written = [name for name in FILES if (folder / name).exists()]
    if written and not (folder / RECORDS).is_dir():
        raise OptionError(f"--output {folder} holds {written[0]}, which no screening wrote: name another folder")


def _find_jobs(paths: Sequence[Path], options: ScreenOptions, run: Run, folder: Path) -> list[Job]:
    """The documents to screen, each with the file below `folder` in which its findings are kept."""
    reports = [] if run.output is None else [run.output, *(run.output / name for name in FILES)]
    lists = [path for path in (options.phrases, options.protect) if path is not None]
    files = find_files(paths, [*reports, *lists])
    if sys.stdin is None and any(file.path == STDIN for file in files):
        raise OptionError("stdin is closed: name files")
    if run.executor is not None and any(file.path == STDIN for file in files):
        raise OptionError("--executor reads files that all machines share, and stdin is not a file: name files")
    for file in files:
        if run.output is not None and real_path(file.path.parent) == real_path(run.output):
            raise OptionError(f"--output {run.output} holds {file.path.name}, which is to be screened: name another")
    return [
        Job(file.path, file.relative, None, record_of(folder, str(file.path), RECORDS), error=file.error)
        for file in files
    ]


def _screen(jobs: Sequence[Job], work: ScreenFile, run: Run) -> list[str]:
    """Have documents screened; returns what is wrong with those that could not be read."""
    if not jobs:
        return []
    if run.executor is None:
        return _screen_locally(jobs, work, run)
    from unspin.cli.cluster import work_on_cluster

    assert run.output is not None, "a cluster writes to a folder"
    for job in jobs:  # Slurm may screen them long after the reports are written
        assert job.record is not None, "every file of a screening has a record"
        job.record.unlink(missing_ok=True)
    try:
        work_on_cluster(run.executor, "screening", jobs, work, run.output, run.jobs)
    except DocumentError as error:
        return [str(error)]
    return []


def _screen_locally(jobs: Sequence[Job], work: ScreenFile, run: Run) -> list[str]:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    make_work = partial(_ScreenDocuments, work)
    errors: list[str] = []
    done = 0
    with DocumentProgress(console, "screening", jobs) as progress:
        outcomes = make_work()(jobs) if run.jobs == 1 else work_in_processes(jobs, make_work, run.jobs)
        try:
            for job, words, error in outcomes:
                errors += filter(None, [error])
                done += 1
                progress.read(words)
                progress.finish(job)
        except KeyboardInterrupt:
            advice = "" if run.output is None else "; the same command with --resume goes on"
            console.print(f"stopped after {done} of {len(jobs)} documents{advice}")
            raise
    return errors


class _ScreenDocuments:
    """Screens documents one after the other, in this process or in a worker."""

    def __init__(self, work: ScreenFile) -> None:
        self._work = work

    def __call__(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, int, str]]:
        """Yield each document, the number of its words, and what is wrong with it, if it cannot be read."""
        for job in jobs:
            try:
                yield job, self._work.screen(job), ""
            except DocumentError as error:
                yield job, 0, str(error)


def _report(jobs: Sequence[Job], run: Run) -> int:
    """Write the reports and print the table; returns how many documents are above ``run.fail_over``."""
    total = garbled = warnings = 0

    def counted(findings: Iterable[Finding]) -> Iterator[Finding]:
        nonlocal total, garbled, warnings
        for finding in findings:
            total += 1
            garbled += run.fail_over is not None and finding["share"] > run.fail_over
            warnings += len(finding["warnings"])
            if run.output is None:  # otherwise they are in the reports
                for warning in finding["warnings"]:
                    logger.warning(without_controls(f"{title_of(finding)}: {warning}"))
            yield finding

    findings = counted(finding for job in jobs for finding in read_findings(job))
    private = any(is_private(job.path) for job in jobs)
    shown = most_garbled(findings if run.output is None else write_files(findings, run.output, private))
    if run.output is not None:
        write_page(shown, total, run.output, private)
    if shown:
        show(shown, total)
    if run.output is not None:
        logger.info(f"report: {run.output / PAGE}")
        if warnings:
            logger.info(f"warnings: {warnings:,}, see {run.output / DOCUMENTS}")
    if run.fail_over is not None and garbled:
        logger.info(f"{garbled} of {total} documents have a share above {100 * run.fail_over:g}%")
    return garbled
