"""The `phrases` engine: the lexicon written for this project, words and phrases both ways, function words included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from unspin.data.lexicons import phrase_lexicon
from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence, Substitution
from unspin.data.spinners.tables import IMMUTABLE, Head, Index, propose

MOST_CHAINED = 24


@cache
def index() -> Index:
    """Forward entries first, then each substitute as a head of its own: a spinner's tables are sets of equals."""
    united: dict[tuple[str, str], dict[str, None]] = {}
    entries = phrase_lexicon().values()
    for entry in entries:
        united.setdefault((entry.head, entry.pos), {}).update(dict.fromkeys(entry.substitutes))
    for entry in entries:
        for substitute in entry.substitutes:
            united.setdefault((substitute, entry.pos), {}).setdefault(entry.head)
    return Index(Head(head, pos, tuple(options)) for (head, pos), options in united.items() if pos == "function" or head not in IMMUTABLE)


@cache
def chained_index() -> Index:
    """The same with synonyms of synonyms as near relations: what comes of merging the senses of a thesaurus."""
    plain = {(head.head, head.pos): head for head in index().heads()}

    def chained(head: Head) -> tuple[str, ...]:
        steps = [plain[step, head.pos].substitutes for step in head.substitutes if (step, head.pos) in plain]
        found = dict.fromkeys(term for options in steps for term in options)
        return tuple(term for term in found if term != head.head and term not in head.substitutes)[:MOST_CHAINED]

    return Index(head if head.pos == "function" else replace(head, near=chained(head)) for head in plain.values())


class Phrases:
    """Longest dictionary phrase first, one sense for all."""

    name = "phrases"

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        yield from propose(chained_index() if persona.chained else index(), sentence, persona, self.name)
