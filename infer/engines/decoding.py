"""Copy-draft decoding: greedy decoding of restorations, with the spun sentence as the draft of its own restoration.

Most of an output is its input. So one forward pass verifies many source tokens at once; after each token where the
model disagrees, drafting resumes where the output rejoins the source (Ge et al. 2022, "Lossless acceleration for
Seq2seq generation with aggressive decoding", arXiv 2205.10350). The output is that of plain greedy decoding over the
same vocabulary; one that has nothing to do with its source any more is cut short. How many tokens a pass verifies
follows from how many drafted tokens were accepted so far: many in clean text, few where every third word is spun.
"""

from __future__ import annotations

import math
from collections import ChainMap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import torch
from torch import Tensor
from torch.nn import functional as F
from unspin.infer.models.base import ROW_BLOCK, SUM_BLOCK, DecodingModel, KeyValueCache, PackedTokens, round_up
from unspin.infer.models.prompt import Source

TOKENS_PER_BATCH = 6144  # tokens of prompts and sources that are decoded together
TOKENS_PER_PROMPT_PASS = 768  # tokens of prompts read in one pass: few, so that rows are alike and padding is short
PASS_COST = 25  # fixed cost of a forward pass, in tokens: reading the weights takes as long as computing this many
PRIOR_ACCEPTED, PRIOR_DRAFTED = 9, 10  # prior: nine of ten drafted tokens accepted
DRAFT_LENGTHS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)  # tokens a pass may verify per row
MAX_ASTRAY = 32  # tokens that an output may differ from its source beyond those that it shares with it
REJOIN_WINDOW = 12  # source tokens searched for the one that the output rejoins at


@dataclass
class Output:
    """Generated ids, without the end token.

    `log_probabilities` holds one value per id, and one more for the end token if the model wrote it. `runner_ups` are
    the second most likely tokens in the same places, (id, log probability).
    """

    ids: list[int] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    runner_ups: list[tuple[int, float]] = field(default_factory=list)


