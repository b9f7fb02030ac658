"""`unspin export`: turns a checkpoint into folders that other libraries load."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    checkpoint: Annotated[
        str, typer.Argument(metavar="CHECKPOINT", help="'default', or a folder that `unspin train` wrote")
    ],
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="folder to write; it must not exist")],
    int8: Annotated[bool, typer.Option("--int8", help="also write CTranslate2 int8 folders")] = False,
    push_to_hub: Annotated[
        str | None, typer.Option(metavar="NAME", help="upload the merged model to the Hugging Face hub")
    ] = None,
) -> None:
    """Merge a checkpoint into a plain transformers folder, which loads without unspin.

    Examples:

    `unspin export default --output runs/export --int8`
    """
    from unspin.train.export import export as write

    for folder in write(checkpoint, output, int8, push_to_hub):
        typer.echo(f"written: {folder}")
