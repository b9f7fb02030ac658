"""`unspin restore`: reads every file before the model is loaded, so that bad input costs nothing and leaves nothing half-written."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track
from unspin.infer.diff import page, terminal
from unspin.infer.documents import Document, DocumentError, write_whole
from unspin.infer.engines import ENGINES
from unspin.infer.restorer import Restorer


def restore_files(
    files: Sequence[Path],
    *,
    output: Path | None,
    html: Path | None,
    diff: bool,
    checkpoint: str,
    min_confidence: float | None,
    engine: str,
    device: str,
) -> None:
    """Restore files to stdout or into a folder. Raises `DocumentError` or `ModelError`."""
    if engine not in ENGINES:
        raise DocumentError(f"--engine {engine}: there are {', '.join(ENGINES)}")
    if len(files) > 1 and output is None:
        raise DocumentError(f"{len(files)} files need a folder to go to: add --output FOLDER")
    _refuse_doubled_names(files)
    documents = [Document.read(file) for file in files]
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    restorer = Restorer.from_pretrained(
        checkpoint, engine=engine, device=device, min_confidence=min_confidence, report=lambda line: console.print(line, style="dim")
    )
    for file, document in track(list(zip(files, documents, strict=True)), "restoring", console=console, disable=len(files) == 1):
        restoration = restorer.restore(document.text)
        restored = document.encode(restoration.text)
        if output is None:
            sys.stdout.buffer.write(restored)
            sys.stdout.buffer.flush()
        else:
            write_whole(output / file.name, restored)
        if html is not None:
            write_whole(html / f"{file.stem}.html", page(restoration, file.name).encode())
        if diff:
            console.print(terminal(restoration))
        for warning in restoration.warnings:
            console.print(f"{file}, {warning}", style="yellow", markup=False)
        console.print(f"{file}: {len(restoration.edits)} edits", markup=False)


def _refuse_doubled_names(files: Sequence[Path]) -> None:
    seen: dict[str, Path] = {}
    for file in files:
        if file.name in seen:
            raise DocumentError(f"{seen[file.name]} and {file} would become one file: restore them apart")
        seen[file.name] = file
