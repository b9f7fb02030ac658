"""Fine-tunes a backbone: data, model, trainer, train, save.

A run saves a checkpoint every `save_steps` steps. A killed run, started again with the same config, resumes from the
newest complete checkpoint and ends with the same weights. The finished checkpoint is a plain PEFT or transformers
folder (bf16 safetensors) with `unspin.json` and a model card.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from safetensors import SafetensorError
from torch import nn
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
from unspin.checksums import write_checksums
from unspin.data.load import split_files
from unspin.data.origin import read_origin
from unspin.data.plan import nearest_folder
from unspin.errors import UnspinError
from unspin.infer.models.checkpoint import find_checkpoint, read_vocabulary
from unspin.locking import sole_writer
from unspin.logs import counted
from unspin.storage import local_copy
from unspin.train import schedule
from unspin.train.attempts import Recorder, read_attempts
from unspin.train.backbones import (
    Backbone,
    count_weights,
    resolve_precision,
    restrict_loss,
    unwrap,
    with_adapter_settings,
)
from unspin.train.batches import Rows, TokenBudgetSampler, row_weights
from unspin.train.card import Run, card
from unspin.train.config import TrainConfig
from unspin.train.progress import GB, Bar, Stopwatch, memory, return_free_memory
from unspin.train.resume import (
    contents_of,
    finished_checkpoint,
    newest_complete_checkpoint,
    step_of,
    target_of,
    write_settings,
)
from unspin.train.save import describe_checkpoint, record_of, save_checkpoint
from unspin.train.schedule import Clock
from unspin.train.tokens import Encoded, tokenize, vocabulary_of
from unspin.train.validation import FIGURES, Validation

logger = logging.getLogger(__name__)

LOADER_PROCESSES = 2  # prepare batches for a GPU; one makes about a hundred a second
UNLIMITED_STEPS = 10**9  # max_steps of a run that only its time_limit ends


class TrainError(UnspinError):
    """Training failed; the message says at which step, what to change and which checkpoints remain."""


class PairTrainer(Seq2SeqTrainer):
    """A `Trainer` with batches by token budget, restoration scores as evaluation, and an optional time limit."""

    def __init__(
        self,
        *args: Any,
        config: TrainConfig,
        backbone: Backbone,
        vocabulary: list[int] | None,
        validation: Validation | None,
        clock: Clock | None,
        recorder: Recorder,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._config, self._validation, self._clock, self._recorder = config, validation, clock, recorder
        self._backbone, self._vocabulary = backbone, vocabulary
        self._sampler = _sampler(config, self.train_dataset)
        self._stopwatch = Stopwatch()
        self.add_callback(self._stopwatch)
        if clock:
            self.add_callback(clock)
        self._tokens, self._logged_tokens, self._since = 0, 0, time.perf_counter()
        # First step with a loss that is not finite, 0 if none; kept on the device so that no step waits for it.
        self._failed_step = torch.zeros((), dtype=torch.int64, device=self.args.device)

    def get_train_dataloader(self) -> DataLoader[Any]:
        loader: DataLoader[Any] = DataLoader(
            Rows(self.train_dataset),
            batch_sampler=self._sampler,
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
        """Train to the end of the run, from a checkpoint if there is one.

        If the checkpoint is already the last of the run, its weights are loaded unchanged: `train` would add a step.
        Raises `TrainError` if the GPU runs out of memory, a loss is not finite or a checkpoint cannot be written.
        """
        if checkpoint and self._ends_at(checkpoint):
            self._load_from_checkpoint(self.state.best_model_checkpoint or str(checkpoint))
            return
        self._since = time.perf_counter()
        try:
            self.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        except torch.OutOfMemoryError as error:
            raise TrainError(
                f"the GPU ran out of memory at step {self.state.global_step + 1} ({str(error).split('. ')[0]}): "
                "lower tokens_per_batch (and raise gradient_accumulation_steps), or set torch_compile or "
                f"gradient_checkpointing; earlier checkpoints remain in {self._config.output}"
            ) from None
        self.stop_if_failed()

    def _ends_at(self, checkpoint: Path) -> bool:
        """Whether a run that reached this checkpoint has nothing left to train; if so, takes over its state."""
        config, state = self._config, TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))
        is_over = self._clock is not None and self._clock.over()
        if is_over and self.is_world_process_zero():
            logger.info("time_limit is over: finishing with the weights of step %d", state.global_step)
        ends = (
            is_over
            or bool(config.max_steps and state.global_step >= config.max_steps)
            or bool(config.early_stopping_patience and since_best(state) >= config.early_stopping_patience)
        )
        if ends:
            self.state = state
        return ends

    def training_step(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> torch.Tensor:
        self._tokens += inputs["input_ids"].numel() + (0 if "positions" in inputs else inputs["labels"].numel())
        loss: torch.Tensor = super().training_step(model, inputs, *args, **kwargs)
        keep = loss.isfinite() | (self._failed_step > 0)
        self._failed_step = torch.where(keep, self._failed_step, self.state.global_step + 1)
        return loss

    def stop_if_failed(self) -> None:
        """Raise `TrainError` if a loss was not finite.

        Waits for the device, so it is called only where the trainer waits anyway: when logging and before saving.
        """
        if step := int(self._failed_step):
            raise TrainError(
                f"the loss is not finite at step {step}: lower learning_rate or choose another precision; "
                f"earlier checkpoints remain in {self._config.output}"
            )

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        if "loss" in logs:
            self.stop_if_failed()
            return_free_memory()
            outside = self._stopwatch.outside()
            now = time.perf_counter()
            logs = logs | {
                "tokens_per_second": round((self._tokens - self._logged_tokens) / (now - self._since), 1),
                "outside": round(outside, 4),
                "gigabytes": round(memory() / GB, 2),
            }
            self._logged_tokens, self._since = self._tokens, now
            self.record_attempt()
        super().log(logs, *args, **kwargs)

    def record_attempt(self) -> None:
        """Write how far this attempt has come to the run folder. All processes must call this together."""
        tokens = self.accelerator.reduce(torch.tensor(self._tokens, device=self.args.device), reduction="sum")
        if self.is_world_process_zero():
            self._recorder.update(self.state.global_step, int(tokens))

    def step_of_weights(self) -> int:
        """The step whose weights the run ends with: the best of those that were saved and scored, or the last."""
        best = self.state.best_model_checkpoint
        return step_of(Path(best)) if best else self.state.global_step

    def _save_checkpoint(self, *args: Any, **kwargs: Any) -> None:
        self.stop_if_failed()
        folder = self._config.output / f"checkpoint-{self.state.global_step}"
        with self._clock.interruption("saving") if self._clock else nullcontext():
            with writing(folder):
                super()._save_checkpoint(*args, **kwargs)
            self.accelerator.wait_for_everyone()  # every process saves its own random state: the checksums come last
            if self.is_world_process_zero():
                with writing(folder):
                    describe_checkpoint(folder, self._backbone, self._config, self._vocabulary, self.figures())
                    saved = (file for file in folder.iterdir() if file.suffix in (".safetensors", ".pt", ".pth"))
                    write_checksums(folder, saved)

    def figures(self) -> dict[str, Any]:
        """The figures of the run so far; the mean loss is None before the first log entry."""
        losses = [entry["loss"] for entry in self.state.log_history if "loss" in entry]
        return {
            "train_loss": sum(losses) / len(losses) if losses else None,
            "rows": len(self.train_dataset),
            "pairs_seen": round((self.state.epoch or 0) * self._sampler.rows),
            "steps": self.state.global_step,
            "best": self.state.best_metric,
        }

    def evaluate(self, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> dict[str, float]:
        """Restore the validation rows with the current weights, and log and return the scores."""
        assert self._validation is not None
        started = time.perf_counter()
        with self._clock.interruption("evaluating") if self._clock else nullcontext():
            outputs = self._validation.restore(self.accelerator.unwrap_model(self.model))
            scores = self._validation.score(outputs)
            if self.is_world_process_zero():
                self._validation.show(outputs, scores)
        metrics = {f"{metric_key_prefix}_{name}": value for name, value in scores.items() if name in FIGURES}
        self.log(metrics)
        # Kept in the log, and so in checkpoints, but not sent to trackers, which take numbers only.
        details = self._validation.details(scores)
        self.state.log_history[-1] |= {f"{metric_key_prefix}_{name}": value for name, value in details.items()}
        self.control: TrainerControl = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        self._since += time.perf_counter() - started  # evaluations do not count for tokens per second
        return metrics


def _sampler(config: TrainConfig, rows: Dataset) -> TokenBudgetSampler:
    weights = row_weights(rows, config.source_weights, config.spinner_weights)
    strengths = rows.with_format("numpy")["strength"][:] if config.curriculum else None
    return TokenBudgetSampler(rows, config.tokens_per_batch, config.seed, weights, strengths)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn the errors of torch, safetensors and the system while writing a folder into `TrainError`."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        free = shutil.disk_usage(nearest_folder(folder)).free
        raise TrainError(
            f"{folder} could not be written ({str(error).splitlines()[0]}; {free / GB:.1f} GB free): free some space "
            "and start the run again; it resumes from its newest complete checkpoint"
        ) from None


def since_best(state: TrainerState) -> int:
    """The number of evaluations after the one with the best edit F0.5."""
    scores = [row["eval_f0.5"] for row in state.log_history if "eval_f0.5" in row]
    return len(scores) - 1 - scores.index(max(scores)) if scores else 0


class Patience(EarlyStoppingCallback):
    """Early stopping. A resumed run restores the count of evaluations without a better score from its log."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        super().on_train_begin(args, state, control, **kwargs)
        self.early_stopping_patience_counter = since_best(state)


