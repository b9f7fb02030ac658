"""Training speed: ``python -m benchmarks.training CONFIG [KEY=VALUE …]`` times this trainer against the stock recipe.

The stock recipe is that of the transformers examples: random batches of equally many rows, padded to the longest row,
and logits over the whole vocabulary at every position. Both sides have the same rows, model, adapter, precision and
machine, and a run of either processes the same real (unpadded) tokens. `timing` explains how runs are compared.
``--alone`` times this trainer only; ``--profile`` shows where a step spends its time. Uses the GPU if there is one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from unspin.config import load_config
from unspin.data.load import split_files
from unspin.train.backbones import Backbone, resolve_precision, restrict_loss, unwrap
from unspin.train.batches import IGNORE_INDEX, Batch, Rows, TokenBudgetSampler
from unspin.train.config import TrainConfig
from unspin.train.finetune import vocabulary_for
from unspin.train.progress import GB, memory
from unspin.train.stepper import DTYPES, Stepper
from unspin.train.tokens import tokenize

from benchmarks.restoring import peak_rates
from benchmarks.timing import MIN_RUNS, interval, race, ratios

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@dataclass(frozen=True)
class Workload:
    """The rows of a benchmark, as this trainer batches them.

    `row_numbers` lists the rows of each batch. `tokens` counts tokens without padding; `target_tokens` of them are
    targets.
    """

    config: TrainConfig
    backbone: Backbone
    rows: Any
    row_numbers: list[list[int]]
    batches: list[Batch]
    tokens: int
    target_tokens: int

    @classmethod
    def load(cls, config: TrainConfig, batches: int) -> Workload:
        """Tokenize the data set and draw this many batches, as a training run would."""
        backbone = Backbone.open(config.backbone)
        rows = tokenize(split_files(config.data, "train"), backbone.prompt, config.max_tokens, config.overlong).rows
        lengths = rows.with_format("numpy")["length"][:]
        row_numbers = list(islice(TokenBudgetSampler(rows, config.tokens_per_batch, config.seed), batches))
        dataset = Rows(rows)
        collated = [backbone.collator(dataset.__getitems__(batch)) for batch in row_numbers]
        tokens = int(sum(lengths[batch].sum() for batch in row_numbers))
        target_tokens = sum(int((batch["labels"] != IGNORE_INDEX).sum()) for batch in collated)
        return cls(config, backbone, rows, row_numbers, collated, tokens, target_tokens)

    def stock_batches(self) -> list[Batch]:
        """The same rows in as many batches, shuffled as in the stock recipe."""
        shuffled = np.random.default_rng(self.config.seed).permutation(np.concatenate(self.row_numbers))
        lengths = self._source_lengths()
        dataset, collate = Rows(self.rows), self.backbone.collator
        return [
            stock_batch(collate(dataset.__getitems__(part.tolist())), torch.from_numpy(lengths[part]))
            for part in np.array_split(shuffled, len(self.row_numbers))
        ]

    def _source_lengths(self) -> Any:
        if self.backbone.is_encoder_decoder:
            return np.array([len(ids) for ids in self.rows["source"]])
        return self.rows.with_format("numpy")["length"][:]

    def our_stepper(self) -> Stepper:
        """The model with this trainer's loss."""
        model = self.backbone.load(self.config)
        restrict_loss(unwrap(model), vocabulary_for(self.config, self.backbone, self.rows))
        return Stepper(model, self.config.precision)

    def stock_stepper(self) -> Stepper:
        """The model with its own loss."""
        return Stepper(self.backbone.load(self.config), self.config.precision)


def stock_batch(batch: Batch, lengths: Tensor) -> Batch:
    """A batch as the stock recipe has it: with an attention mask, and without the positions of the targets."""
    mask = (torch.arange(batch["input_ids"].shape[1]) < lengths[:, None]).long()
    return {"attention_mask": mask} | {name: tensor for name, tensor in batch.items() if name != "positions"}


def matrix_flops(model: nn.Module, source_tokens: int, target_tokens: int) -> float:
    """Floating-point operations of a training step's matrix products, for its real tokens.

    Per weight and token: 2 in the forward pass, 2 for the gradient of the input and, if the weight is trained, 2 for
    its own gradient. In an encoder-decoder model the encoder processes source tokens and the decoder target tokens; a
    decoder-only model processes both. The output layer processes target tokens. Attention itself is not counted.
    """
    bare = unwrap(model)
    output = bare.get_output_embeddings().weight
    kept = getattr(bare, "_kept_ids", None)
    outputs = len(output) if kept is None else len(kept)
    total = _operations_per_weight(output) * outputs * output.shape[1] * target_tokens
    for name, module in model.named_modules():
        if not isinstance(module, nn.Linear) or module.weight is output:
            continue
        if not bare.config.is_encoder_decoder:
            tokens = source_tokens + target_tokens
        else:
            tokens = source_tokens if ".encoder." in name else target_tokens
        total += _operations_per_weight(module.weight) * module.weight.numel() * tokens
    return float(total)


