"""Finds proper names by their capital letters and by dictionaries.

Spinners garble titles and terms too ("the Frosty Warfare"), so a capital letter alone does not make a name. A
capitalised word counts if no dictionary knows it in lower case, or if it is a given name before another capitalised
word. A name that a dictionary lists in lower case is not protected: "Turkey" and "Baker", but also "Japan" and
"Chicago", since the table of WordNet is all in lower case.
"""

from __future__ import annotations

import gzip
import re
from functools import cache
from importlib.resources import files

import lemminflect
from unspin.english.surface import ABBREVIATIONS, BRITISH
from unspin.english.word_classes import CLOSED_CLASS
from unspin.segment import is_word, tokenize

# Given names that are also words.
_GIVEN_NAMES = frozenset(
    """april art bill bob carol chase chip chuck clay cliff colt dale dawn dean drew earl faith faye frank gene glen
    grace grant guy hank harry heath hope iris ivy jack jade jasmine jay jean jewel jill jimmy josh joy june lance
    lily mark marina mason max may miles nick olive pat patience pearl penny pierce ray reed rich rob robin roman rose
    ruby sandy sky sterling stone sue summer ted tony victor violet wade ward will woody""".split()
)


@cache
def _dictionary() -> frozenset[str]:
    """The lower-case words of WordNet, and the abbreviations and spellings of the spinners' own tables."""
    table = gzip.decompress((files("unspin.english") / "wordnet.tsv.gz").read_bytes()).decode()
    wordnet = frozenset(row.split("\t", 1)[0] for row in table.splitlines())
    return wordnet | ABBREVIATIONS.keys() | set(ABBREVIATIONS.values()) | BRITISH.keys()


@cache
def _is_known(word: str) -> bool:
    """Whether a lower-case word is English, inflected or not, according to lemminflect and the dictionaries."""
    return word in CLOSED_CLASS or word in _dictionary() or bool(lemminflect.getAllLemmas(word))


def name_spans(sentence: str) -> list[tuple[int, int]]:
    """The (start, end) of each word of the sentence that is a name, in order."""
    spans, position = [], 0
    tokens = tokenize(sentence)
    for i, token in enumerate(tokens):
        next_word = next((other for other in tokens[i + 1 :] if not other.isspace()), "")
        if token[:1].isupper() and is_word(token) and _is_name(token, next_word):
            spans.append((position, position + len(token)))
        position += len(token)
    return spans


def _is_name(token: str, next_word: str) -> bool:
    low = token.lower()
    if low in _GIVEN_NAMES and next_word[:1].isupper():
        return True
    return not all(_is_known(part) for part in re.split(r"[-'’]", low) if part)