class DraftedRow:
    """The state of one row of a batch: its output so far, and the source tokens drafted next."""

    def __init__(self, source: Source, end: int, prefix: Sequence[int] = ()) -> None:
        """`end` is the id of the end token, `prefix` the ids that the output must begin with."""
        self.source, self._end = source, end
        self.output = Output([*prefix], [0.0] * len(prefix), [(end, -math.inf)] * len(prefix))
        self.done = False
        self.draft: list[int] = []  # source tokens that the current pass verifies
        self._is_cached = False  # whether prompt and prefix are in the key-value cache
        self._position = min(max(len(prefix) - 1, 0), len(source.ids))  # source index of the next output token
        self._draft_start = self._rejoin_index(prefix[-1]) if prefix else 0  # source index of the first drafted token
        self._accepted, self._drafted = PRIOR_ACCEPTED, PRIOR_DRAFTED
        self._astray = 0  # tokens that differ from the draft, less those that were accepted since

    @property
    def remaining(self) -> int:
        """The number of tokens left to draft, including the end token."""
        return len(self.source.ids) + 1 - self._draft_start

    @property
    def undrafted(self) -> int:
        """The number of tokens in the next pass that are not drafted: prompt and prefix in the first pass, then one."""
        return 1 if self._is_cached else len(self.source.prompt) + len(self.output.ids)

    def expected_output(self, length: int) -> float:
        """The expected number of output tokens of a pass with a draft of `length` tokens.

        With acceptance rate r and n drafted tokens, it is the sum of 1, r, ..., r^(n-1).
        """
        rate = self._accepted / self._drafted
        return (1 - rate ** min(length, self.remaining)) / (1 - rate)

    def next_input(self, length: int) -> tuple[list[int], int]:
        """Draft up to `length` tokens; returns the input of the pass that verifies them, and its first position."""
        self.draft = [*self.source.ids, self._end][self._draft_start :][:length]
        if not self._is_cached:
            return [*self.source.prompt, *self.output.ids, *self.draft[:-1]], 0
        return [self.output.ids[-1], *self.draft[:-1]], len(self.source.prompt) + len(self.output.ids) - 1

    def accept(
        self, choices: Sequence[int], log_probabilities: Sequence[float], runner_ups: Sequence[tuple[int, float]]
    ) -> None:
        """Append the model's choices to the output, up to and including the first that differs from the draft.

        All arguments hold one value per drafted token; `runner_ups` are (id, log probability).
        """
        self._is_cached = True
        matched = 0
        while matched < len(self.draft) and choices[matched] == self.draft[matched]:
            matched += 1
        taken = min(matched + 1, len(self.draft))
        self.output.ids += choices[:taken]
        self.output.log_probabilities += log_probabilities[:taken]
        self.output.runner_ups += runner_ups[:taken]
        self._astray = max(self._astray - matched, 0) + (matched < len(self.draft))
        is_complete = self.output.ids[-1] == self._end or len(self.output.ids) >= self.source.max_output_tokens
        if is_complete or self._astray > MAX_ASTRAY:
            self._finish()
        else:
            self._advance(matched)

    def _finish(self) -> None:
        """Cut the output at the limit, wherever the last draft ended, and drop the end token."""
        self.done = True
        for values in (self.output.ids, self.output.log_probabilities, self.output.runner_ups):
            del values[self.source.max_output_tokens :]
        if self.output.ids[-1] == self._end:
            self.output.ids.pop()

    def _advance(self, matched: int) -> None:
        """Advance in the source after a pass that accepted `matched` drafted tokens."""
        all_matched = matched == len(self.draft)
        self._accepted += matched
        self._drafted += matched + (not all_matched)
        self._position = self._draft_start + matched if matched else self._position
        self._draft_start = self._draft_start + matched if all_matched else self._rejoin_index(self.output.ids[-1])

    def _rejoin_index(self, token: int) -> int:
        """The source index to draft from after the output `token`: after the same token, else at the next word."""
        ids, opens_word = self.source.ids, self.source.opens_word
        for index in range(self._position, min(self._position + REJOIN_WINDOW, len(ids))):
            if ids[index] == token:
                return index + 1
        return next((i for i in range(self._position + 1, len(ids)) if opens_word[i]), len(ids))


