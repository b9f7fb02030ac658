"""What a model's output proposes for each sentence, and what the places of an article tell about one another.

A spinner garbles a phrase the same way all through an article. So places where the same words were restored alike speak for one another, a
place where the model hesitated over that restoration gets it as a proposal, and of several proposals for one place the surest wins.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat

from unspin.data.edits import Edit, align, apply
from unspin.data.segment import words
from unspin.infer.checkpoint import Calibration
from unspin.infer.engines import HESITATION, Rewriting

_STRAIGHT = str.maketrans("‘’“”", "''\"\"")
_FIRST_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Proposal:
    """An edit the model's output makes, and the model's probability of it."""

    edit: Edit
    probability: float

    def size(self, source: str) -> int:
        """Words touched."""
        return max(len(words(source[self.edit.start : self.edit.end])), len(words(self.edit.replacement)), 1)


@dataclass(frozen=True)
class Hesitation:
    """At character `at` of the sentence the model was not sure of its word: by `doubt` it would have written another.

    Its second choice opens with `text`, which is empty where that is no word or where the engine does not tell it.
    """

    at: int
    doubt: float
    text: str = ""
    probability: float = 0.0


@dataclass(frozen=True)
class Found:
    """A sentence, what the model proposes for it, and where it hesitated. `proposals` is None where its output was no restoration."""

    source: str
    proposals: tuple[Proposal, ...] | None
    hesitations: tuple[Hesitation, ...] = ()


def neighbours(sentences: Sequence[str], longest: int) -> Iterator[list[int]]:
    """The numbers of sentences that the model is shown together: as many as hold up to `longest` words, and at least one."""
    together: list[int] = []
    held = 0
    for i, sentence in enumerate(sentences):
        count = len(words(sentence))
        if together and held + count > longest:
            yield together
            together, held = [], 0
        together.append(i)
        held += count
    if together:
        yield together


def part(sentences: Sequence[str], output: Rewriting) -> list[Found]:
    """The proposals of a passage, sentence by sentence. One that reaches over a bound is none: sentences are neither merged nor split.

    A sentence that would lose or gain half its words has None, as all have where the output is no restoration of the passage.
    """
    whole = propose(" ".join(sentences), output)
    if whole.proposals is None:
        return [Found(sentence, None) for sentence in sentences]
    parts = []
    start = 0
    for sentence in sentences:
        end = start + len(sentence)
        own = tuple(_moved(p, -start) for p in whole.proposals if start <= p.edit.start and p.edit.end <= end)
        doubts = tuple(replace(h, at=h.at - start) for h in whole.hesitations if start <= h.at < end)
        alike = _alike(sentence, apply(sentence, [p.edit for p in own]))
        parts.append(Found(sentence, own if alike else None, doubts if alike else ()))
        start = end + 1
    return parts


def propose(source: str, output: Rewriting) -> Found:
    """The edits that lead from a sentence to an engine's output; none where the output is empty, cut short or ran away."""
    flat = " ".join(output.text.split())
    if not _alike(source, flat):
        return Found(source, None)
    edits = align(source, flat)
    proposals, shift = [], 0
    for edit in edits:
        start = edit.start + shift
        shift += len(edit.replacement) - (edit.end - edit.start)
        if edit.replacement.translate(_STRAIGHT) != source[edit.start : edit.end].translate(_STRAIGHT):  # typography is the author's
            proposals.append(Proposal(edit, math.exp(output.log_probability(start, start + len(edit.replacement)))))
    return Found(source, tuple(proposals), tuple(_hesitations(edits, output)))


def _hesitations(edits: Sequence[Edit], output: Rewriting) -> Iterator[Hesitation]:
    """The words that the model was not sure of, outside of what it put, placed in the source."""
    places = _SourcePlaces(edits)
    seconds = chain(output.seconds, repeat(("", 0.0)))
    for opens, log_probability, (text, probability) in zip((0, *output.ends[:-1]), output.log_probabilities, seconds, strict=False):
        doubt = 1 - math.exp(log_probability)
        begins = not opens or output.text[opens : opens + 1].isspace()
        if begins and doubt >= HESITATION and (at := places(opens + bool(opens))) is not None:
            told = probability >= HESITATION and text.strip() and (not opens or text[0].isspace())
            yield Hesitation(at, doubt, text.strip().lower(), probability) if told else Hesitation(at, doubt)


