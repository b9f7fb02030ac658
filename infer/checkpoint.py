"""From a checkpoint (base model and adapter) to the files an engine loads, made once and kept in the user's cache.

An adapter folder is a plain PEFT folder with `unspin.json`. What is derived from it is keyed by its SHA-256, so that a new
adapter never meets an old conversion.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from unspin.data.guard import verify
from unspin.data.stores import here, place
from unspin.infer.default_model import ModelError, build_once, cache_folder, model_folder, quiet
from unspin.infer.prompt import PROMPTS, Prompt

VOCABULARY = "vocabulary.safetensors"
RECORD = "unspin.json"
IDS = "ids.json"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
SPECIAL_IDS = 4  # Gemma's first: padding, end, beginning, unknown
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors", RECORD)
MODEL_FILES = ("config.json", *TOKENIZER_FILES, RECORD)
WEIGHTS = "model.safetensors"
SURELY_SPUN = 0.1  # from this share of garbled words on an article counts as spun; a larger share says no more about an edit


@dataclass(frozen=True)
class Calibration:
    """How a model's own probability of an edit becomes the chance that the edit is right.

    A logistic (Platt 1999) of the edit's log odds, of whether the article looks spun as a whole (the same doubtful edit is likely
    right in a spun article and wrong in a clean one), and of the edit's length (a probability is a product over its
    words). `threshold` is the confidence below which an edit is not made; `support` says how much a place where the same words were
    restored alike counts, where 1 would be independent evidence. `share_floor` is the share of sound text's words that the model suspects,
    `share_rate` how many garbled words stand behind each that it suspects beyond that.
    """

    slope: float = 1.0
    spun_weight: float = 0.0
    size_weight: float = 0.0
    intercept: float = 0.0
    threshold: float = 0.5
    support: float = 0.0
    share_floor: float = 0.0
    share_rate: float = 1.0

    def confidence(self, probability: float, suspected: float, size: int) -> float:
        """In 0..1. `suspected` is the share of the article's words that the model suspects; `size` the words an edit touches."""
        odds, look, length = features(probability, self.spun_share(suspected), size)
        return 1 / (1 + math.exp(-(self.slope * odds + self.spun_weight * look + self.size_weight * length + self.intercept)))

    def spun_share(self, suspected: float) -> float:
        """The estimated share of an article's words that a spinner garbled, 0..1, from the share that the model suspects."""
        return 1 - math.exp(-self.share_rate * max(suspected - self.share_floor, 0.0))


def features(probability: float, spun_share: float, size: int) -> tuple[float, float, float]:
    """What the logistic sees: the edit's log odds, and the logarithms of the share of spun words (kept off zero) and of its size."""
    kept = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(kept / (1 - kept)), math.log(min(spun_share, SURELY_SPUN) + 0.003), math.log(size)


