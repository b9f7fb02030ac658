"""`unspin restore`: restores files, on this machine (`local`) or on a cluster (`cluster`).

A file is written completely or not at all. A file that cannot be read does not stop the others; the command reports it
and fails once all others are done. With `--resume`, files that an earlier run finished are skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from unspin.cli.options import CheckpointName, EngineName, ExecutorFile

if TYPE_CHECKING:
    from unspin.cli.jobs import RestoreOptions


def _parse_path(name: str) -> Path:
    from unspin.storage import to_path

    return to_path(name)


def restore(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            parser=_parse_path,
            help="articles and tables of articles: files, folders, globs, s3:// addresses, or - for stdin",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            parser=_parse_path, metavar="FOLDER", help="folder for the restored files; required for more than one file"
        ),
    ] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="overwrite the files; a copy of each is kept as FILE.bak")
    ] = False,
    html: Annotated[
        Path | None,
        typer.Option(
            parser=_parse_path, metavar="FOLDER", help="folder for one page per article, both versions side by side"
        ),
    ] = None,
    edits: Annotated[
        Path | None,
        typer.Option(parser=_parse_path, metavar="FILE", help="JSON Lines file to write, one row per edit"),
    ] = None,
    diff: Annotated[bool, typer.Option("--diff", help="show a coloured word diff on stderr")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="skip files that are already in the output folder")] = False,
    field: Annotated[str, typer.Option(help="key or column that holds the text in .jsonl and .parquet files")] = "text",
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
    checkpoint: CheckpointName = "default",
    engine: EngineName = "draft",
    device: Annotated[
        str, typer.Option(help="device that runs the model: cpu, or cuda for a GPU (not with ctranslate2)")
    ] = "cpu",
    jobs: Annotated[int, typer.Option(min=1, help="number of processes; each loads the model")] = 1,
    executor: ExecutorFile = None,
) -> None:
    """Restore articles. The restored text of a single file goes to stdout; all messages go to stderr.

    Examples:

    `unspin restore article.txt > restored.txt`

    `unspin restore *.txt --output restored --html pages --diff`

    `unspin restore crawl/ --output restored --edits edits.jsonl --resume`

    `unspin restore shards/*.parquet --output restored --executor configs/executors/ray.yaml --jobs 8`
    """
    from unspin.cli.jobs import RestoreOptions
    from unspin.infer.documents.base import DocumentOptions
    from unspin.locking import sole_writer
    from unspin.storage import is_url

    options = RestoreOptions(
        output=output,
        in_place=in_place,
        html=html,
        edits=edits,
        diff=diff,
        resume=resume,
        documents=DocumentOptions(field=field),
        checkpoint=checkpoint,
        min_confidence=min_confidence,
        keep_quotations=keep_quotations,
        alternatives=alternatives,
        engine=engine,
        device=device,
        jobs=jobs,
        executor=executor,
    )
    with nullcontext() if output is None or is_url(output) else sole_writer(output):
        _restore(paths, options)


def _restore(paths: Sequence[Path], options: RestoreOptions) -> None:
    from unspin.cli.jobs import find_jobs

    jobs = find_jobs(paths, options)
    if options.executor is None:
        from unspin.cli.local import restore_locally

        restore_locally(jobs, options)
    else:
        from unspin.cli.cluster import restore_on

        restore_on(options.executor, jobs, options)
