"""Finds weekdays and months. Years and days of the month are left to `numbers`."""

from __future__ import annotations

import re

_WEEKDAYS = r"(?i:mon|tues|wednes|thurs|fri|satur|sun)(?i:days?)"
_MONTHS = r"(?i:january|february|april|june|july|august|september|october|november|december)"
# In lower case these two are mostly a noun and a verb, so they count as months only after "mid", "late" or "early".
_MARCH_OR_MAY = r"(?i:(?<=mid.)|(?<=late.)|(?<=early.))(?i:march|may)|March|May"
_CALENDAR = re.compile(rf"\b(?:{_WEEKDAYS}|{_MONTHS}|{_MARCH_OR_MAY})\b")


def dates_in(text: str) -> list[str]:
    """The weekdays and months named in a text, in order and in lower case."""
    return [match[0].lower() for match in _CALENDAR.finditer(text)]