class CopyDecoder:
    """Decodes sentences greedily, each over a vocabulary that is extended by the ids of its source.

    An output does not depend, in any bit, on the other sources, their order or the sizes of batches; nor on the number
    of threads, if it is a power of two (see `unspin.infer.models.base`).
    """

    def __init__(
        self, model: DecodingModel, end: int, vocabulary: Iterable[int], tokens_per_batch: int = TOKENS_PER_BATCH
    ) -> None:
        """`end` is the id of the end token, `vocabulary` the ids that any output may use."""
        self._model, self._end, self.tokens_per_batch = model, end, tokens_per_batch
        known = sorted({*vocabulary, end})
        self._columns = {token: column for column, token in enumerate(known)}  # of the logits
        self._vocabulary = torch.tensor(known, device=model.device)
        self._head = model.head(self._vocabulary)

    def decode(self, sources: Sequence[Source], prefixes: Sequence[Sequence[int]] | None = None) -> list[Output]:
        """One output per source, in order, each beginning with its prefix. Sources of similar length share a batch."""
        outputs: dict[int, Output] = {}
        for batch in _batches(sources, self.tokens_per_batch):
            rows = [DraftedRow(sources[i], self._end, prefixes[i] if prefixes else ()) for i in batch]
            self._decode(rows)
            outputs.update(zip(batch, (row.output for row in rows), strict=True))
        return [outputs[i] for i in range(len(sources))]

    @torch.inference_mode()
    def likeliest_next(self, source: Source, prefix: Sequence[int], count: int) -> list[int]:
        """The `count` most likely ids to follow a prefix, most likely first."""
        ids = [*source.prompt, *prefix]
        tokens = PackedTokens.of([(ids, 0)], self._model.device)
        hidden = self._model.forward(tokens, self._model.cache([source.encoded], len(ids)))
        choices, _ = self._likeliest(hidden[[len(ids) - 1]], [source], [1], count)
        return choices[0].tolist()

    def read(self, sources: Sequence[Source]) -> list[Output]:
        """For each source, its own ids as an output, read in one forward pass: nothing is decoded.

        The runner-up in each place is the most likely other token.
        """
        outputs: dict[int, Output] = {}
        for batch in _batches(sources, self.tokens_per_batch):
            outputs.update(zip(batch, self._read([sources[i] for i in batch]), strict=True))
        return [outputs[i] for i in range(len(sources))]

    @torch.inference_mode()
    def _read(self, sources: Sequence[Source]) -> list[Output]:
        rows = [[*source.prompt, *source.ids] for source in sources]
        tokens = PackedTokens.of([(ids, 0) for ids in rows], self._model.device)
        cache = self._model.cache([source.encoded for source in sources], max(map(len, rows)))
        hidden = self._model.forward(tokens, cache)
        outputs = []
        for source, end in zip(sources, accumulate(map(len, rows)), strict=True):
            states = hidden[end - len(source.ids) - 1 : end]
            padded = torch.cat([states, states[-1:].expand(-len(states) % ROW_BLOCK, -1)])
            rare = sorted(set(source.ids) - self._columns.keys())
            rare_ids = torch.tensor(rare, dtype=torch.long, device=hidden.device)
            rare_head = self._model.head(rare_ids)
            logits = torch.cat([F.linear(padded, self._head), F.linear(padded, rare_head)], 1)[: len(states)].float()
            columns = ChainMap(self._columns, {token: len(self._head) + i for i, token in enumerate(rare)})
            targets = torch.tensor([columns[token] for token in (*source.ids, self._end)], device=hidden.device)
            all_scores = logits.log_softmax(1)
            scores = all_scores.gather(1, targets[:, None])[:, 0]
            other_scores, others = all_scores.scatter(1, targets[:, None], -math.inf).max(1)
            other_ids = torch.cat([self._vocabulary, rare_ids])[others]
            runner_ups = list(zip(other_ids.tolist(), other_scores.tolist(), strict=True))
            outputs.append(Output([*source.ids], scores.tolist(), runner_ups))
        return outputs

    def _decode(self, rows: Sequence[DraftedRow]) -> None:
        """Decode all rows to the end."""
        sources = [row.source for row in rows]
        longest_output = max(len(source.prompt) + source.max_output_tokens for source in sources)
        longest_draft = max(len(source.ids) for source in sources)
        cache = self._model.cache([source.encoded for source in sources], longest_output + longest_draft + 2)
        group_size = max(TOKENS_PER_PROMPT_PASS // max(row.undrafted for row in rows), 1)
        for first in range(0, len(rows), group_size):
            group = slice(first, first + group_size)
            self._step(rows[group], cache.view_rows(group))
        while rows := _unfinished(rows, cache):
            self._step(rows, cache)

    @torch.inference_mode()
    def _step(self, rows: Sequence[DraftedRow], cache: KeyValueCache) -> None:
        """One forward pass that verifies a draft of every row."""
        length = _best_draft_length(rows)
        inputs = [row.next_input(length) for row in rows]
        hidden = self._model.forward(PackedTokens.of(inputs, self._model.device), cache)
        ends = accumulate(len(ids) for ids, _ in inputs)
        drafted = [i for end, row in zip(ends, rows, strict=True) for i in range(end - len(row.draft), end)]
        sources, counts = [row.source for row in rows], [len(row.draft) for row in rows]
        ids, log_probabilities = (values.T.tolist() for values in self._likeliest(hidden[drafted], sources, counts, 2))
        runner_ups = list(zip(ids[1], log_probabilities[1], strict=True))
        first = 0
        for row in rows:
            span = slice(first, first + len(row.draft))
            row.accept(ids[0][span], log_probabilities[0][span], runner_ups[span])
            first = span.stop

    def _likeliest(
        self, hidden: Tensor, sources: Sequence[Source], lengths: Sequence[int], count: int
    ) -> tuple[Tensor, Tensor]:
        """The `count` most likely ids after each hidden state, and their log probabilities: both [states, count].

        Source `i` has ``lengths[i]`` of the hidden states. Ids of a source that are not in the vocabulary are scored
        apart, so that no sum over the vocabulary depends on other sources.
        """
        padded = torch.cat([hidden, hidden[-1:].expand(-len(hidden) % ROW_BLOCK, -1)])
        logits = F.linear(padded, self._head)[: len(hidden)]
        best = logits.topk(count, dim=-1).indices
        log_probabilities = logits.log_softmax(dim=-1).gather(1, best).float()  # on a CPU much faster than logsumexp
        rare = [sorted(set(source.ids) - self._columns.keys()) for source in sources]
        if not any(rare):
            return self._vocabulary[best], log_probabilities
        log_total = logits.gather(1, best[:, :1]).float() - log_probabilities[:, :1]  # of all exponentials
        width = round_up(1 + max(map(len, rare)), SUM_BLOCK) - 1  # the total is the first of the terms
        table = [ids + [self._end] * (width - len(ids)) for ids in rare]
        repeats = torch.tensor(lengths, device=hidden.device)
        rare_ids = torch.tensor(table, device=hidden.device).repeat_interleave(repeats, 0)
        distinct, columns = rare_ids.unique(return_inverse=True)
        distinct = torch.cat([distinct, distinct[-1:].expand(-len(distinct) % SUM_BLOCK)])
        rare_logits = F.linear(padded, self._model.head(distinct))[: len(hidden)].gather(1, columns).float()
        rare_logits = rare_logits.masked_fill(rare_ids == self._end, -math.inf)
        shares = torch.cat([log_total, rare_logits], 1).log_softmax(dim=-1)
        scores = torch.cat([log_probabilities + shares[:, :1], shares[:, 1:]], 1)
        ids = torch.cat([self._vocabulary[best], rare_ids], 1)
        ranked, order = scores.sort(dim=-1, descending=True, stable=True)
        return ids.gather(1, order[:, :count]), ranked[:, :count]


def _unfinished(rows: Sequence[DraftedRow], cache: KeyValueCache) -> Sequence[DraftedRow]:
    """The rows that are not done; all others are dropped from the cache."""
    unfinished = [i for i, row in enumerate(rows) if not row.done]
    if len(unfinished) == len(rows):
        return rows
    cache.keep_rows(torch.tensor(unfinished, dtype=torch.long, device=cache.layers[0][0].device))
    return [rows[i] for i in unfinished]


def _best_draft_length(rows: Sequence[DraftedRow]) -> int:
    """The draft length, in tokens per row, with the most expected output for the cost of the pass.

    One length for all rows, so that each has few queries to lay out beside those of the longest.
    """
    undrafted, remaining = sum(row.undrafted for row in rows), max(row.remaining for row in rows)

    def output_per_cost(length: int) -> float:
        cost = PASS_COST + undrafted + sum(min(length, row.remaining) - 1 for row in rows)
        return sum(row.expected_output(length) for row in rows) / cost

    lengths = [length for length in DRAFT_LENGTHS if length < remaining] + [remaining]
    return max(lengths, key=output_per_cost)


def _batches(sources: Sequence[Source], budget: int) -> Iterator[list[int]]:
    """Indices of sources in batches of similar length, longest first, each within the token budget."""
    batch: list[int] = []
    for index in sorted(range(len(sources)), key=lambda i: -len(sources[i].ids)):
        longest = sources[batch[0] if batch else index]
        width = len(longest.encoded) + len(longest.prompt) + len(longest.ids)
        if batch and width * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
