"""The persons that pronouns refer to."""

from __future__ import annotations

import re
from functools import lru_cache

from unspin.segment import tokenize

_PERSONS = {
    **dict.fromkeys(("he", "him", "his", "himself"), "he"),
    **dict.fromkeys(("she", "her", "hers", "herself"), "she"),
    **dict.fromkeys(("i", "me", "my", "mine", "myself"), "i"),
    **dict.fromkeys(("we", "us", "our", "ours", "ourselves"), "we"),
    **dict.fromkeys(("their", "theirs", "themselves"), "they"),
    **dict.fromkeys(("you", "your", "yours", "yourself", "yourselves"), "you"),
}
# Phrases whose pronoun refers to nobody else, and the plain word that says the same.
_ALONE = re.compile(
    r"(?i)\b(?:all )?by (?:my|your|him|her|it|our|them)(?:self|selves)\b"
    r"|\bon (?:my|your|his|her|its|our|their) own(?=\W*$|[.,;:!?]"
    r"| (?:and|but|or|to|for|in|at|when|because|after|before|since|with)\b)"
)
_COUNTRY = re.compile(r"\bUS\b|\bU\.S\.")


@lru_cache(maxsize=1 << 12)
def persons_in(text: str) -> tuple[str, ...]:
    """The persons that a text's pronouns refer to, each by its subject pronoun."""
    text = _COUNTRY.sub("America", _ALONE.sub("alone", text))
    return tuple(_PERSONS[low] for token in tokenize(text) if (low := token.lower()) in _PERSONS)
