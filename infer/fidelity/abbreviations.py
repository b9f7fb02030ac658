"""Abbreviations in brackets, and whether the phrase next to them agrees: "area under the curve (AUC)".

A phrase agrees if its words give every letter of the abbreviation in order and every content word gives its initial.
Articles, prepositions and conjunctions may be left out, but do not begin the phrase. A word gives letters inside it
only where another word begins in it ("ultra|violet", UV), or if it is listed below. The phrase is looked for among the
words before the bracket, shortest first (A. Schwartz and M. Hearst, "A simple algorithm for identifying abbreviation
definitions in biomedical text", 2003). They let any letter inside a word count, so that a phrase with one garbled word
would often agree.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations

from unspin.edits import Edit, apply
from unspin.english.word_classes import ARTICLES, CORE_CONJUNCTIONS, CORE_PREPOSITIONS, OTHER_PREPOSITIONS
from unspin.infer.fidelity.change import Change
from unspin.infer.fidelity.dictionary import is_known

_ABBREVIATION = r"(?:(?=\w*[A-Z]\w*[A-Z]|[A-Z]+-?\d)[^\W_]+(?:-[^\W_]+)*)"
_BRACKETED = re.compile(rf"[(\[]({_ABBREVIATION})[)\];,]")  # "phrase (ABC)", "phrase (ABC; see Fig. 2)"
_REVERSED = re.compile(rf"(?<![\w-])({_ABBREVIATION}) \(([^();]+)")  # "ABC (phrase)"
_WORD = re.compile(r"[^\W_]+(?:['’]s\b)?")
_GAP = re.compile(r"[\s,/&“”\"'’‐‑–-]*")  # what may stand between the words of a phrase
_PLACES = frozenset(("US", "UK", "EU", "UN", "USA", "UAE", "NZ"))  # mostly where something is: "unusual sales (US)"
_SMALL_WORDS = ARTICLES | CORE_PREPOSITIONS | OTHER_PREPOSITIONS | CORE_CONJUNCTIONS
_MAX_LETTERS = 12
_MAX_LEFT_OUT = 5  # small words of a phrase that give no letter
_MIN_BEGINNING, _MIN_INNER_WORD = 3, 4  # letters before a word inside another, and of it
_USUAL_LETTERS = {
    "deoxyribonucleic": "dn", "ribonucleic": "rn", "coronavirus": "covi", "interleukin": "il", "tuberculosis": "tb",
    "intravenous": "iv", "extensible": "x", "exchange": "x", "immunosorbent": "is", "identification": "id",
    "electroencephalogram": "eeg", "electroencephalography": "eeg", "electrocardiography": "ecg",
}  # fmt: skip


def broken_agreement(change: Change) -> str:
    """What an edit makes disagree with its abbreviation, or ""."""
    lost = _agreeing(change.source) - _agreeing(change.restored)
    return f"what {min(lost)!r} stands for" if lost else ""


def agreement(sentence: str, edit: Edit) -> int:
    """Whether an edit makes a phrase agree with the abbreviation next to it (1), breaks agreement (-1), or neither (0).

    An abbreviation that the edit itself puts in is no evidence.
    """
    before, after = _agreeing(sentence), _agreeing(apply(sentence, [edit]))
    if before - after:
        return -1
    old = sentence[edit.start : edit.end]
    return int(any(edit.replacement.count(short) <= old.count(short) for short in after - before))


@lru_cache(maxsize=1 << 12)
def _agreeing(sentence: str) -> Counter[str]:
    """The abbreviations next to phrases that agree with them."""
    return Counter(short for short, _ in abbreviated_phrases(sentence))


def abbreviated_phrases(sentence: str) -> Iterator[tuple[str, str]]:
    """Each abbreviation of a sentence that agrees with a phrase next to it, and the phrase."""
    if "(" not in sentence and "[" not in sentence:
        return
    for match in _BRACKETED.finditer(sentence):
        words = _words_before(sentence, match.start(), len(match[1]) + _MAX_LEFT_OUT)
        for first in range(len(words) - 1, -1, -1):
            phrase = sentence[words[first].start() : words[-1].end()]
            if _agree(match[1], phrase):
                yield match[1], phrase
                break
    for match in _REVERSED.finditer(sentence):
        phrase = re.sub(rf"^(?:{'|'.join(ARTICLES)}) ", "", match[2].split(", ")[0].strip())
        if _agree(match[1], phrase):
            yield match[1], phrase


def _words_before(sentence: str, end: int, limit: int) -> list[re.Match[str]]:
    """Up to a number of words that end at a place, with nothing but spaces, commas and hyphens between them."""
    words: list[re.Match[str]] = []
    for word in reversed(list(_WORD.finditer(sentence, 0, end))):
        if len(words) == limit or not _GAP.fullmatch(sentence, word.end(), end):
            break
        words.insert(0, word)
        end = word.start()
    return words


def _agree(abbreviation: str, phrase: str) -> bool:
    """Whether the words of a phrase give the letters of an abbreviation, or of its singular."""
    if len(abbreviation) > _MAX_LETTERS or (abbreviation in _PLACES and phrase == phrase.lower()):
        return False
    singular = abbreviation[:-1] if abbreviation.endswith("s") and abbreviation[-2:-1].isupper() else abbreviation
    words = [word.removesuffix("'s").removesuffix("’s") for word in _WORD.findall(phrase)]
    return words[0].lower() not in _SMALL_WORDS and _give(words, singular.replace("-", ""))


def _give(words: list[str], letters: str) -> bool:
    """Whether words give letters in order; only a small word may give none."""
    if not words or not letters:
        return not words and not letters
    word, *rest = words
    return (word.lower() in _SMALL_WORDS and _give(rest, letters)) or any(
        letters.lower().startswith(given) and _give(rest, letters[len(given) :]) for given in _letters_of(word, letters)
    )


def _letters_of(word: str, letters: str) -> Iterator[str]:
    """The letters that a word may give to an abbreviation of which `letters` are left, in lower case."""
    low = word.lower()
    if low in ARTICLES:
        return
    yield from _usual_letters(low)
    if word.isupper() or word.isdigit():
        yield low  # "RNA" of mRNA, "2" of T2DM
    if word.isdigit():
        yield low[-2:]  # "2019" of COVID-19
    following = len(letters) - len(letters[1:].lstrip("abcdefghijklmnopqrstuvwxyz"))
    yield from (low[:size] for size in range(2, following + 1))  # "Lo" of LoRA


@lru_cache(maxsize=1 << 12)
def _usual_letters(word: str) -> tuple[str, ...]:
    """The initial of a lower-case word, also followed by those of the words in it: "u" and "uv" for "ultraviolet"."""
    inner = [
        word[place]
        for place in range(_MIN_BEGINNING, len(word) - _MIN_INNER_WORD + 1)
        if is_known(word[place:]) and word[place - 1 : place + 1].isalpha()
    ]
    usual = [word[0] + "".join(some) for size in range(len(inner[:4]) + 1) for some in combinations(inner[:4], size)]
    return (*usual, *filter(None, [_USUAL_LETTERS.get(word)]))