def _operations_per_weight(weight: Tensor) -> int:
    return 6 if weight.requires_grad else 4


def profile(work: Workload) -> None:
    """Print the operators in which one of our steps spends most time."""
    stepper = work.our_stepper()
    stepper.run(work.batches[:1])
    with torch.profiler.profile() as profiled:
        stepper.run(work.batches[:1])
    table = profiled.key_averages().table(sort_by=f"self_{DEVICE}_time_total", row_limit=20, max_name_column_width=50)
    print(table)


def time_alone(work: Workload, runs: int) -> None:
    """Print our speed, and its share of the peak rate of the device."""
    stepper = work.our_stepper()
    stepper.run(work.batches)
    seconds = [_time(stepper, work.batches) for _ in range(runs)]
    precision = resolve_precision(work.config.precision)
    dtype = str(DTYPES[precision]).removeprefix("torch.")
    peak = next(rate for name, rate in peak_rates(DEVICE).items() if name.startswith(dtype))
    flops = matrix_flops(stepper.model, work.tokens - work.target_tokens, work.target_tokens)
    speed = interval([work.tokens / s for s in seconds], ",.0f")
    share = interval([flops / s / 1e9 / peak for s in seconds], ".0%")
    print(f"{speed} real tokens/s in {precision}, batches of {work.config.tokens_per_batch:,}")
    print(f"{share} of the {peak:,.0f} GFLOP/s that matrix products reach here; {memory() / GB:.1f} GB")


def _time(stepper: Stepper, batches: Sequence[Batch]) -> float:
    start = time.perf_counter()
    stepper.run(batches)
    return time.perf_counter() - start


def compare(work: Workload, runs: int) -> None:
    """Time ours against the stock recipe and print a table."""
    ours, theirs = work.batches, work.stock_batches()
    our_stepper, stock_stepper = work.our_stepper(), work.stock_stepper()
    seconds = race(lambda: our_stepper.run(ours), lambda: stock_stepper.run(theirs), runs)
    show(seconds, work.tokens, ours, theirs)


def show(seconds: tuple[list[float], list[float]], tokens: int, ours: Sequence[Batch], theirs: Sequence[Batch]) -> None:
    """Print a table, one row per recipe, from the seconds of each run and the real tokens of one."""
    from rich.console import Console
    from rich.table import Table

    is_causal = "positions" in ours[0]
    table = Table("recipe", "real tokens/s", "padding", "ratio")
    for name, batches, side, ratio in (
        ("unspin", ours, seconds[0], interval(ratios(*seconds), ".2f")),
        ("stock", theirs, seconds[1], "1"),
    ):
        # The labels of a causal model are positions of its input; those of an encoder-decoder are tokens of their own.
        padded = sum(batch["input_ids"].numel() + (0 if is_causal else batch["labels"].numel()) for batch in batches)
        table.add_row(name, interval([tokens / s for s in side], ",.0f"), f"{1 - tokens / padded:.1%}", ratio)
    Console(width=110).print(table)


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training", description="Time this trainer against the stock recipe."
    )
    parser.add_argument("config", type=Path)
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE")
    parser.add_argument("--runs", type=int, default=MIN_RUNS)
    parser.add_argument("--batches", type=int, default=4, help="batches per run; both sides process the same rows")
    parser.add_argument(
        "--alone", action="store_true", help="time this trainer only; also as a share of the device's peak rate"
    )
    parser.add_argument("--profile", action="store_true", help="show where one of our steps spends its time, and stop")
    options = parser.parse_intermixed_args()
    if options.runs < MIN_RUNS:
        parser.error(f"at least {MIN_RUNS} runs")
    work = Workload.load(load_config(options.config, TrainConfig, options.overrides), options.batches)
    print(torch.cuda.get_device_name() if DEVICE == "cuda" else f"{torch.get_num_threads()} CPU threads")
    if options.profile:
        profile(work)
    elif options.alone:
        time_alone(work, options.runs)
    else:
        compare(work, options.runs)


if __name__ == "__main__":
    main()
