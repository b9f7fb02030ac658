"""The protocol of an engine, its output for one text, and what engines share. Importing it does not import torch."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from threading import RLock
from typing import Protocol

from unspin.infer.models.backbone import ModelError
from unspin.infer.models.checkpoint import Checkpoint
from unspin.infer.models.prompt import Prompt

MIN_RUNNER_UP_PROBABILITY = 0.05  # minimum probability for reporting a runner-up token


# Held while an engine runs, and while a process forks: no engine is copied in the middle of a call.
engine_lock = RLock()
os.register_at_fork(before=engine_lock.acquire, after_in_parent=engine_lock.release, after_in_child=engine_lock.release)


@dataclass(frozen=True)
class Rewriting:
    """An engine's output for one text, token by token.

    Token `i` ends before character ``ends[i]`` of `text`. `log_probabilities` holds one value per token, and one more
    for the end token if the model wrote it. `runner_ups` are the second most likely tokens, (text, probability), if the
    engine reports them; the text is empty if the probability is below `MIN_RUNNER_UP_PROBABILITY`.
    """

    text: str
    ends: tuple[int, ...]
    log_probabilities: tuple[float, ...]
    runner_ups: tuple[tuple[str, float], ...] = ()

    @classmethod
    def of(
        cls,
        prompt: Prompt,
        ids: Sequence[int],
        log_probabilities: Sequence[float],
        runner_ups: Sequence[tuple[int, float]] = (),
    ) -> Rewriting:
        """Decode token ids, given without the end token. `runner_ups` are (id, log probability), one per token."""
        text = prompt.decode(list(ids))
        ends = tuple(min(len(prompt.decode(list(ids[: i + 1]))), len(text)) for i in range(len(ids)))
        named = tuple(_named_runner_up(prompt, *runner_up) for runner_up in runner_ups[: len(ids)])
        return cls(text, ends, tuple(log_probabilities[: len(ids) + 1]), named)

    @classmethod
    def copy(
        cls,
        prompt: Prompt,
        text: str,
        log_probabilities: Sequence[float],
        runner_ups: Sequence[tuple[int, float]],
    ) -> Rewriting:
        """The text as its own rewriting, from the values of its tokens and of the end token, as `of` takes them."""
        ends = prompt.text_ends(text)
        named = tuple(_named_runner_up(prompt, *runner_up) for runner_up in runner_ups[: len(ends)])
        return cls(text, tuple(ends), tuple(log_probabilities), named)

    def log_probability(self, start: int, end: int) -> float:
        """The log probability of the tokens of characters ``start:end`` and of the next token, which ends an edit."""
        total = 0.0
        for i, log_probability in enumerate(self.log_probabilities):
            token_start = self.ends[i - 1] if i else 0
            token_end = self.ends[i] if i < len(self.ends) else len(self.text) + 1
            if token_end > start:
                total += log_probability
            if token_start >= end and token_end > end:
                break
        return total


def _named_runner_up(prompt: Prompt, token: int, log_probability: float) -> tuple[str, float]:
    probability = math.exp(log_probability)
    return (prompt.piece(token) if probability >= MIN_RUNNER_UP_PROBABILITY else ""), probability


class Engine(Protocol):
    """Rewrites texts with a loaded model."""

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        """One output per text, in order. A runaway output is cut short; the caller compares lengths."""
        ...

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        """Up to `count` outputs that begin with `opening` and differ in the next token, most likely token first.

        Their log probabilities may be placeholders.
        """
        ...

    def copies(self, sentences: Sequence[str]) -> list[Rewriting]:
        """Each text as its own rewriting: the log probabilities of its tokens, and what else the model would write.

        The runner-up of a token is the most likely other one. Cheaper than `rewrite`, since nothing is decoded.
        """
        ...

    def log_ratios(self, sentences: Sequence[str], texts: Sequence[str]) -> list[float]:
        """How much better each text reads than its sentence: the logarithm of the ratio of their probabilities.

        A decoder-only model does not see the sentence, since it would prefer a copy. An encoder-decoder model writes
        both texts for the sentence.
        """
        ...


class LoadableEngine(Engine, Protocol):
    """An engine that `unspin.infer.engines.load_engine` can load.

    `process` is the id of the only process that can use the engine, since a fork copies neither its threads nor the
    memory of a GPU; None: processes that are forked from it can use it too.
    """

    process: int | None = None

    def check_process(self) -> None:
        """Raise `ModelError` if this process was forked from the only one that can use the engine."""
        if self.process not in (None, os.getpid()):
            raise ModelError(
                f"{type(self).__name__} was used before this process was forked, and does not work in it: "
                'start workers with the method "spawn", or load the model in the workers only'
            )

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: str = "cpu") -> LoadableEngine:
        """Load the model of a checkpoint on a device.

        Raises `ModelError` if the device cannot be used (see `check_device`) or the engine cannot run the model.
        """
        ...


def check_device(device: str) -> None:
    """Check that torch can put a tensor on a device; "cpu" always passes. Raises `ModelError` otherwise."""
    if device == "cpu":
        return
    import torch

    try:
        if torch.device(device).type == "cpu":  # "cpu:0", which not every library accepts
            raise RuntimeError
        torch.ones(1, device=device).item()  # the device "meta" holds tensors, but no values
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        if "forked" in str(error):  # CUDA cannot be used after a fork
            raise ModelError(f'device {device!r} cannot be used here: start workers with the method "spawn"') from None
        has_gpu = torch.cuda.is_available()
        gpu = f"cuda with {torch.cuda.get_device_name()}" if has_gpu else "no GPU that torch can see"
        raise ModelError(f"device {device!r} cannot be used: this machine has cpu, and {gpu}") from None


@cache
def _use_one_thread_after_fork() -> None:
    """Let torch run on one thread in all processes that are forked from now on.

    A forked process has none of the threads of OpenMP, and would wait for them forever.
    """
    import torch

    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


def process_of(device: str) -> int | None:
    """The `process` of an engine that runs on a torch device; prepares torch for forks."""
    _use_one_thread_after_fork()
    return None if device == "cpu" else os.getpid()


def ratios_of_scores(
    sentences: Sequence[str], texts: Sequence[str], score: Callable[[Sequence[tuple[str, str]]], Iterable[float]]
) -> list[float]:
    """The result of `Engine.log_ratios`, from a function that scores (sentence, text) pairs; each is scored once."""
    pairs = list(zip(sentences, texts, strict=True))
    distinct = list(dict.fromkeys([*((sentence, sentence) for sentence in sentences), *pairs]))
    scores = dict(zip(distinct, score(distinct), strict=True))
    return [scores[sentence, text] - scores[sentence, sentence] for sentence, text in pairs]


def length_batches(sources: Sequence[Sequence[int]], size: int) -> Iterator[list[int]]:
    """Row indices in batches of up to `size` rows of similar length, shortest first."""
    order = sorted(range(len(sources)), key=lambda i: len(sources[i]))
    for start in range(0, len(order), size):
        yield order[start : start + size]


def truncate_at_end(ids: list[int], end: int, max_tokens: int) -> list[int]:
    """The first `max_tokens` ids, cut before the first end token."""
    ids = ids[:max_tokens]
    return ids[: ids.index(end)] if end in ids else ids
