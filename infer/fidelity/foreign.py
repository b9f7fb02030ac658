"""Addresses, code and words of other languages: they are the author's."""

from __future__ import annotations

import re
from functools import lru_cache

from unspin.infer.fidelity.change import Change
from unspin.infer.fidelity.dictionary import is_english
from unspin.infer.fidelity.units import UNIT_WORDS

_ADDRESS = re.compile(  # what a stretch without white space holds if it is no prose
    r""".*(?: :// | www\. | @
      | \w\.[a-z][\w-]                              # addresses without a scheme, files, names in code: "os.path"
      | (?:^|[("'\[=,])(?:~|\.{1,2}|\w:)?/\w | [.:]\d+/\w  # paths, DOIs, ports
      | \\\w | &\#?\w+; | \w(?:==?["'\w]|\(\)|::\w) | ^--[a-z]  # paths and commands with backslashes, code, options
      | [A-Za-z]-v?\d+\.\d | (?:^|\W):[a-z][\w+-]*:(?:\W|$)    # versions, emoji
      ).* | [^\w]*\#\w*[A-Za-z]\w*.*""",
    re.VERBOSE,
)
_CODE = re.compile(r"\w*_\w*|[a-z]+[A-Z]\w*|[A-Za-z]+\d\w*|\w+\(\)|--?[a-z]+|[A-Z]\w*::\w+")
MAX_WORD = 100  # a longer stretch without white space is an address or code
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_CLITIC = re.compile(r"(?:n['’]t|['’](?:s|re|ve|ll|d|m))$")


@lru_cache(maxsize=1 << 12)
def addresses_in(text: str) -> tuple[str, ...]:
    """The web and mail addresses, paths, file names, hashtags and identifiers of a text, in order."""
    return tuple(token for token in text.split() if len(token) > MAX_WORD or _ADDRESS.fullmatch(token))


def changed_foreign_word(change: Change) -> str:
    """A word of another language or of code that an edit removes or invents, or ""."""
    lost = _foreign_words(change.before) - _foreign_words(change.after)
    gained = _foreign_words(change.after) - _foreign_words(change.source)
    return f"the word {min(lost | gained)!r}" if lost or gained else ""


@lru_cache(maxsize=1 << 12)
def _foreign_words(text: str) -> frozenset[str]:
    tokens = [token for token in text.split() if len(token) <= MAX_WORD]
    words = (match[0] for token in tokens for match in _WORD.finditer(token))
    code = (token.strip(".,;:!?\"'“”‘’[]{}") for token in tokens)
    return frozenset(word for word in words if word[0].islower() and _is_foreign(word)) | frozenset(
        filter(_CODE.fullmatch, code)
    )


def _is_foreign(word: str) -> bool:
    return word.lower() not in UNIT_WORDS and not all(
        is_english(part) for part in re.split(r"[-'’]", _CLITIC.sub("", word.lower())) if part
    )
