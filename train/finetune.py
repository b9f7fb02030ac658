"""The fine-tuning script: data, model, trainer, train, save. Resumes from the newest checkpoint in the output folder.

Checkpoints come every `save_every` steps; a killed run started again with the same config goes on from the last one. The finished adapter is a
plain PEFT folder (bf16 safetensors) with `unspin.json` beside it.
"""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch.utils.data import DataLoader
from transformers import Trainer, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint
from unspin.infer.checkpoint import VOCABULARY
from unspin.infer.prompt import NAME as PROMPT
from unspin.infer.prompt import Prompt
from unspin.train.backbones import backbone_folder, load_backbone, restrict_loss
from unspin.train.batches import Collator, TokenBudgetSampler, load_split, tokenize_pairs, vocabulary_of
from unspin.train.config import TrainConfig

DEFAULT_ON_HUB = "google/gemma-3-270m"
PACKAGES = ("torch", "transformers", "peft", "datasets", "accelerate", "unspin")


class PairTrainer(Trainer):
    """A Trainer whose batches come by token budget."""

    def __init__(self, *args: Any, config: TrainConfig, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._config = config

    def get_train_dataloader(self) -> DataLoader[Any]:
        sampler = TokenBudgetSampler(self.train_dataset, self._config.tokens_per_batch, self._config.seed)
        loader: DataLoader[Any] = DataLoader(self.train_dataset, batch_sampler=sampler, collate_fn=self.data_collator)
        return self.accelerator.prepare(loader)


def main(config: TrainConfig) -> Path:
    """Train, and return the folder of the finished adapter."""
    # 1. data
    folder = backbone_folder(config.backbone)
    prompt = Prompt.from_folder(Path(folder))
    data, dropped = tokenize_pairs(load_split(config.data, "train"), prompt, config.longest)
    vocabulary = vocabulary_of(data) if config.vocabulary == "seen" else None
    print(f"{len(data):,} rows ({dropped:,} longer than {config.longest} tokens dropped), vocabulary {len(vocabulary or []) or 'full'}")

    # 2. model
    model = load_backbone(config)
    restrict_loss(model.get_base_model(), vocabulary)
    model.print_trainable_parameters()

    # 3. trainer
    trainer = PairTrainer(model=model, args=_arguments(config), train_dataset=data, data_collator=Collator(pad=0), config=config)

    # 4. train
    checkpoint = get_last_checkpoint(config.output) if config.output.is_dir() else None
    print(f"resuming from {checkpoint}" if checkpoint else "starting anew")
    result = trainer.train(resume_from_checkpoint=checkpoint)

    # 5. save
    return save_adapter(model, config, vocabulary, {"train_loss": result.training_loss, "rows": len(data)})


def _arguments(config: TrainConfig) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(config.output),
        max_steps=config.steps,
        learning_rate=config.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=config.warmup_steps,
        gradient_accumulation_steps=config.accumulate,
        bf16=config.precision == "bf16",
        use_cpu=not torch.cuda.is_available(),
        logging_steps=10,
        logging_nan_inf_filter=False,
        save_steps=config.save_every,
        save_total_limit=2,
        remove_unused_columns=False,
        label_names=["labels"],
        report_to=["tensorboard"],
        seed=config.seed,
        max_grad_norm=1.0,
        weight_decay=0.0,
    )


def save_adapter(model: Any, config: TrainConfig, vocabulary: Sequence[int] | None, figures: dict[str, Any]) -> Path:
    """Write the adapter in bf16, with what made it and the ids it was taught, to ``output/adapter``."""
    target = config.output / "adapter"
    model.save_pretrained(target)
    settings = json.loads((target / "adapter_config.json").read_text(encoding="utf-8"))
    settings["base_model_name_or_path"] = DEFAULT_ON_HUB if config.backbone == "default" else config.backbone  # not a folder of this machine
    (target / "adapter_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    (target / "README.md").unlink(missing_ok=True)  # peft's form, nothing filled in
    weights = load_file(target / "adapter_model.safetensors")
    save_file({k: v.to(torch.bfloat16) for k, v in weights.items()}, target / "adapter_model.safetensors")
    if vocabulary is not None:
        save_file({"ids": torch.tensor(vocabulary, dtype=torch.int32)}, target / VOCABULARY)
    record = {
        "backbone": config.backbone,
        "prompt": PROMPT,
        "passage": config.passage,
        "config": config.model_dump(mode="json"),
        "figures": figures,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "revision": _revision(),
    }
    (target / "unspin.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return target


def _revision() -> str:
    done = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=Path(__file__).parent)
    return done.stdout.strip() or "unknown"
