"""Weekdays and months. Years and days of the month are left to `amounts`, times of day and seasons to `opposites`."""

from __future__ import annotations

import re
from functools import lru_cache

from unspin.infer.fidelity.change import Change
from unspin.segment import tokenize

_WEEKDAYS = r"(?i:mon|tues|wednes|thurs|fri|satur|sun)(?i:days?)(?i: week\b(?! of))?"
_MONTHS = r"(?i:january|february|april|june|july|september|october|november|december)"
SHORT_DATES = {"jan": "january", "feb": "february", "aug": "august", "sept": "september", "sep": "september",
          "oct": "october", "nov": "november", "dec": "december", "mon": "monday", "tue": "tuesday",
          "tues": "tuesday", "wed": "wednesday", "weds": "wednesday", "thu": "thursday", "thur": "thursday",
          "thurs": "thursday", "fri": "friday", "sat": "saturday", "sun": "sunday"}  # fmt: skip
# In lower case these are mostly other words, so they count as months only after "mid", "late" or "early".
_MARCH_OR_MAY = r"(?i:(?<=mid.)|(?<=late.)|(?<=early.))(?i:march|may|august)|March|May|August"
_SHORT = r"(?:Jan|Feb|Aug|Sept?|Oct|Nov|Dec|Mon|Tues?|Weds?|Thurs?|Fri|Sat(?=\.)|Sun(?=\.))(?=\.|\b)"
_HALF_DAY = r"(?<!\d )[ap]\.m"  # after a number it belongs to `amounts`
_CALENDAR = re.compile(rf"\b(?:{_WEEKDAYS}|{_MONTHS}|{_MARCH_OR_MAY}|{_SHORT}|{_HALF_DAY})\b")
# Words of which a spinner makes, or that it makes of, the months that are ordinary words.
_GARBLED = {"may": "could might can", "march": "walk parade stride", "august": "grand imposing majestic noble"}


@lru_cache(maxsize=1 << 12)
def dates_in(text: str) -> tuple[str, ...]:
    """The weekdays and months named in a text, in order and in lower case; "friday week" is another day."""
    found = []
    for match in _CALENDAR.finditer(text):
        low = match[0].lower()
        if low in _GARBLED and not _is_month(text, match):
            continue
        found.append(SHORT_DATES.get(low, low.removesuffix("s") if low.endswith("days") else low))
    return tuple(found)


def _is_month(text: str, match: re.Match[str]) -> bool:
    """Whether a "May", "March" or "August" is neither the first word of a sentence nor a surname."""
    before = text[: match.start()]
    if re.match(r" (?:\d|of \d)", text[match.end() :]):
        return True
    return bool(before.strip(" \"“‘'(")) and not re.search(
        r"(?:[.!?]|\b(?!In\b|Since\b|By\b|Last\b|This\b|On\b)[A-Z][a-z]+) $", before
    )


def restores_month(change: Change) -> bool:
    """Whether an edit restores a month, or a name spelt like one, from the word of a spinner: "Theresa Could"."""
    removed = {token.lower() for token in tokenize(change.before) if token[:1].isupper()}
    inserted = {token.lower() for token in tokenize(change.after) if token[:1].isupper()}
    return any(removed & set(garbled.split()) for month, garbled in _GARBLED.items() if month in inserted)


def changed_date(change: Change) -> str:
    """A message if an edit changes a weekday or month, or ""; a month that is an ordinary word may be restored."""
    if change.before.lower() == change.after.lower():
        return ""
    old, new = dates_in(change.source), dates_in(change.restored)
    if old == new:
        return ""
    gained = [date for date in new if date not in old]
    return "" if len(gained) == 1 and restores_month(change) else "a date or time"
