"""The article around a sentence, as evidence of the names that occur in it and of its author's style."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from unspin.english.surface import CONTRACTIONS, NUMBERS
from unspin.english.varieties import AMERICAN_SIGNS, BRITISH_SIGNS
from unspin.lazy import cached_property
from unspin.segment import tokenize

_CAPITAL = r"[A-Z][\w’'.-]*"
_JOIN = r"(?: (?:of|the|and|for|on|in|de|&))*"
_RUN = re.compile(rf"{_CAPITAL}(?:{_JOIN} {_CAPITAL})*")
_ACRONYM = re.compile(r"\b(?:[A-Z]{2,6}|(?:[A-Z]\.){2,6})(?![\w])")
_WORD = re.compile(r"\w+")
MAX_NAME_WORDS = 7
STRAIGHT = str.maketrans("’", "'")
CONTRACTED_FORMS = re.compile(
    rf"(?ia)\b(?:{'|'.join(map(re.escape, sorted(CONTRACTIONS.values(), key=len, reverse=True)))})(?!\w)"
)
FULL_FORMS = re.compile(rf"(?ia)\b(?:{'|'.join(sorted((*CONTRACTIONS, 'can not'), key=len, reverse=True))})(?!\w)")
NUMERALS = {digits: word for word, digits in NUMBERS.items()}


@dataclass(frozen=True)
class Context:
    """An article's text, garbled or not."""

    text: str = ""

    @cached_property
    def names(self) -> frozenset[str]:
        """Every stretch of up to `MAX_NAME_WORDS` words of the article's runs of capitalised words."""
        found = set()
        for run in _RUN.finditer(self.text):
            words = [word.rstrip(".,’'") for word in run[0].split(" ")]
            for first in range(len(words)):
                for end in range(first + 1, min(first + MAX_NAME_WORDS, len(words)) + 1):
                    found.add(" ".join(words[first:end]))
        return frozenset(found)

    @cached_property
    def names_by_length(self) -> dict[int, list[str]]:
        """The names by their number of words, sorted."""
        lengths: dict[int, list[str]] = {}
        for name in sorted(self.names):
            lengths.setdefault(name.count(" ") + 1, []).append(name)
        return lengths

    @cached_property
    def acronyms(self) -> frozenset[str]:
        """The acronyms of the article, without points: "UN" for "U.N."."""
        return frozenset(match[0].replace(".", "") for match in _ACRONYM.finditer(self.text))

    @cached_property
    def lower(self) -> str:
        """The article in lower case, one space between words, with a space before and after."""
        return _plain(self.text)

    def mentions(self, name: str) -> bool:
        """Whether the article has a name or its acronym; a name of several words may be written without capitals."""
        initials = "".join(word[0] for word in name.split() if word[0].isupper())
        return (
            name in self.names
            or (len(initials) > 1 and initials in self.acronyms)
            or (" " in name and _plain(name) in self.lower)
        )

    def has_word(self, word: str) -> bool:
        """Whether the article has a lower-case word."""
        return f" {word} " in self.lower

    @cached_property
    def _counts(self) -> Counter[str]:
        """How often the article uses each of two ways to write the same."""
        text = self.text.translate(STRAIGHT)
        tokens = [token.lower() for token in tokenize(text)]
        return Counter(
            short=len(CONTRACTED_FORMS.findall(text)),
            full=len(FULL_FORMS.findall(text)),
            words=sum(NUMBERS.get(token, "").isdigit() for token in tokens),
            digits=sum(token in NUMERALS and token.isdigit() for token in tokens),
            british=sum(token in BRITISH_SIGNS for token in tokens),
            american=sum(token in AMERICAN_SIGNS for token in tokens),
        )

    def prefers(self, other: str, own: str) -> bool:
        """Whether the article uses the form `other` more, not counting the place in question, which has `own`.

        The forms are "short" and "full" (contractions), "words" and "digits" (numbers), "british" and "american".
        """
        return self._counts[other] > max(self._counts[own] - 1, 0)

    @property
    def is_british(self) -> bool:
        """Whether British spellings and words are clearly more than American ones."""
        return self._counts["british"] > max(1, 2 * self._counts["american"])

    @property
    def is_american(self) -> bool:
        """Whether American spellings and words are clearly more than British ones."""
        return self._counts["american"] > max(1, 2 * self._counts["british"])


def _plain(text: str) -> str:
    return f" {' '.join(_WORD.findall(text.lower()))} "


NO_CONTEXT = Context()
