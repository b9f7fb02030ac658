"""Which words are English, by dictionaries and by the rules of inflection."""

from __future__ import annotations

import gzip
from functools import cache, lru_cache
from importlib.resources import files

import lemminflect
from unspin.english.lexicons import frequency
from unspin.english.surface import ABBREVIATIONS, BRITISH
from unspin.english.terms import known_names, term_words
from unspin.english.word_classes import CLITICS, CLOSED_CLASS

COMMON = 30  # occurrences in 100 million words that make a word English although no dictionary has it
_RARE = frozenset("circa centum atop amid amidst alas ergo".split())  # WordNet has no synonyms for them
_ENDINGS = (
    "s",
    "es",
    "ed",
    "d",
    "ing",
    "er",
    "ers",
    "ly",
    "ness",
    "ment",
    "ies",
    "ied",
    "ier",
    "est",
    "able",
    "ism",
    "ist",
)
_BEGINNINGS = (
    "un",
    "re",
    "non",
    "over",
    "under",
    "out",
    "pre",
    "mis",
    "anti",
    "co",
    "sub",
    "inter",
    "multi",
    "super",
    "micro",
    "counter",
    "self",
    "ex",
    "semi",
)


@cache
def words() -> frozenset[str]:
    """The lower-case words of WordNet, and the abbreviations and spellings of the spinners' own tables."""
    table = gzip.decompress((files("unspin.english") / "wordnet.tsv.gz").read_bytes()).decode()
    wordnet = frozenset(row.split("\t", 1)[0] for row in table.splitlines())
    return (
        wordnet
        | ABBREVIATIONS.keys()
        | set(ABBREVIATIONS.values())
        | BRITISH.keys()
        | set(BRITISH.values())
        | CLITICS
        | _RARE
        | term_words()
        | {name.lower() for name, kind in known_names().items() if kind == "word"}
    )


@lru_cache(maxsize=1 << 16)
def is_known(word: str) -> bool:
    """Whether a lower-case word is English, inflected or not, according to lemminflect and the dictionaries."""
    return word in CLOSED_CLASS or word in words() or bool(lemminflect.getAllLemmas(word))


@lru_cache(maxsize=1 << 16)
def is_english(word: str) -> bool:
    """Whether a lower-case word is known or is formed like an English word: "childrens", "outvoters"."""
    if not word.isascii():
        return is_known(word)
    if is_known(word) or len(word) < 3 or frequency(word) >= COMMON:
        return True
    stems = [word[: -len(ending)] for ending in _ENDINGS if word.endswith(ending)]
    stems += [word[len(beginning) :] for beginning in _BEGINNINGS if word.startswith(beginning)]
    return any(
        is_known(stem) or is_known(f"{stem}e") or is_known(f"{stem}y") or is_known(stem[:-1])
        for stem in stems
        if len(stem) > 2
    )
