"""Predicts a training run before it starts: rows, steps, memory, disk, time, and everything that would make it fail.

Memory is estimated from what a small batch stores for its backward pass, and time from one full-size step after a
warm-up step. These steps train a model that is then discarded. Only the tokenized rows are written, to the
cache, where the run will find them.
"""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import psutil
import torch
from datasets import Dataset
from numpy.typing import NDArray
from torch import Tensor
from transformers.modeling_layers import GradientCheckpointingLayer
from unspin.data.load import split_files
from unspin.data.plan import format_duration, nearest_folder
from unspin.errors import UnspinError
from unspin.logs import counted, working
from unspin.train.backbones import (
    Backbone,
    count_weights,
    resolve_precision,
    restrict_loss,
    unwrap,
    with_adapter_settings,
)
from unspin.train.batches import Batch, Rows, TokenBudgetSampler, row_weights
from unspin.train.config import TrainConfig
from unspin.train.finetune import check_trackers, vocabulary_for, with_data_settings
from unspin.train.progress import GB, memory
from unspin.train.resume import contents_of, finished_checkpoint, newest_complete_checkpoint
from unspin.train.schedule import RESERVE, earlier_attempts
from unspin.train.stepper import Stepper
from unspin.train.tokens import tokenize

SAMPLE_TOKENS = 512  # size of the batch that memory is estimated from
OVERHEAD = 1.25  # factor for temporary results and fragmentation
FP32 = 4  # bytes


class PlanError(UnspinError):
    """The run would fail or not do what was intended; the message lists every reason."""


@dataclass(frozen=True)
class RunPlan:
    """The prediction of a run. Sizes are in bytes, times in seconds.

    `tokens` are those of all rows, `batches` those of one epoch, and `padding` is its share of their tokens, 0..1.
    `preparation` is the time before the first step (earlier attempts included). `step` is the duration of an optimizer
    step, None if there is not enough memory for one.
    """

    rows: int
    dropped: int
    cut: int
    longest_row: int
    tokens: int
    batches: int
    padding: float
    trained_weights: int
    weights: int
    memory: float
    memory_free: float
    disk: float
    disk_free: float
    step: float | None
    preparation: float
    is_finished: bool

    def steps(self, config: TrainConfig) -> int:
        """The number of steps: `max_steps`, or fewer if the time limit allows no more."""
        if config.time_limit is None or self.step is None:
            return config.max_steps or 0
        fit = int(max(config.time_limit * (1 - RESERVE) - self.preparation, 0) / self.step)
        return fit if config.max_steps is None else min(fit, config.max_steps)

    def batches_per_step(self, config: TrainConfig) -> int:
        """The number of batches in an optimizer step, at most those of an epoch: a step never spans two epochs."""
        return min(config.gradient_accumulation_steps, self.batches)

    def epochs(self, config: TrainConfig) -> float:
        """The number of passes over the data."""
        return self.steps(config) / math.ceil(self.batches / config.gradient_accumulation_steps)


def plan_run(config: TrainConfig) -> RunPlan:
    """Check everything that a run needs and predict it. Raises `PlanError` with every complaint at once."""
    complaints = list(_complaints_about_settings(config))
    try:
        plan = _plan(config)
    except UnspinError as error:
        raise PlanError("; ".join([str(error), *complaints])) from None
    complaints += _complaints_about_plan(config, plan)
    if complaints:
        raise PlanError("; ".join(complaints))
    return plan


def _complaints_about_settings(config: TrainConfig) -> Iterator[str]:
    """Complaints that need no data or model."""
    try:
        check_trackers(config)
    except UnspinError as error:
        yield str(error)
    if not os.access(nearest_folder(config.output), os.W_OK):
        yield f"output: {nearest_folder(config.output)} is not writable"
    if config.max_steps is not None and config.warmup_steps >= config.max_steps:
        yield (
            f"warmup_steps is {config.warmup_steps} and max_steps {config.max_steps}: "
            "the run would end during warm-up; lower warmup_steps"
        )
    if config.eval_steps:
        try:
            split_files(config.data, "validation")
        except UnspinError as error:
            yield f"eval_steps: {error}"


