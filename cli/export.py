"""`unspin export`: turns a checkpoint into folders that other libraries load."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from unspin.cli.options import parse_new_folder


class Format(StrEnum):
    """The formats of `unspin.train.export.FORMATS`, listed here since importing that module takes seconds."""

    MERGED = "merged"
    CTRANSLATE2 = "ctranslate2"
    INT8 = "int8"
    INT8_TRIMMED = "int8-trimmed"
    GGUF = "gguf"
    GGUF_Q8 = "gguf-q8"
    ONNX = "onnx"


def export(
    checkpoint: Annotated[
        str, typer.Argument(metavar="CHECKPOINT", help="'default', or a folder that `unspin train` wrote")
    ],
    output: Annotated[
        Path, typer.Option(parser=parse_new_folder, metavar="FOLDER", help="folder to write; it must not exist")
    ],
    formats: Annotated[
        list[Format] | None,
        typer.Option(
            "--format",
            help="what to write, once for each: 'merged' (transformers; the default), 'ctranslate2' (fp32), 'int8' "
            "(CTranslate2), 'int8-trimmed' (only the token ids seen in training), 'gguf' (bf16) or 'gguf-q8' "
            "(8 bits) for llama.cpp and Ollama, or 'onnx' (fp32)",
        ),
    ] = None,
    push_to_hub: Annotated[
        str | None,
        typer.Option(metavar="OWNER/NAME", help="upload the merged model to this repository of the Hugging Face hub"),
    ] = None,
) -> None:
    """Merge a checkpoint into one model that runs without unspin, and write it in one or more formats.

    Examples:

    `unspin export default --output runs/export`

    `unspin export default --output runs/formats --format merged --format int8`
    """
    from unspin.train.export import export as write

    for folder in write(checkpoint, output, formats or [Format.MERGED], push_to_hub):
        typer.echo(f"written: {folder}")
