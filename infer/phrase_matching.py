"""Finds listed phrases in a text: in any case, inflected, across line breaks and hyphens, over whole words only.

An Aho-Corasick automaton (Aho and Corasick 1975) finds all phrases at once, so the cost does not grow with their
number. It reads words reduced to a key that all inflected forms of a word share; what it finds is compared word by
word. Punctuation inside a phrase must stand in the text as listed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import normalize

from ahocorasick_rs import AhoCorasick
from unspin.english.morphology import Form, forms, lemmas
from unspin.lazy import cached_property

_LETTER = r"[\w\u0300-\u036f\u00ad]"  # also combining accents and soft hyphens
_TOKEN = re.compile(rf"['’][sS]\b|{_LETTER}+(?:['’](?![sS]\b){_LETTER}+)*|[^\w\s\u2010\u2011-]")  # hyphens are gaps
_BROKEN = re.compile(r"[-\u2010]\s+")  # between the halves of a word that is broken at the end of a line


@dataclass(frozen=True, slots=True)
class PhraseMatch:
    """Phrase number `phrase` of the list stands at characters ``start:end``.

    `forms` are the readings of its first or last word, as listed and as found; None if the words are those of the list.
    """

    start: int
    end: int
    phrase: int
    forms: tuple[Form, Form] | None = None


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    word: str


class PhraseMatcher:
    """Finds the phrases of a list. It pickles as its phrases."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self.phrases = tuple(phrases)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PhraseMatcher) and self.phrases == other.phrases

    def __hash__(self) -> int:
        return hash(self.phrases)

    def __reduce__(self) -> tuple[type[PhraseMatcher], tuple[tuple[str, ...]]]:
        return type(self), (self.phrases,)

    def find(self, text: str) -> list[PhraseMatch]:
        """The matches, sorted; they may overlap."""
        if not self.phrases:
            return []
        tokens = _tokens(text)
        found = set(self._find(text, tokens))
        joined = _join_broken(text, tokens)
        if len(joined) < len(tokens):
            found.update(self._find(text, joined))
        return sorted(found, key=lambda match: (match.start, match.end, match.forms is not None, match.phrase))

    def _find(self, text: str, tokens: Sequence[_Token]) -> Iterator[PhraseMatch]:
        haystack, token_at = " ", {0: 0}
        for number, token in enumerate(tokens, 1):
            haystack += f"{_key(token.word)} "
            token_at[len(haystack) - 1] = number
        listed, keys, automaton = self._automaton
        for key, start, end in automaton.find_matches_as_indexes(haystack, overlapping=True):
            found = tokens[token_at[start] : token_at[end - 1]]
            words = [token.word for token in found]
            for phrase in keys[key]:
                readings = _inflection(listed[phrase], words)
                if readings or listed[phrase] == words:
                    yield PhraseMatch(found[0].start, found[-1].end, phrase, readings)

    @cached_property
    def _automaton(self) -> tuple[list[list[str]], list[list[int]], AhoCorasick]:
        """The words of each phrase, for each pattern the phrases that have it, and the automaton of the patterns."""
        listed = [list(map(_word, _TOKEN.findall(phrase))) for phrase in self.phrases]
        patterns: dict[str, list[int]] = defaultdict(list)
        for number, words in enumerate(listed):
            if words:
                patterns[f" {' '.join(map(_key, words))} "].append(number)
        return listed, list(patterns.values()), AhoCorasick(list(patterns))


def _tokens(text: str) -> list[_Token]:
    return [_Token(match.start(), match.end(), _word(match[0])) for match in _TOKEN.finditer(text)]


def _word(token: str) -> str:
    """A token in lower case, with a straight apostrophe, composed accents and no soft hyphens."""
    word = token.lower().replace("’", "'")
    return word if word.isascii() else normalize("NFC", word.replace("\u00ad", ""))


def _join_broken(text: str, tokens: Sequence[_Token]) -> list[_Token]:
    """The tokens, with the halves of a word that may be broken at the end of a line as one."""
    joined: list[_Token] = []
    for token in tokens:
        if joined and _BROKEN.fullmatch(text, joined[-1].end, token.start):
            half = joined.pop()
            token = _Token(half.start, token.end, half.word + token.word)
        joined.append(token)
    return joined


@lru_cache(maxsize=1 << 17)
def _key(word: str) -> str:
    """A lemma of the word, of which it has no further one: the same for nearly all forms of a word."""
    seen = {word}
    while others := lemmas(word) - seen:
        word = min(others)
        seen.add(word)
    return word


def _inflection(listed: Sequence[str], found: Sequence[str]) -> tuple[Form, Form] | None:
    """The readings, as listed and as found, of the one word that is inflected otherwise; None if there is none."""
    different = [i for i, (one, other) in enumerate(zip(listed, found, strict=True)) if one != other]
    if len(different) != 1:
        return None
    (place,) = different
    heads = {0: ("verb",), len(listed) - 1: ("noun",)} if len(listed) > 1 else {0: ("noun", "verb", "adj", "adv")}
    return next(
        (
            (one, other)
            for one in forms(listed[place])
            for other in forms(found[place])
            if one.pos in heads.get(place, ()) and (one.pos, one.lemma) == (other.pos, other.lemma)
        ),
        None,
    )
