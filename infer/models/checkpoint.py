"""Checkpoints, and the files that engines load from them.

A checkpoint is a plain PEFT adapter folder, or a plain transformers folder, with an ``unspin.json`` beside the weights.
Merged and quantized models are derived from it once and kept in the user's cache. They are keyed by the SHA-256 of the
checkpoint, so a changed checkpoint is converted again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError, field_validator
from unspin.checksums import sha256_of, verify_checksums
from unspin.infer.confidence import Calibration
from unspin.infer.models.backbone import PACKAGE, ModelError, build_once, find_backbone
from unspin.infer.models.loading import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    ADVICE,
    MODEL_CONFIG,
    check_files,
    describe_invalid,
    load_adapter,
    load_model,
    loading,
    read_json,
    weight_files,
)
from unspin.infer.models.prompt import PROMPTS, Prompt
from unspin.lazy import cached_property
from unspin.storage import cache_folder, local_copy, to_path

VOCABULARY = "vocabulary.safetensors"
UNSPIN_JSON = "unspin.json"
IDS = "ids.json"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
ADAPTER_FILES = (ADAPTER_CONFIG, ADAPTER_WEIGHTS, UNSPIN_JSON)
MODEL_FILES = (MODEL_CONFIG, *TOKENIZER_FILES, UNSPIN_JSON)
SPECIAL_IDS = 4  # Gemma's first ids: padding, end, beginning, unknown
LONGEST_NAME = 250  # of a backbone; file systems allow 255 bytes between slashes
LARGEST_COEFFICIENT = 1e6  # of a calibration; the sums of larger ones could overflow
NEVER_NEGATIVE = {"threshold", "share_rate", "screen_rate", "screen_spread", "screen_word_spread"}


class Record(BaseModel, strict=True):
    """What `unspin.json` must say for a checkpoint to be used; all else in it is for people."""

    backbone: str = Field(min_length=1, max_length=LONGEST_NAME)
    prompt: str
    calibration: dict[str, float] = {}
    passage: int = Field(0, ge=0)
    backbone_weights: str | None = None

    @field_validator("calibration")
    @classmethod
    def _check_coefficients(cls, calibration: dict[str, float]) -> dict[str, float]:
        known = Calibration.__dataclass_fields__
        for key, value in calibration.items():
            if key not in known:
                raise ValueError(f"{key} is no coefficient (these are {', '.join(known)})")
            if not (0 if key in NEVER_NEGATIVE else -LARGEST_COEFFICIENT) <= value <= LARGEST_COEFFICIENT:
                raise ValueError(f"{key} is out of range")
        return calibration


@dataclass(frozen=True)
class Checkpoint:
    """A complete checkpoint folder.

    If `is_full_model`, the folder holds all weights of a model, else an adapter of the base model `backbone`. The model
    is shown neighbouring sentences of up to `max_passage_words` words together; 0: one sentence at a time.
    `backbone_weights` identifies the weights that an adapter was trained on, as `identify_weights` does. It is None in
    checkpoints made before that was recorded, such as the released one: they are used with any backbone they fit.
    """

    folder: Path
    backbone: str
    prompt: type[Prompt]
    calibration: Calibration
    max_passage_words: int
    is_full_model: bool = False
    backbone_weights: str | None = None

    @classmethod
    def open(cls, name: str) -> Checkpoint:
        """Open a checkpoint: a folder, its address in an object store, or "default" for the adapter that ships.

        Raises `ModelError` if the folder or a file in it is missing, ``unspin.json`` is damaged or the prompt is
        unknown, `ChecksumError` if a file does not match its checksum, and `StorageError` if the store cannot be read.
        """
        folder = find_checkpoint(name)
        is_full_model = not (folder / ADAPTER_CONFIG).is_file() and (folder / MODEL_CONFIG).is_file()
        _require_files(folder, is_full_model)
        verify_checksums(folder)
        record = _read_record(folder / UNSPIN_JSON)
        if record.prompt not in PROMPTS:
            raise ModelError(
                f"{folder} was trained on prompt form {record.prompt!r}, and this version knows {', '.join(PROMPTS)}: "
                "train again, or install the version that trained it"
            )
        return cls(
            folder,
            record.backbone,
            PROMPTS[record.prompt],
            Calibration(**record.calibration),
            record.passage,
            is_full_model,
            record.backbone_weights,
        )

    @property
    def digest(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of the checkpoint's configuration, weights and vocabulary.

        For an adapter, its base model counts too, so that what is derived from both is never taken for that of
        another one.
        """
        if self.is_full_model:
            names, base = (MODEL_CONFIG, *TOKENIZER_FILES), ""
            contents = [*(self.folder / name for name in names), *weight_files(self.folder)]
        else:
            contents = [self.folder / ADAPTER_CONFIG, self.folder / ADAPTER_WEIGHTS]
            base = f"{self.backbone} {self.backbone_weights or self._found_weights}"
        sha256 = hashlib.sha256(base.encode())
        for file in (*contents, *filter(Path.is_file, [self.folder / VOCABULARY])):
            sha256.update(file.read_bytes())
        return sha256.hexdigest()[:16]

    @cached_property
    def _found_weights(self) -> str | None:
        """The weights of a local backbone, for a checkpoint without a record of them; read once."""
        folder = Path(self.backbone)
        return identify_weights(self.backbone, folder) if folder.is_dir() else None

    @property
    def fingerprint(self) -> str:
        """Changes with whatever restorations depend on: weights, vocabulary, calibration, and the version of unspin."""
        sha256 = hashlib.sha256(f"{version('unspin')} {self.digest}".encode())
        for file in (self.folder / UNSPIN_JSON, self.folder / VOCABULARY):
            sha256.update(file.read_bytes() if file.is_file() else b"")
        return sha256.hexdigest()[:16]

    def backbone_folder(self) -> Path:
        """The folder of the backbone's weights and tokenizer.

        Raises `ModelError` if the backbone is not available, or does not have the weights that the adapter was trained
        on.
        """
        folder = find_backbone(self.backbone)
        self.check_backbone(self.backbone, folder)
        return folder

    def check_backbone(self, name: str, folder: Path) -> None:
        """Raise `ModelError` if the backbone `name` in `folder` has other weights than the adapter was trained on.

        An adapter of another model with layers of the same shapes would load, and restore nonsense.
        """
        if self.backbone_weights is None:
            return
        found = identify_weights(name, folder)
        if found != self.backbone_weights:
            raise ModelError(
                f"{self.folder} is an adapter of {self.backbone} with the weights {self.backbone_weights}, but "
                f"{name} has the weights {found}: use it with the model that it was trained on, or train again"
            )

    def vocabulary(self) -> list[int] | None:
        """The token ids that training saw, the only ones that the model was taught to write. None means all ids."""
        return read_vocabulary(self.folder)

    def merged_folder(self) -> Path:
        """A plain transformers folder with tokenizer: the backbone with the adapter merged in, in bf16.

        A checkpoint that holds all weights is used as it is. Raises `ModelError` if the adapter does not fit its
        backbone.
        """
        if self.is_full_model:
            return self.folder
        folder = cache_folder() / f"merged-{self.digest}"
        if folder.is_dir():
            return folder
        base = self.backbone_folder()
        return build_once(folder, lambda target: self._merge(base, target), "merging the adapter (once, some seconds)")

    def int8_folder(self, trimmed: bool = False) -> Path:
        """A CTranslate2 int8 folder of the merged model, with its tokenizer.

        A trimmed model has only the ids that training saw, listed in ``ids.json``. It is smaller and faster, but cannot
        read texts with other ids. Raises `ModelError` for an encoder-decoder model.
        """
        if self.prompt.is_encoder_decoder:
            raise ModelError(
                f"{self.folder} holds an encoder-decoder model, and the ctranslate2 engine runs decoder-only ones: "
                "use --engine transformers"
            )
        folder = cache_folder() / f"int8{'-trimmed' if trimmed else ''}-{self.digest}"
        if folder.is_dir():
            return folder
        merged = self.merged_folder()
        ids = self.vocabulary() if trimmed else None
        return build_once(
            folder,
            lambda target: convert_to_ctranslate2(merged, target, "int8", ids),
            "preparing the CTranslate2 engine (once, some seconds)",
        )

    def _merge(self, base: Path, target: Path) -> None:
        import torch

        prompt = self.prompt.from_folder(base)
        model = load_model(base, self.prompt.is_encoder_decoder, dtype=torch.float32)
        largest_id = max(prompt.tokenizer.get_vocab(with_added_tokens=False).values())
        if largest_id >= model.get_input_embeddings().num_embeddings:
            raise ModelError(f"{base} has a tokenizer of another model, with the token {largest_id}: copy it again")
        merged = load_adapter(model, self.folder).merge_and_unload()
        merged.to(torch.bfloat16).save_pretrained(target)
        _copy_tokenizer(base, target)


