"""What a training run will be, before it runs: its rows, steps, memory, disk and time, and what speaks against it.

Memory is estimated from what a small batch keeps for its backward pass, time from two steps of the run's own size, made on a model that is thrown
away; nothing is written but the tokenized rows, which the run finds again.
"""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import torch
from torch import Tensor
from transformers.modeling_layers import GradientCheckpointingLayer
from unspin.data.check import duration, nearest_folder
from unspin.data.errors import UnspinError
from unspin.train.backbones import Backbone, bare, resolve_precision, settled
from unspin.train.batches import Rows, TokenBudgetSampler, row_weights, split_files
from unspin.train.bench import Stepper
from unspin.train.config import TrainConfig
from unspin.train.finetune import vocabulary_for
from unspin.train.progress import GB, memory
from unspin.train.resume import contents_of, finished, last_whole_checkpoint
from unspin.train.schedule import KEPT_BACK, earlier
from unspin.train.tokens import tokenize

SMALL = 512  # tokens of the batch that memory is estimated from
SLACK = 1.25  # what products in the making take, and what an allocator loses
KEPT_CHECKPOINTS = 3  # two, and one in the making


class CheckError(UnspinError):
    """A run that would fail, or not do what is wanted; the message lists all that speaks against it."""


@dataclass(frozen=True)
class Plan:
    """What a run will be. Sizes are bytes, times seconds; `ready` pass before the first step; `step` is None where there is no room for one."""

    rows: int
    dropped: int
    cut: int
    longest: int
    tokens: int
    batches: int
    padding: float
    trained: int
    weights: int
    memory: float
    memory_free: float
    disk: float
    disk_free: float
    step: float | None
    ready: float
    done: bool

    def steps(self, config: TrainConfig) -> int:
        """That the run will make: as the config says, or as many as fit into its time."""
        if config.time_limit is None or self.step is None:
            return config.steps or 0
        fit = int(max(config.time_limit * (1 - KEPT_BACK) - self.ready, 0) / self.step)
        return fit if config.steps is None else min(fit, config.steps)

    def a_step(self, config: TrainConfig) -> int:
        """Batches of a step: no more than an epoch has, at whose end a step ends too."""
        return min(config.accumulate, self.batches)

    def epochs(self, config: TrainConfig) -> float:
        return self.steps(config) / math.ceil(self.batches / config.accumulate)


def check(config: TrainConfig) -> Plan:
    """Go through all that a run needs. Raises `CheckError` with everything that was found against it."""
    against = list(_against_settings(config))
    try:
        plan = _plan(config)
    except UnspinError as error:
        raise CheckError("; ".join([str(error), *against])) from None
    if plan.memory > plan.memory_free:
        against.append(
            f"a step takes about {plan.memory / GB:.1f} GB and {plan.memory_free / GB:.1f} are free: lower tokens_per_batch (and raise accumulate), "
            "or set gradient_checkpointing"
        )
    if plan.disk > plan.disk_free:
        against.append(
            f"checkpoints take about {plan.disk / GB:.1f} GB and {plan.disk_free / GB:.1f} are free at {config.output}: give another output"
        )
    anew = not plan.done and last_whole_checkpoint(config.output) is None  # a run that goes on ends as its clock says
    if config.time_limit and plan.step and anew:
        steps = plan.steps(config)
        if not steps:
            against.append(
                f"time_limit is {config.time_limit:.0f} s, but {plan.ready:.0f} pass before the first step (earlier attempts with them) "
                f"and a step takes {plan.step:.1f}: raise it"
            )
        elif config.evaluate_every > steps:
            against.append(f"evaluate_every is {config.evaluate_every}, and about {steps} steps fit into time_limit: lower evaluate_every")
    if against:
        raise CheckError("; ".join(against))
    return plan


def _against_settings(config: TrainConfig) -> Iterator[str]:
    if not os.access(nearest_folder(config.output), os.W_OK):
        yield f"output: {nearest_folder(config.output)} cannot be written to"
    if config.steps is not None and config.warmup_steps >= config.steps:
        yield f"warmup_steps is {config.warmup_steps} and steps {config.steps}: the run would end before its learning rate is up; lower warmup_steps"
    if config.evaluate_every:
        try:
            split_files(config.data, "validation")
        except UnspinError as error:
            yield f"evaluate_every: {error}"


