"""The `surface` engine: contractions, digits, abbreviations, spelling, casing, articles and agreement; no synonyms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import ClassVar

from unspin.data.lexicons.surface import ABBREVIATIONS, BRITISH, CONTRACTIONS, NUMBERS, SLIPS
from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence, Substitution
from unspin.data.spinners.tables import recase

_TABLES: dict[str, dict[str, str]] = {
    "contract": CONTRACTIONS,
    "expand": {short: long for long, short in CONTRACTIONS.items()},
    "digits": NUMBERS,
    "words": {digits: word for word, digits in NUMBERS.items()},
    "abbreviate": ABBREVIATIONS,
    "lengthen": {short: long for long, short in ABBREVIATIONS.items()},
    "british": {american: british for british, american in BRITISH.items()},
    "american": BRITISH,
    "agreement": SLIPS,
}
_DROPPED_ARTICLE = re.compile(r"(?<=\w )(?:the|a|an) (?=[a-z])")
_ADDED_ARTICLE = re.compile(r"(?<= )(?:of|in|for|with) (?=[a-z]+\b)")
_CAPITAL = re.compile(r"(?<=[a-z,] )[A-Z](?=[a-z]{2})|(?<=-)[A-Z](?=[a-z]{2})")
RULES = (*_TABLES, "article", "case")


@cache
def _pattern(rule: str) -> re.Pattern[str]:
    terms = sorted(_TABLES[rule], key=len, reverse=True)
    return re.compile(rf"(?<![\w'’.,$£€-])(?:{'|'.join(map(re.escape, terms))})(?![\w'’%-]|[.,]\d)", re.IGNORECASE)


def _from_table(rule: str) -> Callable[[str], Iterator[tuple[int, int, str]]]:
    def find(text: str) -> Iterator[tuple[int, int, str]]:
        plain = text.replace("’", "'")
        for match in _pattern(rule).finditer(plain):
            substitute = _TABLES[rule][match[0].lower()]
            if "’" in text:
                substitute = substitute.replace("'", "’")
            cased = substitute if match[0].islower() or match[0].isdigit() else recase(match[0], substitute, False)
            yield match.start(), match.end(), cased

    return find


def _articles(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _DROPPED_ARTICLE.finditer(text):
        yield match.start(), match.end(), ""
    for match in _ADDED_ARTICLE.finditer(text):
        yield match.end(), match.end(), "the "


def _lower(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _CAPITAL.finditer(text):
        yield match.start(), match.end(), match[0].lower()


class Surface:
    """The slips and respellings that tools leave beside their synonyms; rare rules are drawn by place."""

    name = "surface"
    _rare: ClassVar = {"article": 0.12, "case": 0.08, "agreement": 0.3}

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        for rule in persona.surface_rules:
            find = {"article": _articles, "case": _lower}.get(rule) or _from_table(rule)
            for start, end, text in find(sentence.text):
                if persona.draw(rule, sentence.text, start) < self._rare.get(rule, 1.0):
                    yield Substitution(start, end, text, self.name, rule)
