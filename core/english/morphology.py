"""Inflection without a tagger: the lemmas and forms that a word can be, and the same form of another lemma.

Wraps lemminflect's dictionaries. Like the spinners, it uses no part-of-speech tagger: where a form is ambiguous (past
tense or past participle), the word before it decides. Results are cached.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import lemminflect
from unspin.english.word_classes import FORMS_OF_BE, FORMS_OF_HAVE

_UPOS = {"noun": "NOUN", "verb": "VERB", "adj": "ADJ", "adv": "ADV"}
_BASE_TAGS = {"noun": "NN", "verb": "VB", "adj": "JJ", "adv": "RB"}
_NEGATED = {f"{verb}n't" for verb in ("has", "have", "had", "is", "are", "was", "were")}
_BEFORE_PARTICIPLE = FORMS_OF_BE | FORMS_OF_HAVE | _NEGATED | {"get", "got", "gets", "'ve", "'s", "n't"}
_NOT_VOWEL_SOUND = ("uni", "use", "usu", "usa", "uti", "eu", "one", "once", "ura", "uro", "ewe")
_SILENT_H = ("hour", "honest", "honour", "honor", "heir")


@dataclass(frozen=True, slots=True)
class Form:
    """One reading of a word: a form of `lemma` with Penn Treebank tag `tag`; `pos` is named as in the lexicons."""

    lemma: str
    pos: str
    tag: str


@lru_cache(maxsize=1 << 17)
def forms(word: str) -> tuple[Form, ...]:
    """Return every reading of a lower-case word that lemminflect's dictionary knows."""
    readings = []
    for pos, upos in _UPOS.items():
        for lemma in lemminflect.getAllLemmas(word, upos=upos).get(upos, ()):
            inflections = lemminflect.getAllInflections(lemma, upos=upos)
            tags = [tag for tag, spellings in inflections.items() if word in spellings]
            if word == lemma:
                tags = [_BASE_TAGS[pos]]
            readings += [Form(lemma, pos, tag) for tag in tags if tag.startswith(_BASE_TAGS[pos][:2])]
    return tuple(dict.fromkeys(readings))


@lru_cache(maxsize=1 << 16)
def lemmas(word: str) -> frozenset[str]:
    """Return a lower-case word and its dictionary forms, whatever its part of speech."""
    return frozenset((word, *(lemma for group in lemminflect.getAllLemmas(word).values() for lemma in group)))


def select_form(readings: list[Form], previous: str) -> Form:
    """Choose among forms of one lemma by the word before: a participle after "be" or "have", else the past tense."""
    tags = {form.tag: form for form in readings}
    if "VBN" in tags and "VBD" in tags:
        return tags["VBN" if previous in _BEFORE_PARTICIPLE else "VBD"]
    return readings[0]


@lru_cache(maxsize=1 << 17)
def inflect(term: str, pos: str, tag: str) -> str:
    """Inflect a lemma or phrase to Penn tag `tag`: the first word of a verb phrase, the last word of any other phrase.

    Returns the term unchanged for base forms and for parts of speech that do not inflect.
    """
    if tag in ("VB", "VBP", "NN", "JJ", "RB") or pos not in _UPOS:
        return term
    parts = term.split(" ")
    head = 0 if pos == "verb" else -1
    if tag in ("JJR", "JJS", "RBR", "RBS"):
        return _compare(parts, tag, _UPOS[pos])
    spellings = lemminflect.getInflection(parts[head], tag=tag)
    parts[head] = spellings[0] if spellings else parts[head]
    return " ".join(parts)


def _compare(parts: list[str], tag: str, upos: str) -> str:
    spellings = lemminflect.getAllInflections(parts[-1], upos=upos).get(tag) if len(parts) == 1 else None
    return spellings[0] if spellings else " ".join(["more" if tag.endswith("R") else "most", *parts])


def starts_with_vowel_sound(word: str) -> bool:
    """Return whether "an" precedes the word, judged by its spelling and the most common exceptions."""
    low = word.lower()
    if low.startswith(_NOT_VOWEL_SOUND) and not low.startswith(("unim", "unin")):
        return False
    return low.startswith((*"aeiou8", *_SILENT_H)) or low in ("11", "18")
