"""Inflection for context-free substitution: which lemma and form a word may be, and the same form of another lemma.

Wraps lemminflect's dictionaries. There is no tagger: a spinner has none. Where a form is ambiguous (VBD or VBN), the
word before it decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import lemminflect

_UPOS = {"noun": "NOUN", "verb": "VERB", "adj": "ADJ", "adv": "ADV"}
_BASE_TAGS = {"noun": "NN", "verb": "VB", "adj": "JJ", "adv": "RB"}
_BEFORE_PARTICIPLE = frozenset(
    """have has had having been be is are was were being am get got gets 've 's n't hasn't haven't hadn't isn't aren't wasn't weren't""".split()
)


@dataclass(frozen=True, slots=True)
class Form:
    """A reading of a word: Penn tag `tag` of `lemma`, a `pos` of the lexicons."""

    lemma: str
    pos: str
    tag: str


@lru_cache(maxsize=1 << 17)
def forms(word: str) -> tuple[Form, ...]:
    """Every reading of a lower-case word that lemminflect's dictionary knows."""
    found = []
    for pos, upos in _UPOS.items():
        for lemma in lemminflect.getAllLemmas(word, upos=upos).get(upos, ()):
            inflections = lemminflect.getAllInflections(lemma, upos=upos)
            tags = [tag for tag, spellings in inflections.items() if word in spellings]
            if word == lemma:
                tags = [_BASE_TAGS[pos]]
            found += [Form(lemma, pos, tag) for tag in tags if tag.startswith(_BASE_TAGS[pos][:2])]
    return tuple(dict.fromkeys(found))


def fitting(readings: list[Form], previous: str) -> Form:
    """Of several forms of one lemma, the one that suits the word before it."""
    tags = {form.tag: form for form in readings}
    if "VBN" in tags and "VBD" in tags:
        return tags["VBN" if previous in _BEFORE_PARTICIPLE else "VBD"]
    return readings[0]


@lru_cache(maxsize=1 << 17)
def inflect(term: str, pos: str, tag: str) -> str:
    """A lemma or phrase in the form `tag`: a verb phrase bends its first word, any other its last."""
    if tag in ("VB", "VBP", "NN", "JJ", "RB") or pos not in _UPOS:
        return term
    parts = term.split(" ")
    at = 0 if pos == "verb" else -1
    if tag in ("JJR", "JJS", "RBR", "RBS"):
        return _compare(parts, tag, _UPOS[pos])
    spellings = lemminflect.getInflection(parts[at], tag=tag)
    parts[at] = spellings[0] if spellings else parts[at]
    return " ".join(parts)


def _compare(parts: list[str], tag: str, upos: str) -> str:
    spellings = lemminflect.getAllInflections(parts[-1], upos=upos).get(tag) if len(parts) == 1 else None
    return spellings[0] if spellings else " ".join(["more" if tag.endswith("R") else "most", *parts])


def starts_with_vowel_sound(word: str) -> bool:
    """Whether "an" goes before it, by spelling and the commonest exceptions."""
    low = word.lower()
    if low.startswith(("uni", "use", "usu", "usa", "uti", "eu", "one", "once", "ura", "uro")) and not low.startswith(("unim", "unin")):
        return False
    if low.startswith(("hour", "honest", "honour", "honor", "heir")):
        return True
    return low[:1] in tuple("aeiou8") or low in ("11", "18")
