"""The `thesaurus` spinner: WordNet synonyms, whatever the sense, inflected like the original."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files

from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence, Spinner, Substitution
from unspin.data.spinners.tables import Headword, Index, propose_substitutions
from unspin.english.word_classes import IMMUTABLE


def read_thesaurus(name: str, count: Callable[[int], int] | None = None) -> Iterator[Headword]:
    """The entries of a compressed table in `unspin.english`, except words that are never replaced.

    A row holds headword, part of speech, substitutes and near relations. `count` turns the rank of a substitute, from
    0, into its weight.
    """
    for row in gzip.decompress((files("unspin.english") / name).read_bytes()).decode().splitlines():
        if row.startswith("#"):
            continue
        headword, pos, synonyms, relations = row.split("\t")
        if headword in IMMUTABLE:
            continue
        substitutes = tuple(filter(None, synonyms.split("|")))
        near = tuple(filter(None, relations.split("|")))
        yield Headword(headword, pos, substitutes, near, tuple(map(count, range(len(substitutes)))) if count else ())


@cache
def index() -> Index:
    """The WordNet table, loaded once per process."""
    return Index(read_thesaurus("wordnet.tsv.gz"))


class Thesaurus(Spinner):
    """Replaces words by synonyms in any sense, as the crudest tools do."""

    name = "thesaurus"

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        yield from propose_substitutions(index(), sentence, persona, self.name)
