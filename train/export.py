"""Exports a checkpoint for use without unspin: to transformers, CTranslate2, llama.cpp, ONNX, the hub.

Every format holds the merged model, in a folder of its own. The output folder is there completely or not at all: it is
written beside its place and renamed. Only the model leaves unspin: the fidelity check and confidences stay behind.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from safetensors import SafetensorError
from unspin.errors import UnspinError
from unspin.hub import Repository
from unspin.infer.models.checkpoint import UNSPIN_JSON, Checkpoint, convert_to_ctranslate2
from unspin.storage import cache_folder
from unspin.train.gguf_file import write_gguf
from unspin.train.onnx_file import write_onnx


class ExportError(UnspinError):
    """The checkpoint was not exported; no output folder was written."""


MERGED = "merged"
# Format -> writes a checkpoint into a new folder. `unspin export` lists the same names.
FORMATS: dict[str, Callable[[Checkpoint, Path], object]] = {
    MERGED: lambda checkpoint, folder: shutil.copytree(checkpoint.merged_folder(), folder),
    "ctranslate2": lambda checkpoint, folder: convert_to_ctranslate2(checkpoint.merged_folder(), folder, "float32"),
    "int8": lambda checkpoint, folder: shutil.copytree(checkpoint.int8_folder(), folder),
    "int8-trimmed": lambda checkpoint, folder: shutil.copytree(checkpoint.int8_folder(trimmed=True), folder),
    "gguf": lambda checkpoint, folder: write_gguf(checkpoint.merged_folder(), folder, "BF16"),
    "gguf-q8": lambda checkpoint, folder: write_gguf(checkpoint.merged_folder(), folder, "Q8_0"),
    "onnx": lambda checkpoint, folder: write_onnx(checkpoint.merged_folder(), folder),
}
GGUF = {"gguf", "gguf-q8"}


def export(name: str, output: Path, formats: Sequence[str] = (MERGED,), push: str | None = None) -> list[Path]:
    """Write a folder in `output` for each of `FORMATS` that is named, and return these folders.

    `name` is "default" or a checkpoint folder. `push` is the name of a repository on the Hugging Face hub to upload the
    merged model to. Raises `ExportError` if `output` exists or cannot be written, or a format does not suit the model,
    `ModelError` if the checkpoint cannot be opened, and `HubError` if the repository cannot be written.
    """
    if output.exists():
        raise ExportError(f"{output} exists: remove it, or give another --output")
    if push and MERGED not in formats:
        raise ExportError("--push-to-hub uploads the merged model: add --format merged")
    repository = Repository("model", push) if push else None
    if repository:
        repository.check_upload()
    checkpoint = Checkpoint.open(name)
    formats = list(dict.fromkeys(formats))
    _check_formats(checkpoint, formats)
    try:
        _write(checkpoint, formats, output)
    except (OSError, SafetensorError) as error:
        raise ExportError(
            f"{output} could not be written ({error}): check free space and permissions, there and in "
            f"{cache_folder()}; nothing was exported"
        ) from None
    if repository:
        repository.upload(output / MERGED, "Checkpoint made by unspin")
    return [output / kind for kind in formats]


def _check_formats(checkpoint: Checkpoint, formats: Collection[str]) -> None:
    """Raise `ExportError` for a format that does not suit the model, before anything is converted."""
    if checkpoint.prompt.is_encoder_decoder and (others := sorted({*formats} - {MERGED})):
        raise ExportError(
            f"{checkpoint.folder} holds an encoder-decoder model, and {', '.join(others)} is for decoder-only ones: "
            f"use --format {MERGED}, and convert that folder with the tools of CTranslate2 or llama.cpp"
        )
    if checkpoint.backbone != "default" and (chosen := sorted(GGUF & {*formats})):
        raise ExportError(
            f"{checkpoint.folder} was trained on {checkpoint.backbone}, and {', '.join(chosen)} is for checkpoints of "
            f"the default model: use --format {MERGED}, and run llama.cpp's convert_hf_to_gguf.py on that folder"
        )


def _write(checkpoint: Checkpoint, formats: Sequence[str], output: Path) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{output.name}.", dir=output.parent) as scratch:
        made = Path(scratch) / output.name
        made.mkdir()
        for kind in formats:
            FORMATS[kind](checkpoint, made / kind)
            for file in (UNSPIN_JSON, "README.md"):
                if (checkpoint.folder / file).is_file():
                    shutil.copyfile(checkpoint.folder / file, made / kind / file)
        made.rename(output)
