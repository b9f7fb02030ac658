"""Units of measurement and money: their spellings, and how many of one make another.

`amounts` compares "18 months" with "a year and a half" by these factors; `opposites` keeps the units of one quantity
apart wherever they stand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from unspin.english.morphology import lemmas
from unspin.english.thesaurus import related
from unspin.english.word_classes import CLOSED_CLASS


class Unit(NamedTuple):
    """A unit as a multiple of the base unit of its dimension: a week is 604,800 seconds; a number has no dimension."""

    dimension: str = ""
    factor: Fraction = Fraction(1)


# A dimension, and after the colon its units: how many base units each is, and its spellings. Plurals in -s are added.
# A unit with the factor 0 is not converted.
_UNITS = """\
time: 1 second sec secs | 60 minute min mins | 3600 hour hr hrs hourly | 86400 day daily | 604800 week wk weekly
    | 1209600 fortnight fortnightly | 1/1000 millisecond ms
months: 1 month mth monthly | 3 quarter quarterly | 12 year yr yrs twelvemonth yearly annual annually | 120
    decade decennium | 1200 century centuries | 12000 millennium millennia
length: 1000 kilometre kilometer km kms | 1 metre meter mtr | 1/100 centimetre centimeter cm cms | 1/1000
    millimetre millimeter mm | 1/1000000 micron micrometre micrometer | 1/1000000000 nanometre nanometer nm |
    1609344/1000 mile | 9144/10000 yard yd | 3048/10000 foot feet ft | 254/10000 inch inches | 0 furlong | 0
    fathom | 0 lightyear | 0 parsec | 1852 nautical
area: 4047 acre | 10000 hectare ha
volume: 1 litre liter | 1/1000 millilitre milliliter ml | 1/100 centilitre centiliter cl | 0 gallon | 0 pint | 0
    quart | 0 barrel | 0 bottle | 0 cup | 0 spoonful | 0 teaspoon | 0 tablespoon
weight: 1000 kilo kilogram kilogramme kg kgs | 1 gram gramme gm | 1/1000 milligram mg | 1/1000000 microgram mcg
    µg | 0 ounce oz | 1000000 tonne ton | 0 stone | 0 pound lb lbs | 0 hundredweight | 0 carat
money: 1 dollar buck greenback | 1/100 cent | 0 pence penny pennies | 0 pound quid sterling | 0 euro | 0 yen | 0
    yuan renminbi | 0 rouble ruble | 0 rupee | 0 franc | 0 peso | 0 krona kronor krone kroner | 0 dirham | 0
    rand | 0 zloty | 0 shekel | 0 lira | 0 won | 0 dinar | 0 rial riyal | 0 hryvnia | 0 taka | 0 naira | 0
    shilling | 0 bitcoin | 0 fiver | 0 tenner | 0 nickel | 0 dime
temperature: 0 celsius centigrade | 0 fahrenheit | 0 kelvin
speed: 0 kph kmh | 0 mph | 0 knot
power: 1 watt | 1000 kilowatt kw | 1000000 megawatt mw | 1000000000 gigawatt gw | 0 horsepower hp
energy: 0 kwh | 0 calorie | 0 kilocalorie kcal | 1 joule | 1000 kilojoule kj
data: 1 byte | 1000 kilobyte kb | 1000000 megabyte mb | 1000000000 gigabyte gb | 1000000000000 terabyte tb | 0
    bit | 0 kilobit | 0 megabit | 0 gigabit
