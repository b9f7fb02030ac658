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
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from unspin.checksums import sha256_of, verify_checksums
from unspin.infer.confidence import Calibration
from unspin.infer.models.backbone import (
    PACKAGE,
    ModelError,
    auto_model_class,
    build_once,
    find_backbone,
    silence_transformers,
)
from unspin.infer.models.prompt import PROMPTS, Prompt
from unspin.storage import cache_folder, local_copy, to_path

VOCABULARY = "vocabulary.safetensors"
UNSPIN_JSON = "unspin.json"
IDS = "ids.json"
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
MODEL_CONFIG = "config.json"
WEIGHTS = "model.safetensors"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
ADAPTER_FILES = (ADAPTER_CONFIG, ADAPTER_WEIGHTS, UNSPIN_JSON)
MODEL_FILES = (MODEL_CONFIG, *TOKENIZER_FILES, UNSPIN_JSON)
SPECIAL_IDS = 4  # Gemma's first ids: padding, end, beginning, unknown


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
        file = folder / UNSPIN_JSON
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
            backbone, prompt = str(record["backbone"]), str(record["prompt"])
            calibration = Calibration(**{key: float(value) for key, value in record.get("calibration", {}).items()})
            max_passage_words = int(record.get("passage", 0))
            backbone_weights = record.get("backbone_weights")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{file} is damaged ({error!r}): copy it again or train again") from None
        if prompt not in PROMPTS:
            raise ModelError(
                f"{folder} was trained on prompt form {prompt!r}, and this version knows {', '.join(PROMPTS)}: "
                "train again, or install the version that trained it"
            )
        return cls(folder, backbone, PROMPTS[prompt], calibration, max_passage_words, is_full_model, backbone_weights)

    @property
    def digest(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of the checkpoint's configuration, weights and vocabulary.

        For an adapter, the record of its base model counts too, so that what is derived from both is never taken for
        that of another one.
        """
        if self.is_full_model:
            contents, base = [self.folder / MODEL_CONFIG, *weight_files(self.folder)], ""
        else:
            contents = [self.folder / ADAPTER_CONFIG, self.folder / ADAPTER_WEIGHTS]
            base = f"{self.backbone} {self.backbone_weights}"
        sha256 = hashlib.sha256(base.encode())
        for file in (*contents, *filter(Path.is_file, [self.folder / VOCABULARY])):
            sha256.update(file.read_bytes())
        return sha256.hexdigest()[:16]

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
        from peft import PeftModel
        from safetensors import SafetensorError

        silence_transformers()
        model_class = auto_model_class(self.prompt.is_encoder_decoder)
        model = model_class.from_pretrained(base, dtype=torch.float32, use_safetensors=True)
        try:
            merged = PeftModel.from_pretrained(model, str(self.folder)).merge_and_unload()
        except (SafetensorError, RuntimeError, ValueError) as error:
            raise ModelError(
                f"{self.folder} does not load as an adapter of {self.backbone} ({error}): copy it again or train again"
            ) from None
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
    for inner in (folder / "adapter", folder / "model"):
        if (inner / UNSPIN_JSON).is_file():
            raise ModelError(f"{folder} is the folder of a run: give the checkpoint in it, {inner}")
    if unfinished := sorted(folder.glob(f"checkpoint-*/{UNSPIN_JSON}"), key=lambda file: file.stat().st_mtime):
        raise ModelError(
            f"{folder} is the folder of an unfinished run: run `unspin train` again to finish it, or give "
            f"{unfinished[-1].parent}"
        )
    return folder


def weight_files(folder: Path) -> list[Path]:
    """The weights of a transformers folder: one safetensors file, or those that an index names.

    Raises `ModelError` for a damaged index.
    """
    index = folder / f"{WEIGHTS}.index.json"
    if not index.is_file():
        return [folder / WEIGHTS]
    try:
        names = {str(name) for name in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()}
    except (ValueError, KeyError, AttributeError) as error:
        raise ModelError(f"{index} is damaged ({error!r}): copy the folder again or train again") from None
    return [folder / Path(name).name for name in sorted(names)]


def identify_weights(name: str, folder: Path) -> str:
    """What identifies the weights of the backbone `name` in `folder`: the SHA-256 of its weight files, in order.

    The default backbone is identified by its package, since the files converted from it depend on the version of
    transformers. Cost: one read of all weights of any other.
    """
    if name == "default":
        return PACKAGE
    return hashlib.sha256("".join(map(sha256_of, weight_files(folder))).encode()).hexdigest()


def read_vocabulary(folder: Path) -> list[int] | None:
    """The token ids that a checkpoint's training saw; None means all ids. Raises `ModelError` for a damaged file."""
    file = folder / VOCABULARY
    if not file.is_file():
        return None
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return [int(i) for i in load_file(file)["ids"]]
    except (SafetensorError, KeyError) as error:
        raise ModelError(f"{file} is damaged ({error}): copy it again or train again") from None


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
    from ctranslate2.converters import TransformersConverter

    if ids is None:
        TransformersConverter(str(merged)).convert(str(target), quantization=quantization)
    else:
        kept_ids = sorted({*ids, *range(SPECIAL_IDS)})
        with tempfile.TemporaryDirectory(dir=target.parent) as small:
            tokens = _trim(merged, Path(small), kept_ids)
            TransformersConverter(small).convert(str(target), quantization=quantization)
        # The converter lists the tokenizer's first tokens, whichever embeddings were kept.
        (target / "vocabulary.json").write_text(json.dumps(tokens), encoding="utf-8")
        (target / IDS).write_text(json.dumps(kept_ids), encoding="utf-8")
    _copy_tokenizer(merged, target)


def _trim(merged: Path, target: Path, kept_ids: list[int]) -> list[str]:
    """Write the model with the embeddings of `kept_ids` only. Returns the tokens of those ids, in order."""
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM

    silence_transformers()
    model = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.bfloat16, use_safetensors=True)
    embeddings = model.get_input_embeddings()
    embeddings.weight = torch.nn.Parameter(embeddings.weight.detach()[torch.tensor(kept_ids)].clone())
    model.tie_weights()
    model.config.vocab_size = len(kept_ids)
    model.save_pretrained(target)
    _copy_tokenizer(merged, target)
    tokenizer = Tokenizer.from_file(str(merged / "tokenizer.json"))
    return [tokenizer.id_to_token(i) or f"<unused {i}>" for i in kept_ids]


def _copy_tokenizer(source: Path, target: Path) -> None:
    for file in TOKENIZER_FILES:
        shutil.copyfile(source / file, target / file)
