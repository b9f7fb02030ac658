"""Engines: what turns spun sentences into restored ones. One interface, three implementations.

`draft`, the default, decodes Gemma 3 and T5 with the source as draft and loads torch alone; `generating` runs any backbone on any device;
`int8` runs CTranslate2 and loads neither torch nor transformers. All decode greedily, stop at the end mark or where an output outgrows its
source, and give the log probability of each token.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from unspin.infer.checkpoint import Checkpoint
from unspin.infer.default_model import ModelError
from unspin.infer.prompt import Prompt

ENGINES = ("draft", "ctranslate2", "transformers")
HESITATION = 0.05  # the least doubt about a word, and the least probability of a second choice, that is told


@dataclass(frozen=True)
class Rewriting:
    """An engine's output for a sentence: where each token ends in `text`, and the log probability of each, the end mark's last.

    `seconds` are the second choices for each token, (text, probability), where the engine knows them; an unlikely one has no text.
    """

    text: str
    ends: tuple[int, ...]
    log_probabilities: tuple[float, ...]
    seconds: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(cls, prompt: Prompt, ids: Sequence[int], log_probabilities: Sequence[float], seconds: Sequence[tuple[int, float]] = ()) -> Rewriting:
        text = prompt.decode(list(ids))
        ends = tuple(min(len(prompt.decode(list(ids[: i + 1]))), len(text)) for i in range(len(ids)))
        chances = [(token, math.exp(log_probability)) for token, log_probability in seconds[: len(ids)]]
        pieces = tuple((prompt.piece(token) if chance >= HESITATION else "", chance) for token, chance in chances)
        return cls(text, ends, tuple(log_probabilities[: len(ids) + 1]), pieces)

    def log_probability(self, start: int, end: int) -> float:
        """Of characters ``start:end`` and the token that follows them: what an edit says and that it ends there."""
        total = 0.0
        for i, log_probability in enumerate(self.log_probabilities):
            opens = self.ends[i - 1] if i else 0
            closes = self.ends[i] if i < len(self.ends) else len(self.text) + 1
            if closes > start:
                total += log_probability
            if opens >= end and closes > end:
                break
        return total


class Engine(Protocol):
    """Rewrites sentences."""

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        """One output a sentence, in order. An output that ran away is cut short: the caller compares lengths."""
        ...

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        """Outputs that begin with `opening`, part ways in the token behind it, and go on as the model likes; the likeliest first."""
        ...


def load_engine(name: str, checkpoint: Checkpoint, report: Callable[[str], None], device: str = "cpu", threads: int = 0) -> Engine:
    """Make an engine ready. `threads` 0 takes all cores. Raises `ModelError` for a device that is not there or that the engine does not run on."""
    if name == "ctranslate2" and device != "cpu":
        raise ModelError(f"the ctranslate2 engine runs on the CPU: leave --device {device} out, or take --engine draft")
    if device != "cpu":
        check_device(device)
    if name == "draft":
        from unspin.infer.draft import DraftEngine

        return DraftEngine(checkpoint, report, device)
    if name == "ctranslate2":
        from unspin.infer.int8 import CTranslate2Engine

        return CTranslate2Engine(checkpoint, report, threads)
    if name == "transformers":
        from unspin.infer.generating import TransformersEngine

        return TransformersEngine.open(checkpoint, report, device)
    raise ValueError(f"engine {name!r}: there are {', '.join(ENGINES)}")


def check_device(device: str) -> None:
    """Raises `ModelError` unless torch can put a tensor there."""
    import torch

    try:
        if torch.device(device).type == "cpu":  # "cpu:0", which not every library knows
            raise RuntimeError
        torch.ones(1, device=device).item()  # the device "meta" makes tensors, but none with a value
    except (RuntimeError, AssertionError, NotImplementedError, ImportError):
        there = f"cpu, and cuda with {torch.cuda.get_device_name()}" if torch.cuda.is_available() else "cpu, and no GPU that this torch sees"
        raise ModelError(f"device {device!r} cannot be used: here there is {there}") from None


def by_length(sources: Sequence[Sequence[int]], size: int) -> Iterator[list[int]]:
    """Row numbers in batches of like length, the longest of each batch last."""
    order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
    for start in range(0, len(order), size):
        yield order[start : start + size]


def cut(ids: list[int], end: int, room: int) -> list[int]:
    ids = ids[:room]
    return ids[: ids.index(end)] if end in ids else ids
