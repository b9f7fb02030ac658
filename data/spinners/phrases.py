"""The `phrases` spinner: the lexicon written for this project.

It replaces words and phrases in both directions, function words included.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence, Spinner, Substitution
from unspin.data.spinners.tables import Headword, Index, propose_substitutions
from unspin.english.lexicons import phrase_lexicon
from unspin.english.word_classes import IMMUTABLE

MAX_CHAINED = 24  # synonyms of synonyms that an entry keeps


@cache
def index() -> Index:
    """The lexicon in both directions, loaded once per process.

    Each substitute is also a headword, because the synonym sets of real spinners have no direction. The lexicon's own
    substitutes come first.
    """
    merged: dict[tuple[str, str], dict[str, None]] = {}
    entries = phrase_lexicon().values()
    for entry in entries:
        merged.setdefault((entry.headword, entry.pos), {}).update(dict.fromkeys(entry.substitutes))
    for entry in entries:
        for substitute in entry.substitutes:
            merged.setdefault((substitute, entry.pos), {}).setdefault(entry.headword)
    return Index(
        Headword(headword, pos, tuple(substitutes))
        for (headword, pos), substitutes in merged.items()
        if pos == "function" or headword not in IMMUTABLE
    )


@cache
def chained_index() -> Index:
    """The same entries with synonyms of synonyms as near relations, as in a thesaurus that merges senses."""
    entries = {(entry.lemma, entry.pos): entry for entry in index().entries()}

    def chained(entry: Headword) -> tuple[str, ...]:
        steps = [entries[step, entry.pos].substitutes for step in entry.substitutes if (step, entry.pos) in entries]
        terms = dict.fromkeys(term for substitutes in steps for term in substitutes)
        return tuple(term for term in terms if term != entry.lemma and term not in entry.substitutes)[:MAX_CHAINED]

    return Index(
        entry if entry.pos == "function" else replace(entry, near=chained(entry)) for entry in entries.values()
    )


class Phrases(Spinner):
    """Replaces the longest dictionary phrase at each place, in any sense."""

    name = "phrases"

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        yield from propose_substitutions(chained_index() if persona.chained else index(), sentence, persona, self.name)
