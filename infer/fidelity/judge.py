"""Decides which edits of a sentence keep its facts: names, amounts, dates, polarity, quotations and more.

A fact is compared before and after an edit by value, so that other forms of the same fact pass ("2" and "two",
"mustn't" and "should not"). The kinds of facts are the table in `unspin.infer.fidelity.kinds`. The check is lexical: it
finds facts by word lists and patterns, and a change that no list knows passes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from unspin.edits import Edit, apply, split_by_word
from unspin.infer.fidelity.change import Change
from unspin.infer.fidelity.context import NO_CONTEXT, Context
from unspin.infer.fidelity.kinds import EDIT_KINDS, SENTENCE_KINDS, Evidence
from unspin.infer.fidelity.statements import count_content_words

NO_EVIDENCE: Mapping[Edit, Evidence] = MappingProxyType({})


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


def judge(
    source: str, edits: Sequence[Edit], context: Context = NO_CONTEXT, evidence: Mapping[Edit, Evidence] = NO_EVIDENCE
) -> Verdict:
    """Decide which of a sentence's edits to accept; `edits` are in order and do not overlap.

    `context` is the article, as evidence; `evidence` is what speaks for some of the edits.

    Accepts all of them if the facts of the whole sentence hold and no edit changes a fact of its own words. Otherwise
    drops the edits that change a fact by themselves, but keeps single words of longer ones where it can. Rejects all
    if the remaining edits together still change a fact.
    """
    if not edits:  # most sentences
        return Verdict({})
    if not changed_fact(source, edits, context, evidence):
        tied = frozenset(edit for edit in edits if len(edits) > 1 and _changed_in_sentence(source, [edit]))
        return Verdict({edit: edit for edit in edits}, tied)
    accepted: dict[Edit, Edit] = {}
    refusals: list[str] = []
    for proposed in edits:
        own = evidence.get(proposed, Evidence.NONE)
        for edit in _separable_parts(source, proposed, context, own):
            if reason := violation(source, edit, context, own):
                old = source[edit.start : edit.end]
                refusals.append(f"{old!r} was not changed to {edit.replacement!r}: {reason} would change")
            else:
                accepted[edit] = proposed
    of_parts = {edit: evidence.get(proposed, Evidence.NONE) for edit, proposed in accepted.items()}
    if reason := changed_fact(source, list(accepted), context, of_parts):
        refusals.append(f"all other edits of the sentence ({len(accepted)}) were rejected: {reason} would change")
        return Verdict({}, refusals=tuple(refusals))
    return Verdict(accepted, refusals=tuple(refusals))


def violation(sentence: str, edit: Edit, context: Context = NO_CONTEXT, evidence: Evidence = Evidence.NONE) -> str:
    """Name the fact that an edit would change if it were the only one, or return "" if it changes none."""
    return changed_fact(sentence, [edit], context, {edit: evidence})


def changed_fact(
    source: str, edits: Sequence[Edit], context: Context = NO_CONTEXT, evidence: Mapping[Edit, Evidence] = NO_EVIDENCE
) -> str:
    """Name a fact that edits of a sentence change together or one by one, or return "" if they change none.

    Facts of one kind must come in the same order.
    """
    return _changed_in_sentence(source, edits) or _changed_in_edits(source, edits, context, evidence)


def _changed_in_sentence(source: str, edits: Sequence[Edit]) -> str:
    restored = apply(source, edits)
    return next(filter(None, (kind.changed(source, restored) for kind in SENTENCE_KINDS)), "")


def _changed_in_edits(source: str, edits: Sequence[Edit], context: Context, evidence: Mapping[Edit, Evidence]) -> str:
    reasons = (
        kind.changed(change)
        for edit in edits
        if source[edit.start : edit.end].lower() != edit.replacement.lower()
        for change in [Change(source, edit, context)]
        for kind in EDIT_KINDS
        if kind.judges(change, evidence.get(edit, Evidence.NONE))
    )
    return next(filter(None, reasons), "")


def _separable_parts(source: str, edit: Edit, context: Context, evidence: Evidence) -> list[Edit]:
    """The edit itself or, if it would change a fact, those parts of it that can be judged word by word.

    Parts that replace content words by content words may be accepted. Parts that change a fact are included so that
    they are reported. The rest is dropped: in the edit from "not as many" to "more than 15", the part "as" to "than"
    means nothing on its own. Neither does a part of a listed phrase.
    """
    if evidence is Evidence.LISTED or not violation(source, edit, context, evidence):
        return [edit]
    parts = split_by_word(source, edit)
    if len(parts) == 1:
        return parts
    return [
        part
        for part in parts
        if violation(source, part, context, evidence)
        or (count_content_words(source[part.start : part.end]) and count_content_words(part.replacement))
    ]
