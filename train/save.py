"""The finished checkpoint: a plain PEFT or transformers folder that anyone can load, with `unspin.json` and a model card."""

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
from unspin.data.guard import seal
from unspin.data.stores import write_whole
from unspin.infer.checkpoint import RECORD, TOKENIZER_FILES, VOCABULARY
from unspin.infer.default_model import LICENCE_NOTE
from unspin.train.backbones import Backbone
from unspin.train.config import TrainConfig
from unspin.train.trial import FIGURES

DEFAULT_ON_HUB = "google/gemma-3-270m"
LOG = "log.json"
LARGEST_FILE = "4GB"
PACKAGES = ("torch", "transformers", "peft", "datasets", "accelerate", "unspin")


def save(
    model: Any,
    backbone: Backbone,
    config: TrainConfig,
    vocabulary: Sequence[int] | None,
    figures: dict[str, Any],
    log: Sequence[dict[str, float]],
    target: Path,
) -> None:
    """Write a checkpoint in bf16, with what made it and the ids it was taught."""
    if config.trained == "adapter":
        model.save_pretrained(target, safe_serialization=True)
        settings = json.loads((target / "adapter_config.json").read_text(encoding="utf-8"))
        settings["base_model_name_or_path"] = DEFAULT_ON_HUB if config.backbone == "default" else config.backbone  # not a folder of this machine
        (target / "adapter_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        weights = target / "adapter_model.safetensors"
        save_file({k: v.to(torch.bfloat16) for k, v in load_file(weights).items()}, weights, metadata={"format": "pt"})
    else:
        model.config.use_cache = True
        model.to(torch.bfloat16).save_pretrained(target, max_shard_size=LARGEST_FILE)
        for file in TOKENIZER_FILES:
            shutil.copyfile(backbone.folder / file, target / file)
    if vocabulary is not None:
        save_file({"ids": torch.tensor(vocabulary, dtype=torch.int32)}, target / VOCABULARY)
    (target.parent / LOG).write_text(json.dumps(list(log), indent=1) + "\n", encoding="utf-8")
    scores = [{name: row[f"eval_{name}"] for name in FIGURES} | {"step": row["step"]} for row in log if "eval_f0.5" in row]
    record = {
        "backbone": config.backbone,
        "prompt": backbone.prompt.name,
        "passage": config.passage,
        "config": config.model_dump(mode="json"),
        "figures": figures,
        "validation": scores,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "revision": _revision(),
    }
    (target / "README.md").write_text(card(record, config), encoding="utf-8")
    seal(target, target.glob("*.safetensors"))
    write_whole(target / RECORD, (json.dumps(record, indent=2) + "\n").encode())  # the last file: a run with it is finished


def card(record: dict[str, Any], config: TrainConfig) -> str:
    """A model card with the data card in it."""
    default = config.backbone == "default"
    scores = record["validation"]
    best = max(scores, key=lambda row: row["f0.5"]) if scores else None
    data_card = config.data / "README.md"
    data = data_card.read_text(encoding="utf-8").split("---\n", 2)[-1].strip() if data_card.is_file() else "no data card was found"
    data = "\n".join(f"#{line}" if line.startswith("#") else line for line in data.splitlines())
    lines = [
        "---",
        "language: en",
        f"base_model: {DEFAULT_ON_HUB if default else config.backbone}",
        f"library_name: {'peft' if config.trained == 'adapter' else 'transformers'}",
        *(["license: gemma"] if default else []),
        "tags: [text-restoration, article-spinning]",
        "---",
        "",
        "# unspin checkpoint",
        "",
        "Restores English sentences that an automatic article spinner garbled. Made by `unspin train`; use it with",
        "`unspin restore ARTICLE --checkpoint FOLDER`.",
        "",
        "## Scores",
        "",
        *(
            [f"On {config.evaluate_rows} validation rows at step {best['step']}, every edit made (copying the input restores nothing):", ""]
            + ["| figure | |", "| --- | --- |", *(f"| {name} | {best[name]:.3f} |" for name in FIGURES)]
            if best
            else ["Not scored while training: run `unspin evaluate`."]
        ),
        "",
        "## Intended use and limits",
        "",
        "For reading and cleaning spun English text. A restoration is a good guess, no evidence of what the original said. Names, numbers, dates and",
        "polarity are guarded by the restorer, not by these weights.",
        "",
        "## Training",
        "",
        "```json",
        json.dumps(
            {"config": record["config"], "figures": record["figures"], "versions": record["versions"], "revision": record["revision"]}, indent=1
        ),
        "```",
        "",
        "## Licence",
        "",
        f"{LICENCE_NOTE}." if default else f"That of the base model, {config.backbone}, and of the data below.",
        "",
        "## Data",
        "",
        data,
    ]
    return "\n".join(lines) + "\n"


def _revision() -> str:
    try:
        done = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=Path(__file__).parent)
    except FileNotFoundError:  # no git on this machine
        return "unknown"
    return done.stdout.strip() or "unknown"