frequency: 1 hertz hz | 1000 kilohertz khz | 1000000 megahertz mhz | 1000000000 gigahertz ghz
voltage: 1 volt | 1000 kilovolt kv
current: 0 amp ampere | 0 ohm
pressure: 0 pascal | 0 hectopascal hpa | 0 psi | 0 millibar
sound: 0 decibel db
angle: 0 degree
"""
_PERCENT = Unit("", Fraction(1, 100))
_POINT = Unit("percentage point")
CURRENCY_SIGNS = {
    "$": "dollar",
    "£": "pound",
    "€": "euro",
    "¥": "yen",
    "₹": "rupee",
    "₽": "rouble",
    "₩": "won",
    "₪": "shekel",
}
_PREPOSITIONS = frozenset("a an of in on at per to as by from for".split())


def _units() -> dict[str, tuple[str, Unit]]:
    units: dict[str, tuple[str, Unit]] = {}
    for row in re.sub(r"\n +", " ", _UNITS).splitlines():
        dimension, _, listed = row.partition(": ")
        for factor, *forms in map(str.split, listed.split(" | ")):
            unit = Unit(dimension, Fraction(factor)) if factor != "0" else Unit(f"{dimension} ({forms[0]})")
            for form in (*forms, *(f"{form}s" for form in forms if len(form) > 2 and not form.endswith(("ly", "s")))):
                units.setdefault(form, (dimension, unit))
    return units


_BY_FORM = _units()
UNIT_WORDS: dict[str, Unit] = {form: unit for form, (_, unit) in _BY_FORM.items()} | {
    "%": _PERCENT, "percent": _PERCENT, "pct": _PERCENT, "p": _BY_FORM["pence"][1], "g": _BY_FORM["gram"][1],
    "m": _BY_FORM["metre"][1], "l": _BY_FORM["litre"][1], "am": Unit("am"), "pm": Unit("pm"),
    "c": _BY_FORM["celsius"][1],
    "f": _BY_FORM["fahrenheit"][1], "gmt": Unit("gmt"),
}  # fmt: skip
_POUND = Unit("pound")  # of weight or money
UNIT_WORDS |= dict.fromkeys("pound pounds lb lbs quid sterling".split(), _POUND)
SINGLE_UNITS = frozenset(
    """second minute hour day week fortnight month year decade century millennium hourly daily weekly fortnightly
    monthly yearly annually quarterly""".split()
)


def unit_at(tokens: Sequence[str], position: int) -> tuple[Unit | None, str]:
    """The unit that the lower-case tokens from a position on name, and the word that names it.

    Without a known unit, the word is the one at the position. Up to two adjectives may stand before the unit ("five
    long years").
    """
    rest = list(tokens[position : position + 5])
    if not rest:
        return None, ""
    if unit := _percentage(rest):
        return unit, rest[0]
    if rest[0] == '"':
        return UNIT_WORDS["inch"], rest[0]
    if rest[0] in ("square", "cubic", "sq", "cu") and len(rest) > 1 and rest[1] in UNIT_WORDS:
        return Unit(f"{'square' if rest[0][0] == 's' else 'cubic'} {UNIT_WORDS[rest[1]]}"), rest[1]
    if rest[0] == "basis" and rest[1:2] in (["point"], ["points"]):
        return Unit("percentage point", Fraction(1, 100)), rest[0]
    for i, word in enumerate(rest[:3]):
        if word == "light" and rest[i + 1 : i + 2] in (["year"], ["years"]):
            return UNIT_WORDS["lightyear"], word
        if (
            word in ("degree", "degrees", "°")
            and rest[i + 1 : i + 2]
            and rest[i + 1] in ("celsius", "centigrade", "fahrenheit", "c", "f")
        ):
            return UNIT_WORDS[rest[i + 1]], word
        if word in UNIT_WORDS and (len(word) > 1 or i == 0):
            per = rest[i + 1 : i + 3]
            if per in (["per", "hour"], ["an", "hour"], ["a", "hour"]) and word.startswith(("mile", "kilomet", "km")):
                return UNIT_WORDS["mph" if word.startswith("mile") else "kph"], word
            return UNIT_WORDS[word], word
        if not word.isalpha() or word in CLOSED_CLASS or word in _PREPOSITIONS or (i and word.endswith("s")):
            break
    is_noun = rest[0].isalpha() and rest[0] not in CLOSED_CLASS and rest[0] not in _PREPOSITIONS
    return None, rest[0] if is_noun else ""


def _percentage(rest: Sequence[str]) -> Unit | None:
    """Percent, percentage points or per mille; a garbled "percent factors" counts as percentage points."""
    words = list(rest)
    if words[0] == "per" and words[1:2] and words[1] in ("cent", "centum"):
        words = ["percent", *words[2:]]
    if words[0] == "per" and words[1:2] == ["mille"]:
        return Unit("", Fraction(1, 1000))
    if words[0] not in ("%", "percent", "pct", "percentage", "percentile"):
        return None
    return _POINT if len(words) > 1 and means_point(words[1]) else _PERCENT


def means_point(word: str) -> bool:
    """Whether a lower-case word is "point" or a garbled form of "points": "factors"."""
    return word in ("point", "points") or (
        word.endswith("s")
        and word not in CLOSED_CLASS
        and related(word, "points")
        and word not in ("states", "periods")
    )


def unit_of(token: str) -> list[tuple[str, str]]:
    """The (dimension, unit) of a lower-case token; "quarter" and "pound" are left out, since they have two."""
    for form in (token, *lemmas(token)):
        if form in _BY_FORM and form not in (
            "quarter",
            "pound",
            "second",
            "ms",
            "cup",
            "bottle",
            "foot",
            "degree",
            "stone",
            "yard",
        ):
            dimension, unit = _BY_FORM[form]
            return [("time" if dimension == "months" else dimension, f"{unit.dimension} {unit.factor}")]
    return []
