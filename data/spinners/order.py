"""The `order` spinner: small changes of word order.

"The end of the year" becomes "the year's end", and an adverb moves to the other side of its verb.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence, Spinner, Substitution
from unspin.english.morphology import forms
from unspin.english.word_classes import COMMONEST, IMMUTABLE

RATES = {"genitive": 0.5, "compound": 0.3, "adverb": 0.6}  # share of the matching places that a rule changes
TOOL_SHARE = 0.6  # share of tools that have any given rule

_OF = re.compile(
    r"\b(?P<article>[Tt]he) (?P<head>[a-z]+) of (?P<the>the )?(?P<owner>[a-z]+|(?!(?:Mr|Mrs|Ms|Dr|St)\b)[A-Z][a-z]+)"
    r"(?=[,;:!?]|\.(?!\w)|$| (?P<next>[\w’'-]+))"
)
_FOLLOWS = frozenset(
    """and or but in on at to for by with from after before as that which who is was are were has had have will would
    can could""".split()
)
_PAIR = re.compile(r"\b(?P<first>[a-z’'-]+) (?P<second>[a-z’'-]+)\b")

Rewrite = tuple[int, int, str]  # start, end and replacement


class Order(Spinner):
    """Moves adjacent words. Adds only genitive endings and drops only "of" and "the". A tool has some of the rules."""

    name = "order"

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        for rule, find in (("genitive", _genitives), ("compound", _compounds), ("adverb", _adverbs)):
            if persona.draw("order", rule) < TOOL_SHARE:
                for start, end, text in find(sentence.text):
                    if persona.draw("order", rule, sentence.text, start) < RATES[rule]:
                        yield Substitution(start, end, text, self.name, rule)


def _genitives(text: str) -> Iterator[Rewrite]:
    """Rewrite "the end of the year" as "the year's end"."""
    for match in _OF.finditer(text):
        if not (_is_complete(match) and _is_noun(match["head"])):
            continue
        if match["owner"][0].isupper() or (match["the"] and _is_noun(match["owner"])):
            apostrophe = "’" if "’" in text else "'"
            owner = match["owner"] + (apostrophe if match["owner"].endswith("s") else f"{apostrophe}s")
            the = f"{match['article']} " if match["the"] else ""
            yield match.start(), match.end(), f"{the}{owner} {match['head']}"


def _compounds(text: str) -> Iterator[Rewrite]:
    """Rewrite "the price of oil" as "the oil price"."""
    for match in _OF.finditer(text):
        bare = not match["the"] and match["owner"].islower()
        if bare and _is_complete(match) and _is_noun(match["head"]) and _is_noun(match["owner"]):
            yield match.start(), match.end(), f"{match['article']} {match['owner']} {match['head']}"


def _adverbs(text: str) -> Iterator[Rewrite]:
    """Swap an adverb and a past-tense verb: "quickly left", "left quickly"."""
    position = 0
    while match := _PAIR.search(text, position):
        first, second = match["first"], match["second"]
        if (_is_adverb(first) and _is_past(second)) or (_is_past(first) and _is_adverb(second)):
            yield match.start(), match.end(), f"{second} {first}"
            position = match.end()
        else:
            position = match.start("second")


def _is_complete(match: re.Match[str]) -> bool:
    """Whether the noun phrase ends with the owner, so that no name or compound is torn apart."""
    return match["next"] is None or match["next"] in _FOLLOWS or _is_past(match["next"])


def _is_noun(word: str) -> bool:
    return word not in IMMUTABLE and word not in COMMONEST and any(form.pos == "noun" for form in forms(word))


def _is_adverb(word: str) -> bool:
    return word.endswith("ly") and any(form.pos == "adv" for form in forms(word))


def _is_past(word: str) -> bool:
    return word.islower() and word not in IMMUTABLE and any(form.tag in ("VBD", "VBN") for form in forms(word))
