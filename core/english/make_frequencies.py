"""Derives ``frequencies.tsv.gz``: how often each word of the lexicons occurs in English prose.

``python -m unspin.english.make_frequencies FOLDER`` counts the articles of all ``.jsonl.gz`` files of a folder and
writes the table beside this script; the same input gives the same bytes. A row is
``word <TAB> occurrences in 100 million words``. Inflected forms count towards their lemma too.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter
from pathlib import Path

from unspin.english.lexicons import phrase_lexicon, write_table
from unspin.english.morphology import forms
from unspin.logs import log_to_terminal
from unspin.segment import words

PER_WORDS = 100_000_000  # frequencies are occurrences in this many words


def count(folder: Path) -> Counter[str]:
    """Count the lower-case words of every article in a folder."""
    counts: Counter[str] = Counter()
    for file in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                counts.update(word.lower() for word in words(json.loads(line)["text"]))
    return counts


def lexicon_words() -> set[str]:
    """Return the words of every term in the lexicons and in the WordNet table."""
    rows = gzip.decompress(Path(__file__).with_name("wordnet.tsv.gz").read_bytes()).decode().splitlines()
    terms = {
        term for row in rows if not row.startswith("#") for cell in row.split("\t")[2:] for term in cell.split("|")
    }
    terms |= {term for entry in phrase_lexicon().values() for term in (entry.headword, *entry.substitutes)}
    return {word for term in terms for word in term.lower().split(" ")}


def rows(folder: Path) -> list[str]:
    """Return the rows of the table, sorted by word; words that never occur are left out."""
    counts = count(folder)
    by_lemma: Counter[str] = Counter()
    for word, n in counts.items():
        for lemma in {word, *(form.lemma for form in forms(word))}:
            by_lemma[lemma] += n
    return [
        f"{word}\t{round(PER_WORDS * by_lemma[word] / counts.total())}"
        for word in sorted(lexicon_words())
        if by_lemma[word]
    ]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m unspin.english.make_frequencies FOLDER")
    log_to_terminal()
    header = "Counted by make_frequencies.py in the corpora of configs/data/open.yaml (NOTICE)"
    write_table(Path(__file__).with_name("frequencies.tsv.gz"), header, rows(Path(sys.argv[1])))
