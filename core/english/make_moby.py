"""Derives ``moby.tsv.gz`` from the Moby Thesaurus of Grady Ward (public domain).

``python -m unspin.english.make_moby words.txt`` reads the file of that name in the npm package moby 1.1.2 and writes
the table beside this script; the same input gives the same bytes. The thesaurus lists nearly a hundred related terms
per word, of any sense and without parts of speech. A row is ``lemma <TAB> part of speech <TAB> substitutes <TAB>``: the
terms that can have that part of speech, ranked by the relations they share with the lemma and by their frequency.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from unspin.english.lexicons import frequency, write_table
from unspin.english.morphology import forms
from unspin.english.word_classes import IMMUTABLE
from unspin.logs import log_to_terminal

MIN_FREQUENCY = 20  # occurrences in 100 million words; counts of rarer words are unreliable
MAX_SUBSTITUTES = 24  # per lemma and part of speech
# The thesaurus relates units of time, colours and directions to one another. A spinner that exchanged them would change
# facts, and nobody could restore them.
FACTS = frozenset(
    """second minute hour day week fortnight month quarter season year decade century millennium millisecond moment
    morning noon afternoon evening night midnight spring summer autumn winter today yesterday tomorrow daily weekly
    fortnightly monthly quarterly yearly annual biweekly biannual semiannual biennial centennial hourly
    red orange yellow green blue purple violet pink brown black white gray grey azure crimson scarlet
    north south east west northern southern eastern western left right
    father mother son daughter brother sister uncle aunt husband wife man woman boy girl
    cent dollar pound euro franc mark penny inch foot yard mile meter metre ounce gram ton gallon liter litre""".split()
)
_PLAIN = re.compile(r"[a-z]+([ -][a-z]+)?")


def _read(file: Path) -> dict[str, set[str]]:
    """Return the related terms of each entry that are plain words, frequent enough and not facts."""
    entries: dict[str, set[str]] = {}
    for line in file.read_text(encoding="latin-1").splitlines():
        headword, *related = line.lower().split(",")
        entries.setdefault(headword, set()).update(related)
    usable = {
        term
        for terms in entries.values()
        for term in terms
        if _PLAIN.fullmatch(term) and frequency(term) >= MIN_FREQUENCY
    }
    usable -= {term for term in usable if not FACTS.isdisjoint(term.split(" "))} | IMMUTABLE
    return {
        headword: (related & usable) - {headword}
        for headword, related in entries.items()
        if headword in usable and " " not in headword
    }


def _parts(term: str) -> set[str]:
    """Return the parts of speech that a term can have.

    In a term of two words, the first must be a verb or the last a noun; any such term may also be an adverb.
    """
    first, last = term.split(" ")[0], term.split(" ")[-1]
    if first == last:
        return {form.pos for form in forms(term) if form.lemma == term}
    inflected = {"verb": first, "noun": last}
    parts = {pos for pos, word in inflected.items() if any((f.pos, f.lemma) == (pos, word) for f in forms(word))}
    return parts | {"adv"}


def rows(file: Path) -> Iterator[str]:
    """Yield the rows of the table, sorted by lemma and part of speech."""
    entries = _read(file)
    parts = {term: _parts(term) for terms in ({*entries}, *entries.values()) for term in terms}

    def closeness(headword: str, term: str) -> float:
        """Cosine similarity of the two terms' relations, weighted by the log frequency of the second term."""
        related, others = entries[headword], entries.get(term, set())
        cosine = len(related & others) / math.sqrt(len(related) * max(len(others), 1))
        return cosine * math.log2(2 + frequency(term))

    for headword, related in sorted(entries.items()):
        ranked = sorted(related, key=lambda term: (-closeness(headword, term), term))
        for pos in sorted(parts[headword]):
            suitable = [term for term in ranked if pos in parts[term]][:MAX_SUBSTITUTES]
            if suitable:
                yield f"{headword}\t{pos}\t{'|'.join(suitable)}\t"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m unspin.english.make_moby FILE")
    log_to_terminal()
    header = "Derived from the Moby Thesaurus (Grady Ward, public domain) by make_moby.py"
    write_table(Path(__file__).with_name("moby.tsv.gz"), header, list(rows(Path(sys.argv[1]))))
