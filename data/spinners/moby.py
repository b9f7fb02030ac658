"""The `moby` engine: the Moby Thesaurus, which lists under a word whatever is related to it in any sense, as the dictionaries of real spinners do."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence, Substitution
from unspin.data.spinners.tables import Index, propose
from unspin.data.spinners.thesaurus import read_thesaurus

PREFERENCE = 40  # the first substitutes of an entry are put this many times as often as one that stands so far down or further


@cache
def index() -> Index:
    return Index(read_thesaurus("moby.tsv.gz", lambda rank: PREFERENCE // (rank + 4) + 1))


class Moby:
    """Related words of any sense, the closest and commonest most often."""

    name = "moby"

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        yield from propose(index(), sentence, persona, self.name)
