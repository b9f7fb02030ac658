"""How often something happens: "every other day", "bimonthly", "twice a week"."""

from __future__ import annotations

import re
from functools import lru_cache

_PERIOD = (
    r"(?:second|minute|hour|day|night|morning|evening|afternoon|week|weekend|fortnight|month|quarter|season|term|year|"
    r"decade|(?:mon|tues|wednes|thurs|fri|satur|sun)day|game|match|session|visit|turn|row|line|house|weekly|monthly|yearly|annual|daily)s?\b"
)
_EVERY_OTHER = re.compile(rf"(?i)\b(?:each|every) (?:other|second|alternate|different|alternative|2nd) (?={_PERIOD})")
_PREFIXED = re.compile(
    r"(?i)\b(bi|semi|tri|half|twice)-?(weekly|monthly|yearly|annual(?:ly)?|quarterly|hourly|ennial(?:ly)?|daily)\b"
)
_NEXT_BUT_ONE = re.compile(
    r"(?i)\bday (?:(?:before|after|following)|(?:earlier|prior|previous|later) (?:than|to)) (?:yesterday|tomorrow)\b"
)


@lru_cache(maxsize=1 << 12)
def frequencies_in(text: str) -> tuple[str, ...]:
    """The frequencies that a single word can change, in order."""
    found = [(match.start(), "every other") for match in _EVERY_OTHER.finditer(text)]
    found += [
        (match.start(), f"{match[1]} {match[2].removesuffix('ly')}".lower()) for match in _PREFIXED.finditer(text)
    ]
    found += [(match.start(), "day but one") for match in _NEXT_BUT_ONE.finditer(text)]
    return tuple(name for _, name in sorted(found))
