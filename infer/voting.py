"""Computes the confidences of an article's proposed edits, in which the edits of the article support each other.

A spinner garbles a phrase the same way throughout an article. So places where the same words were restored alike
support each other. A place where the model almost made the same restoration gets it as an additional proposal. Cost:
linear in the number of proposals.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from unspin.edits import Edit
from unspin.infer.article import SentenceDraft
from unspin.infer.confidence import Calibration
from unspin.infer.proposals import Proposal, UncertainWord
from unspin.segment import words

_FIRST_WORD = re.compile(r"\w+")
_Key = tuple[str, str]  # the words an edit removes and those it inserts, in lower case
_Restorations = Mapping[str, Mapping[_Key, str]]  # first removed word -> key -> replacement as first written


class ScoredEdit(NamedTuple):
    """An edit and its calibrated confidence, 0..1.

    `is_listed` says that a phrase table proposes it.
    """

    edit: Edit
    confidence: float
    is_listed: bool = False

    @property
    def start(self) -> int:
        """Where the edit starts in its sentence."""
        return self.edit.start

    @property
    def end(self) -> int:
        """Where the edit ends in its sentence."""
        return self.edit.end


def suspected_share(sentences: Sequence[SentenceDraft]) -> float:
    """The expected share of an article's words that the model would change, 0..1.

    Each word of a proposed edit counts by the edit's probability, each uncertain word by the model's doubt.
    """
    total = sum(len(words(sentence.text)) for sentence in sentences)
    expected = sum(p.probability * p.size(sentence.text) for sentence in sentences for p in sentence.edits)
    doubted = sum(w.doubt for sentence in sentences for w in sentence.uncertain_words if not _opens_edit(sentence, w))
    return min((expected + doubted) / total, 1.0) if total else 0.0


def scored_edits(sentences: Sequence[SentenceDraft], calibration: Calibration) -> list[list[ScoredEdit]]:
    """For each sentence of an article its edits, which may overlap: the most confident first.

    Edits of a phrase table that would change a fact come last, so that they displace no other.
    """
    share = suspected_share(sentences)
    restorations = _restorations_by_first_word(sentences)
    scored: list[list[ScoredEdit]] = []
    joint_doubt: dict[_Key, float] = defaultdict(lambda: 1.0)  # chance that all edits of a key are wrong
    counted: set[str] = set()
    for sentence in sentences:
        proposals = [*sentence.edits, *_echoes(sentence, restorations)]
        own = [
            ScoredEdit(p.edit, calibration.confidence(p.probability, share, p.size(sentence.text))) for p in proposals
        ]
        listed = [ScoredEdit(p.edit, calibration.phrase_confidence(p.log_ratio), True) for p in sentence.phrases]
        scored.append(_without_duplicates([*own, *listed]))
        if sentence.text in counted:  # a repeated sentence is no further evidence
            continue
        counted.add(sentence.text)
        for edit, confidence, _ in scored[-1]:
            joint_doubt[_key(sentence.text, edit)] *= 1 - confidence

    def supported(sentence: SentenceDraft, candidate: ScoredEdit) -> ScoredEdit:
        doubt = 1 - candidate.confidence
        others = joint_doubt[_key(sentence.text, candidate.edit)] / max(doubt, 1e-9)
        return candidate._replace(confidence=1 - doubt * others**calibration.support)

    def order(sentence: SentenceDraft, candidate: ScoredEdit) -> tuple[bool, float, Edit]:
        changes_fact = any(candidate.edit == p.edit and not p.keeps_facts for p in sentence.phrases)
        return changes_fact, -candidate.confidence, candidate.edit

    return [
        sorted((supported(sentence, candidate) for candidate in own), key=partial(order, sentence))
        for sentence, own in zip(sentences, scored, strict=True)
    ]


def _without_duplicates(candidates: Sequence[ScoredEdit]) -> list[ScoredEdit]:
    """One candidate for each edit; what both the model and a phrase table propose counts as the table's."""
    distinct: dict[Edit, ScoredEdit] = {}
    for candidate in candidates:
        other = distinct.get(candidate.edit, candidate)
        distinct[candidate.edit] = candidate._replace(confidence=max(candidate.confidence, other.confidence))
    return list(distinct.values())


def _opens_edit(sentence: SentenceDraft, word: UncertainWord) -> bool:
    return any(p.edit.start == word.start for p in sentence.edits)


def _restorations_by_first_word(sentences: Sequence[SentenceDraft]) -> _Restorations:
    """The replacements proposed anywhere in an article, by the first word that they replace."""
    restorations: dict[str, dict[_Key, str]] = defaultdict(dict)
    for sentence in sentences:
        for p in sentence.edits:
            spun, restored = key = _key(sentence.text, p.edit)
            if spun and restored and (first := _FIRST_WORD.match(spun)):
                restorations[first[0]].setdefault(key, p.edit.replacement)
    return restorations


def _echoes(sentence: SentenceDraft, restorations: _Restorations) -> Iterator[Proposal]:
    """Repeat the article's restorations at uncertain words where they begin with the model's runner-up."""
    proposed = {p.edit for p in sentence.edits}
    for word in sentence.uncertain_words:
        first = _FIRST_WORD.match(sentence.text, word.start)
        if not first or not word.runner_up:
            continue
        for (spun, restored), replacement in restorations.get(first[0].lower(), {}).items():
            edit = _same_edit_at(sentence.text, word.start, spun, replacement)
            if edit and restored.startswith(word.runner_up) and edit not in proposed:
                yield Proposal(edit, word.runner_up_probability)


def _same_edit_at(source: str, start: int, spun: str, replacement: str) -> Edit | None:
    """The edit that replaces `spun` at `start`, capitalised like the source; None if other words stand there."""
    end = start + len(spun)
    if source[start:end].lower() != spun or source[end : end + 1].isalnum() or source[start - 1 : start].isalnum():
        return None
    first = replacement[0]
    if source[start].isupper():
        first = first.upper()
    elif replacement[1:2].islower():
        first = first.lower()
    return Edit(start, end, first + replacement[1:])


def _key(source: str, edit: Edit) -> _Key:
    return source[edit.start : edit.end].lower(), edit.replacement.lower()
