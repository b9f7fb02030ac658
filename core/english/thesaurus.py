"""Whether two words are related according to the thesauri that this project reads: WordNet, Moby and its own lexicon.

The tables are read once, when they are first asked: about half a second and 40 MB.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files

from unspin.english.lexicons import phrase_lexicon
from unspin.english.morphology import lemmas

SHARED = 0.05  # cosine from which words may stand for each other; chosen on spun text of this project


@cache
def _entries() -> Mapping[str, str]:
    """Each headword's substitutes, as one string with a bar before and after each."""
    entries: dict[str, str] = {}
    for table in ("wordnet.tsv.gz", "moby.tsv.gz"):
        text = gzip.decompress((files(__package__) / table).read_bytes()).decode().replace("\t", "|")
        for line in text.splitlines()[1:]:
            headword, _, substitutes = line.split("|", 2)  # the cell between them is the part of speech
            entries[headword] = f"{entries.get(headword, '')}|{substitutes}|"
    for entry in phrase_lexicon().values():
        entries[entry.headword] = f"{entries.get(entry.headword, '')}|{'|'.join(entry.substitutes)}|"
    return entries


@lru_cache(maxsize=1 << 16)
def related(first: str, second: str) -> bool:
    """Whether a thesaurus lists one of two lower-case terms under the other, in any inflection."""
    if first == second:
        return True
    ours, theirs = _base_forms(first), _base_forms(second)
    return bool(ours & theirs) or any(
        f"|{b}|" in _entries().get(a, "") or f"|{a}|" in _entries().get(b, "") for a in ours for b in theirs
    )


def _base_forms(term: str) -> frozenset[str]:
    """A term and its dictionary forms; the first or last word of a phrase may be inflected: "is aware of"."""
    first, space, rest = term.partition(" ")
    if not space:
        return lemmas(term)
    opening, _, last = term.rpartition(" ")
    return frozenset(
        (*(f"{lemma} {rest}" for lemma in lemmas(first)), *(f"{opening} {lemma}" for lemma in lemmas(last)))
    )


def is_listed(word: str) -> bool:
    """Whether a thesaurus has a lower-case word, so that a spinner may write it."""
    return any(lemma in _entries() for lemma in lemmas(word))


@lru_cache(maxsize=1 << 14)
def _neighbours(word: str) -> frozenset[str]:
    own = lemmas(word)
    return own.union(*(filter(None, _entries().get(lemma, "").split("|")) for lemma in own))


@lru_cache(maxsize=1 << 14)
def are_distant(first: str, second: str) -> bool:
    """Whether no thesaurus relates two lower-case words and they share few substitutes (cosine of the two sets)."""
    ours, theirs = _neighbours(first), _neighbours(second)
    return not related(first, second) and len(ours & theirs) < SHARED * math.sqrt(len(ours) * len(theirs))
