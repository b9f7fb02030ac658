"""Articles cut into paragraphs, sentences and tokens, each with exact character offsets.

Guarantees that nothing is lost: tokens concatenate to their text, sentences and paragraphs are spans of the article, and
what lies between them is white space. Sentence bounds come from `sentencex`; a line is a paragraph.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_WORD = r"[A-Za-z]+n['’]t\b|\d+(?:[.,:/]\d+)+(?:st|nd|rd|th|s|%)?|\w+(?:-\w+)*|['’](?:s|re|ve|ll|d|m)\b"
_TOKEN = re.compile(rf"{_WORD}|\s+|[^\w\s]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_IS_WORD = re.compile(_WORD)


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``text[start:end]``."""

    start: int
    end: int


def tokenize(text: str) -> list[str]:
    """Words, punctuation marks and runs of white space; ``"".join`` gives the text back."""
    return _TOKEN.findall(text)


@lru_cache(maxsize=1 << 16)
def is_word(token: str) -> bool:
    return _IS_WORD.match(token) is not None


def words(text: str) -> list[str]:
    return [token for token in tokenize(text) if is_word(token)]


def paragraphs(text: str) -> list[Span]:
    """The lines of an article that hold anything, without the white space around them."""
    return [Span(m.start(), m.end()) for m in re.finditer(r"\S(?:[^\r\n\v\f\x85\u2028\u2029]*\S)?", text)]


def sentences(paragraph: str) -> list[Span]:
    """The sentences of one paragraph, white space between them left out."""
    from sentencex import get_sentence_boundaries

    spans = []
    for bound in get_sentence_boundaries("en", _SURROGATE.sub("\ufffd", paragraph)):  # it takes whole characters alone
        piece = paragraph[bound["start_index"] : bound["end_index"]]
        start = bound["start_index"] + len(piece) - len(piece.lstrip())
        if piece.strip():
            spans.append(Span(start, start + len(piece.strip())))
    return spans