def find_checkpoint(name: str | Path) -> Path:
    """The folder of a checkpoint: "default" for the adapter that ships, a folder, or an address in an object store.

    Raises `ModelError` if there is no such folder or if it is that of a run, and `StorageError` if a store cannot be
    read.
    """
    folder = Path(str(files("unspin.infer") / "adapter")) if str(name) == "default" else local_copy(to_path(name))
    if not folder.is_dir():
        raise ModelError(
            f"{folder} is not a checkpoint folder: give one that `unspin train` wrote, or 'default', the released one"
        )
    check_files(folder)
    for inner in (folder / "adapter", folder / "model"):
        if (inner / UNSPIN_JSON).is_file():
            raise ModelError(f"{folder} is the folder of a run: give the checkpoint in it, {inner}")
    if unfinished := sorted(folder.glob(f"checkpoint-*/{UNSPIN_JSON}"), key=lambda file: file.stat().st_mtime):
        raise ModelError(
            f"{folder} is the folder of an unfinished run: run `unspin train` again to finish it, or give "
            f"{unfinished[-1].parent}"
        )
    return folder


def identify_weights(name: str, folder: Path) -> str:
    """What identifies the weights of the backbone `name` in `folder`: the SHA-256 of its weight files, in order.

    The default backbone is identified by its package, since the files converted from it depend on the version of
    transformers. Cost: one read of all weights of any other.
    """
    if name == "default":
        return PACKAGE
    with loading(folder):
        return hashlib.sha256("".join(map(sha256_of, weight_files(folder))).encode()).hexdigest()