class _SourcePlaces:
    """Where characters of the output, asked for in order, stand in the source; None inside of what was put there."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self._edits = list(edits)
        self._shift = 0

    def __call__(self, position: int) -> int | None:
        while self._edits and self._edits[0].start + self._shift + len(self._edits[0].replacement) <= position:
            edit = self._edits.pop(0)
            self._shift += len(edit.replacement) - (edit.end - edit.start)
        if self._edits and self._edits[0].start + self._shift < position:
            return None
        return position - self._shift


def _alike(source: str, output: str) -> bool:
    """Whether an output is about as long as its source: neither empty nor cut short nor run away."""
    before, after = len(words(source)), len(words(output))
    return before / 2 <= after <= 2 * before + 2


def _moved(proposal: Proposal, by: int) -> Proposal:
    return replace(proposal, edit=replace(proposal.edit, start=proposal.edit.start + by, end=proposal.edit.end + by))


def suspected(article: Sequence[Found]) -> float:
    """The share of an article's words that the model would change, by expectation: those of its edits, and those it kept in doubt."""
    total = sum(len(words(found.source)) for found in article)
    expected = sum(p.probability * p.size(found.source) for found in article for p in found.proposals or ())
    doubted = sum(h.doubt for found in article for h in found.hesitations if not _begins_edit(found, h))
    return min((expected + doubted) / total, 1.0) if total else 0.0


def _begins_edit(found: Found, hesitation: Hesitation) -> bool:
    return any(p.edit.start == hesitation.at for p in found.proposals or ())


def confident(article: Sequence[Found], calibration: Calibration) -> list[list[tuple[Edit, float]]]:
    """For each sentence of an article, edits that do not overlap with the confidence of each, the surest of a place."""
    spun = suspected(article)
    pools = [[*(found.proposals or ()), *extra] for found, extra in zip(article, _echoes(article), strict=True)]
    alone: list[list[float]] = []
    doubt: dict[tuple[str, str], float] = defaultdict(lambda: 1.0)
    for found, pool in zip(article, pools, strict=True):
        alone.append([calibration.confidence(p.probability, spun, p.size(found.source)) for p in pool])
        for proposal, confidence in zip(pool, alone[-1], strict=True):
            doubt[_key(found.source, proposal.edit)] *= 1 - confidence
    chosen = []
    for found, pool, own in zip(article, pools, alone, strict=True):
        sure = []
        for proposal, confidence in zip(pool, own, strict=True):
            others = doubt[_key(found.source, proposal.edit)] / max(1 - confidence, 1e-9)
            sure.append((1 - (1 - confidence) * others**calibration.support, proposal.edit))
        chosen.append(_without_overlaps(sure))
    return chosen


def _echoes(article: Sequence[Found]) -> list[list[Proposal]]:
    """Proposals made elsewhere in the article for the same words, at the places where the model hesitated over them."""
    known: dict[str, dict[tuple[str, str], Edit]] = defaultdict(dict)
    for found in article:
        for p in found.proposals or ():
            spun, restored = key = _key(found.source, p.edit)
            if spun and restored and (opening := _FIRST_WORD.match(spun)):
                known[opening[0]].setdefault(key, p.edit)
    echoes = []
    for found in article:
        own: list[Proposal] = []
        made = {p.edit for p in found.proposals or ()}
        for h in found.hesitations:
            opening = _FIRST_WORD.match(found.source, h.at)
            for (spun, restored), model in known.get(opening[0].lower(), {}).items() if opening else ():
                edit = _recased(found.source, h.at, spun, model.replacement)
                if edit and h.text and restored.startswith(h.text) and edit not in made:
                    own.append(Proposal(edit, h.probability))
        echoes.append(own)
    return echoes


def _recased(source: str, at: int, spun: str, replacement: str) -> Edit | None:
    """The edit that restores `spun` at a place, if it stands there, with a capital where it has one."""
    end = at + len(spun)
    if source[at:end].lower() != spun or source[end : end + 1].isalnum() or source[at - 1 : at].isalnum():
        return None
    first = replacement[0].upper() if source[at].isupper() else replacement[0].lower() if replacement[1:2].islower() else replacement[0]
    return Edit(at, end, first + replacement[1:])


def _key(source: str, edit: Edit) -> tuple[str, str]:
    return source[edit.start : edit.end].lower(), edit.replacement.lower()


def _without_overlaps(sure: Sequence[tuple[float, Edit]]) -> list[tuple[Edit, float]]:
    taken: list[tuple[Edit, float]] = []
    for confidence, edit in sorted(sure, key=lambda it: (-it[0], it[1])):
        if all(edit.end <= other.start or other.end <= edit.start for other, _ in taken if other != edit) and all(
            edit != other for other, _ in taken
        ):
            taken.append((edit, confidence))
    return sorted(taken)
