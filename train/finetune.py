"""The fine-tuning script: data, model, trainer, train, save. Resumes from the newest whole checkpoint in the output folder.

Checkpoints come every `save_every` steps; a killed run started again with the same config goes on from the last one and ends with the same
weights. The finished checkpoint is a plain PEFT or transformers folder (bf16 safetensors) with `unspin.json` and a model card beside it.
"""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch.utils.data import DataLoader
from transformers import EarlyStoppingCallback, ProgressCallback, Seq2SeqTrainer, Seq2SeqTrainingArguments, TrainerControl
from unspin.data.errors import UnspinError
from unspin.data.guard import DamagedError, seal, sole_writer, verify
from unspin.data.stores import here
from unspin.infer.checkpoint import read_vocabulary
from unspin.train.backbones import Backbone, bare, resolve_precision, restrict_loss
from unspin.train.batches import TokenBudgetSampler, load_split, row_weights, tokenize_pairs, vocabulary_of
from unspin.train.config import TrainConfig
from unspin.train.save import save
from unspin.train.trial import Trial


class TrainError(UnspinError):
    """Training that cannot go on; the message says at which step and what is kept."""


class PairTrainer(Seq2SeqTrainer):
    """A Trainer whose batches come by token budget and whose evaluations are restorations."""

    def __init__(self, *args: Any, config: TrainConfig, trial: Trial | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._config, self._restorations = config, trial
        self._tokens, self._since = 0, time.perf_counter()

    def get_train_dataloader(self) -> DataLoader[Any]:
        config, data = self._config, self.train_dataset
        weights = row_weights(data, config.source_weights, config.engine_weights)
        sampler = TokenBudgetSampler(data, config.tokens_per_batch, config.seed, weights, data["strength"] if config.curriculum else None)
        columns = data.select_columns(["source", "target"])
        loader: DataLoader[Any] = DataLoader(columns, batch_sampler=sampler, collate_fn=self.data_collator)
        return self.accelerator.prepare(loader)

    def training_step(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> torch.Tensor:
        self._tokens += inputs["labels"].numel() + (inputs["input_ids"].numel() if inputs["labels"].shape != inputs["input_ids"].shape else 0)
        loss: torch.Tensor = super().training_step(model, inputs, *args, **kwargs)
        if not math.isfinite(float(loss)):
            raise TrainError(
                f"the loss is {float(loss)} at step {self.state.global_step + 1}: lower learning_rate or take another precision; "
                f"what was saved before stays in {self._config.output}"
            )
        return loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        if "loss" in logs:
            now = time.perf_counter()
            logs = logs | {"tokens_per_second": round(self._tokens / (now - self._since), 1)}
            self._tokens, self._since = 0, now
        super().log(logs, *args, **kwargs)

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        super()._save_checkpoint(*args, **kwargs)
        if self.is_world_process_zero():
            folder = self._config.output / f"checkpoint-{self.state.global_step}"
            seal(folder, (file for file in folder.iterdir() if file.suffix in (".safetensors", ".pt", ".pth")))

    def evaluate(self, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> dict[str, float]:
        """Restore validation rows with the model as it is."""
        assert self._restorations is not None
        started = time.perf_counter()
        found = self._restorations.run(self.accelerator.unwrap_model(self.model), show=self.is_world_process_zero())
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in found.items()}
        self.log(metrics)
        self.control: TrainerControl = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        self._since += time.perf_counter() - started  # tokens per second are of training alone
        return metrics


class Bar(ProgressCallback):
    """The progress bar with loss and tokens per second on it, instead of a line for each logging step."""

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:
        if logs and "loss" in logs and self.training_bar is not None:
            self.training_bar.set_postfix_str(f"loss {float(logs['loss']):.3f}, {logs['tokens_per_second']:,.0f} tokens/s")


def main(config: TrainConfig) -> Path:
    """Train, and return the folder of the finished checkpoint. Raises `BusyError` where another run has the same output."""
    if int(os.environ.get("LOCAL_RANK", "0")) > 0:  # the run's first process holds the lock
        return _main(config)
    with sole_writer(config.output):
        return _main(config)


def _main(config: TrainConfig) -> Path:
    # 1. data
    backbone = Backbone.open(config.backbone)
    encoded = tokenize_pairs(load_split(config.data, "train"), backbone.prompt, config.longest, config.over_long)
    vocabulary = _vocabulary(config, encoded.rows) if config.vocabulary == "seen" and not backbone.two_sided else None
    trial = Trial(config, backbone) if config.evaluate_every else None
    print(f"{len(encoded.rows):,} rows ({encoded.dropped:,} of more than {config.longest} tokens dropped, {encoded.cut:,} cut)", end="")
    print(f", vocabulary {len(vocabulary):,}" if vocabulary else ", whole vocabulary")

    # 2. model
    model = backbone.load(config)
    restrict_loss(bare(model), vocabulary, config.label_smoothing)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    print(f"{trained:,} of {sum(p.numel() for p in model.parameters()):,} weights are trained, in {resolve_precision(config.precision)}")

    # 3. trainer
    trainer = PairTrainer(
        model=model,
        args=_arguments(config),
        train_dataset=encoded.rows,
        eval_dataset=trial.rows if trial else None,
        data_collator=backbone.collator,
        config=config,
        trial=trial,
    )
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(Bar())
    if config.patience:
        trainer.add_callback(EarlyStoppingCallback(config.patience))

    # 4. train
    checkpoint = last_whole_checkpoint(config.output)
    print(f"resuming from {checkpoint}" if checkpoint else "starting anew")
    result = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)

    # 5. save
    figures = {"train_loss": result.training_loss, "rows": len(encoded.rows), "steps": trainer.state.global_step, "best": trainer.state.best_metric}
    log = trainer.state.log_history
    target = config.output / "adapter" if config.lora else config.output / "model"
    if trainer.is_world_process_zero():
        save(trainer.accelerator.unwrap_model(trainer.model), backbone, config, vocabulary, figures, log, target)
    trainer.accelerator.wait_for_everyone()
    return target


def _vocabulary(config: TrainConfig, rows: Dataset) -> list[int] | None:
    """The ids of the data set and those that an earlier stage was taught, ascending; None if these were all."""
    taught = read_vocabulary(here(config.adapter)) if config.adapter else []
    return None if taught is None else sorted({*vocabulary_of(rows), *taught})


def last_whole_checkpoint(output: Path) -> Path | None:
    """The newest checkpoint that was written to its end: its state is its last file, and what came before must be there."""
    found = [folder for folder in output.glob("checkpoint-*") if folder.name.removeprefix("checkpoint-").isdigit()]
    for folder in sorted(found, key=lambda it: -int(it.name.removeprefix("checkpoint-"))):
        if not all((folder / name).is_file() for name in ("trainer_state.json", "optimizer.pt", "scheduler.pt")):
            print(f"{folder} was not written to its end: passed over")
            continue
        try:
            verify(folder)
        except DamagedError as error:
            print(f"{error}; passed over")
            continue
        return folder
    return None


def _arguments(config: TrainConfig) -> Seq2SeqTrainingArguments:
    precision = resolve_precision(config.precision)
    return Seq2SeqTrainingArguments(
        output_dir=str(config.output),
        max_steps=config.steps,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.schedule,
        warmup_steps=config.warmup_steps,
        gradient_accumulation_steps=config.accumulate,
        gradient_checkpointing=config.gradient_checkpointing,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        use_cpu=not torch.cuda.is_available(),
        logging_steps=min(10, max(config.steps // 24, 1)),
        logging_nan_inf_filter=False,
        save_steps=config.save_every,
        save_total_limit=2,
        eval_strategy="steps" if config.evaluate_every else "no",
        eval_steps=config.evaluate_every or None,
        load_best_model_at_end=config.evaluate_every > 0,
        metric_for_best_model="f0.5" if config.evaluate_every else None,
        greater_is_better=True if config.evaluate_every else None,
        remove_unused_columns=False,
        label_names=["labels"],
        report_to=list(config.loggers) or "none",
        seed=config.seed,
        max_grad_norm=1.0,
        weight_decay=0.0,
    )
