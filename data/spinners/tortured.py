"""The `tortured` spinner: technical terms as a real spinner garbled them, collected by readers of published papers.

The Problematic Paper Screener lists garbled terms with the expected ones (Cabanac, Labbé and Magazinov,
arXiv:2107.06751). Each pair is used as a whole. Aligned word by word, the pairs also give a sample of that spinner's
dictionary with the frequency of each substitute. The list is not part of this project: a build downloads it or reads
a local copy (`dictionaries` in the config; NOTICE has the attribution).
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from unspin.data.spinners.persona import Persona, is_held_out_term
from unspin.data.spinners.protocol import Sentence, Spinner, Substitution
from unspin.data.spinners.registry import SpinnerError
from unspin.data.spinners.tables import Headword, Index, propose_substitutions
from unspin.english.lexicons import TERM
from unspin.english.morphology import forms
from unspin.english.word_classes import IMMUTABLE
from unspin.errors import UnspinError

MAX_GARBLED_WORDS = 3  # that may replace one word of a term

ADVICE = "give the screener's JSON, or lines of garbled<TAB>expected"
HEADINGS = frozenset("tortured garbled spun correct expected original".split()) | {
    "tortured phrase",
    "correct phrase",
    "expected phrase",
}

TermPair = tuple[str, str]  # a term and its garbled form, both in lower case


class TorturedError(UnspinError, ValueError):
    """A file is not a list of garbled terms; the message says what it holds."""


def read(file: Path) -> list[TermPair]:
    """The usable pairs of a file, in file order and without duplicates.

    The file is the screener's JSON (``phrases`` with ``tortured`` and ``correct``) or holds tab-separated lines with
    the garbled term first; further columns are ignored. Headings are skipped, and so are entries that are not plain
    terms.

    Raises `TorturedError` if the file cannot be read or holds no usable pair.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
        listed = _from_json(text) if text.lstrip()[:1] in ("{", "[") else _from_lines(text)
    except UnicodeDecodeError as error:
        raise _unreadable(file, f"not UTF-8 at byte {error.start}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(file, str(error) or type(error).__name__) from None
    pairs = dict.fromkeys((_normalise(term), _normalise(garbled)) for garbled, term in listed)
    usable = [pair for pair in pairs if all(map(TERM.fullmatch, pair)) and pair[0] != pair[1]]
    if not usable:
        raise TorturedError(f"{file}: no pair of terms found: {ADVICE}")
    return usable


def _unreadable(file: Path, reason: str) -> TorturedError:
    return TorturedError(f"{file}: cannot be read as garbled terms ({reason}): {ADVICE}")


def _from_json(text: str) -> list[tuple[str, str]]:
    """(garbled, term) of all complete entries."""
    parsed = json.loads(text)
    entries = parsed.get("phrases") if isinstance(parsed, dict) else parsed
    if not isinstance(entries, list):
        return []
    pairs = [(entry.get("tortured"), entry.get("correct")) for entry in entries if isinstance(entry, dict)]
    return [(garbled, term) for garbled, term in pairs if isinstance(garbled, str) and isinstance(term, str)]


def _from_lines(text: str) -> list[tuple[str, str]]:
    """(garbled, term) of all lines with two columns, except comments and headings."""
    rows = [line.split("\t") for line in text.split("\n") if line[:1] != "#"]
    return [(row[0], row[1]) for row in rows if len(row) >= 2 and not HEADINGS.issuperset(map(_normalise, row[:2]))]


def _normalise(term: str) -> str:
    return re.sub(r"\s+", " ", term.replace("’", "'")).strip().lower()


def word_pairs(pairs: Iterable[TermPair]) -> Counter[TermPair]:
    """How often each word of a term became another word, or up to `MAX_GARBLED_WORDS` words.

    Terms whose words changed places are skipped, and so are function words.
    """
    counts: Counter[TermPair] = Counter()
    for term, garbled in pairs:
        replaced = _aligned_words(term, garbled)
        if {word for word, _ in replaced}.isdisjoint(word for _, other in replaced for word in other.split(" ")):
            counts.update(replaced)
    return Counter(
        {(word, other): n for (word, other), n in counts.items() if _has_content(word) and _has_content(other)}
    )


def _aligned_words(term: str, garbled: str) -> list[TermPair]:
    """The replaced words of one term, without common words at both ends; empty if the words cannot be paired."""
    old, new = term.split(" "), garbled.split(" ")
    while old and new and old[0] == new[0]:
        old, new = old[1:], new[1:]
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    if len(old) == len(new):
        return [(word, other) for word, other in zip(old, new, strict=True) if word != other]
    return [(" ".join(old), " ".join(new))] if len(old) == 1 and len(new) <= MAX_GARBLED_WORDS else []


def _has_content(term: str) -> bool:
    """Whether a term of letters and hyphens has three characters or more and is not made of function words only."""
    letters = term.replace(" ", "").replace("-", "")
    return len(term) > 2 and not IMMUTABLE.issuperset(term.split(" ")) and letters.isalpha()


def _as_lemmas(word: str, other: str) -> Iterator[tuple[str, str, str]]:
    """(part of speech, lemma of `word`, lemma of `other`) for each form, such as a plural, that both words can be.

    If they share no form, `other` is kept as spelt for each reading of `word`.
    """
    shared = [(a.pos, a.lemma, b.lemma) for a in forms(word) for b in forms(other) if (a.pos, a.tag) == (b.pos, b.tag)]
    unlike = [(form.pos, form.lemma, other) for form in forms(word)]
    yield from dict.fromkeys(shared or unlike or [("term", word, other)])


@lru_cache(maxsize=4)
def index(pairs: tuple[TermPair, ...]) -> Index:
    """Terms and their words as headwords, with each substitute's count. Held-out terms contribute no word pairs."""
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for term, garbled in pairs:
        inflects = any(form.pos == "noun" for form in forms(term.split(" ")[-1]))
        counts[term, "noun" if inflects else "term"][garbled] += 1
    for (word, other), n in word_pairs(pair for pair in pairs if not is_held_out_term(pair[0])).items():
        for pos, headword, substitute in _as_lemmas(word, other):
            if headword != substitute and headword not in IMMUTABLE:
                counts[headword, pos][substitute] += n
    return Index(
        Headword(headword, pos, tuple(substitutes), counts=tuple(substitutes.values()))
        for (headword, pos), substitutes in counts.items()
    )


class Tortured(Spinner):
    """Garbles the listed terms, and single words as the list garbles them. `file` is the list.

    Raises `SpinnerError` if no file is named or it is missing, and `TorturedError` if it is not such a list.
    """

    name = "tortured"

    def __init__(self, file: str = "") -> None:
        if not file or not Path(file).is_file():
            what = f"spinners: tortured: {f'no file {file}' if file else 'no file given'}"
            advice = "set dictionaries.tortured.path to a copy of the garbled terms (docs/real-spinners.md)"
            raise SpinnerError(f"{what}; {advice}")
        self._pairs = tuple(read(Path(file)))

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        yield from propose_substitutions(index(self._pairs), sentence, persona, self.name)
