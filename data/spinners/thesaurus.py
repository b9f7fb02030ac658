"""The `thesaurus` engine: WordNet synonyms in any sense, inflection kept; near relations at a lower weight."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence, Substitution
from unspin.data.spinners.tables import IMMUTABLE, Head, Index, propose


@cache
def index() -> Index:
    table = (files("unspin.data.lexicons") / "wordnet.tsv.gz").read_bytes()
    heads = []
    for row in gzip.decompress(table).decode().splitlines():
        if row.startswith("#"):
            continue
        head, pos, same, near = row.split("\t")
        if head not in IMMUTABLE:
            heads.append(Head(head, pos, "word", tuple(filter(None, same.split("|"))), tuple(filter(None, near.split("|")))))
    return Index(heads)


class Thesaurus:
    """Any-sense synonyms, as the crudest tools use them."""

    name = "thesaurus"

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        yield from propose(index(), sentence, persona, self.name)