class LastEvaluation(TrainerCallback):
    """Evaluates after the last step too, so that the last weights are candidates for the best ones."""

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step >= state.max_steps:
            control.should_evaluate = True


def main(config: TrainConfig, started: float | None = None, command: str = "") -> Path:
    """Train and return the folder of the finished checkpoint. A finished run is left unchanged.

    `started` is the start of the run's time limit, by `schedule.now`; now if left out. `command` is what the user
    typed, for the model card; empty if Python called this function. Raises `BusyError` if another process writes the
    same output, `OtherRunError` if the output holds a different run, `TrainError` if training or saving fails,
    `OutOfTimeError` if the time limit passes before the first step, and `DataError`, `ModelError` or `ChecksumError` if
    the data or a model cannot be used.
    """
    started = schedule.now() if started is None else started
    if int(os.environ.get("LOCAL_RANK", "0")) > 0:  # the first process on this machine holds the lock
        return _run(config, started, command)
    with sole_writer(config.output):
        return _run(config, started, command)


def _run(config: TrainConfig, started: float, command: str) -> Path:
    # 1. data
    recorder = Recorder(config.output, command, started)
    check_trackers(config)
    config = with_data_settings(with_adapter_settings(config))
    backbone = Backbone.open(config.backbone)
    files = split_files(config.data, "train")
    contents = contents_of(config, backbone.folder, files)
    if target := finished_checkpoint(config, contents):
        logger.info("%s holds this run, finished: nothing to do", config.output)
        return target
    encoded = tokenize(files, backbone.prompt, config.max_tokens, config.overlong)
    vocabulary = vocabulary_for(config, backbone, encoded.rows)
    validation = Validation(config, backbone) if config.eval_steps else None
    _log_rows(config, encoded, vocabulary)

    # 2. model
    model = backbone.load(config)
    restrict_loss(unwrap(model), vocabulary, config.label_smoothing_factor)
    _log_weights(config, model)

    # 3. trainer
    trainer = _trainer(config, backbone, model, encoded.rows, vocabulary, validation, started, recorder)

    # 4. train
    checkpoint = newest_complete_checkpoint(config.output)
    logger.info(f"resuming from {checkpoint}" if checkpoint else "starting a new run")
    if trainer.is_world_process_zero():
        write_settings(config, contents)
        recorder.begin(step_of(checkpoint) if checkpoint else 0, trainer.args.world_size)
    trainer.train_to_end(checkpoint)
    trainer.record_attempt()

    # 5. save
    target = target_of(config)
    if trainer.is_world_process_zero():
        with writing(target):
            trained = trainer.accelerator.unwrap_model(trainer.model)
            log = trainer.state.log_history
            record = record_of(backbone, config, trainer.figures(), log)
            attempts = read_attempts(config.output)
            run = Run(config, backbone, contents, record, log, trainer.step_of_weights(), attempts)
            save_checkpoint(trained, backbone, config, vocabulary, record, card(run), log, target)
    trainer.accelerator.wait_for_everyone()
    return target


