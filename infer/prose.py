"""Which sentences of a text are restored: English prose, not page furniture, headings of a word or two, or what no sentence can be.

Cost is linear, whatever the text: a line too long for prose is cut at white space before sentences are looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from unspin.data.segment import Span, paragraphs, sentences, words

MOST_WORDS = 120
LONGEST_PIECE = 20_000  # characters
_SENTENCE_ENDS = tuple(".!?…:;\"”’')")
_SENTENCE_END = re.compile(r"[.!?][\"”’')]*\s+")
_ENGLISH = frozenset(
    """the of and to that is was for with as his they at this from but by had were which their been has are have not will he she it we you be or an
    who said its about into could would""".split()
)
LEAST_ENGLISH = 0.06  # share of such words: real prose has a fifth or more, garbled prose a tenth, other languages next to none


def prose(text: str) -> Iterator[Span]:
    """The sentences to restore, as spans: none that is too long for the model, no short line without an end mark."""
    for paragraph in paragraphs(text):
        for piece in _pieces(text, paragraph):
            body = text[piece.start : piece.end]
            if len(body) < 60 and len(words(body)) < 5 and not body.endswith(_SENTENCE_ENDS):
                continue
            for span in sentences(body):
                sentence = body[span.start : span.end]
                if 2 < len(words(sentence)) <= MOST_WORDS and _latin(sentence):
                    yield Span(piece.start + span.start, piece.start + span.end)


def reads_as_english(text: str) -> bool:
    """Whether a text has the function words of English; too short a text passes."""
    found = words(text[:LONGEST_PIECE])
    return len(found) < 25 or sum(word.lower() in _ENGLISH for word in found) >= LEAST_ENGLISH * len(found)


def _pieces(text: str, paragraph: Span) -> Iterator[Span]:
    start = paragraph.start
    while paragraph.end - start > LONGEST_PIECE:
        window = text[start : start + LONGEST_PIECE]
        ends = [m.end() for m in _SENTENCE_END.finditer(window)] or [m.end() for m in re.finditer(r"\s+", window)] or [LONGEST_PIECE]
        end = start + ends[-1]
        yield Span(start, end)
        start = end
    yield Span(start, paragraph.end)


def _latin(sentence: str) -> bool:
    """Whether a sentence is of Latin letters in the main, and of whole characters."""
    if any("\ud800" <= c <= "\udfff" for c in sentence):
        return False
    letters = [c for c in sentence if c.isalpha()]
    return sum(c > "\u024f" for c in letters) <= len(letters) / 3
