"""`unspin restore`: restores files, on this machine (`local`) or on a cluster (`cluster`).

A file is written completely or not at all. A file that cannot be read does not stop the others; the command reports it
and fails once all others are done. With `--resume`, files that an earlier run finished with the same settings are
skipped.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from unspin.cli.options import (
    CheckpointName,
    DeviceName,
    EngineName,
    ExecutorFile,
    FieldName,
    FormatName,
    JobCount,
    MainContent,
    OnError,
    PhrasesFile,
    ProtectFile,
    parse_document,
)

if TYPE_CHECKING:
    from unspin.cli.job import Job
    from unspin.cli.jobs import RestoreOptions

logger = logging.getLogger(__name__)


def restore(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            parser=parse_document,
            help="articles and tables of articles: files, folders, globs, s3:// addresses, or - for stdin",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            parser=parse_document,
            metavar="FOLDER",
            help="folder for the restored files; for a single file also the name of a file",
        ),
    ] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="overwrite the files; a copy of each is kept as FILE.bak")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            parser=parse_document, metavar="FOLDER", help="folder for one page per article, both versions side by side"
        ),
    ] = None,
    edits: Annotated[
        Path | None,
        typer.Option(parser=parse_document, metavar="FILE", help="JSON Lines file to write, one row per edit"),
    ] = None,
    diff: Annotated[bool, typer.Option("--diff", help="show a word diff on stderr")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="read the files and list what would be written, without restoring")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="skip files that an earlier run restored with the same settings")
    ] = False,
    format: FormatName = None,
    field: FieldName = "text",
    on_error: OnError = "stop",
    main_content: MainContent = False,
    track_changes: Annotated[
        bool, typer.Option("--track-changes", help="write the edits of .docx files as tracked changes")
    ] = False,
    min_confidence: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="minimum confidence of an edit [default: the checkpoint's threshold]"),
    ] = None,
    keep_quotations: Annotated[
        bool, typer.Option("--keep-quotations", help="change nothing inside quotation marks")
    ] = False,
    alternatives: Annotated[
        int, typer.Option(min=0, max=10, help="list up to this many alternatives with each edit; slower")
    ] = 0,
    phrases: PhrasesFile = None,
    protect: ProtectFile = None,
    checkpoint: CheckpointName = "default",
    engine: EngineName = "draft",
    device: DeviceName = "cpu",
    jobs: JobCount = 1,
    executor: ExecutorFile = None,
) -> None:
    """Restore articles. The restored text of a single file goes to stdout; all messages go to stderr.

    The exit code is 0 if all files were restored, 1 if one could not be read or written, and 2 if the options are
    wrong.

    Examples:

    `unspin restore article.txt > restored.txt`

    `unspin restore *.txt --output restored --html pages --diff`

    `unspin restore crawl/ --output restored --edits edits.jsonl --resume`

    `unspin restore article.txt --output restored --phrases phrases.tsv --protect names.txt`

    `unspin restore shards/*.parquet --output restored --executor configs/executors/ray.yaml --jobs 8`
    """
    from unspin.cli.jobs import RestoreOptions
    from unspin.infer.documents.base import DocumentOptions

    options = RestoreOptions(
        output=output,
        in_place=in_place,
        html=html,
        edits=edits,
        diff=diff,
        dry_run=dry_run,
        resume=resume,
        documents=DocumentOptions(format, field, on_error == "skip", main_content, track_changes),
        checkpoint=checkpoint,
        min_confidence=min_confidence,
        keep_quotations=keep_quotations,
        alternatives=alternatives,
        phrases=phrases,
        protect=protect,
        engine=engine,
        device=device,
        jobs=jobs,
        executor=executor,
    )
    _restore(paths, options)


def _restore(paths: Sequence[Path], options: RestoreOptions) -> None:
    from unspin.cli.jobs import check_lists, find_jobs
    from unspin.cli.records import check_overwriting, digest_of_settings, unfinished

    check_lists(options)
    jobs = find_jobs(paths, options)
    with ExitStack() as locks:
        if not options.dry_run:
            _prepare_places(jobs, options, locks)
        settings = digest_of_settings(options) if any(job.record for job in jobs) else ""
        if options.resume or options.executor is not None:
            left = list(unfinished(jobs, options, settings))
            if len(left) < len(jobs):
                logger.info(f"{len(jobs) - len(left)} of {len(jobs)} documents are finished already")
            jobs = left
        check_overwriting(jobs, options)
        if options.dry_run:
            from unspin.cli.local import show_plan

            show_plan(jobs, options)
        elif not jobs:
            return
        elif options.executor is None:
            from unspin.cli.local import restore_locally

            restore_locally(jobs, options, settings)
        else:
            from unspin.cli.cluster import work_on_cluster
            from unspin.cli.restore_file import RestoreFile

            assert options.output is not None, "find_jobs requires an output folder"
            work = RestoreFile(options, settings)
            work_on_cluster(options.executor, "restoring", jobs, work, options.output, options.jobs)


def _prepare_places(jobs: Sequence[Job], options: RestoreOptions, locks: ExitStack) -> None:
    """Keep other runs from writing to the same places, and remove what killed runs left half-written there."""
    from unspin.cli.jobs import page_of
    from unspin.locking import sole_writer
    from unspin.storage import SCRATCH, is_url, real_path, remove_scratch

    for place in (options.output, options.edits):
        if place is not None and not is_url(place):
            locks.enter_context(sole_writer(place))
    pages = [] if options.html is None else [page_of(job, options.html) for job in jobs]
    written = [options.edits, *pages, *(job.target for job in jobs if options.in_place)]
    for folder in {real_path(place).parent for place in written if place is not None and not is_url(place)}:
        remove_scratch(folder.glob(f"{SCRATCH}*"))
