"""The `moby` spinner: the Moby Thesaurus.

It lists under a word everything related to it in any sense, as the dictionaries of real spinners do.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence, Spinner, Substitution
from unspin.data.spinners.tables import Index, propose_substitutions
from unspin.data.spinners.thesaurus import read_thesaurus

PREFERENCE = 40  # substitutes are weighted by rank: PREFERENCE // (rank + 4) + 1, from 11 for the first down to 1


@cache
def index() -> Index:
    """The Moby table, loaded once per process; early substitutes weigh more."""
    return Index(read_thesaurus("moby.tsv.gz", lambda rank: PREFERENCE // (rank + 4) + 1))


class Moby(Spinner):
    """Replaces words by related words of any sense, close and common ones most often."""

    name = "moby"

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        yield from propose_substitutions(index(), sentence, persona, self.name)
