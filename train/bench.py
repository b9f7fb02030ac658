"""Time training: ``python -m unspin.train.bench CONFIG [KEY=VALUE …]`` sets this trainer's steps against those of the stock recipe.

The stock recipe is what the transformers examples do: random batches of as many rows, each padded to its longest, logits over the whole
vocabulary at every position. Both sides have the same rows, model, adapter, precision and machine; one run of either takes the same
real (unpadded) tokens. How runs are set against one another: `unspin.data.timing`. With ``--alone`` there is no other side, with ``--profile`` it
shows where a step's time goes. Uses the GPU where there is one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from unspin.data.config import load_config
from unspin.data.timing import FEWEST, interval, race, ratios
from unspin.infer.bench import limits
from unspin.train.backbones import Backbone, bare, resolve_precision, restrict_loss
from unspin.train.batches import IGNORED, Batch, Rows, TokenBudgetSampler, split_files
from unspin.train.config import TrainConfig
from unspin.train.finetune import vocabulary_for
from unspin.train.progress import GB, memory
from unspin.train.tokens import tokenize

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


class Stepper:
    """A model with its optimizer, one side of the race."""

    def __init__(self, backbone: Backbone, config: TrainConfig, vocabulary: list[int] | None, ours: bool) -> None:
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model = backbone.load(config).train()
        if ours:
            restrict_loss(bare(self.model), vocabulary)
        self.model.to(self._device)
        self._optimizer = torch.optim.AdamW([p for p in self.model.parameters() if p.requires_grad], lr=1e-5, fused=True)
        self._dtype = DTYPES[resolve_precision(config.precision)]

    def run(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            self.loss(batch).backward()
            self._optimizer.step()
            self._optimizer.zero_grad()
        if self._device == "cuda":
            torch.cuda.synchronize()

    def loss(self, batch: Batch) -> Tensor:
        with torch.autocast(self._device, self._dtype, enabled=self._dtype != torch.float32):
            return self.model(**{name: tensor.to(self._device, non_blocking=True) for name, tensor in batch.items()}).loss


def stock(batch: Batch, lengths: Tensor) -> Batch:
    """A batch as the stock recipe has it: with an attention mask, and without the positions of the targets."""
    mask = (torch.arange(batch["input_ids"].shape[1]) < lengths[:, None]).long()
    return {"attention_mask": mask} | {name: tensor for name, tensor in batch.items() if name != "positions"}


def operations(model: nn.Module, read: int, written: int) -> float:
    """Multiplications and additions that a step's matrix products take for its real tokens.

    They are 2 a weight forward, 2 back to its input, and 2 for its own gradient where it is trained. An encoder works on the tokens that are read, a
    decoder beside it on those that are written, a decoder alone on both; the output layer on those that are written. Attention itself is left out.
    """
    output = bare(model).get_output_embeddings().weight
    kept = getattr(bare(model), "_kept_ids", None)
    total = (6 if output.requires_grad else 4) * (len(output) if kept is None else len(kept)) * output.shape[1] * written
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and module.weight is not output:
            tokens = read + written if not bare(model).config.is_encoder_decoder else read if ".encoder." in name else written
            total += (6 if module.weight.requires_grad else 4) * module.weight.numel() * tokens
    return float(total)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m unspin.train.bench", description="Time this trainer against the stock recipe.")
    parser.add_argument("config", type=Path)
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE")
    parser.add_argument("--runs", type=int, default=FEWEST)
    parser.add_argument("--batches", type=int, default=4, help="batches of ours in a run; theirs hold as many rows")
    parser.add_argument("--alone", action="store_true", help="time ours alone, with its share of what the device can multiply")
    parser.add_argument("--profile", action="store_true", help="show where a step of ours spends its time, and stop")
    asked = parser.parse_intermixed_args()
    if asked.runs < FEWEST:
        parser.error(f"at least {FEWEST} runs")
    config = load_config(asked.config, TrainConfig, asked.overrides)
    backbone = Backbone.open(config.backbone)
    data = tokenize(split_files(config.data, "train"), backbone.prompt, config.longest, config.over_long).rows
    rows, collate = Rows(data), backbone.collator
    lengths = data.with_format("numpy")["length"][:]
    picked = list(islice(TokenBudgetSampler(data, config.tokens_per_batch, config.seed), asked.batches))
    ours = [collate(rows.__getitems__(batch)) for batch in picked]
    tokens = int(sum(lengths[batch].sum() for batch in picked))
    written = sum(int((batch["labels"] != IGNORED).sum()) for batch in ours)
    one = Stepper(backbone, config, vocabulary_for(config, backbone, data), ours=True)
    print(torch.cuda.get_device_name() if torch.cuda.is_available() else f"{torch.get_num_threads()} threads of a processor")
    if asked.profile:
        one.run(ours[:1])
        with torch.profiler.profile() as profile:
            one.run(ours[:1])
        by = f"self_{'cuda' if torch.cuda.is_available() else 'cpu'}_time_total"
        print(profile.key_averages().table(sort_by=by, row_limit=20, max_name_column_width=50))
        return
    if asked.alone:
        one.run(ours)
        seconds = [_timed(one, ours) for _ in range(asked.runs)]
        precision = resolve_precision(config.precision)
        rate = next(value for name, value in limits("cuda" if torch.cuda.is_available() else "cpu").items() if name.startswith(_name(precision)))
        shares = [operations(one.model, tokens - written, written) / s / 1e9 / rate for s in seconds]
        print(f"{interval([tokens / s for s in seconds], ',.0f')} real tokens a second in {precision}, batches of {config.tokens_per_batch:,}")
        print(f"{interval(shares, '.0%')} of the {rate:,.0f} GFLOP/s that its matrix products reach; {memory() / GB:.1f} GB")
        return
    shuffled = np.random.default_rng(config.seed).permutation(np.concatenate(picked))
    parts = np.array_split(shuffled, asked.batches)
    source_lengths = lengths if not backbone.two_sided else np.array([len(ids) for ids in data["source"]])
    theirs = [stock(collate(rows.__getitems__(part.tolist())), torch.from_numpy(source_lengths[part])) for part in parts]
    other = Stepper(backbone, config, None, ours=False)
    show(race(lambda: one.run(ours), lambda: other.run(theirs), asked.runs), tokens, ours, theirs)


def _name(precision: str) -> str:
    return str(DTYPES[precision]).removeprefix("torch.")


def _timed(stepper: Stepper, batches: Sequence[Batch]) -> float:
    start = time.perf_counter()
    stepper.run(batches)
    return time.perf_counter() - start


def show(seconds: tuple[list[float], list[float]], tokens: int, ours: list[Batch], theirs: list[Batch]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("recipe", "real tokens/s", "padding", "ratio")
    for name, batches, side, ratio in (
        ("unspin", ours, seconds[0], interval(ratios(*seconds), ".2f")),
        ("stock", theirs, seconds[1], "1"),
    ):
        padded = sum(batch["input_ids"].numel() + (0 if "positions" in ours[0] else batch["labels"].numel()) for batch in batches)
        table.add_row(name, interval([tokens / s for s in side], ",.0f"), f"{1 - tokens / padded:.1%}", ratio)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
