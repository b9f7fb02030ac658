"""Finds the sentences of a text to restore: English prose, without page furniture, headings and overlong sentences.

Lists of references are left out too; `unspin.infer.sections` recognises them and the headings of papers. Cost is linear
in the length of the text: a very long line is cut into pieces before it is split into sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from unspin.english.word_classes import ENGLISH_MARKERS
from unspin.infer.sections import is_reference, is_references_heading, is_section_heading, may_be_reference
from unspin.segment import Span, paragraphs, sentences, words

MIN_SENTENCE_WORDS = 3
MAX_SENTENCE_WORDS = 120  # a longer sentence is too long for the model
BYTES_PER_WORD = 10  # far more than the words of any prose have on average
MAX_PIECE_CHARACTERS = 20_000  # longest stretch of a line that is split into sentences at a time
MIN_COMMON_SHARE = 0.06  # English prose has 0.2 common words or more, garbled prose 0.1, other languages almost none
_HEADING_CHARACTERS, _HEADING_WORDS = 60, 5  # a shorter line without final punctuation is a heading or page furniture
_SENTENCE_ENDS = tuple(".!?…:;\"”’')")
_SENTENCE_END = re.compile(r"[.!?][\"”’')]*\s+")


def prose_sentences(text: str) -> Iterator[Span]:
    """The spans of the sentences to restore, in order, without headings and sentences too long for the model."""
    for paragraph in _paragraphs_of_prose(text):
        for piece in _pieces(text, paragraph):
            body = text[piece.start : piece.end]
            if _is_heading(body):
                continue
            for span in sentences(body):
                sentence = body[span.start : span.end]
                is_short = len(words(sentence)) < MIN_SENTENCE_WORDS
                if not is_short and size_in_words(sentence) <= MAX_SENTENCE_WORDS and _is_latin(sentence):
                    yield Span(piece.start + span.start, piece.start + span.end)


def size_in_words(text: str) -> int:
    """The number of words, but at least one for each 10 bytes: a row of emoji is one word and hundreds of tokens."""
    return max(len(words(text)), len(text.encode(errors="replace")) // BYTES_PER_WORD)


def _paragraphs_of_prose(text: str) -> Iterator[Span]:
    """The paragraphs that are neither references nor headings of sections."""
    in_references = False
    for paragraph in paragraphs(text):
        line = text[paragraph.start : paragraph.end]
        if len(line) > MAX_PIECE_CHARACTERS:
            yield paragraph
            continue
        in_references = is_references_heading(line) or (in_references and may_be_reference(line))
        if not (in_references or is_reference(line) or is_section_heading(line)):
            yield paragraph


def reads_as_english(text: str) -> bool:
    """Whether the first 20,000 characters hold enough common English words; a text of fewer than 25 words passes."""
    sample = words(text[:MAX_PIECE_CHARACTERS])
    return len(sample) < 25 or sum(word.lower() in ENGLISH_MARKERS for word in sample) >= MIN_COMMON_SHARE * len(sample)


def _is_heading(line: str) -> bool:
    return len(line) < _HEADING_CHARACTERS and len(words(line)) < _HEADING_WORDS and not line.endswith(_SENTENCE_ENDS)


def _pieces(text: str, paragraph: Span) -> Iterator[Span]:
    """Cut a paragraph into pieces of bounded length: after a sentence, else at white space, else anywhere."""
    start = paragraph.start
    while paragraph.end - start > MAX_PIECE_CHARACTERS:
        window = text[start : start + MAX_PIECE_CHARACTERS]
        ends = [m.end() for m in _SENTENCE_END.finditer(window)] or [m.end() for m in re.finditer(r"\s+", window)]
        end = start + (ends[-1] if ends else MAX_PIECE_CHARACTERS)
        yield Span(start, end)
        start = end
    yield Span(start, paragraph.end)


def _is_latin(sentence: str) -> bool:
    """Whether at least two thirds of a sentence's letters are Latin, and it holds no lone surrogate."""
    if any("\ud800" <= c <= "\udfff" for c in sentence):
        return False
    letters = [c for c in sentence if c.isalpha()]
    return sum(c > "\u024f" for c in letters) <= len(letters) / 3