def check_trackers(config: TrainConfig) -> None:
    """Raise `TrainError` if an experiment tracker of `report_to` is not installed; the trainer finds out late."""
    if missing := [name for name in config.report_to if find_spec(name) is None]:
        raise TrainError(f"report_to: {', '.join(missing)} is not installed: pip install {' '.join(missing)}")


def with_data_settings(config: TrainConfig) -> TrainConfig:
    """The config with the passage length of its data set, if it sets none; 0 if the data set has no record of it."""
    if config.max_passage_words is not None:
        return config
    origin = read_origin(local_copy(config.data)) or {}
    return config.model_copy(update={"max_passage_words": int(origin.get("max_passage_words", 0))})


def _log_rows(config: TrainConfig, encoded: Encoded, vocabulary: list[int] | None) -> None:
    overlong = f"{encoded.dropped:,} of more than {config.max_tokens} tokens dropped, {encoded.cut:,} cut"
    ids = f"vocabulary of {len(vocabulary):,} ids" if vocabulary else "full vocabulary"
    logger.info(f"{counted(len(encoded.rows), 'row')} ({overlong}), {ids}")


def _log_weights(config: TrainConfig, model: nn.Module) -> None:
    trained, total = count_weights(model)
    logger.info(f"training {trained:,} of {total:,} weights in {resolve_precision(config.precision)}")


