"""What a model's output proposes for the sentences it was shown.

An output is aligned with its source. Each difference becomes a `Proposal` with the model's probability; each word that
the model kept without being sure becomes an `UncertainWord`. An output that cannot be a restoration (empty, truncated
or runaway) is rejected as a whole. `unspin.infer.voting` weighs proposals against each other.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat

from unspin.edits import Edit, align, apply, target_spans
from unspin.infer.engines.base import Rewriting
from unspin.segment import words

MIN_DOUBT = 0.05  # minimum probability of all other tokens together for a kept word to count as uncertain
_STRAIGHT_QUOTES = str.maketrans("‘’“”", "''\"\"")


@dataclass(frozen=True)
class Proposal:
    """An edit that the model's output makes, and the model's probability of it."""

    edit: Edit
    probability: float

    def size(self, source: str) -> int:
        """The number of words the edit touches: the larger of words removed and words inserted; at least 1."""
        return max(len(words(source[self.edit.start : self.edit.end])), len(words(self.edit.replacement)), 1)


@dataclass(frozen=True)
class PhraseProposal:
    """An edit that a phrase table makes, and how much better the model finds the sentence with it.

    `log_ratio` is that of `Engine.log_ratios`. `keeps_facts` says whether the edit, by itself, changes no fact.
    """

    edit: Edit
    log_ratio: float
    keeps_facts: bool = True


@dataclass(frozen=True)
class UncertainWord:
    """A word of the sentence, starting at character `start`, that the model kept without being sure of it.

    `doubt` is the probability that the model gave to all other tokens. `runner_up` is the beginning of the word that it
    would have written instead, in lower case; it is empty if the runner-up token does not begin a word or the engine
    does not report runner-ups.
    """

    start: int
    doubt: float
    runner_up: str = ""
    runner_up_probability: float = 0.0


@dataclass(frozen=True)
class SentenceProposals:
    """The edits proposed for one sentence, sorted and without overlaps, and the kept words the model was unsure of.

    `rejected` is true if the output cannot be a restoration of the sentence; then there are neither edits nor uncertain
    words.
    """

    edits: tuple[Proposal, ...] = ()
    uncertain_words: tuple[UncertainWord, ...] = ()
    rejected: bool = False


REJECTED = SentenceProposals(rejected=True)


def split_output(sentences: Sequence[str], output: Rewriting) -> list[SentenceProposals]:
    """Divide the proposals for a passage, its sentences joined by spaces, among the sentences.

    Edits that cross a sentence boundary are dropped, so sentences are not merged. A sentence is rejected if its edits
    would leave fewer than half as many words, or more than twice as many plus two. If the output cannot be a
    restoration of the passage, all sentences are rejected.
    """
    passage = propose_edits(" ".join(sentences), output)
    if passage.rejected:
        return [REJECTED] * len(sentences)
    parts = []
    start = 0
    for sentence in sentences:
        parts.append(_part_of(passage, sentence, start))
        start += len(sentence) + 1
    return parts


def _part_of(passage: SentenceProposals, sentence: str, start: int) -> SentenceProposals:
    """The proposals for one sentence of a passage, which starts at character `start`, in the sentence's own offsets."""
    end = start + len(sentence)
    edits = tuple(_shifted(p, -start) for p in passage.edits if start <= p.edit.start and p.edit.end <= end)
    if not _similar_length(sentence, apply(sentence, [p.edit for p in edits])):
        return REJECTED
    uncertain = (replace(w, start=w.start - start) for w in passage.uncertain_words if start <= w.start < end)
    return SentenceProposals(edits, tuple(uncertain))


def propose_edits(source: str, output: Rewriting) -> SentenceProposals:
    """The edits that turn `source` into an engine's output; `REJECTED` if the output is empty, truncated or runaway.

    Edits that only exchange straight and curly quotation marks are left out, to keep the author's typography.
    """
    target = " ".join(output.text.split())
    if not _similar_length(source, target):
        return REJECTED
    edits = align(source, target)
    spans = target_spans(edits)
    proposals = tuple(
        Proposal(edit, math.exp(output.log_probability(start, end)))
        for edit, (start, end) in zip(edits, spans, strict=True)
        if edit.replacement.translate(_STRAIGHT_QUOTES) != source[edit.start : edit.end].translate(_STRAIGHT_QUOTES)
    )
    return SentenceProposals(proposals, tuple(_uncertain_words(edits, spans, output)))


def _uncertain_words(
    edits: Sequence[Edit], spans: Sequence[tuple[int, int]], output: Rewriting
) -> Iterator[UncertainWord]:
    """The kept words whose first token the model doubted; `spans` place the edits' replacements in the output."""
    runner_ups = chain(output.runner_ups, repeat(("", 0.0)))
    token_starts = (0, *output.ends[:-1])
    for token_start, log_probability, (text, probability) in zip(
        token_starts, output.log_probabilities, runner_ups, strict=False
    ):
        doubt = 1 - math.exp(log_probability)
        opens_text = token_start == 0
        opens_word = opens_text or output.text[token_start : token_start + 1].isspace()
        if not opens_word or doubt < MIN_DOUBT:
            continue
        start = _source_position(token_start if opens_text else token_start + 1, edits, spans)
        if start is None:
            continue
        if text.strip() and (opens_text or text[0].isspace()):
            yield UncertainWord(start, doubt, text.strip().lower(), probability)
        else:
            yield UncertainWord(start, doubt)


def _source_position(position: int, edits: Sequence[Edit], spans: Sequence[tuple[int, int]]) -> int | None:
    """The index in the source of character `position` of the output; None inside a replacement."""
    passed = bisect_right(spans, position, key=lambda span: span[1])
    if passed < len(spans) and spans[passed][0] < position:
        return None
    if passed == 0:
        return position
    return position - spans[passed - 1][1] + edits[passed - 1].end


def _similar_length(source: str, output: str) -> bool:
    """Whether an output has at least half as many words as its source, and at most twice as many plus two."""
    before, after = len(words(source)), len(words(output))
    return before / 2 <= after <= 2 * before + 2


def _shifted(proposal: Proposal, by: int) -> Proposal:
    edit = proposal.edit
    return replace(proposal, edit=replace(edit, start=edit.start + by, end=edit.end + by))