def _complaints_about_plan(config: TrainConfig, plan: RunPlan) -> Iterator[str]:
    """Complaints about memory, disk and time."""
    if plan.memory > plan.memory_free:
        yield (
            f"a step needs about {plan.memory / GB:.1f} GB of memory, and {plan.memory_free / GB:.1f} GB are free: "
            "lower tokens_per_batch (and raise gradient_accumulation_steps), or set gradient_checkpointing"
        )
    if plan.disk > plan.disk_free:
        yield (
            f"checkpoints need about {plan.disk / GB:.1f} GB, and {plan.disk_free / GB:.1f} GB are free "
            f"at {config.output}: give another output"
        )
    resumes = plan.is_finished or newest_complete_checkpoint(config.output) is not None
    if config.time_limit is None or plan.step is None or resumes:  # a resumed run ends when its clock says
        return
    steps = plan.steps(config)
    if not steps:
        yield (
            f"time_limit is {config.time_limit:.0f} s, but {plan.preparation:.0f} s pass before the first step "
            f"(earlier attempts included) and a step takes {plan.step:.1f} s: raise time_limit"
        )
    elif config.eval_steps > steps:
        fit = f"only about {counted(steps, 'step')} fit into time_limit"
        yield f"eval_steps is {config.eval_steps}, but {fit}: lower eval_steps"


