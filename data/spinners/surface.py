"""The `surface` spinner: changes below the level of words.

Its rules cover contractions, digits, abbreviations, spelling, casing, articles and agreement. It uses no synonyms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence, Spinner, Substitution
from unspin.data.spinners.tables import recase
from unspin.english.surface import ABBREVIATIONS, BRITISH, CONTRACTIONS, NUMBERS, SLIPS

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
_RATES = {"article": 0.12, "case": 0.08, "agreement": 0.3}  # share of matching places that a rule changes; default 1
_DROPPED_ARTICLE = re.compile(r"(?<=\w )(?:the|a|an) (?=[a-z])")
_ADDED_ARTICLE = re.compile(r"(?<= )(?:of|in|for|with) (?=[a-z]+\b)")
_CAPITAL = re.compile(r"(?<=[a-z,] )[A-Z](?=[a-z]{2})|(?<=-)[A-Z](?=[a-z]{2})")

Rewrite = tuple[int, int, str]  # start, end and replacement


class Surface(Spinner):
    """Respellings and slips that tools leave beside their synonyms; `Persona.surface_rules` says which a tool has."""

    name = "surface"

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        for rule in persona.surface_rules:
            for start, end, text in _rewrites(rule, sentence.text):
                if persona.draw(rule, sentence.text, start) < _RATES.get(rule, 1.0):
                    yield Substitution(start, end, text, self.name, rule)


def _rewrites(rule: str, text: str) -> Iterator[Rewrite]:
    if rule == "article":
        return _articles(text)
    return _capitals(text) if rule == "case" else _table_rewrites(rule, text)


def _table_rewrites(rule: str, text: str) -> Iterator[Rewrite]:
    """Replace the keys of the rule's table, keeping the text's casing and its kind of apostrophe."""
    for match in _pattern(rule).finditer(text.replace("’", "'")):
        substitute = _TABLES[rule][match[0].lower()]
        if "’" in text:
            substitute = substitute.replace("'", "’")
        keeps_case = match[0].islower() or match[0].isdigit()
        yield match.start(), match.end(), substitute if keeps_case else recase(match[0], substitute, False)


@cache
def _pattern(rule: str) -> re.Pattern[str]:
    terms = sorted(_TABLES[rule], key=len, reverse=True)
    return re.compile(rf"(?<![\w'’.,$£€-])(?:{'|'.join(map(re.escape, terms))})(?![\w'’%-]|[.,]\d)", re.IGNORECASE)


def _articles(text: str) -> Iterator[Rewrite]:
    """Drop articles, and add "the" after some prepositions."""
    for match in _DROPPED_ARTICLE.finditer(text):
        yield match.start(), match.end(), ""
    for match in _ADDED_ARTICLE.finditer(text):
        yield match.end(), match.end(), "the "


def _capitals(text: str) -> Iterator[Rewrite]:
    """Lower capitals inside a sentence."""
    for match in _CAPITAL.finditer(text):
        yield match.start(), match.end(), match[0].lower()