@dataclass(frozen=True)
class Checkpoint:
    """A folder that was found complete: an adapter of the model `backbone`, or a whole model.

    `passage` is how many words of neighbouring sentences it is shown.
    """

    folder: Path
    backbone: str
    prompt: type[Prompt]
    calibration: Calibration
    passage: int
    whole: bool = False

    @classmethod
    def open(cls, name: str) -> Checkpoint:
        """Open a folder, or "default": the adapter that ships. Raises `ModelError` naming what is missing, `DamagedError` what is another."""
        folder = Path(str(files("unspin.infer") / "adapter")) if name == "default" else here(place(name))
        if not folder.is_dir():
            raise ModelError(f"{folder} is no checkpoint folder: give one that `unspin train` wrote, or leave it out")
        whole = not (folder / ADAPTER_FILES[0]).is_file() and (folder / MODEL_FILES[0]).is_file()
        needed = [*weight_files(folder), *(folder / file for file in MODEL_FILES)] if whole else [folder / file for file in ADAPTER_FILES]
        missing = [file.name for file in needed if not file.is_file()]
        if missing:
            raise ModelError(f"{folder} is incomplete: {', '.join(missing)} is missing; copy the whole folder or train again")
        verify(folder)
        try:
            record = json.loads((folder / "unspin.json").read_text(encoding="utf-8"))
            backbone, prompt = record["backbone"], record["prompt"]
            calibration, passage = Calibration(**record.get("calibration", {})), int(record.get("passage", 0))
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{folder / 'unspin.json'} is damaged ({error!r}): copy it again or train again") from None
        if prompt not in PROMPTS:
            raise ModelError(f"{folder} was trained on prompt form {prompt!r}; this version of unspin writes {', '.join(PROMPTS)}")
        return cls(folder, backbone, PROMPTS[prompt], calibration, passage, whole)

    @property
    def digest(self) -> str:
        seen = hashlib.sha256()
        weights = weight_files(self.folder) if self.whole else [self.folder / ADAPTER_FILES[1]]
        for file in (self.folder / (MODEL_FILES if self.whole else ADAPTER_FILES)[0], *weights):
            seen.update(file.read_bytes())
        return seen.hexdigest()[:16]

    def base(self, report: Callable[[str], None]) -> Path:
        """The folder of the base model's weights and tokenizer."""
        return model_folder(self.backbone, report)

    def vocabulary(self) -> list[int] | None:
        """The ids that training saw, or None for all: the model was taught no others."""
        return read_vocabulary(self.folder)

    def merged(self, report: Callable[[str], None]) -> Path:
        """A plain transformers folder, bf16, of the base model with the adapter merged in, with its tokenizer; a whole model's own folder."""
        if self.whole:
            return self.folder
        folder = cache_folder() / f"merged-{self.digest}"
        if folder.is_dir():
            return folder
        base = self.base(report)
        return build_once(folder, lambda target: self._merge(base, target), "merging the adapter (once, some seconds)", report)

    def _merge(self, base: Path, target: Path) -> None:
        import torch
        from peft import PeftModel
        from safetensors import SafetensorError
        from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

        quiet()
        kind = AutoModelForCausalLM if self.prompt is Prompt else AutoModelForSeq2SeqLM
        model = kind.from_pretrained(base, dtype=torch.float32, use_safetensors=True)
        try:
            merged = PeftModel.from_pretrained(model, str(self.folder)).merge_and_unload()
        except (SafetensorError, RuntimeError, ValueError) as error:
            raise ModelError(f"{self.folder} does not load as an adapter of {self.backbone}: {error}") from None
        merged.to(torch.bfloat16).save_pretrained(target)
        for file in TOKENIZER_FILES:
            shutil.copyfile(base / file, target / file)

    def int8(self, report: Callable[[str], None], trimmed: bool = False) -> Path:
        """A CTranslate2 int8 folder of the merged model, with its tokenizer. Raises `ModelError` for an encoder-decoder model.

        Trimmed, it has the ids that training saw alone, listed in ``ids.json``: smaller and faster, for sentences that use no others.
        """
        if self.prompt is not Prompt:
            raise ModelError(f"{self.folder} is an encoder-decoder model: the ctranslate2 engine runs decoder-only ones; use --engine transformers")
        folder = cache_folder() / f"int8{'-trimmed' if trimmed else ''}-{self.digest}"
        if folder.is_dir():
            return folder
        merged = self.merged(report)
        return build_once(
            folder, lambda target: self._to_int8(merged, target, trimmed), "preparing the CTranslate2 engine (once, some seconds)", report
        )

    def _to_int8(self, merged: Path, target: Path, trimmed: bool) -> None:
        from ctranslate2.converters import TransformersConverter

        ids = self.vocabulary() if trimmed else None
        if ids is None:
            TransformersConverter(str(merged)).convert(str(target), quantization="int8")
        else:
            kept = sorted({*ids, *range(SPECIAL_IDS)})
            with tempfile.TemporaryDirectory(dir=target.parent) as small:
                tokens = _trim(merged, Path(small), kept)
                TransformersConverter(small).convert(str(target), quantization="int8")
            # its loader names the rows after the tokenizer's first tokens, whichever they are
            (target / "vocabulary.json").write_text(json.dumps(tokens), encoding="utf-8")
            (target / IDS).write_text(json.dumps(kept), encoding="utf-8")
        for file in TOKENIZER_FILES:
            shutil.copyfile(merged / file, target / file)


def _trim(merged: Path, target: Path, kept: list[int]) -> list[str]:
    """Write a model with the embeddings of some ids alone; returns their tokens, in order."""
    import torch
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM

    quiet()
    model = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.bfloat16, use_safetensors=True)
    embeddings = model.get_input_embeddings()
    embeddings.weight = torch.nn.Parameter(embeddings.weight.detach()[torch.tensor(kept)].clone())
    model.tie_weights()
    model.config.vocab_size = len(kept)
    model.save_pretrained(target)
    for file in TOKENIZER_FILES:
        shutil.copyfile(merged / file, target / file)
    tokenizer = Tokenizer.from_file(str(merged / "tokenizer.json"))
    return [tokenizer.id_to_token(i) or f"<unused {i}>" for i in kept]


def weight_files(folder: Path) -> list[Path]:
    """The safetensors of a transformers folder: one file, or the several that an index names. Raises `ModelError` for a damaged index."""
    index = folder / f"{WEIGHTS}.index.json"
    if not index.is_file():
        return [folder / WEIGHTS]
    try:
        names = {str(name) for name in json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()}
    except (ValueError, KeyError, AttributeError) as error:
        raise ModelError(f"{index} is damaged ({error!r}): copy the folder again or train again") from None
    return [folder / Path(name).name for name in sorted(names)]


def read_vocabulary(folder: Path) -> list[int] | None:
    """The ids that the training of a checkpoint saw; None where it was all of them."""
    file = folder / VOCABULARY
    if not file.is_file():
        return None
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return [int(i) for i in load_file(file)["ids"]]
    except (SafetensorError, KeyError) as error:
        raise ModelError(f"{file} is damaged ({error}): copy it again or train again") from None
