"""Copy-draft decoding: greedy decoding of restorations, with the spun sentence as the draft of its own restoration.

Most of an output is its input. One forward pass verifies many tokens of the source at once; after each token where the model disagrees, the
source is drafted on from where the output rejoins it (Ge et al. 2022, "Lossless acceleration for Seq2seq
generation with aggressive decoding", arXiv 2205.10350). The output is that of plain greedy decoding over the same vocabulary.
How much of the draft one pass verifies follows from how often the drafts of its rows have held: much where nothing is spun, little where every third
word is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor
from unspin.infer.gemma import Cache
from unspin.infer.prompt import Source

TOKENS_PER_BATCH = 6144  # of prompts and drafts; rows that are decoded together
FIRST_PASS = 768  # tokens of the rows that are read together: of like length, to pad little
PASS = 25  # tokens whose arithmetic takes as long as a pass takes for none (reading the weights, mostly)
HELD, DRAFTED = 9, 10  # what a row's drafts are taken to have done before its first
WIDTHS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
LOOK_AHEAD = 12  # how far on in the source an output token is looked for


@dataclass
class Output:
    """Generated ids (no end mark), the log probability of each, the end mark's last, and the second choice for each, (id, log probability)."""

    ids: list[int] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    seconds: list[tuple[int, float]] = field(default_factory=list)


class Model(Protocol):
    """What is decoded: `unspin.infer.gemma.Gemma` or `unspin.infer.t5.T5`. Its tensors are on `device`."""

    device: str

    def head(self, ids: Tensor) -> Tensor: ...

    def cache(self, encoded: Sequence[Sequence[int]], positions: int) -> Cache: ...

    def forward(self, ids: Tensor, positions: Tensor, cache: Cache) -> Tensor: ...


class Draft:
    """Where one row stands: what it has put out and which source tokens it expects next."""

    def __init__(self, source: Source, end: int, given: Sequence[int] = ()) -> None:
        self.source, self._end = source, end
        self.output = Output([*given], [0.0] * len(given), [(end, -math.inf)] * len(given))
        self.done = False
        self._seen = False  # whether prompt and given tokens are in the cache
        self._at = min(max(len(given) - 1, 0), len(source.ids))  # source index that the next output token stands for
        self._next = self._rejoined(given[-1]) if given else 0  # source index of the first drafted token
        self._held, self._drafted = HELD, DRAFTED
        self.expected: list[int] = []

    @property
    def rest(self) -> int:
        """Tokens of the draft that are left, the end mark with them."""
        return len(self.source.ids) + 1 - self._next

    @property
    def fresh(self) -> int:
        """Tokens of the next pass that are no draft."""
        return 1 if self._seen else len(self.source.prompt) + len(self.output.ids)

    def gain(self, width: int) -> float:
        """Tokens that a draft of so many is expected to put out: what holds and one more."""
        held = self._held / self._drafted
        return (1 - held ** min(width, self.rest)) / (1 - held)

    def feed(self, width: int) -> tuple[list[int], int]:
        """(tokens of the next pass, the position of the first): a draft of `width` tokens is verified."""
        self.expected = [*self.source.ids, self._end][self._next :][:width]
        if not self._seen:
            return [*self.source.prompt, *self.output.ids, *self.expected[:-1]], 0
        return [self.output.ids[-1], *self.expected[:-1]], len(self.source.prompt) + len(self.output.ids) - 1

    def take(self, choices: Sequence[int], log_probabilities: Sequence[float], seconds: Sequence[tuple[int, float]]) -> None:
        """Take up the model's choices, one for each expected token, as far as they follow one another."""
        self._seen = True
        matched = 0
        while matched < len(self.expected) and choices[matched] == self.expected[matched]:
            matched += 1
        taken = min(matched + 1, len(self.expected))
        self.output.ids += choices[:taken]
        self.output.log_probabilities += log_probabilities[:taken]
        self.output.seconds += seconds[:taken]
        if self.output.ids[-1] == self._end or len(self.output.ids) >= self.source.room:
            self.done = True
            self.output.ids = self.output.ids[: -1 if self.output.ids[-1] == self._end else self.source.room]
            return
        held = matched == len(self.expected)
        self._held += matched
        self._drafted += matched + (not held)
        self._at = self._next + matched if matched else self._at
        self._next = self._next + matched if held else self._rejoined(self.output.ids[-1])

    def _rejoined(self, token: int) -> int:
        """The source index to draft from after the model put `token` for ``source[_at]``: behind the same token, else the next word."""
        ids, opens = self.source.ids, self.source.opens_word
        for index in range(self._at, min(self._at + LOOK_AHEAD, len(ids))):
            if ids[index] == token:
                return index + 1
        return next((i for i in range(self._at + 1, len(ids)) if opens[i]), len(ids))