def _trainer(
    config: TrainConfig,
    backbone: Backbone,
    model: nn.Module,
    rows: Dataset,
    vocabulary: list[int] | None,
    validation: Validation | None,
    started: float,
    recorder: Recorder,
) -> PairTrainer:
    """The trainer with its callbacks."""
    clock = Clock(config, started) if config.time_limit else None
    trainer = PairTrainer(
        model=model,
        args=_arguments(config),
        train_dataset=rows,
        eval_dataset=validation.rows if validation else None,
        data_collator=backbone.collator,
        config=config,
        backbone=backbone,
        vocabulary=vocabulary,
        validation=validation,
        clock=clock,
        recorder=recorder,
    )
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(Bar(clock))
    if config.eval_steps:
        trainer.add_callback(LastEvaluation())
    if config.early_stopping_patience:
        trainer.add_callback(Patience(config.early_stopping_patience))
    return trainer


def vocabulary_for(config: TrainConfig, backbone: Backbone, rows: Dataset) -> list[int] | None:
    """The token ids that the loss runs over, ascending; None for all ids.

    They are the ids in the data and those that a continued adapter was trained on. All ids are used for encoder-decoder
    models, if the config says so, or if the adapter was trained on all.
    """
    if config.vocabulary == "full" or backbone.is_encoder_decoder:
        return None
    earlier = read_vocabulary(find_checkpoint(config.adapter)) if config.adapter else []
    return None if earlier is None else sorted({*vocabulary_of(rows), *earlier})


def _arguments(config: TrainConfig) -> Seq2SeqTrainingArguments:
    precision, on_gpu = resolve_precision(config.precision), torch.cuda.is_available()
    steps = config.max_steps or UNLIMITED_STEPS
    return Seq2SeqTrainingArguments(
        output_dir=str(config.output),
        max_steps=steps,
        learning_rate=config.learning_rate,
        lr_scheduler_type=config.lr_scheduler_type,
        warmup_steps=config.warmup_steps,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        gradient_checkpointing=config.gradient_checkpointing,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        use_cpu=not on_gpu,
        optim="adamw_torch_fused",
        dataloader_num_workers=LOADER_PROCESSES if on_gpu else 0,  # on a CPU they would compete with the model
        dataloader_pin_memory=on_gpu,
        accelerator_config={"non_blocking": on_gpu},
        logging_steps=min(10, max(steps // 24, 1)),
        logging_nan_inf_filter=False,
        save_steps=config.save_steps,
        save_total_limit=config.save_total_limit,
        eval_strategy="steps" if config.eval_steps else "no",
        eval_steps=config.eval_steps or None,
        load_best_model_at_end=config.eval_steps > 0,
        metric_for_best_model="f0.5" if config.eval_steps else None,
        greater_is_better=True if config.eval_steps else None,
        remove_unused_columns=False,
        label_names=["labels"],
        report_to=list(config.report_to) or "none",
        seed=config.seed,
        max_grad_norm=1.0,
        weight_decay=0.0,
    )
