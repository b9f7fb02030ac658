"""A phrase table: garbled phrases, each with the phrases that may have stood there, and where a text has them.

The model weighs each place in its context (`unspin.infer.restorer`): a listed phrase may be what the author wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from unspin.edits import Edit, align
from unspin.english.morphology import Form, forms, inflect
from unspin.infer.phrase_matching import PhraseMatch, PhraseMatcher
from unspin.phrase_lists import PhrasePair, read_phrases

_HYPHEN = re.compile("[-\u2010\u2011]")
_ABBREVIATION = re.compile(r"\w*[A-Z]{2,}s?")
_SMALL_WORDS = frozenset("a an and as at but by for from in of on or the to with".split())


@dataclass(frozen=True, slots=True)
class PhraseHit:
    """Characters ``start:end`` of a text, `found`, are a listed phrase; `replacements` are spelt to stand there."""

    start: int
    end: int
    found: str
    replacements: tuple[str, ...]

    @property
    def edits(self) -> list[Edit]:
        """One edit for each replacement, without the words that it keeps at its beginning and end."""
        return [_without_kept_words(Edit(self.start, self.end, new), self.found) for new in self.replacements]


class PhraseTable:
    """Listed phrases, searchable in a text. It pickles as its pairs."""

    def __init__(self, pairs: Iterable[PhrasePair]) -> None:
        self._pairs = tuple(pairs)
        self._matcher = PhraseMatcher(pair.garbled for pair in self._pairs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PhraseTable) and self._pairs == other._pairs

    def __hash__(self) -> int:
        return hash(self._pairs)

    def __reduce__(self) -> tuple[type[PhraseTable], tuple[tuple[PhrasePair, ...]]]:
        return type(self), (self._pairs,)

    @classmethod
    def from_file(cls, file: Path) -> PhraseTable:
        """Read a list. Raises as `read_phrases` does."""
        return cls(read_phrases(file))

    def __len__(self) -> int:
        return len(self._pairs)

    def find(self, text: str) -> Iterator[PhraseHit]:
        """The places of a text where a listed phrase stands, sorted; they may overlap."""
        replacements: dict[tuple[int, int], dict[str, None]] = {}
        for match in self._matcher.find(text):
            own = replacements.setdefault((match.start, match.end), {})
            opens = not any(map(str.isalnum, text[: match.start]))
            own.update(dict.fromkeys(self._replacements(text[match.start : match.end], match, opens)))
        for (start, end), own in replacements.items():
            if own:
                yield PhraseHit(start, end, text[start:end], tuple(own))

    def _replacements(self, found: str, match: PhraseMatch, opens: bool) -> Iterator[str]:
        pair = self._pairs[match.phrase]
        for expected in pair.expected:
            inflected = _inflect(expected, *match.forms) if match.forms else expected
            if inflected and (spelt := spell_like(found, pair.garbled, inflected, opens)) != found:
                yield spelt


def _without_kept_words(edit: Edit, found: str) -> Edit:
    """The edit, from the first word that changes to the last."""
    parts = align(found, edit.replacement)
    first, last = parts[0].start, parts[-1].end
    tail = len(found) - last
    return Edit(edit.start + first, edit.start + last, edit.replacement[first : len(edit.replacement) - tail])


def _inflect(expected: str, listed: Form, found: Form) -> str:
    """The expected phrase, inflected as the listed one was; "" if its head is no such word."""
    words = expected.split(" ")
    head = 0 if listed.pos == "verb" else -1
    if _ABBREVIATION.fullmatch(words[head]):
        words[head] = _inflect_abbreviation(words[head], listed, found)
    else:
        readings = forms(words[head].lower())
        lemma = next((form.lemma for form in readings if (form.pos, form.tag) == (listed.pos, listed.tag)), "")
        inflected = inflect(lemma, found.pos, found.tag) if lemma else ""
        words[head] = inflected.capitalize() if words[head].istitle() else inflected
    return " ".join(words) if words[head] else ""


def _inflect_abbreviation(word: str, listed: Form, found: Form) -> str:
    """The plural of an abbreviation such as "mRNA", or its singular; "" if neither is asked for."""
    if (listed.tag, found.tag) == ("NN", "NNS"):
        return f"{word}s"
    return word.removesuffix("s") if (listed.tag, found.tag) == ("NNS", "NN") else ""


def spell_like(found: str, listed: str, expected: str, opens: bool = False) -> str:
    """The expected phrase with the hyphens and capitals of the words that were found, where these are not the list's.

    `opens` says that a sentence begins with it.
    """
    if "’" in found:
        expected = expected.replace("'", "’")
    first, *others = expected.split(" ")
    if found.isupper() and len(found) > 1 and not listed.isupper():
        expected = expected.upper()
    elif _is_title(found) and not _is_title(listed):
        expected = _title(expected)
    elif found[:1].isupper() and (opens or listed[:1].islower()):
        expected = " ".join((_capitalised(first), *others))
    elif found[:1].islower() and listed[:1].isupper() and _is_title(listed) == _is_title(expected):
        names = listed.split()  # what both have in capitals, as "Joule's"
        expected = " ".join(
            word.lower() if word.istitle() and word not in names else word for word in expected.split(" ")
        )
    hyphen = _HYPHEN.search(found)
    return expected.replace(" ", hyphen[0]) if hyphen and " " not in found and not _HYPHEN.search(listed) else expected


def _is_title(phrase: str) -> bool:
    words = [word for word in _HYPHEN.sub(" ", phrase).split() if word.lower() not in _SMALL_WORDS]
    return len(words) > 1 and all(word[0].isupper() for word in words)


def _title(phrase: str) -> str:
    words = phrase.split(" ")
    return " ".join(word if place and word in _SMALL_WORDS else _capitalised(word) for place, word in enumerate(words))


def _capitalised(word: str) -> str:
    """A word with a capital, unless it has one inside, as "mRNA" has."""
    return word[:1].upper() + word[1:] if word.islower() else word