class CopyDecoder:
    """Decodes sentences. `vocabulary` are the ids an output may use beside those of its batch's sources."""

    def __init__(self, model: Model, end: int, vocabulary: Iterable[int], tokens_per_batch: int = TOKENS_PER_BATCH) -> None:
        self._model, self._end, self._tokens_per_batch = model, end, tokens_per_batch
        self._known = frozenset({*vocabulary, end})
        self._vocabulary = torch.tensor(sorted(self._known), device=model.device)
        self._head = model.head(self._vocabulary)

    def decode(self, sources: Sequence[Source], given: Sequence[Sequence[int]] | None = None) -> list[Output]:
        """One output a source, in order, each opening with the ids that are given; batches are formed by length."""
        outputs: dict[int, Output] = {}
        for batch in _batches(sources, self._tokens_per_batch):
            openings = [given[row] if given else () for row in batch]
            for row, output in zip(batch, self._decode([sources[row] for row in batch], openings), strict=True):
                outputs[row] = output
        return [outputs[row] for row in range(len(sources))]

    @torch.inference_mode()
    def likeliest(self, source: Source, given: Sequence[int], count: int) -> list[int]:
        """The likeliest ids to follow an opening, the likeliest first."""
        tokens = torch.tensor([[*source.prompt, *given]], device=self._model.device)
        vocabulary, head = self._with(iter(source.ids))
        positions = torch.arange(tokens.shape[1], device=self._model.device)[None]
        hidden = self._model.forward(tokens, positions, self._model.cache([source.encoded], tokens.shape[1]))
        return vocabulary[torch.nn.functional.linear(hidden[0, -1], head).topk(count).indices].tolist()

    def _decode(self, sources: Sequence[Source], given: Sequence[Sequence[int]]) -> list[Output]:
        rows = [Draft(source, self._end, opening) for source, opening in zip(sources, given, strict=True)]
        vocabulary, head = self._with(token for source in sources for token in source.ids)
        positions = max(len(source.prompt) + source.room for source in sources) + max(len(source.ids) for source in sources) + 2
        cache = self._model.cache([source.encoded for source in sources], positions)
        together = max(FIRST_PASS // max(row.fresh for row in rows), 1)
        for first in range(0, len(rows), together):
            some = slice(first, first + together)
            self._step(rows[some], cache.part(some), vocabulary, head)
        active: Sequence[Draft] = rows
        while active := _going(active, cache):
            self._step(active, cache, vocabulary, head)
        return [row.output for row in rows]

    @torch.inference_mode()
    def _step(self, rows: Sequence[Draft], cache: Cache, vocabulary: Tensor, head: Tensor) -> None:
        """One forward pass over every row's feed, and what each row makes of it."""
        drafted = _width(rows)
        feeds = [row.feed(drafted) for row in rows]
        width = max(len(tokens) for tokens, _ in feeds)
        device = self._model.device
        ids = torch.tensor([tokens + [0] * (width - len(tokens)) for tokens, _ in feeds], device=device)
        positions = torch.tensor([start for _, start in feeds], device=device)[:, None] + torch.arange(width, device=device)
        hidden = self._model.forward(ids, positions, cache)
        wanted = [slice(len(tokens) - len(row.expected), len(tokens)) for row, (tokens, _) in zip(rows, feeds, strict=True)]
        logits = torch.nn.functional.linear(torch.cat([hidden[i, span] for i, span in enumerate(wanted)]), head)
        where = logits.topk(2, dim=-1).indices
        best = logits.log_softmax(dim=-1).gather(1, where)  # on a CPU many times as fast as logsumexp
        choices, second_choices = vocabulary[where].T.tolist()
        log_probabilities = best[:, 0].tolist()
        seconds = list(zip(second_choices, best[:, 1].tolist(), strict=True))
        first = 0
        for row in rows:
            count = len(row.expected)
            here = slice(first, first + count)
            row.take(choices[here], log_probabilities[here], seconds[here])
            first += count

    def _with(self, tokens: Iterator[int]) -> tuple[Tensor, Tensor]:
        """The vocabulary and its head, with the sources' own tokens added: whatever stands there can be copied."""
        rare = sorted(set(tokens) - self._known)
        if not rare:
            return self._vocabulary, self._head
        extra = torch.tensor(rare, device=self._model.device)
        return torch.cat([self._vocabulary, extra]), torch.cat([self._head, self._model.head(extra)])


def _going(rows: Sequence[Draft], cache: Cache) -> Sequence[Draft]:
    """The rows that are not done; the cache keeps theirs."""
    going = [i for i, row in enumerate(rows) if not row.done]
    if len(going) == len(rows):
        return rows
    cache.keep(torch.tensor(going, dtype=torch.long, device=cache.layers[0][0].device))
    return [rows[i] for i in going]


def _width(rows: Sequence[Draft]) -> int:
    """How many tokens a row to verify in one pass: those for which it is expected to put out the most for its cost. Rows are padded to one width."""
    fresh, most = max(row.fresh for row in rows), max(row.rest for row in rows)
    widths = [width for width in WIDTHS if width < most] + [most]
    return max(widths, key=lambda width: sum(row.gain(width) for row in rows) / (PASS + len(rows) * (fresh + width - 1)))


def _batches(sources: Sequence[Source], budget: int) -> Iterator[list[int]]:
    """Row numbers of sources of like length whose first passes stay within the token budget."""
    batch: list[int] = []
    for row in sorted(range(len(sources)), key=lambda i: -len(sources[i].ids)):
        longest = sources[batch[0] if batch else row]
        width = len(longest.encoded) + len(longest.prompt) + len(longest.ids)
        if batch and width * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
