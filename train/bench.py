"""Time training: ``python -m unspin.train.bench CONFIG`` sets this trainer's steps against those of the stock recipe.

The stock recipe is what the transformers examples do: random batches of as many rows, each padded to its longest, logits over the whole
vocabulary at every position. Both sides have the same rows, model, adapter, precision and machine; one run of either takes the same
real (unpadded) tokens. How runs are set against one another: `unspin.data.timing`. With ``--profile`` it shows where a step's time goes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from unspin.data.config import load_config
from unspin.data.timing import FEWEST, interval, race, ratios
from unspin.train.backbones import Backbone, bare, resolve_precision, restrict_loss
from unspin.train.batches import TokenBudgetSampler, load_split, tokenize_pairs, vocabulary_of
from unspin.train.config import TrainConfig

ROWS = 4000
Batch = dict[str, torch.Tensor]


class Stepper:
    """A model with its optimizer, one side of the race."""

    def __init__(self, backbone: Backbone, config: TrainConfig, vocabulary: list[int] | None, ours: bool) -> None:
        self._model = backbone.load(config).train()
        if ours:
            restrict_loss(bare(self._model), vocabulary)
        self._optimizer = torch.optim.AdamW([p for p in self._model.parameters() if p.requires_grad], lr=1e-5)
        precision = resolve_precision(config.precision)
        self._dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)

    def run(self, batches: list[Batch]) -> None:
        for batch in batches:
            self.step(batch)

    def step(self, batch: Batch) -> None:
        with torch.autocast("cuda" if torch.cuda.is_available() else "cpu", self._dtype or torch.bfloat16, enabled=self._dtype is not None):
            loss = self._model(**batch).loss
        loss.backward()
        self._optimizer.step()
        self._optimizer.zero_grad()


def real_tokens(batches: list[Batch]) -> int:
    return sum(int(batch["attention_mask"].sum()) for batch in batches)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m unspin.train.bench", description="Time this trainer against the stock recipe.")
    parser.add_argument("config", type=Path)
    parser.add_argument("--runs", type=int, default=FEWEST)
    parser.add_argument("--batches", type=int, default=4, help="batches of ours in a run; theirs hold as many rows")
    parser.add_argument("--profile", action="store_true", help="show where a step of ours spends its time, and stop")
    asked = parser.parse_args()
    if asked.runs < FEWEST:
        parser.error(f"at least {FEWEST} runs")
    config = load_config(asked.config, TrainConfig)
    backbone = Backbone.open(config.backbone)
    data = tokenize_pairs(load_split(config.data, "train").select(range(ROWS)), backbone.prompt, config.longest).rows
    vocabulary = vocabulary_of(data) if config.vocabulary == "seen" and not backbone.two_sided else None
    collate: Callable[[list[dict[str, Any]]], Batch] = backbone.collator
    picked = [rows for rows, _ in zip(TokenBudgetSampler(data, config.tokens_per_batch, config.seed), range(asked.batches), strict=False)]
    ours = [collate([data[i] for i in rows]) for rows in picked]
    shuffled = np.random.default_rng(config.seed).permutation([i for rows in picked for i in rows]).tolist()
    size = max(len(shuffled) // asked.batches, 1)
    theirs = [collate([data[i] for i in shuffled[first : first + size]]) for first in range(0, len(shuffled), size)]
    one = Stepper(backbone, config, vocabulary, ours=True)
    if asked.profile:
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
            one.step(ours[0])
        print(profile.key_averages().table(sort_by="self_cpu_time_total", row_limit=20, max_name_column_width=50))
        return
    other = Stepper(backbone, config, vocabulary, ours=False)
    seconds = race(lambda: one.run(ours), lambda: other.run(theirs), asked.runs)
    show(seconds, real_tokens(ours), ours, theirs)


def show(seconds: tuple[list[float], list[float]], tokens: int, ours: list[Batch], theirs: list[Batch]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("recipe", "real tokens/s", "padding", "ratio")
    for name, batches, side, ratio in (
        ("unspin", ours, seconds[0], interval(ratios(*seconds), ".2f")),
        ("stock", theirs, seconds[1], "1"),
    ):
        padded = sum(batch["attention_mask"].numel() for batch in batches)
        table.add_row(name, interval([tokens / s for s in side], ",.0f"), f"{1 - real_tokens(batches) / padded:.1%}", ratio)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
