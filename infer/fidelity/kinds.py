"""The table of facts: one row for each kind of fact that no edit may change.

To add a kind, write a module that finds its facts and add a row here. There are two sorts of rows:

- `SentenceKind` lists the facts of a whole sentence, in order, before and after the edits, and compares the lists.
- `EditKind` compares what a single edit removes with what it inserts.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from unspin.infer.fidelity import (
    abbreviations,
    amounts,
    bounds,
    dates,
    foreign,
    frequencies,
    limits,
    names,
    opposites,
    persons,
    polarity,
    quotations,
    scholarly,
    statements,
    terms,
)
from unspin.infer.fidelity.change import Change


class Evidence(IntEnum):
    """What speaks for an edit, besides that the model proposes it."""

    NONE = 0
    SURE = 1  # the model is sure of it, or a person chooses it
    LISTED = 2  # a phrase table has it


@dataclass(frozen=True)
class SentenceKind:
    """A kind whose facts are compared over whole sentences.

    `find` lists the facts of a text; `same` says whether the list before and the list after tell the same facts.
    `message` completes "… would change".
    """

    message: str
    find: Callable[[str], Sequence[Hashable]]
    same: Callable[[Any, Any], bool] = operator.eq

    def changed(self, source: str, restored: str) -> str:
        """The message if a fact changed, or ""."""
        return "" if self.same(self.find(source), self.find(restored)) else self.message


@dataclass(frozen=True)
class EditKind:
    """A kind that is judged edit by edit: `changed` returns the message for the fact that an edit changes, or "".

    Edits with the evidence `unless`, or better, are not judged by it: it finds what is unlikely, not what is wrong. A
    kind that goes `by_word` does not judge listed phrases of which several words are replaced, for each of them means
    nothing on its own: "credit darkness" for "debt transparency" makes no credit a debt.
    """

    name: str
    changed: Callable[[Change], str]
    unless: Evidence | None = None
    by_word: bool = False

    def judges(self, change: Change, evidence: Evidence) -> bool:
        """Whether an edit with this evidence is judged by this kind."""
        if self.unless is not None and evidence >= self.unless:
            return False
        return not (self.by_word and evidence is Evidence.LISTED and len(change.removed) > 1)


SENTENCE_KINDS: tuple[SentenceKind, ...] = (
    SentenceKind("a number", amounts.amounts_in, amounts.same_amounts),
    SentenceKind("a bound of an amount", bounds.bounds_in, bounds.same_bounds),
    SentenceKind("how often something happens", frequencies.frequencies_in),
    SentenceKind("polarity", str, polarity.same_polarity),
    SentenceKind("a person", persons.persons_in),
    SentenceKind("an address", foreign.addresses_in),
    SentenceKind("a citation, symbol or reference", scholarly.notation_in, scholarly.keeps_notation),
)
EDIT_KINDS: tuple[EditKind, ...] = (
    EditKind("names", names.changed_name, unless=Evidence.LISTED),
    EditKind("invented bounds", bounds.invented_bound),
    EditKind("dates", dates.changed_date),
    EditKind("quotation marks", quotations.moved_quotation_mark),
    EditKind("opposites", opposites.opposed, by_word=True),
    EditKind("terms", terms.changed_term, unless=Evidence.LISTED),
    EditKind("abbreviations", abbreviations.broken_agreement),
    EditKind("limits", limits.changed_limit),
    EditKind("foreign words and code", foreign.changed_foreign_word, unless=Evidence.LISTED),
    EditKind("statements", statements.changed_statement, unless=Evidence.LISTED),
    EditKind("things", statements.put_another_thing, unless=Evidence.SURE),
)
