"""The `thesaurus` engine: WordNet synonyms in any sense, inflection kept; near relations at a lower weight."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files

from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence, Substitution
from unspin.data.spinners.tables import IMMUTABLE, Head, Index, propose


def read_thesaurus(name: str, count: Callable[[int], int] | None = None) -> Iterator[Head]:
    """The entries of a table of the lexicons: lemma, part of speech, substitutes, near relations. `count` weighs a substitute by its rank."""
    for row in gzip.decompress((files("unspin.data.lexicons") / name).read_bytes()).decode().splitlines():
        if row.startswith("#"):
            continue
        head, pos, same, near = row.split("\t")
        if head not in IMMUTABLE:
            substitutes = tuple(filter(None, same.split("|")))
            yield Head(head, pos, substitutes, tuple(filter(None, near.split("|"))), tuple(map(count, range(len(substitutes)))) if count else ())


@cache
def index() -> Index:
    return Index(read_thesaurus("wordnet.tsv.gz"))


class Thesaurus:
    """Any-sense synonyms, as the crudest tools use them."""

    name = "thesaurus"

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        yield from propose(index(), sentence, persona, self.name)
