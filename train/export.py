"""Exports a checkpoint for use without unspin: to transformers, CTranslate2, llama.cpp, ONNX, the hub.

Every format holds the merged model, in a folder of its own. The output folder is there completely or not at all: it is
written beside its place and renamed. Only the model leaves unspin: the fidelity check and confidences stay behind.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection, Sequence
from importlib.metadata import version
from pathlib import Path

from huggingface_hub import ModelCard, ModelCardData
from safetensors import SafetensorError
from unspin.checksums import write_checksums
from unspin.errors import UnspinError
from unspin.hub import Repository
from unspin.infer.models.checkpoint import UNSPIN_JSON, VOCABULARY, Checkpoint, convert_to_ctranslate2
from unspin.storage import cache_folder, real_path
from unspin.train.gguf_file import write_gguf
from unspin.train.onnx_file import write_onnx


class ExportError(UnspinError):
    """The checkpoint was not exported; no output folder was written."""


MERGED, TRIMMED = "merged", "int8-trimmed"
# Format -> writes a checkpoint into a new folder. `unspin export` lists the same names.
FORMATS: dict[str, Callable[[Checkpoint, Path], object]] = {
    MERGED: lambda checkpoint, folder: shutil.copytree(checkpoint.merged_folder(), folder),
    "ctranslate2": lambda checkpoint, folder: convert_to_ctranslate2(checkpoint.merged_folder(), folder, "float32"),
    "int8": lambda checkpoint, folder: shutil.copytree(checkpoint.int8_folder(), folder),
    TRIMMED: lambda checkpoint, folder: shutil.copytree(checkpoint.int8_folder(trimmed=True), folder),
    "gguf": lambda checkpoint, folder: write_gguf(checkpoint.merged_folder(), folder, "BF16"),
    "gguf-q8": lambda checkpoint, folder: write_gguf(checkpoint.merged_folder(), folder, "Q8_0"),
    "onnx": lambda checkpoint, folder: write_onnx(checkpoint.merged_folder(), folder),
}
GGUF = {"gguf", "gguf-q8"}
# Format -> the library that loads it, as model cards name it.
LIBRARIES = {
    MERGED: "transformers",
    "ctranslate2": "ctranslate2",
    "int8": "ctranslate2",
    TRIMMED: "ctranslate2",
    "gguf": "llama.cpp",
    "gguf-q8": "llama.cpp",
    "onnx": "onnx",
}
CARD, CHECKPOINT_CARD = "README.md", "CHECKPOINT.md"


def export(name: str, output: Path, formats: Sequence[str] = (MERGED,), push: str | None = None) -> list[Path]:
    """Write a folder in `output` for each of `FORMATS` that is named, and return these folders.

    `name` is "default" or a checkpoint folder. `push` is the name of a repository on the Hugging Face hub to upload the
    merged model to. Raises `ExportError` if `output` exists or cannot be written, or a format does not suit the model,
    `ModelError` if the checkpoint cannot be opened, and `HubError` if the repository cannot be written.
    """
    if output.exists():
        raise ExportError(f"{output} exists: remove it, or give another --output")
    if push is not None and MERGED not in formats:
        raise ExportError("--push-to-hub uploads the merged model: add --format merged")
    repository = None if push is None else Repository.of_model(push)
    if repository:
        repository.check_upload()
    checkpoint = Checkpoint.open(name)
    if real_path(output).is_relative_to(real_path(checkpoint.folder)):
        raise ExportError(f"{output} is inside the checkpoint: give another --output")
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
    if TRIMMED in formats and checkpoint.vocabulary() is None:
        raise ExportError(
            f"{checkpoint.folder} has no {VOCABULARY}, the list of token ids that training saw: use --format int8"
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
            folder = made / kind
            FORMATS[kind](checkpoint, folder)
            if kind == MERGED:
                _complete_checkpoint(checkpoint, folder)
            if (checkpoint.folder / CARD).is_file():
                shutil.copyfile(checkpoint.folder / CARD, folder / CHECKPOINT_CARD)
            (folder / CARD).write_text(_card(checkpoint, kind), encoding="utf-8")
        made.rename(output)


def _complete_checkpoint(checkpoint: Checkpoint, merged: Path) -> None:
    """Add to a merged folder what makes it a checkpoint, with which unspin restores as with the original one."""
    for file in (UNSPIN_JSON, VOCABULARY):
        if (checkpoint.folder / file).is_file():
            shutil.copyfile(checkpoint.folder / file, merged / file)
    write_checksums(merged, merged.glob("*.safetensors"))


def _card(checkpoint: Checkpoint, kind: str) -> str:
    """The model card of a format: the metadata of the checkpoint's card, and what the folder holds."""
    file = checkpoint.folder / CARD
    known = ModelCard.load(file, ignore_metadata_errors=True).data.to_dict() if file.is_file() else {}
    kept = {key: known[key] for key in ("language", "license", "base_model", "tags") if key in known}
    data = ModelCardData(**kept, library_name=LIBRARIES[kind])
    more = f" [The checkpoint's card]({CHECKPOINT_CARD}) says how it was trained." if file.is_file() else ""
    how = "`unspin restore ARTICLE --checkpoint FOLDER` restores as with the checkpoint. " if kind == MERGED else ""
    paragraphs = (
        f"---\n{data.to_yaml()}\n---",
        f"# unspin model, {kind}",
        "Restores English sentences that an article spinner garbled. Made from a checkpoint by `unspin export` "
        f"{version('unspin')} with `--format {kind}`.{more}",
        f"{how}In other software it is the model alone: nothing protects names, numbers, dates and negations, and no "
        "edit has a confidence. The page on exporting in unspin's documentation shows the prompt.",
    )
    return "\n\n".join(paragraphs) + "\n"
