"""Numbers, compared by value ("2,000" equals "two thousand"), and the bounds of amounts ("over 40", "about 40").

"First" does not count as a number, since it is often not used as one ("at first"); `opposites` protects it from "last".
"""

from __future__ import annotations

import math
import re

from unspin.english.surface import NUMBERS
from unspin.segment import tokenize

# 2000.0 for a cardinal, "2nd" for an ordinal, ("many", 1000.0) for "thousands"
Number = float | str | tuple[str, float]

PERCENTAGE = re.compile(r"(?i)%|\bper ?cent\b|\bpercentage points?\b")
_VALUES = {word: float(digits) for word, digits in NUMBERS.items() if digits.isdigit()}
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "dozen": 12.0}
_NEXT_SCALE = {1e2: 1e3, 1e3: 1e6, 1e6: 1e9, 1e9: 1e12}
_PLURAL_SCALES = {f"{word}s": value for word, value in _SCALES.items()}
_HIGH_ORDINALS = """eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth
    twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth hundredth thousandth
    millionth""".split()
_ORDINALS = {
    "second": "2nd",
    **{word: digits for word, digits in NUMBERS.items() if not digits.isdigit() and word != "first"},
    **{
        word: f"{number}th"
        for word, number in zip(_HIGH_ORDINALS, (*range(11, 20), *range(20, 100, 10), 100, 1000, 10**6), strict=True)
    },
}
_DIGITS = re.compile(r"\d[\d.,]*\d|\d")
_POWER_PLURAL = re.compile(r"(10{2,9})s")  # "1000s"
_PLURAL_APOSTROPHE = re.compile(r"(?<=\d)['’](?=s\b)")  # "1000's"

# The amount that must follow a bound: without one, "over" and "about" are prepositions.
_AMOUNT = (
    r"(?=\W+(?:an? |the )?(?:"
    r"[$£€]?\d"
    r"|(?:half|scores|once|twice|(?:dozen|hundred|thousand|million|billion|trillion)s?|"
    + "|".join(word for word, digits in NUMBERS.items() if digits.isdigit())
    + r")\b))"
)
_BOUND_FORMS = {
    "at least": (
        r"at (?:the (?:very )?)?least",
        r"(?:at|as) a minimum",
        r"minimum of",
        rf"(?:no|not) (?:fewer|less) than{_AMOUNT}",
        r"or (?:more|over|above)\b",
    ),
    "at most": (
        r"at (?:the (?:very )?)?most",
        r"(?:at|as) a maximum",
        r"maximum of",
        rf"(?:no|not) more than{_AMOUNT}",
        rf"(?:up to|as (?:many|much) as){_AMOUNT}",
        r"(?<!more )or (?:less|fewer|under)\b",
    ),
    "over": (
        r"(?<!no )(?<!not )(?:(?:more|greater|higher) than|over|above|exceeding|in excess of|upwards? of|beyond)"
        + _AMOUNT,
    ),
    "under": (rf"(?<!no )(?<!not )(?:(?:fewer|less|lower) than|under|below|beneath){_AMOUNT}",),
    "nearly": (rf"(?:nearly|almost|virtually|practically|close to|just (?:under|below)){_AMOUNT}",),
    "about": (
        r"(?:about|around|approximately|approx\.?|roughly|some|circa|in the (?:region|neighbou?rhood) of)" + _AMOUNT,
        r"or (?:so|thereabouts)\b",
    ),
}
_BOUNDS = {bound: re.compile(rf"(?i)\b(?:{'|'.join(forms)})") for bound, forms in _BOUND_FORMS.items()}


def lost_bound(before: str, after: str) -> str:
    """Name the first bound of an amount that `after` has fewer of than `before`, or "" if none was lost.

    "At least once" to "once" loses one, and so does "nearly 40" to "about 40". Gaining a bound is allowed, since the
    spinner may have garbled it.
    """
    for bound, form in _BOUNDS.items():
        if len(form.findall(before)) > len(form.findall(after)):
            return f"a bound ({bound})"
    return ""


def numbers_in(text: str) -> list[Number]:
    """The values of the numbers in a text, in order.

    "Two thousand" and "2,000" give 2000.0, "second" and "2nd" give "2nd", and "thousands" and "1000's" give
    ("many", 1000.0).
    """
    numbers: list[Number] = []
    value: float | None = None  # of the number word that is being read: "two", "two hundred", "two hundred and five"
    for token in _number_tokens(text):
        # "One" counts in "twenty-one" and "a hundred and one"; elsewhere it is mostly a pronoun.
        part = 1.0 if token == "one" and value and value >= 20 and value % 10 == 0 else _cardinal(token)
        if part is not None and value is not None and value >= 20 and part < min(value, 100):
            value += part
        elif token in _SCALES:
            value = _scaled(1.0 if value is None else value, _SCALES[token])
        elif token != "and":
            if value is not None:
                numbers.append(value)
            if part is None:
                numbers += _ordinals_and_plurals(token)
            value = part
    return numbers if value is None else [*numbers, value]


def _scaled(value: float, scale: float) -> float:
    """The value multiplied by a scale, or only its last part, if a greater scale came before it.

    15 and 100 ("fifteen hundred") give 1500, but 2005 and 100 ("two thousand five hundred") give 2500.
    """
    part = (value % scale or value) if value >= _NEXT_SCALE.get(scale, math.inf) else value
    return value - part + part * scale


def _number_tokens(text: str) -> list[str]:
    tokens = tokenize(_PLURAL_APOSTROPHE.sub("", text.replace("-", " ")))
    return [token.lower() for token in tokens if not token.isspace()]


def _cardinal(token: str) -> float | None:
    if _DIGITS.fullmatch(token):
        digits = token.replace(",", "")
        return float(digits) if digits.count(".") <= 1 else None
    return _VALUES.get(token)


def _ordinals_and_plurals(token: str) -> list[Number]:
    plural = _POWER_PLURAL.fullmatch(token)
    if plural:
        return [("many", float(plural[1]))]
    if token in _PLURAL_SCALES:
        return [("many", _PLURAL_SCALES[token])]
    if token == "1st":  # as "first"
        return []
    if token in _ORDINALS:
        return [_ORDINALS[token]]
    return [token] if any(character.isdigit() for character in token) else []
