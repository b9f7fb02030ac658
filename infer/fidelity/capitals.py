"""The words of a sentence that have a capital, and which of them are surely names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from unspin.english.morphology import forms
from unspin.english.terms import known_names
from unspin.english.word_classes import MONTHS, WEEKDAYS
from unspin.infer.fidelity.amounts import ROMAN
from unspin.infer.fidelity.dates import SHORT_DATES
from unspin.infer.fidelity.dictionary import is_known
from unspin.infer.fidelity.units import UNIT_WORDS
from unspin.segment import is_word, tokenize

# Given names that are also words.
_GIVEN_NAMES = frozenset(
    """april art bill bob carol chase chip chuck clay cliff colt dale dawn dean drew earl faith faye frank gene glen
    grace grant guy hank harry heath hope iris ivy jack jade jasmine jay jean jewel jill jimmy josh joy june lance
    lily mark marina mason max may miles nick olive pat patience pearl penny pierce ray reed rich rob robin roman rose
    ruby sandy sky sterling stone sue summer ted tony victor violet wade ward will woody""".split()
)
_OPENING = frozenset("\"“‘'«(:[>")
# Dates and units are left to other kinds.
_OTHER_WORDS = frozenset("i the a b c bc bce ad ce no tis twas".split())
_NO_NAMES = SHORT_DATES.keys() | {unit for unit in UNIT_WORDS if len(unit) < 4} | MONTHS | WEEKDAYS | _OTHER_WORDS
_HEADING_SHARE = 0.9  # share of the long words that have a capital in a heading


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a sentence, with its place."""

    text: str
    start: int
    opens: bool  # whether a sentence or quotation begins with it

    @property
    def has_capital(self) -> bool:
        """Whether the word begins with a capital."""
        return self.text[:1].isupper()


@lru_cache(maxsize=1 << 12)
def words_of(sentence: str) -> tuple[Word, ...]:
    """The words of a sentence, in order."""
    found, position, opens = [], 0, True
    for token in tokenize(sentence):
        if is_word(token):
            found.append(Word(token, position, opens))
            opens = False
        elif not token.isspace():
            opens = (
                token in _OPENING
                or (token in ".!?" and not (found and len(found[-1].text) < 3))
                or (opens and token not in ",;")
            )
        position += len(token)
    return tuple(found)


@lru_cache(maxsize=1 << 12)
def name_spans(sentence: str) -> tuple[tuple[int, int], ...]:
    """The (start, end) of each word of the sentence that is surely a name, in order."""
    words = words_of(sentence)
    heading = is_heading(sentence, words)
    return tuple(
        (word.start, word.start + len(word.text))
        for word, following in zip(words, (*words[1:], Word("", 0, True)), strict=False)
        if (word.has_capital or "-" in word.text) and _is_name(word, following, heading)
    )


def is_no_name(word: str) -> bool:
    """Whether a word with a capital is left to other kinds: dates, units, numerals."""
    return word.lower() in _NO_NAMES or ROMAN.fullmatch(word) is not None


def _is_name(word: Word, following: Word, heading: bool) -> bool:
    low = word.text.lower()
    if low in _GIVEN_NAMES and following.has_capital and following.start == word.start + len(word.text) + 1:
        return True
    if is_no_name(word.text) or (low.removesuffix("s").endswith("day") and kind_of_name(word.text) == "word"):
        return False  # left to `dates`
    kind = kind_of_name(word.text)
    if kind == "word" or (kind == "place" and not heading and (not word.opens or _is_mostly_a_place(low))):
        return True
    if not word.has_capital:  # "post-Soviet"
        return any(map(kind_of_name, word.text.split("-")))
    if word.opens and is_known(low.removesuffix("s")):  # "Childrens"
        return False
    return not all(is_known(part) for part in re.split(r"[-'’]", low) if part)


@lru_cache(maxsize=1 << 16)
def _is_mostly_a_place(low: str) -> bool:
    """Whether the word spelt like a place is only a noun, as "turkey" is; "Nice" and "Reading" open sentences."""
    return low in ("japan", "france") or {form.pos for form in forms(low)} <= {"noun"}


@lru_cache(maxsize=1 << 16)
def kind_of_name(word: str) -> str:
    """The kind of a well-known name of one word, also in the plural ("Koreans"), or ""."""
    return known_names().get(word) or (known_names().get(word[:-1], "") if word.endswith("s") else "")


def is_heading(sentence: str, words: Sequence[Word]) -> bool:
    """Whether nearly all long words have a capital, and no full stop ends the sentence."""
    long = [word.has_capital for word in words if len(word.text) > 3]
    return not sentence.endswith((".", "!", "?")) and len(long) > 3 and sum(long) >= _HEADING_SHARE * len(long)
