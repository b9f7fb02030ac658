"""Terms of medicine, law, science and nature: an edit never makes one into another of its field."""

from __future__ import annotations

from collections.abc import Iterator

from unspin.english.terms import concepts
from unspin.english.thesaurus import related
from unspin.infer.fidelity.abbreviations import agreement
from unspin.infer.fidelity.change import Change, lower_tokens
from unspin.infer.fidelity.phrases import completes_phrase

# Fields whose terms are never put in without support.
_STRICT = frozenset(("illness", "drug", "substance", "crime", "animal"))
_THINGS = frozenset(("vehicle", "weapon", "garment", "instrument"))
# Words for any thing of a field that spinners put for a particular one: "cable vehicle" for "cable car".
_GENERAL = frozenset("vehicle vehicles garment garments clothing instrument instruments".split())
MAX_TERM_WORDS = 4


def changed_term(change: Change) -> str:
    """The term that an edit makes into another of its field, or ""."""
    ignored = _THINGS if completes_phrase(change) else frozenset()  # "smoking pistol" is a "smoking gun"
    removed = [(word, concepts(word)) for word in change.removed]
    inserted = [(word, own) for word in (*change.inserted, *_phrases(change.after)) if (own := concepts(word))]
    for word, own in removed if inserted else ():
        for field in (field for field in own if field not in ignored and word not in _GENERAL):
            new = [(other, theirs[field]) for other, theirs in inserted if field in theirs]
            old = [(word, own[field]), *((p, c[field]) for p in _phrases(change.before) if field in (c := concepts(p)))]
            if new and not any(mine.may_become(yours) for _, mine in old for _, yours in new):
                return f"the term {word!r}"
    invented = next((word for word, own in inserted if own.keys() & _STRICT and not _has_support(change, word)), "")
    return f"the term {invented!r}" if invented else ""


def _has_support(change: Change, term: str) -> bool:
    """Whether the removed words may stand for a term: they are related, in part at least, or the article has it.

    An abbreviation that stands for the new words is support too.
    """
    words = [word for word in change.inserted if word.isalpha() and len(word) > 2]
    old = [change.before.lower(), *change.removed]
    return (
        change.context.has_word(term)
        or any(related(one, other) for one in old for other in {term, *words})
        or any(term[:4] == one[:4] for one in old)
        or agreement(change.source, change.edit) > 0
    )


def _phrases(text: str) -> Iterator[str]:
    """The stretches of two and more words of a text, up to the length of the longest term."""
    tokens = lower_tokens(text)
    for size in range(2, MAX_TERM_WORDS + 1):
        for first in range(len(tokens) - size + 1):
            yield " ".join(tokens[first : first + size])
