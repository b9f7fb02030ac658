"""The `phrases` engine: the lexicon written for this project, words and phrases both ways, function words included."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from unspin.data.lexicons import phrase_lexicon
from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence, Substitution
from unspin.data.spinners.tables import IMMUTABLE, Head, Index, propose


@cache
def index(function_words: bool) -> Index:
    """Forward entries first, then each substitute as a head of its own: a spinner's tables are sets of equals."""
    united: dict[tuple[str, str], dict[str, None]] = {}
    entries = [e for e in phrase_lexicon().values() if (e.pos == "function") <= function_words]
    for entry in entries:
        united.setdefault((entry.head, entry.pos), {}).update(dict.fromkeys(entry.substitutes))
    for entry in entries:
        for substitute in entry.substitutes:
            united.setdefault((substitute, entry.pos), {}).setdefault(entry.head)
    return Index(Head(head, pos, "", tuple(options)) for (head, pos), options in united.items() if pos == "function" or head not in IMMUTABLE)


class Phrases:
    """Longest dictionary phrase first, one sense for all."""

    name = "phrases"

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        yield from propose(index(persona.function_words), sentence, persona, self.name)
