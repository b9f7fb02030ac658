"""How surprised a checkpoint is by the originals: the log probability of each token after the spun text and its prefix.

This tells checkpoints of short runs apart when their F0.5 is too close, since every token counts and not only the
edits that came out right. ``python -m unspin.evaluation.surprisal CONFIG [KEY=VALUE…]`` takes a config of
`unspin evaluate` and prints a line per suite and tool: nats per token, and the share of tokens that are the model's
first choice, for garbled and for sound text. Gemma 3 checkpoints only; 200 texts take about a minute.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from unspin.config import load_config
from unspin.edits import align, target_spans
from unspin.evaluation.config import EvalConfig
from unspin.evaluation.likelihood import hidden_states
from unspin.evaluation.suites import make_suite
from unspin.evaluation.suites.base import Row
from unspin.infer.models.base import fast_dtype
from unspin.infer.models.checkpoint import Checkpoint
from unspin.infer.models.gemma3 import Gemma3
from unspin.infer.models.prompt import Prompt


class Surprisal(NamedTuple):
    """Sums over the tokens of originals, garbled words apart from sound ones.

    `…_nats` are summed log probabilities (negative), `…_hits` count the tokens that are the model's first choice.
    """

    garbled_nats: float
    garbled: int
    garbled_hits: int
    sound_nats: float
    sound: int
    sound_hits: int

    def line(self) -> str:
        """The means as one line of text."""
        garbled, sound = max(self.garbled, 1), max(self.sound, 1)
        return (
            f"garbled: {self.garbled_nats / garbled:.3f} nats, {self.garbled_hits / garbled:.3f} first choice "
            f"of {self.garbled:,}; "
            f"sound: {self.sound_nats / sound:.4f} nats, {self.sound_hits / sound:.4f} first choice of {self.sound:,}"
        )


def sum_surprisals(sums: Sequence[Surprisal]) -> Surprisal:
    """Add the sums of several texts. There must be at least one."""
    return Surprisal(*map(sum, zip(*sums, strict=True)))


class SurprisalModel:
    """A checkpoint with its adapter merged in.

    Probabilities are normalised over the whole vocabulary, so that checkpoints trained on different token ids compare.
    """

    def __init__(self, checkpoint: str) -> None:
        folder = Checkpoint.open(checkpoint).merged_folder()
        self._model = Gemma3(folder, fast_dtype())
        self._prompt = Prompt.from_folder(folder)
        self._head = self._model.head(torch.arange(len(self._model.embeddings)))

    @torch.inference_mode()
    def measure(self, row: Row) -> Surprisal:
        """Score a row's first reference and its end token, given its spun text."""
        original = row.references[0]
        encoding = self._prompt.tokenizer.encode(f" {original}", add_special_tokens=False)
        prompt_ids = self._prompt.source_ids(row.spun)
        ids, hidden = hidden_states(self._model, [[*prompt_ids, *encoding.ids, self._prompt.eos]])
        logits = torch.nn.functional.linear(hidden[0, len(prompt_ids) - 1 : -1], self._head).float()
        targets = ids[0, len(prompt_ids) :]
        nats = -torch.nn.functional.cross_entropy(logits, targets, reduction="none")
        hits = logits.argmax(1) == targets
        garbled = torch.tensor([*_in_spans(target_spans(align(row.spun, original)), encoding.offsets), False])

        def sums(mask: torch.Tensor) -> tuple[float, int, int]:
            return nats[mask].sum().item(), int(mask.sum()), int(hits[mask].sum())

        return Surprisal(*sums(garbled), *sums(~garbled))


def _in_spans(spans: Sequence[tuple[int, int]], offsets: Sequence[tuple[int, int]]) -> Iterator[bool]:
    """Which tokens have a character in a span; token offsets count the space before the text, spans do not."""
    for start, end in offsets:
        yield any(first < stop and start - 1 < stop and first < end - 1 for first, stop in spans)


def main(config: EvalConfig) -> Iterator[tuple[str, Surprisal]]:
    """Yield (name, sums) for each suite and then for each of its tools."""
    model = SurprisalModel(config.checkpoint)
    for suite in (make_suite(definition, config.limit) for definition in config.suites):
        sums = [model.measure(row) for row in suite.rows]
        yield suite.name, sum_surprisals(sums)
        for part, indices in suite.by_tool():
            yield part.name, sum_surprisals([sums[i] for i in indices])


if __name__ == "__main__":
    from unspin.logs import log_to_terminal

    if len(sys.argv) < 2:
        sys.exit("usage: python -m unspin.evaluation.surprisal CONFIG [KEY=VALUE …]")
    log_to_terminal()
    for name, sums in main(load_config(Path(sys.argv[1]), EvalConfig, sys.argv[2:])):
        print(f"{name[:40]:40} {sums.line()}", flush=True)
