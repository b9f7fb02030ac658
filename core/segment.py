"""Segmentation of articles into paragraphs, sentences and tokens with exact character offsets.

Nothing is lost: the tokens of a text concatenate to it, and only white space lies between the spans of paragraphs and
sentences. A line is a paragraph. Sentence boundaries come from `sentencex`, which is rule-based.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

# Words: negated auxiliaries (didn't), numbers with their separators (1,200.50), hyphenated words, and clitics ('s).
_WORD = r"[A-Za-z]+n['’]t\b|\d+(?:[.,:/]\d+)+(?:st|nd|rd|th|s|%)?|\w+(?:-\w+)*|['’](?:s|re|ve|ll|d|m)\b"
_TOKEN = re.compile(rf"{_WORD}|\s+|[^\w\s]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_IS_WORD = re.compile(_WORD)
_QUOTATION = re.compile(
    r"""“(?:[^”\n]|\n(?!\s*\n))*(?:”|(?=\n\s*\n|\n?\Z))    # to the paragraph's end if it goes on in the next one
      | „[^„“”\n]*[“”] | «[^«»\n]*» | »[^«»\n]*« | ‹[^‹›\n]*› # the marks of other languages
      | "[^"\n]*(?:\n(?!\s*\n)[^"\n]*)*"
      | ‘(?:[^‘’\n]|’(?=\w))*’(?!\w)  # no mark is passed by another that opens, so that the time is linear
      | (?<![\w'])'(?=[^\s'])(?!\d0s\b)(?:[^'\n]|(?<=\w)'(?=\w)|'(?=\d0s\b))*(?<=\S)'(?!\w)""",  # don't, the '90s
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``text[start:end]``."""

    start: int
    end: int


def tokenize(text: str) -> list[str]:
    """Return the words, punctuation marks and runs of white space of a text; ``"".join`` restores it."""
    return _TOKEN.findall(text)


@lru_cache(maxsize=1 << 16)
def is_word(token: str) -> bool:
    """Return whether a token is a word or number, not punctuation or white space."""
    return _IS_WORD.match(token) is not None


def words(text: str) -> list[str]:
    """Return the tokens of a text that are words."""
    return [token for token in tokenize(text) if is_word(token)]


def count_words(text: str) -> int:
    """Return how many tokens of a text are words. Unlike a list of them, the count takes no memory."""
    return sum(is_word(match[0]) for match in _TOKEN.finditer(text))


def paragraphs(text: str) -> list[Span]:
    """Return the spans of the lines that are not blank, without the white space at their ends."""
    return [Span(m.start(), m.end()) for m in re.finditer(r"\S(?:[^\r\n\v\f\x85\u2028\u2029]*\S)?", text)]


def quotations(text: str) -> list[Span]:
    """Return the spans of the quotations in double or single quotation marks or guillemets, with the marks.

    A curly mark that no other closes opens a quotation that goes on in the next paragraph.
    """
    return [Span(match.start(), match.end()) for match in _QUOTATION.finditer(text)]


def sentences(paragraph: str) -> list[Span]:
    """Return the spans of a paragraph's sentences, without the white space between them."""
    from sentencex import get_sentence_boundaries

    spans = []
    for boundary in get_sentence_boundaries("en", _SURROGATE.sub("\ufffd", paragraph)):  # fails on lone surrogates
        start, end = boundary["start_index"], boundary["end_index"]
        piece = paragraph[start:end]
        start += len(piece) - len(piece.lstrip())
        if piece.strip():
            spans.append(Span(start, start + len(piece.strip())))
    return spans


def split_paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text, without the white space around them."""
    return [text[span.start : span.end] for span in paragraphs(text)]


def split_sentences(text: str) -> list[str]:
    """Return the sentences of all paragraphs of a text, without the white space around them."""
    return [paragraph[span.start : span.end] for paragraph in split_paragraphs(text) for span in sentences(paragraph)]
