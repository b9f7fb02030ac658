"""The `tortured` engine: what a real spinner made of fixed terms, as readers of published papers collected it.

The Problematic Paper Screener lists garbled terms with the terms that stood there. Each pair is used whole where its term stands, and aligned
word by word it gives a sample of that spinner's dictionary, with the frequency of each pair of words. The resource is not part of this project:
a build fetches it or reads a local copy (`dictionaries` in its config; NOTICE has the attribution).
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from unspin.data.errors import UnspinError
from unspin.data.lexicons import TERM
from unspin.data.morphology import forms
from unspin.data.spinners.persona import Persona, held_out
from unspin.data.spinners.protocol import Sentence, Substitution
from unspin.data.spinners.registry import EngineError
from unspin.data.spinners.tables import IMMUTABLE, Head, Index, propose

MOST_GARBLED = 3  # words that may stand for one word of a term

ADVICE = "give the screener's JSON, or lines of garbled<TAB>expected"
HEADINGS = frozenset("tortured garbled spun correct expected original".split()) | {"tortured phrase", "correct phrase", "expected phrase"}

TermPair = tuple[str, str]  # a term and what a spinner made of it, lower case


class TorturedError(UnspinError, ValueError):
    """A file of garbled terms that cannot be read; the message says what it holds."""


def read(file: Path) -> list[TermPair]:
    """The usable pairs of a file, in its order, each once.

    Either the screener's JSON (``phrases`` with ``tortured`` and ``correct``) or tab-separated lines, the garbled term first, further columns
    ignored. Entries that are no plain terms are left out, and so is a line of headings. Raises `TorturedError` where no pair is found.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
        found = _from_json(text) if text.lstrip()[:1] in ("{", "[") else _from_lines(text)
    except (OSError, ValueError, RecursionError) as error:
        what = f"not UTF-8 at byte {error.start}" if isinstance(error, UnicodeDecodeError) else str(error) or type(error).__name__
        raise TorturedError(f"{file}: not readable as garbled terms ({what}): {ADVICE}") from None
    pairs = dict.fromkeys((_plain(term), _plain(garbled)) for garbled, term in found)
    usable = [(term, garbled) for term, garbled in pairs if TERM.fullmatch(term) and TERM.fullmatch(garbled) and term != garbled]
    if not usable:
        raise TorturedError(f"{file}: no pair of terms found: {ADVICE}")
    return usable


def _from_json(text: str) -> list[tuple[str, str]]:
    found = json.loads(text)
    entries = found.get("phrases") if isinstance(found, dict) else found
    if not isinstance(entries, list):
        return []
    both = [(entry.get("tortured"), entry.get("correct")) for entry in entries if isinstance(entry, dict)]
    return [(garbled, term) for garbled, term in both if isinstance(garbled, str) and isinstance(term, str)]


def _from_lines(text: str) -> list[tuple[str, str]]:
    rows = [line.split("\t") for line in text.split("\n") if line[:1] != "#"]
    return [(row[0], row[1]) for row in rows if len(row) >= 2 and not HEADINGS.issuperset(map(_plain, row[:2]))]


def _plain(term: str) -> str:
    return re.sub(r"\s+", " ", term.replace("’", "'")).strip().lower()


def word_pairs(pairs: Iterable[TermPair]) -> Counter[TermPair]:
    """How often each word of a term became another word or a few.

    Terms with words moved are passed over, and so are words that only tie others together.
    """
    counts: Counter[TermPair] = Counter()
    for term, garbled in pairs:
        old, new = term.split(" "), garbled.split(" ")
        while old and new and old[0] == new[0]:
            old, new = old[1:], new[1:]
        while old and new and old[-1] == new[-1]:
            old, new = old[:-1], new[:-1]
        if len(old) == len(new):
            changed = [(word, other) for word, other in zip(old, new, strict=True) if word != other]
        else:
            changed = [(" ".join(old), " ".join(new))] if len(old) == 1 and len(new) <= MOST_GARBLED else []
        if {word for word, _ in changed}.isdisjoint(word for _, others in changed for word in others.split(" ")):
            counts.update(changed)
    return Counter({(word, other): n for (word, other), n in counts.items() if _says_something(word) and _says_something(other)})


def _says_something(term: str) -> bool:
    return len(term) > 2 and not IMMUTABLE.issuperset(term.split(" ")) and term.replace(" ", "").replace("-", "").isalpha()


def _as_lemmas(word: str, other: str) -> Iterator[tuple[str, str, str]]:
    """(part of speech, lemma, lemma) for each form that both words share. Where they share none, the substitute is put as it is."""
    shared = [(a.pos, a.lemma, b.lemma) for a in forms(word) for b in forms(other) if (a.pos, a.tag) == (b.pos, b.tag)]
    mistaken = [(form.pos, form.lemma, other) for form in forms(word)]
    yield from dict.fromkeys(shared or mistaken or [("term", word, other)])


@lru_cache(maxsize=4)
def index(pairs: tuple[TermPair, ...]) -> Index:
    """Terms and words as heads, each with what was put for it and how often. Words of held-out terms are not learned from."""
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for term, garbled in pairs:
        bends = any(form.pos == "noun" for form in forms(term.split(" ")[-1]))
        counts[term, "noun" if bends else "term"][garbled] += 1
    for (word, other), n in word_pairs(pair for pair in pairs if not held_out(pair[0])).items():
        for pos, head, substitute in _as_lemmas(word, other):
            if head != substitute and head not in IMMUTABLE:
                counts[head, pos][substitute] += n
    return Index(Head(head, pos, tuple(found), counts=tuple(found.values())) for (head, pos), found in counts.items())


class Tortured:
    """Garbled terms, and words as those terms were garbled. `file` is the resource.

    Raises `EngineError` where it is not named or missing, `TorturedError` where it is something else.
    """

    name = "tortured"

    def __init__(self, file: str = "") -> None:
        if not file or not Path(file).is_file():
            what = f"no file {file}" if file else "no file given"
            raise EngineError(f"engines: tortured: {what}; set dictionaries.tortured.path to a copy of the garbled terms (docs/real-spinners.md)")
        self._pairs = tuple(read(Path(file)))

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        yield from propose(index(self._pairs), sentence, persona, self.name)