@dataclass(frozen=True)
class _Epoch:
    """The batches of the first epoch, by ascending width, and the length of each row in tokens."""

    lengths: NDArray[np.int32]
    batches: list[list[int]]

    @classmethod
    def draw(cls, config: TrainConfig, rows: Dataset) -> _Epoch:
        lengths = rows.with_format("numpy")["length"][:]
        weights = row_weights(rows, config.source_weights, config.spinner_weights)
        batches = list(TokenBudgetSampler(rows, config.tokens_per_batch, config.seed, weights))
        return cls(lengths, sorted(batches, key=lambda batch: int(lengths[batch].max())))

    @property
    def longest_row(self) -> int:
        return int(self.lengths[self.batches[-1]].max())

    @property
    def median_batch(self) -> list[int]:
        return self.batches[len(self.batches) // 2]

    @property
    def sample(self) -> list[int]:
        """Rows of the median batch that make up about `SAMPLE_TOKENS`."""
        return self.median_batch[: max(SAMPLE_TOKENS // int(self.lengths[self.median_batch].max()), 1)]

    def padding(self) -> float:
        """The share of padding in all batches."""
        padded = sum(int(self.lengths[batch].max()) * len(batch) for batch in self.batches)
        return 1 - sum(int(self.lengths[batch].sum()) for batch in self.batches) / padded


def _plan(config: TrainConfig) -> RunPlan:
    began = time.perf_counter()
    config = with_data_settings(with_adapter_settings(config))
    backbone = Backbone.open(config.backbone)
    files = split_files(config.data, "train")
    is_finished = finished_checkpoint(config, contents_of(config, backbone.folder, files)) is not None
    encoded = tokenize(files, backbone.prompt, config.max_tokens, config.overlong)
    epoch, rows = _Epoch.draw(config, encoded.rows), Rows(encoded.rows)
    with working("loading the model"):
        stepper = _stepper(config, backbone, encoded.rows)

    def collate(batch: list[int]) -> Batch:
        return backbone.collator(rows.__getitems__(batch))

    with working("estimating memory"):
        tokens = int(epoch.lengths[epoch.sample].sum())
        per_token = _activations_per_token(config, stepper, collate(epoch.sample), tokens)
    trained, weights = count_weights(stepper.model)
    in_use = memory()  # the model and everything that was imported
    largest_batch = max(config.tokens_per_batch, epoch.longest_row)
    # Beside the model: gradients and Adam's two moments for each trained weight, and the activations of a batch.
    needed = in_use + 3 * FP32 * trained + OVERHEAD * per_token * largest_batch
    free = in_use + (torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else psutil.virtual_memory().available)
    preparation = time.perf_counter() - began + (earlier_attempts(config.output)[0] if config.time_limit else 0.0)
    step = None
    if needed <= free:
        batches_per_step = min(config.gradient_accumulation_steps, len(epoch.batches))
        with working("timing a step"):
            step = _seconds_per_batch(stepper, collate(epoch.median_batch)) * batches_per_step
    # A checkpoint holds what is trained (an adapter, or the whole model) and Adam's two moments.
    saved = FP32 * (trained if config.trainable == "adapter" else weights) + 2 * FP32 * trained
    return RunPlan(
        rows=len(encoded.rows),
        dropped=encoded.dropped,
        cut=encoded.cut,
        longest_row=epoch.longest_row,
        tokens=int(epoch.lengths.sum()),
        batches=len(epoch.batches),
        padding=epoch.padding(),
        trained_weights=trained,
        weights=weights,
        memory=needed,
        memory_free=free,
        disk=(config.save_total_limit + 1) * saved,  # one more is written before the oldest is removed
        disk_free=shutil.disk_usage(nearest_folder(config.output)).free,
        step=step,
        preparation=preparation,
        is_finished=is_finished,
    )


def _stepper(config: TrainConfig, backbone: Backbone, rows: Dataset) -> Stepper:
    """The run's model and optimizer, not compiled: compiling takes longer than the check."""
    model = backbone.load(config.model_copy(update={"torch_compile": False}))
    restrict_loss(unwrap(model), vocabulary_for(config, backbone, rows), config.label_smoothing_factor)
    return Stepper(model, config.precision)


def _seconds_per_batch(stepper: Stepper, batch: Batch) -> float:
    """The duration of a step on one batch, after a warm-up step."""
    stepper.run([batch])
    began = time.perf_counter()
    stepper.run([batch])
    return time.perf_counter() - began


def _activations_per_token(config: TrainConfig, stepper: Stepper, batch: Batch, tokens: int) -> float:
    """Bytes that a run stores for the backward pass per token, estimated from a batch of `tokens` tokens."""
    per_token = _stored_for_backward(stepper, batch) / tokens
    if not config.gradient_checkpointing:
        return per_token
    # With gradient checkpointing: the input of every layer, and all of one layer while its backward pass runs.
    layers = sum(isinstance(module, GradientCheckpointingLayer) for module in stepper.model.modules())
    width = unwrap(stepper.model).get_input_embeddings().weight.shape[1]
    return per_token / layers + layers * FP32 * width


def _stored_for_backward(stepper: Stepper, batch: Batch) -> int:
    """Bytes that a batch's forward pass stores for its backward pass, without weights."""
    weights = {p.untyped_storage().data_ptr() for p in (*stepper.model.parameters(), *stepper.model.buffers())}
    sizes: dict[int, int] = {}

    def record(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            sizes[storage.data_ptr()] = max(storage.nbytes(), sizes.get(storage.data_ptr(), 0))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(record, lambda tensor: tensor):
        stepper.loss(batch)
    return sum(sizes.values())


def describe(config: TrainConfig, plan: RunPlan) -> Iterator[tuple[str, str]]:
    """The plan in words, as (label, text)."""
    overlong = f"{plan.dropped:,} of more than {config.max_tokens} tokens dropped, {plan.cut:,} cut"
    yield "rows", f"{plan.rows:,} ({overlong}; the longest has {plan.longest_row})"
    yield "tokens", f"{plan.tokens:,}, and {plan.padding:.1%} padding in batches"
    steps = plan.steps(config)
    if not (plan.is_finished and config.time_limit):
        about = "" if steps == config.max_steps else "about "
        batches = f"{plan.batches:,} batch{'' if plan.batches == 1 else 'es'}"
        yield "run", f"{about}{counted(steps, 'step')}: {plan.epochs(config):.2f} epochs of {batches}"
    yield "step", _describe_step(config, plan)
    yield "memory", f"about {plan.memory / GB:.1f} GB; {plan.memory_free / GB:.1f} GB are free"
    yield "disk", f"about {plan.disk / GB:.2f} GB; {plan.disk_free / GB:.0f} GB are free"
    if plan.step:
        yield "time", _describe_time(config, steps, plan.step)
    checkpoint = newest_complete_checkpoint(config.output)
    state = f"resumes from {checkpoint}" if checkpoint else "starts a new run"
    yield "state", "finished: nothing to do" if plan.is_finished else state


def _describe_step(config: TrainConfig, plan: RunPlan) -> str:
    tokens = plan.batches_per_step(config) * config.tokens_per_batch
    text = (
        f"up to {tokens:,} tokens; training {plan.trained_weights:,} of {plan.weights:,} weights "
        f"in {resolve_precision(config.precision)}"
    )
    if plan.longest_row > config.tokens_per_batch:
        text += f"; rows of more than {config.tokens_per_batch:,} tokens are larger batches of one row"
    return text


def _describe_time(config: TrainConfig, steps: int, step: float) -> str:
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{torch.get_num_threads()} threads"
    compiled = ", less once compiled" if config.torch_compile else ""
    evaluations = "evaluations included" if config.time_limit else "evaluations not included"
    return f"about {format_duration(steps * step)} on {device} ({step:.2g} seconds per step{compiled}; {evaluations})"
