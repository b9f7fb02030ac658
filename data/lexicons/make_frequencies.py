"""Derive ``frequencies.tsv.gz`` from prose: how often each word of the lexicons' substitutes stands in a hundred million.

``python -m unspin.data.lexicons.make_frequencies FOLDER`` counts the articles of all ``.jsonl.gz`` files of a folder and writes the table beside this
script, the same bytes each time. A row is ``word <TAB> occurrences in a hundred million words``, inflected forms counted with their lemma.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter
from pathlib import Path

from unspin.data.lexicons import phrase_lexicon, write_table
from unspin.data.morphology import forms
from unspin.data.segment import words

PER = 100_000_000


def count(folder: Path) -> Counter[str]:
    """Lower-case words of every article."""
    found: Counter[str] = Counter()
    for file in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                found.update(word.lower() for word in words(json.loads(line)["text"]))
    return found


def wanted() -> set[str]:
    """The words of every term that the lexicons hold."""
    rows = gzip.decompress(Path(__file__).with_name("wordnet.tsv.gz").read_bytes()).decode().splitlines()
    terms = {term for row in rows if not row.startswith("#") for cell in row.split("\t")[2:] for term in cell.split("|")}
    terms |= {term for entry in phrase_lexicon().values() for term in (entry.head, *entry.substitutes)}
    return {word for term in terms for word in term.lower().split(" ")}


def rows(folder: Path) -> list[str]:
    found = count(folder)
    by_lemma: Counter[str] = Counter()
    for word, n in found.items():
        for lemma in {word, *(form.lemma for form in forms(word))}:
            by_lemma[lemma] += n
    return [f"{word}\t{round(PER * by_lemma[word] / found.total())}" for word in sorted(wanted()) if by_lemma[word]]


if __name__ == "__main__":
    header = "Counted by make_frequencies.py in the corpora of configs/data/open.yaml (NOTICE)"
    write_table(Path(__file__).with_name("frequencies.tsv.gz"), header, rows(Path(sys.argv[1])))
