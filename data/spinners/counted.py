"""A dictionary made of observed substitutions: what became what, and how often."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from unspin.data.spinners.tables import Headword, Index
from unspin.data.substitutions import TermPair
from unspin.english.morphology import forms
from unspin.english.word_classes import IMMUTABLE


def counted_index(phrases: Mapping[TermPair, int], words: Mapping[TermPair, int]) -> Index:
    """Phrases, used as a whole, and words, used in all inflections, with the count of each substitute.

    A phrase whose last word can be a noun gets a plural.
    """
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for (phrase, other), n in phrases.items():
        inflects = any(form.pos == "noun" for form in forms(phrase.split(" ")[-1]))
        counts[phrase, "noun" if inflects else "term"][other] += n
    for (word, other), n in words.items():
        for pos, headword, substitute in _as_lemmas(word, other):
            if headword != substitute and (pos == "function" or headword not in IMMUTABLE):
                counts[headword, pos][substitute] += n
    return Index(
        Headword(headword, pos, tuple(substitutes), counts=tuple(substitutes.values()))
        for (headword, pos), substitutes in counts.items()
    )


def _as_lemmas(word: str, other: str) -> Iterator[tuple[str, str, str]]:
    """(part of speech, lemma of `word`, lemma of `other`) for each form, such as a plural, that both words can be.

    If they share no form, `other` is kept as spelt for each reading of `word`. Function words do not inflect.
    """
    if word in IMMUTABLE:
        yield "function", word, other
        return
    shared = [(a.pos, a.lemma, b.lemma) for a in forms(word) for b in forms(other) if (a.pos, a.tag) == (b.pos, b.tag)]
    unlike = [(form.pos, form.lemma, other) for form in forms(word)]
    yield from dict.fromkeys(shared or unlike or [("term", word, other)])
