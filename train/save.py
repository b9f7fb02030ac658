"""Writes the finished checkpoint: a plain PEFT or transformers folder, with `unspin.json` and its model card.

Anyone can load it without unspin. Weights are saved as bf16 safetensors. `unspin.json` is written last and
atomically, so a folder with that file is complete.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from unspin.checksums import write_checksums
from unspin.infer.models.checkpoint import TOKENIZER_FILES, UNSPIN_JSON, VOCABULARY, find_checkpoint
from unspin.storage import write_atomic
from unspin.train.backbones import Backbone
from unspin.train.config import TrainConfig
from unspin.train.validation import DETAILS, FIGURES

DEFAULT_ON_HUB = "google/gemma-3-270m"
LOG = "log.json"
LARGEST_FILE = "4GB"
PACKAGES = ("torch", "transformers", "peft", "datasets", "accelerate", "unspin")


def save_checkpoint(
    model: Any,
    backbone: Backbone,
    config: TrainConfig,
    vocabulary: Sequence[int] | None,
    record: dict[str, Any],
    card: str,
    log: Sequence[dict[str, Any]],
    target: Path,
) -> None:
    """Write a checkpoint to `target`, and the run's log beside it.

    `vocabulary` lists the ids that the model was trained on (None: all), `record` is the content of `unspin.json`.
    Raises OSError, RuntimeError or SafetensorError if the disk is full or not writable.
    """
    if config.trainable == "adapter":
        _save_adapter(model, config, target)
    else:
        _save_whole_model(model, backbone, target)
    _save_vocabulary(vocabulary, target)
    (target.parent / LOG).write_text(json.dumps(list(log), indent=1) + "\n", encoding="utf-8")
    (target / "README.md").write_text(card, encoding="utf-8")
    write_checksums(target, target.glob("*.safetensors"))
    write_atomic(target / UNSPIN_JSON, (json.dumps(record, indent=2) + "\n").encode())


def describe_checkpoint(
    folder: Path, backbone: Backbone, config: TrainConfig, vocabulary: Sequence[int] | None, figures: dict[str, Any]
) -> None:
    """Add to a resumable checkpoint what makes it usable like a finished one, which comes from `save_checkpoint`."""
    if config.trainable != "adapter":
        _copy_tokenizer(backbone, folder)
    _save_vocabulary(vocabulary, folder)
    record = _essentials(backbone, config) | {"figures": figures}
    write_atomic(folder / UNSPIN_JSON, (json.dumps(record, indent=2) + "\n").encode())


def _save_vocabulary(vocabulary: Sequence[int] | None, target: Path) -> None:
    if vocabulary is not None:
        save_file({"ids": torch.tensor(vocabulary, dtype=torch.int32)}, target / VOCABULARY)


def _save_adapter(model: Any, config: TrainConfig, target: Path) -> None:
    model.save_pretrained(target, safe_serialization=True)
    file = target / "adapter_config.json"
    settings = json.loads(file.read_text(encoding="utf-8"))
    settings["base_model_name_or_path"] = base_model(config)  # PEFT writes the folder in this machine's cache
    file.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    weights = target / "adapter_model.safetensors"
    in_bf16 = {name: tensor.to(torch.bfloat16) for name, tensor in load_file(weights).items()}
    save_file(in_bf16, weights, metadata={"format": "pt"})


def _save_whole_model(model: Any, backbone: Backbone, target: Path) -> None:
    model.config.use_cache = True
    model.to(torch.bfloat16).save_pretrained(target, max_shard_size=LARGEST_FILE)
    _copy_tokenizer(backbone, target)


def _copy_tokenizer(backbone: Backbone, target: Path) -> None:
    for file in TOKENIZER_FILES:
        shutil.copyfile(backbone.folder / file, target / file)


def base_model(config: TrainConfig) -> str:
    """The name of the base model on the hub, or its folder."""
    return DEFAULT_ON_HUB if config.backbone == "default" else config.backbone


def _essentials(backbone: Backbone, config: TrainConfig) -> dict[str, Any]:
    """What `Checkpoint.open` needs to know. Only an adapter depends on the weights of its backbone.

    An adapter that continues another has the other's calibration, until `unspin calibrate` fits its own.
    """
    base = {"backbone_weights": backbone.weights} if config.trainable == "adapter" else {}
    return {
        "backbone": config.backbone,
        **base,
        "prompt": backbone.prompt.name,
        "passage": config.max_passage_words or 0,
        **_calibration_of(config.adapter),
    }


def _calibration_of(adapter: str | None) -> dict[str, Any]:
    file = find_checkpoint(adapter) / UNSPIN_JSON if adapter else None
    record = json.loads(file.read_text(encoding="utf-8")) if file and file.is_file() else {}
    return {"calibration": record["calibration"]} if "calibration" in record else {}


def record_of(
    backbone: Backbone, config: TrainConfig, figures: dict[str, Any], log: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """The content of the `unspin.json` of a finished run."""
    evaluations = [row for row in log if "eval_f0.5" in row]
    return {
        **_essentials(backbone, config),
        "config": config.model_dump(mode="json"),
        "figures": figures,
        "validation": [_evaluation(row) for row in evaluations],
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "revision": _revision(),
    }


def _evaluation(row: dict[str, Any]) -> dict[str, Any]:
    """The step and the figures of an evaluation, with `DETAILS` unless an earlier version logged it."""
    scores = {name: row[f"eval_{name}"] for name in FIGURES}
    return scores | {"step": row["step"]} | {name: row[f"eval_{name}"] for name in DETAILS if f"eval_{name}" in row}


def _revision() -> str:
    """The git revision of the source, or "unknown"."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=Path(__file__).parent
        )
    except FileNotFoundError:  # git is not installed
        return "unknown"
    return done.stdout.strip() or "unknown"
