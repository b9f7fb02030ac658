"""The fine-tuning script: data, model, trainer, train, save. Resumes from the newest whole checkpoint in the output folder.

Checkpoints come every `save_every` steps; a killed run started again with the same config goes on from the last one and ends with the same
weights. The finished checkpoint is a plain PEFT or transformers folder (bf16 safetensors) with `unspin.json` and a model card beside it.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from safetensors import SafetensorError
from torch.optim.lr_scheduler import LambdaLR, LRScheduler
from torch.utils.data import DataLoader
from transformers import (
    EarlyStoppingCallback,
    ProgressCallback,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    TrainerCallback,
    TrainerControl,
    TrainerState,
)
from unspin.data.check import nearest_folder
from unspin.data.errors import UnspinError
from unspin.data.guard import seal, sole_writer
from unspin.data.stores import here
from unspin.infer.checkpoint import read_vocabulary
from unspin.train import schedule
from unspin.train.backbones import Backbone, bare, resolve_precision, restrict_loss, settled
from unspin.train.batches import Rows, TokenBudgetSampler, row_weights, split_files
from unspin.train.config import TrainConfig
from unspin.train.progress import GB, Bar, Stopwatch, memory
from unspin.train.resume import contents_of, finished, last_whole_checkpoint, note_settings, target_of
from unspin.train.save import save
from unspin.train.schedule import Clock
from unspin.train.tokens import tokenize, vocabulary_of
from unspin.train.trial import Trial

LOADERS = 2  # processes that make batches for a GPU; one makes a hundred a second
UNBOUNDED = 10**9  # steps of a run that only its time ends


class TrainError(UnspinError):
    """Training that cannot go on; the message says at which step and what is kept."""


class PairTrainer(Seq2SeqTrainer):
    """A Trainer whose batches come by token budget and whose evaluations are restorations."""

    def __init__(self, *args: Any, config: TrainConfig, trial: Trial | None, clock: Clock | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._config, self._restorations, self._clock = config, trial, clock
        self._stopwatch = Stopwatch()
        self.add_callback(self._stopwatch)
        if clock:
            self.add_callback(clock)
        self._tokens, self._since = 0, time.perf_counter()
        self._failed = torch.zeros((), dtype=torch.int64, device=self.args.device)  # the step whose loss was no number; 0: none

    def get_train_dataloader(self) -> DataLoader[Any]:
        config, data = self._config, self.train_dataset
        weights = row_weights(data, config.source_weights, config.engine_weights)
        strengths = data.with_format("numpy")["strength"][:] if config.curriculum else None
        loader: DataLoader[Any] = DataLoader(
            Rows(data),
            batch_sampler=TokenBudgetSampler(data, config.tokens_per_batch, config.seed, weights, strengths),
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
            pin_memory=self.args.dataloader_pin_memory,
        )
        return self.accelerator.prepare(loader)

    def create_scheduler(self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None) -> LRScheduler:
        if self._clock is None:
            return super().create_scheduler(num_training_steps, optimizer)
        self.lr_scheduler = LambdaLR(optimizer or self.optimizer, self._clock.rate)
        return self.lr_scheduler

    def train_to_end(self, checkpoint: Path | None) -> None:
        """Train, from a checkpoint on if there is one. One of a run's end is left as it is: `train` would make another step from it."""
        config = self._config
        state = TrainerState.load_from_json(str(checkpoint / "trainer_state.json")) if checkpoint else TrainerState()
        over = bool(checkpoint and self._clock and self._clock.over())
        if over and self.is_world_process_zero():
            print(f"time_limit is over: what step {state.global_step} left is finished as it is")
        enough = bool(config.steps and state.global_step >= config.steps) or bool(config.patience and since_best(state) >= config.patience)
        if checkpoint and (over or enough):
            self.state = state
            self._load_from_checkpoint(state.best_model_checkpoint or str(checkpoint))
            return
        self._since = time.perf_counter()
        try:
            self.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        except torch.OutOfMemoryError as error:
            raise TrainError(
                f"the memory of the GPU is used up at step {self.state.global_step + 1} ({str(error).split('. ')[0]}): lower tokens_per_batch "
                f"(and raise accumulate), or set compile or gradient_checkpointing; what was saved before stays in {self._config.output}"
            ) from None
        self.stop_if_failed()

    def training_step(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> torch.Tensor:
        self._tokens += inputs["input_ids"].numel() + (0 if "positions" in inputs else inputs["labels"].numel())
        loss: torch.Tensor = super().training_step(model, inputs, *args, **kwargs)
        sound = loss.isfinite() | (self._failed > 0)
        self._failed = torch.where(sound, self._failed, self.state.global_step + 1)
        return loss

    def stop_if_failed(self) -> None:
        """Raise `TrainError` if a loss was no number. Reads from the device, so it is asked where others do: at logging, and before saving."""
        if step := int(self._failed):
            raise TrainError(
                f"the loss is no number at step {step}: lower learning_rate or take another precision; "
                f"what was saved before stays in {self._config.output}"
            )

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        if "loss" in logs:
            self.stop_if_failed()
            outside = self._stopwatch.outside()
            now = time.perf_counter()
            logs = logs | {
                "tokens_per_second": round(self._tokens / (now - self._since), 1),
                "outside": round(outside, 4),
                "gigabytes": round(memory() / GB, 2),
            }
            self._tokens, self._since = 0, now
        super().log(logs, *args, **kwargs)

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        self.stop_if_failed()
        folder = self._config.output / f"checkpoint-{self.state.global_step}"
        with self._clock.aside("saving") if self._clock else nullcontext(), writing(folder):
            super()._save_checkpoint(*args, **kwargs)
            if self.is_world_process_zero():
                seal(folder, (file for file in folder.iterdir() if file.suffix in (".safetensors", ".pt", ".pth")))

    def evaluate(self, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> dict[str, float]:
        """Restore validation rows with the model as it is."""
        assert self._restorations is not None
        started = time.perf_counter()
        with self._clock.aside("evaluating") if self._clock else nullcontext():
            found = self._restorations.run(self.accelerator.unwrap_model(self.model), show=self.is_world_process_zero())
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in found.items()}
        self.log(metrics)
        self.control: TrainerControl = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        self._since += time.perf_counter() - started  # tokens per second are of training alone
        return metrics


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Raises `TrainError` for what torch, safetensors and the system say where a disk is full or cannot be written."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        free = shutil.disk_usage(nearest_folder(folder)).free
        raise TrainError(
            f"{folder} could not be written ({str(error).splitlines()[0]}; {free / GB:.1f} GB are free): make room and start the run again, "
            "it goes on from its last whole checkpoint"
        ) from None


def since_best(state: TrainerState) -> int:
    """How many evaluations there were after the best."""
    scores = [row["eval_f0.5"] for row in state.log_history if "eval_f0.5" in row]
    return len(scores) - 1 - scores.index(max(scores)) if scores else 0


class Patience(EarlyStoppingCallback):
    """Early stopping that does not begin to count anew when a killed run goes on."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        super().on_train_begin(args, state, control, **kwargs)
        self.early_stopping_patience_counter = since_best(state)


class LastEvaluation(TrainerCallback):
    """Scores the weights of a run's last step too, so that the best are chosen among all that could be shipped."""

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step >= state.max_steps:
            control.should_evaluate = True


def main(config: TrainConfig, started: float | None = None) -> Path:
    """Train, and return the folder of the finished checkpoint. A run that is finished already is left as it is.

    `started` is when its time began, by `schedule.now`; left out: now. Raises `BusyError` where another run has the same output, `OtherRunError`
    where it holds one with other settings, `TrainError`, and what is wrong with data and models.
    """
    started = schedule.now() if started is None else started
    if int(os.environ.get("LOCAL_RANK", "0")) > 0:  # the run's first process holds the lock
        return _main(config, started)
    with sole_writer(config.output):
        return _main(config, started)


def _main(config: TrainConfig, started: float) -> Path:
    # 1. data
    config = settled(config)
    backbone = Backbone.open(config.backbone)
    files = split_files(config.data, "train")
    contents = contents_of(config, backbone.folder, files)
    if done := finished(config, contents):
        print(f"{config.output} holds this run, finished: nothing to do")
        return done
    encoded = tokenize(files, backbone.prompt, config.longest, config.over_long)
    vocabulary = vocabulary_for(config, backbone, encoded.rows)
    trial = Trial(config, backbone) if config.evaluate_every else None
    print(f"{len(encoded.rows):,} rows ({encoded.dropped:,} of more than {config.longest} tokens dropped, {encoded.cut:,} cut)", end="")
    print(f", vocabulary {len(vocabulary):,}" if vocabulary else ", whole vocabulary")

    # 2. model
    model = backbone.load(config)
    restrict_loss(bare(model), vocabulary, config.label_smoothing)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    print(f"{trained:,} of {sum(p.numel() for p in model.parameters()):,} weights are trained, in {resolve_precision(config.precision)}")

    # 3. trainer
    clock = Clock(config, started) if config.time_limit else None
    trainer = PairTrainer(
        model=model,
        args=_arguments(config),
        train_dataset=encoded.rows,
        eval_dataset=trial.rows if trial else None,
        data_collator=backbone.collator,
        config=config,
        trial=trial,
        clock=clock,
    )
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(Bar(clock))
    if config.evaluate_every:
        trainer.add_callback(LastEvaluation())
    if config.patience:
        trainer.add_callback(Patience(config.patience))

    # 4. train
    checkpoint = last_whole_checkpoint(config.output)
    print(f"resuming from {checkpoint}" if checkpoint else "starting anew")
    if trainer.is_world_process_zero():
        note_settings(config, contents)
    trainer.train_to_end(checkpoint)

    # 5. save
    losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    figures = {
        "train_loss": sum(losses) / len(losses) if losses else None,  # none where time was over before the first line of the log
        "rows": len(encoded.rows),
        "steps": trainer.state.global_step,
        "best": trainer.state.best_metric,
    }
    target = target_of(config)
    if trainer.is_world_process_zero():
        with writing(target):
            save(trainer.accelerator.unwrap_model(trainer.model), backbone, config, vocabulary, figures, trainer.state.log_history, target)
    trainer.accelerator.wait_for_everyone()
    return target


def vocabulary_for(config: TrainConfig, backbone: Backbone, rows: Dataset) -> list[int] | None:
    """The ids that the loss runs over: those of the data set and those that an earlier stage was taught, ascending. None: all there are."""
    if config.vocabulary == "full" or backbone.two_sided:
        return None
    taught = read_vocabulary(here(config.adapter)) if config.adapter else []
    return None if taught is None else sorted({*vocabulary_of(rows), *taught})


def _arguments(config: TrainConfig) -> Seq2SeqTrainingArguments:
    precision, on_gpu = resolve_precision(config.precision), torch.cuda.is_available()
    steps = config.steps or UNBOUNDED
    return Seq2SeqTrainingArguments(
        output_dir=str(config.output),
        max_steps=steps,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.schedule,
        warmup_steps=config.warmup_steps,
        gradient_accumulation_steps=config.accumulate,
        gradient_checkpointing=config.gradient_checkpointing,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        use_cpu=not on_gpu,
        optim="adamw_torch_fused",
        dataloader_num_workers=LOADERS if on_gpu else 0,  # on a CPU they would take what the model needs
        dataloader_pin_memory=on_gpu,
        accelerator_config={"non_blocking": on_gpu},
        logging_steps=min(10, max(steps // 24, 1)),
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
