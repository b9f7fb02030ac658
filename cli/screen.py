"""`unspin screen`: judges how garbled documents look, without restoring them.

What is found in a document is kept in a file of its own below the output folder, so that a run that was stopped can go
on with the documents that are left. The table, the files for other programs and the page are made of these.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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

TOO_GARBLED = 3  # exit code


def screen(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            parser=parse_document,
            help="documents and tables of documents: files, folders, globs, s3:// addresses, or - for stdin",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(parser=parse_document, metavar="FOLDER", help="folder for report.html, JSON Lines and CSV files"),
    ] = None,
    fail_over: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="end with exit code 3 if the share of a document is above this, such as 0.1"),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="skip documents that an earlier run screened with the same settings")
    ] = False,
    format: FormatName = None,
    field: FieldName = "text",
    on_error: OnError = "stop",
    main_content: MainContent = False,
    phrases: PhrasesFile = None,
    protect: ProtectFile = None,
    checkpoint: CheckpointName = "default",
    engine: EngineName = "draft",
    device: DeviceName = "cpu",
    jobs: JobCount = 1,
    executor: ExecutorFile = None,
) -> None:
    """Judge how garbled documents look, without restoring them: the share of garbled words, and the places that tell.

    The table on stdout begins with the document that looks most garbled. The exit code is 0 if all documents were
    screened, 1 if one could not be read, 2 if the options are wrong, and 3 if all could be read but `--fail-over` found
    one. What a share proves, and what it does not: docs/screening.md.

    Examples:

    `unspin screen article.txt`

    `unspin screen papers/ --output screened --phrases phrases.tsv`

    `unspin screen crawl/ --output screened --resume --fail-over 0.1`
    """
    from unspin.cli.screen_file import ScreenOptions
    from unspin.cli.screening import Run, screen_documents
    from unspin.infer.documents.base import DocumentOptions

    documents = DocumentOptions(format, field, on_error == "skip", main_content)
    options = ScreenOptions(documents, checkpoint, phrases, protect, engine, device)
    garbled = screen_documents(paths, options, Run(output, resume, jobs, executor, fail_over))
    if garbled:
        raise typer.Exit(TOO_GARBLED)
