"""Decides which edits of a sentence keep its facts: names, numbers, dates, polarity, quotations and more.

A fact is compared before and after an edit by value, so that other forms of the same fact pass ("2" and "two",
"mustn't" and "should not"). The check is lexical: it finds facts by word lists and patterns, and a change that no
list knows passes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from unspin.edits import Edit, apply, split_by_word
from unspin.infer.fidelity.dates import dates_in
from unspin.infer.fidelity.names import name_spans
from unspin.infer.fidelity.numbers import PERCENTAGE, lost_bound, numbers_in
from unspin.infer.fidelity.opposites import count_content_words, opposed
from unspin.infer.fidelity.polarity import same_polarity
from unspin.segment import tokenize

_PERSONS = {
    **dict.fromkeys(("he", "him", "his", "himself"), "he"),
    **dict.fromkeys(("she", "her", "hers", "herself"), "she"),
    **dict.fromkeys(("i", "me", "my", "mine", "myself"), "i"),
    **dict.fromkeys(("we", "us", "our", "ours", "ourselves"), "we"),
    **dict.fromkeys(("you", "your", "yours", "yourself"), "you"),
}
_ADDRESS = re.compile(r"\S*(?:://|www\.|@)\S*")


@dataclass(frozen=True)
class Verdict:
    """The outcome for the edits of a sentence.

    `kept` maps each accepted edit, in order, to the proposed edit that it is or is a part of. `tied` are the accepted
    edits that keep the facts only together: apply all or none of them. `refusals` say, in words for the reader, which
    edits were rejected and why.
    """

    kept: Mapping[Edit, Edit]
    tied: frozenset[Edit] = frozenset()
    refusals: tuple[str, ...] = ()


def judge(source: str, edits: Sequence[Edit]) -> Verdict:
    """Decide which of a sentence's edits to accept; `edits` are in order and do not overlap.

    Accepts all of them if the facts of the whole sentence hold and no edit puts in an opposite. Otherwise drops the
    edits that change a fact by themselves, but keeps single words of longer ones where it can. Rejects all if the
    remaining edits together still change a fact.
    """
    changed = changed_fact(source, apply(source, edits))
    if not changed and not any(opposed(source[edit.start : edit.end], edit.replacement) for edit in edits):
        return Verdict({edit: edit for edit in edits}, frozenset(edit for edit in edits if violation(source, edit)))
    accepted: dict[Edit, Edit] = {}
    refusals: list[str] = []
    for proposed in edits:
        for edit in _separable_parts(source, proposed):
            if reason := violation(source, edit):
                old = source[edit.start : edit.end]
                refusals.append(f"{old!r} was not changed to {edit.replacement!r}: {reason} would change")
            else:
                accepted[edit] = proposed
    if reason := changed_fact(source, apply(source, accepted)):
        refusals.append(f"all other edits of the sentence ({len(accepted)}) were rejected: {reason} would change")
        return Verdict({}, refusals=tuple(refusals))
    return Verdict(accepted, refusals=tuple(refusals))


def violation(sentence: str, edit: Edit) -> str:
    """Name the fact that an edit would change if it were the only one, or return "" if it changes none."""
    before, after = sentence[edit.start : edit.end], edit.replacement
    if before.lower() == after.lower():
        return ""
    old_names = Counter(sentence[a:b] for a, b in name_spans(sentence) if a < edit.end and edit.start < b)
    if old_names - Counter(tokenize(after)):
        return f"the name {' '.join(old_names)!r}"
    if lost := lost_bound(sentence, apply(sentence, [edit])):  # the amount may stand outside the edit
        return lost
    new_names = {after[a:b] for a, b in name_spans(after)} - set(tokenize(sentence))
    if new_names:
        return f"the name {' '.join(sorted(new_names))!r}"
    return _changed_fact_in_phrase(before, after) or opposed(before, after)


def changed_fact(source: str, restored: str) -> str:
    """Name a fact that differs between two versions of a sentence, or return "" if all agree.

    Facts of one kind must come in the same order.
    """
    old_names, new_names = ([text[a:b] for a, b in name_spans(text)] for text in (source, restored))
    if old_names != new_names:
        return f"the names ({', '.join(old_names)})"
    return lost_bound(source, restored) or _changed_fact_in_phrase(source, restored)


def _changed_fact_in_phrase(before: str, after: str) -> str:
    """`changed_fact` for the kinds of facts that can be compared without the rest of the sentence."""
    if len(PERCENTAGE.findall(before)) > len(PERCENTAGE.findall(after)):
        return "a percentage"
    if not same_polarity(before, after):
        return "polarity"
    return next((kind for kind, find in _FACT_FINDERS.items() if find(before) != find(after)), "")


def _persons_in(text: str) -> list[str]:
    """The persons that a text's pronouns refer to, each by its subject pronoun."""
    return [_PERSONS[low] for token in tokenize(text) if (low := token.lower()) in _PERSONS]


_FACT_FINDERS: dict[str, Callable[[str], object]] = {
    "a number": numbers_in,
    "a date or time": dates_in,
    "a person": _persons_in,
    "an address": _ADDRESS.findall,
}


def _separable_parts(source: str, edit: Edit) -> list[Edit]:
    """The edit itself or, if it would change a fact, those parts of it that can be judged word by word.

    Parts that replace content words by content words may be accepted. Parts that change a fact are included so that
    they are reported. The rest is dropped: in the edit from "not as many" to "more than 15", the part "as" to "than"
    means nothing on its own.
    """
    if not violation(source, edit):
        return [edit]
    parts = split_by_word(source, edit)
    if len(parts) == 1:
        return parts
    return [
        part
        for part in parts
        if violation(source, part)
        or (count_content_words(source[part.start : part.end]) and count_content_words(part.replacement))
    ]