def _plan(config: TrainConfig) -> Plan:
    began = time.perf_counter()
    config = settled(config)
    backbone = Backbone.open(config.backbone)
    files = split_files(config.data, "train")
    done = finished(config, contents_of(config, backbone.folder, files))
    encoded = tokenize(files, backbone.prompt, config.longest, config.over_long)
    lengths = encoded.rows.with_format("numpy")["length"][:]
    weights = row_weights(encoded.rows, config.source_weights, config.engine_weights)
    drawn = list(TokenBudgetSampler(encoded.rows, config.tokens_per_batch, config.seed, weights))
    drawn.sort(key=lambda rows: int(lengths[rows].max()))
    padded = sum(int(lengths[rows].max()) * len(rows) for rows in drawn)
    longest = max(drawn[-1], key=lambda row: int(lengths[row]))

    stepper = Stepper(backbone, config.model_copy(update={"compile": False}), vocabulary_for(config, backbone, encoded.rows), ours=True)
    model, rows, collate = stepper.model, Rows(encoded.rows), backbone.collator
    parameters = list(model.parameters())
    trained = sum(p.numel() for p in parameters if p.requires_grad)
    small = drawn[len(drawn) // 2][: max(SMALL // int(lengths[drawn[len(drawn) // 2]].max()), 1)]
    a_token = _kept_for_backward(stepper, collate(rows.__getitems__(small))) / sum(int(lengths[row]) for row in small)
    if config.gradient_checkpointing:  # kept are each layer's inputs, and all of one layer while its backward pass is made
        layers = sum(isinstance(module, GradientCheckpointingLayer) for module in model.modules())
        a_token = a_token / layers + layers * 4 * bare(model).get_input_embeddings().weight.shape[1]
    held = memory()  # the model and all that was imported
    free = held + (torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else psutil.virtual_memory().available)
    needed = held + 12 * trained + SLACK * a_token * max(config.tokens_per_batch, int(lengths[longest]))  # 12: gradients and Adam's two moments
    ready = time.perf_counter() - began + (earlier(config.output)[0] if config.time_limit else 0.0)
    step = None
    if needed <= free:
        batch = [collate(rows.__getitems__(drawn[len(drawn) // 2]))]
        stepper.run(batch)
        began = time.perf_counter()
        stepper.run(batch)
        step = (time.perf_counter() - began) * min(config.accumulate, len(drawn))
    saved = 12 * trained if config.trained == "adapter" else 4 * sum(p.numel() for p in parameters) + 8 * trained
    return Plan(
        rows=len(encoded.rows),
        dropped=encoded.dropped,
        cut=encoded.cut,
        longest=int(lengths[longest]),
        tokens=int(lengths.sum()),
        batches=len(drawn),
        padding=1 - sum(int(lengths[rows].sum()) for rows in drawn) / padded,
        trained=trained,
        weights=sum(p.numel() for p in parameters),
        memory=needed,
        memory_free=free,
        disk=KEPT_CHECKPOINTS * saved,
        disk_free=shutil.disk_usage(nearest_folder(config.output)).free,
        step=step,
        ready=ready,
        done=done is not None,
    )


def _kept_for_backward(stepper: Stepper, batch: dict[str, Tensor]) -> int:
    """Bytes that a batch's forward pass keeps for its backward pass, weights left out."""
    weights = {p.untyped_storage().data_ptr() for p in (*stepper.model.parameters(), *stepper.model.buffers())}
    sizes: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            sizes[storage.data_ptr()] = max(storage.nbytes(), sizes.get(storage.data_ptr(), 0))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        stepper.loss(batch)
    return sum(sizes.values())


def lines(config: TrainConfig, plan: Plan) -> Iterator[tuple[str, str]]:
    """The plan as (what, in words)."""
    yield "rows", f"{plan.rows:,} ({plan.dropped:,} of more than {config.longest} tokens dropped, {plan.cut:,} cut; the longest has {plan.longest})"
    yield "tokens", f"{plan.tokens:,}, and {plan.padding:.1%} of padding in batches"
    a_step = plan.a_step(config) * config.tokens_per_batch
    size = f"up to {a_step:,} tokens, {plan.trained:,} of {plan.weights:,} weights trained in {resolve_precision(config.precision)}"
    if plan.longest > config.tokens_per_batch:
        size += f"; rows of more than {config.tokens_per_batch:,} tokens make larger batches of one"
    steps = plan.steps(config)
    if not (plan.done and config.time_limit):
        yield "run", f"{'' if steps == config.steps else 'about '}{steps:,} steps: {plan.epochs(config):.2f} epochs of {plan.batches:,} batches"
    yield "a step", size
    yield "memory", f"about {plan.memory / GB:.1f} GB of {plan.memory_free / GB:.1f} GB that are free"
    yield "disk", f"about {plan.disk / GB:.2f} GB of {plan.disk_free / GB:.0f} GB that are free"
    if plan.step:
        device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{torch.get_num_threads()} threads"
        slower = ", compiled layers being faster" if config.compile else ""
        besides = "evaluations take from it" if config.time_limit else "evaluations come on top"
        yield "time", f"about {duration(steps * plan.step)} on {device} ({plan.step:.2g} seconds a step{slower}; {besides})"
    checkpoint = last_whole_checkpoint(config.output)
    yield "state", "finished: nothing to do" if plan.done else f"goes on from {checkpoint}" if checkpoint else "starts anew"
