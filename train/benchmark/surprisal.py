"""How surprised a checkpoint is by the originals: log probability of each token, given the spun text and the original before it.

Where two checkpoints of short runs differ too little for F0.5 to tell them apart, this does: every token counts, not only whole edits that came out
right. ``python -m unspin.train.benchmark.surprisal CONFIG [KEY=VALUE…]`` takes the config of `unspin evaluate` and prints a line a suite and tool:
nats a token and the share of tokens that are the likeliest, where the text was garbled and where it was not. For Gemma 3 checkpoints; a minute
for 200 texts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from unspin.data.config import load_config
from unspin.data.edits import align, original_spans
from unspin.infer.checkpoint import Checkpoint
from unspin.infer.gemma import Gemma, fast_dtype
from unspin.infer.prompt import Prompt
from unspin.train.benchmark import suites as texts
from unspin.train.benchmark.suites import Row, Suite
from unspin.train.config import EvalConfig


class Surprisal(NamedTuple):
    """Sums over tokens of originals, those of garbled places first: nats (negative), tokens, tokens that are the likeliest."""

    garbled_nats: float
    garbled: int
    garbled_hits: int
    sound_nats: float
    sound: int
    sound_hits: int

    def line(self) -> str:
        garbled, sound = max(self.garbled, 1), max(self.sound, 1)
        return (
            f"garbled: {self.garbled_nats / garbled:.3f} nats, {self.garbled_hits / garbled:.3f} likeliest of {self.garbled:,}; "
            f"sound: {self.sound_nats / sound:.4f} nats, {self.sound_hits / sound:.4f} likeliest of {self.sound:,}"
        )


def total(found: Sequence[Surprisal]) -> Surprisal:
    return Surprisal(*map(sum, zip(*found, strict=True)))


class Judge:
    """A checkpoint that reads originals. Probabilities are over the whole vocabulary, so that checkpoints taught different ids compare."""

    def __init__(self, checkpoint: str) -> None:
        folder = Checkpoint.open(checkpoint).merged(print)
        self._model = Gemma(folder, fast_dtype())
        self._prompt = Prompt.from_folder(folder)
        self._head = self._model.head(torch.arange(len(self._model.embeddings)))

    @torch.inference_mode()
    def read(self, row: Row) -> Surprisal:
        original = row.references[0]
        encoding = self._prompt.tokenizer.encode(f" {original}", add_special_tokens=False)
        before = self._prompt.source_ids(row.spun)
        ids = torch.tensor([[*before, *encoding.ids, self._prompt.eos]])
        width = ids.shape[1]
        hidden = self._model.forward(ids, torch.arange(width)[None], self._model.cache([ids[0].tolist()], width))[0]
        logits = torch.nn.functional.linear(hidden[len(before) - 1 : -1], self._head).float()
        targets = ids[0, len(before) :]
        nats = -torch.nn.functional.cross_entropy(logits, targets, reduction="none")
        hits = logits.argmax(1) == targets
        garbled = torch.tensor([*_in_spans(original_spans(align(row.spun, original)), encoding.offsets), False])
        sums = ((nats[where].sum().item(), int(where.sum()), int(hits[where].sum())) for where in (garbled, ~garbled))
        return Surprisal(*next(sums), *next(sums))


def _in_spans(spans: Sequence[tuple[int, int]], offsets: Sequence[tuple[int, int]]) -> Iterator[bool]:
    """Which tokens have a character in a span; offsets count from the space before the text."""
    for start, end in offsets:
        yield any(first < stop and start - 1 < stop and first < end - 1 for first, stop in spans)


def main(config: EvalConfig) -> Iterator[tuple[str, Surprisal]]:
    """Each suite, then each of its tools."""
    judge = Judge(config.checkpoint)
    for suite in (texts.make(suite, config.limit) for suite in config.suites):
        found = [judge.read(row) for row in suite.rows]
        parts: list[tuple[Suite, list[int]]] = [(suite, list(range(len(found)))), *suite.by_tool()]
        for part, numbers in parts:
            yield part.name, total([found[i] for i in numbers])


if __name__ == "__main__":
    for name, sums in main(load_config(Path(sys.argv[1]), EvalConfig, sys.argv[2:])):
        print(f"{name[:40]:40} {sums.line()}", flush=True)