def read_vocabulary(folder: Path) -> list[int] | None:
    """The token ids that a checkpoint's training saw; None means all ids. Raises `ModelError` for a damaged file."""
    file = folder / VOCABULARY
    if not file.is_file():
        return None
    from safetensors.numpy import load_file

    with loading(file):
        ids = load_file(file)["ids"]
    if ids.dtype.kind not in "iu" or ids.ndim != 1 or not len(ids) or ids.min() < 0:
        raise ModelError(f"{file} is damaged (it holds no list of token ids from 0 up): {ADVICE}")
    return [int(i) for i in ids]


def check_ids(folder: Path, ids: Sequence[int], rows: int) -> None:
    """Raise `ModelError` if a vocabulary has ids beyond the rows of a model's embeddings."""
    if max(ids) >= rows:
        raise ModelError(f"{folder}: {VOCABULARY} names the token {max(ids)}, and the model has {rows}: {ADVICE}")


def _read_record(file: Path) -> Record:
    try:
        return Record.model_validate(read_json(file))
    except ValidationError as error:
        raise ModelError(f"{file} is damaged ({describe_invalid(error)}): {ADVICE}") from None


def _require_files(folder: Path, is_full_model: bool) -> None:
    """Raise `ModelError` naming the files that a checkpoint folder lacks."""
    if not (folder / UNSPIN_JSON).is_file():
        raise ModelError(
            f"{folder} has no {UNSPIN_JSON}, so it is not a checkpoint: give one that `unspin train` or "
            "`unspin export --format merged` wrote, or 'default', the released one"
        )
    needed = [folder / name for name in (MODEL_FILES if is_full_model else ADAPTER_FILES)]
    if is_full_model:
        needed = [*weight_files(folder), *needed]
    missing = [file.name for file in needed if not file.is_file()]
    if missing:
        raise ModelError(
            f"{folder} is incomplete: {', '.join(missing)} is missing; copy the whole folder or train again"
        )


def convert_to_ctranslate2(merged: Path, target: Path, quantization: str, ids: list[int] | None = None) -> None:
    """Convert a merged model, with its tokenizer; with `ids`, only those and the special ids are kept.

    `quantization` is CTranslate2's name of a precision, such as "int8" or "float32".
    """
    if ids is None:
        load_model(merged, is_encoder_decoder=False, dtype="auto")  # the converter would not notice damage
        _convert(merged, target, quantization)
    else:
        kept_ids = sorted({*ids, *range(SPECIAL_IDS)})
        with tempfile.TemporaryDirectory(dir=target.parent) as small:
            tokens = _trim(merged, Path(small), kept_ids)
            _convert(Path(small), target, quantization)
        # The converter lists the tokenizer's first tokens, whichever embeddings were kept.
        (target / "vocabulary.json").write_text(json.dumps(tokens), encoding="utf-8")
        (target / IDS).write_text(json.dumps(kept_ids), encoding="utf-8")
    _copy_tokenizer(merged, target)


def _convert(model: Path, target: Path, quantization: str) -> None:
    """Convert a folder with CTranslate2, whose converter would ask the user whether to run code of a tokenizer."""
    from ctranslate2.converters import TransformersConverter
    from transformers import PreTrainedTokenizerFast

    class Converter(TransformersConverter):
        def load_tokenizer(self, tokenizer_class: object, name: str, **options: Any) -> Any:
            return PreTrainedTokenizerFast.from_pretrained(name)

    with loading(model):
        Converter(str(model), trust_remote_code=False).convert(str(target), quantization=quantization)


def _trim(merged: Path, target: Path, kept_ids: list[int]) -> list[str]:
    """Write the model with the embeddings of `kept_ids` only. Returns the tokens of those ids, in order."""
    import torch
    from tokenizers import Tokenizer

    model = load_model(merged, is_encoder_decoder=False, dtype=torch.bfloat16)
    embeddings = model.get_input_embeddings()
    check_ids(merged, kept_ids, len(embeddings.weight))
    embeddings.weight = torch.nn.Parameter(embeddings.weight.detach()[torch.tensor(kept_ids)].clone())
    model.tie_weights()
    model.config.vocab_size = len(kept_ids)
    model.save_pretrained(target)
    _copy_tokenizer(merged, target)
    tokenizer = Tokenizer.from_file(str(merged / "tokenizer.json"))
    return [tokenizer.id_to_token(i) or f"<unused {i}>" for i in kept_ids]


def _copy_tokenizer(source: Path, target: Path) -> None:
    for file in TOKENIZER_FILES:
        with loading(source):
            shutil.copyfile(source / file, target / file)
