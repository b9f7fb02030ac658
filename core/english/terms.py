"""Terms, opposites and names that are known from WordNet, and the names that were written for this project.

The tables are made by `unspin.english.make_terms` and read once per process.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

from unspin.english.morphology import lemmas

# Words for anything of a field: "metal" is no kind of copper, so an edit from one to the other changes a fact.
_GENERAL = {
    "illness": "disease illness sickness ailment malady disorder condition affliction symptom",
    "drug": "drug medicine medication medicament remedy pharmaceutical",
    "substance": "metal metallic substance chemical element mineral fuel compound material fabric cloth gas wood",
    "animal": "animal beast creature",
    "body": "organ limb body organs limbs part",
    "crime": "crime offence offense felony misdemeanour misdemeanor wrongdoing",
}
_ANY = "any"  # the concept of the general words of a field


def _rows(table: str) -> Iterator[list[str]]:
    text = gzip.decompress((files(__package__) / table).read_bytes()).decode()
    return (line.split("\t") for line in text.splitlines() if not line.startswith("#"))


class Concepts(NamedTuple):
    """What a word means in a field, as WordNet's numbers: its own concepts, and those right above them."""

    own: frozenset[str]
    wider: frozenset[str] = frozenset()

    def __or__(self, other: Concepts) -> Concepts:
        return Concepts(self.own | other.own, self.wider | other.wider)

    def may_become(self, other: Concepts) -> bool:
        """Whether a word of these concepts may stand for one of the others: they share one, or the other is wider.

        A word never becomes a narrower one: nothing says which.
        """
        return bool(self.own & other.own or self.wider & other.own)


@cache
def _terms() -> Mapping[str, Mapping[str, Concepts]]:
    terms: dict[str, dict[str, Concepts]] = {}
    for word, field, own, wider in _rows("terms.tsv.gz"):
        terms.setdefault(word, {})[field] = Concepts(frozenset(own.split()), frozenset(wider.split()))
    for field, general in _GENERAL.items():
        for word in general.split():
            terms.setdefault(word, {})[field] = Concepts(frozenset({_ANY}))
    return terms


def name_one_thing(old: str, new: str) -> bool:
    """Whether two lower-case words are terms for the same thing of some field, the new one perhaps a wider one."""
    theirs = concepts(new)
    return any(field in theirs and own.may_become(theirs[field]) for field, own in concepts(old).items())


@cache
def term_words() -> frozenset[str]:
    """The words of all terms."""
    return frozenset(word for term in _terms() for word in term.split(" "))


@cache
def _axes() -> Mapping[str, frozenset[str]]:
    return {word: frozenset(axes.split(" ")) for word, axes in _rows("antonyms.tsv.gz")}


@lru_cache(maxsize=1 << 16)
def concepts(word: str) -> Mapping[str, Concepts]:
    """The concepts that a lower-case word or a form of it names, by field: a term of medicine, a species, a crime."""
    found: dict[str, Concepts] = {}
    for lemma in lemmas(word):
        for field, own in _terms().get(lemma, {}).items():
            found[field] = found[field] | own if field in found else own
    return found


@lru_cache(maxsize=1 << 16)
def _sides(word: str) -> frozenset[str]:
    return frozenset().union(*(_axes().get(lemma, frozenset()) for lemma in lemmas(word)))


def are_antonyms(first: str, second: str) -> bool:
    """Whether two lower-case words stand on opposite sides of one scale and never on the same side."""
    return _are_antonyms(*sorted((first, second)))


@lru_cache(maxsize=1 << 16)
def _are_antonyms(first: str, second: str) -> bool:
    one, other = _sides(first), _sides(second)
    return not one & other and bool({axis.translate(_OTHER_SIDE) for axis in one} & other)


_OTHER_SIDE = str.maketrans("+-", "-+")


@cache
def common_names() -> frozenset[str]:
    """The well-known names of ordinary words that were written for this project, as they are written."""
    lines = (files(__package__) / "names.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(name for name in lines if name and not name.startswith("#"))


@cache
def known_names() -> Mapping[str, str]:
    """Well-known names as they are written, each with its kind: "phrase", "compound", "word" or "place".

    `make_terms` explains the kinds.
    """
    return {**dict(_rows("names.tsv.gz")), **dict.fromkeys(common_names(), "phrase")}


@cache
def phrases() -> frozenset[str]:
    """The well-known names and compounds of several words, in lower case."""
    return frozenset(name.lower() for name, kind in known_names().items() if kind in ("phrase", "compound"))
