"""Addresses, code and words of other languages: they are the author's."""

from __future__ import annotations

import re
from functools import lru_cache

from unspin.infer.fidelity.change import Change
from unspin.infer.fidelity.dictionary import is_english
from unspin.infer.fidelity.units import UNIT_WORDS

_ADDRESS = re.compile(
    r"\S*(?:://|www\.|@)\S*|[#]\w*[A-Za-z]\w*|\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|gov|edu|io|co|uk|eu|html?|py|js|txt|csv|json|xml|pdf|docx?|xlsx?|exe|sh|md|ya?ml|zip|jpe?g|png)\b"
)
_CODE = re.compile(r"\w*_\w*|[a-z]+[A-Z]\w*|[A-Za-z]+\d\w*|\w+\(\)|(?<![\w-])--?[a-z]+(?=\s|$)|[A-Z]\w*::\w+")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_CLITIC = re.compile(r"(?:n['’]t|['’](?:s|re|ve|ll|d|m))$")


@lru_cache(maxsize=1 << 12)
def addresses_in(text: str) -> tuple[str, ...]:
    """The web and mail addresses, file names, hashtags and identifiers of a text, in order."""
    return tuple(_ADDRESS.findall(text))


def changed_foreign_word(change: Change) -> str:
    """A word of another language or of code that an edit removes or invents, or ""."""
    lost = _foreign_words(change.before) - _foreign_words(change.after)
    gained = _foreign_words(change.after) - _foreign_words(change.source)
    return f"the word {min(lost | gained)!r}" if lost or gained else ""


@lru_cache(maxsize=1 << 12)
def _foreign_words(text: str) -> frozenset[str]:
    words = (match[0] for match in _WORD.finditer(text))
    return frozenset(word for word in words if word[0].islower() and _is_foreign(word)) | {
        match[0] for match in _CODE.finditer(text)
    }


def _is_foreign(word: str) -> bool:
    return word.lower() not in UNIT_WORDS and not all(
        is_english(part) for part in re.split(r"[-'’]", _CLITIC.sub("", word.lower())) if part
    )
