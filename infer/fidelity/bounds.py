"""Bounds of amounts: "over 40", "at least once", "about half".

A word such as "over" is a bound only before an amount; elsewhere it is a preposition.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from unspin.english.surface import NUMBERS
from unspin.infer.fidelity.change import Change

_AMOUNT = (
    r"(?=\W+(?:an? |the )?(?:"
    r"[$£€]?\d"
    r"|(?:half|scores|once|twice|two-thirds|(?:dozen|hundred|thousand|million|billion|trillion)s?|"
    + "|".join(word for word, digits in NUMBERS.items() if digits.isdigit())
    + r")\b))"
)
_BOUND_FORMS = {
    "at least": (
        r"at (?:the (?:very )?)?least",
        r"(?:at|as) a minimum",
        r"minimum of",
        rf"(?:no|not) (?:fewer|less|lower) than{_AMOUNT}",
        r"or (?:more|over|above)\b",
    ),
    "at most": (
        r"at (?:the (?:very )?)?most",
        r"(?:at|as) a maximum",
        r"maximum of",
        rf"(?:no|not|nor) (?:more|greater|higher) than{_AMOUNT}",
        rf"(?:up to|as (?:many|much) as){_AMOUNT}",
        r"(?<!more )or (?:less|fewer|under)\b",
    ),
    "over": (
        r"(?<!no )(?<!not )(?<!nor )(?:more|greater|higher) than" + _AMOUNT,
        r"(?:over|above|exceeding|in excess of|upwards? of|beyond|north of)" + _AMOUNT,
    ),
    "under": (
        rf"(?<!no )(?<!not )(?:fewer|less|lower) than{_AMOUNT}",
        rf"(?:under|below|beneath|shy of|south of){_AMOUNT}",
    ),
    "nearly": (
        r"(?:nearly|almost|virtually|practically)(?= (?:all|every|everyone|everybody|everything|none|no)\b)",
        r"(?:nearly|almost|virtually|practically|close to|nigh on|just (?:about|under|below|short of|shy of))"
        + _AMOUNT,
    ),
    "about": (
        r"(?:(?<!just )about|around|approximately|approx\.?|roughly|some|circa|an estimated|"
        r"in the (?:region|neighbou?rhood|vicinity) of)" + _AMOUNT,
        r"or (?:so|thereabouts)\b",
    ),
}
_BOUNDS = {bound: re.compile(rf"\b(?:{'|'.join(forms)})", re.IGNORECASE) for bound, forms in _BOUND_FORMS.items()}
_ANY_BOUND = re.compile("|".join(form.pattern for form in _BOUNDS.values()), re.IGNORECASE)


@lru_cache(maxsize=1 << 12)
def bounds_in(text: str) -> tuple[str, ...]:
    """The bounds of amounts in a text, sorted: "at least", "at most", "over", "under", "nearly", "about"."""
    if not _ANY_BOUND.search(text):
        return ()
    return tuple(bound for bound, form in _BOUNDS.items() for _ in form.findall(text))


def same_bounds(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether no bound was lost. A bound may be gained, since the spinner may have garbled it."""
    return not Counter(old) - Counter(new)


def invented_bound(change: Change) -> str:
    """A bound that an edit inserts without removing a word that may have been one."""
    if any(token[:1].isalpha() for token in change.removed):
        return ""
    gained = Counter(bounds_in(change.restored)) - Counter(bounds_in(change.source))
    return f"a bound of an amount ({next(iter(gained))})" if gained else ""
