"""From a checkpoint (base model and adapter) to the files an engine loads, made once and kept in the user's cache.

An adapter folder is a plain PEFT folder with `unspin.json`. What is derived from it is keyed by its SHA-256, so that a new
adapter never meets an old conversion.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from unspin.infer.default_model import ModelError, base_folder, build_once, cache_folder
from unspin.infer.prompt import NAME as PROMPT

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors", "unspin.json")


@dataclass(frozen=True)
class Checkpoint:
    """An adapter folder that was found complete, and its base model."""

    folder: Path
    backbone: str

    @classmethod
    def open(cls, name: str) -> Checkpoint:
        """Open a folder, or "default": the adapter that ships. Raises `ModelError` naming what is missing."""
        folder = Path(str(files("unspin.infer") / "adapter")) if name == "default" else Path(name)
        if not folder.is_dir():
            raise ModelError(f"{folder} is no checkpoint folder: give one that `unspin train` wrote, or leave it out")
        missing = [file for file in ADAPTER_FILES if not (folder / file).is_file()]
        if missing:
            raise ModelError(f"{folder} is incomplete: {', '.join(missing)} is missing; copy the whole folder or train again")
        try:
            record = json.loads((folder / "unspin.json").read_text(encoding="utf-8"))
            backbone, prompt = record["backbone"], record["prompt"]
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{folder / 'unspin.json'} is damaged ({error!r}): copy it again or train again") from None
        if prompt != PROMPT:
            raise ModelError(f"{folder} was trained on prompt form {prompt!r}; this version of unspin writes {PROMPT!r}")
        return cls(folder, backbone)

    @property
    def digest(self) -> str:
        seen = hashlib.sha256()
        for file in ADAPTER_FILES[:2]:
            seen.update((self.folder / file).read_bytes())
        return seen.hexdigest()[:16]

    def base(self, report: Callable[[str], None]) -> Path:
        """The folder of the base model's weights and tokenizer."""
        if self.backbone == "default":
            return base_folder(report)
        if Path(self.backbone).is_dir():
            return Path(self.backbone)
        from huggingface_hub import snapshot_download

        return Path(snapshot_download(self.backbone, allow_patterns=["*.json", "*.safetensors"]))

    def int8(self, report: Callable[[str], None]) -> Path:
        """A CTranslate2 int8 folder of the merged model, with its tokenizer."""
        folder = cache_folder() / f"int8-{self.digest}"
        if folder.is_dir():
            return folder
        base = self.base(report)
        return build_once(folder, lambda target: self._convert(base, target), "preparing the fast engine (once, about 20 s)", report)

    def _convert(self, base: Path, target: Path) -> None:
        from ctranslate2.converters import TransformersConverter

        merged = target.with_name("merged")
        self.merged(base).save_pretrained(merged)
        for file in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(base / file, merged / file)
        TransformersConverter(str(merged)).convert(str(target), quantization="int8")
        shutil.copyfile(base / "tokenizer.json", target / "tokenizer.json")

    def merged(self, base: Path):  # type: ignore[no-untyped-def]  # a transformers model: not imported for a type
        """The base model in fp32 with the adapter merged in."""
        import torch
        from peft import PeftModel
        from safetensors import SafetensorError
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, use_safetensors=True)
        try:
            return PeftModel.from_pretrained(model, str(self.folder)).merge_and_unload()
        except (SafetensorError, RuntimeError, ValueError) as error:
            raise ModelError(f"{self.folder} does not load as an adapter of {self.backbone}: {error}") from None
