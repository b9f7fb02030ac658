"""Derives ``wordnet.tsv.gz`` from the WordNet 3.0 database files.

``python -m unspin.english.make_wordnet /usr/share/wordnet`` writes the table beside this script; the same input gives
the same bytes. A row is ``lemma <TAB> part of speech <TAB> synonyms <TAB> near terms``. Synonyms are those of any
sense, frequent senses first, since spinners confuse senses. Near terms are hypernyms and similar adjectives.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from unspin.english.lexicons import write_table
from unspin.english.wordnet import PARTS_OF_SPEECH, PartOfSpeech
from unspin.logs import log_to_terminal

NEAR_POINTERS = {"@", "&"}  # hypernym, similar to
MAX_SYNONYMS, MAX_NEAR = 16, 14  # per row
MAX_PER_SYNSET = 3  # near terms taken from one synset
_PLAIN = re.compile(r"[a-z]+([ -][a-z]+)*")


def rows(wordnet: Path) -> list[str]:
    """Return the rows of the table, sorted."""
    table = []
    for pos in PARTS_OF_SPEECH:
        part = PartOfSpeech.read(wordnet, pos)
        for headword, offsets in part.senses.items():
            synonyms = [lemma for offset in offsets for lemma in part.synsets[offset].lemmas]
            near = [
                lemma
                for offset in offsets
                for symbol, other, own, target in part.synsets[offset].pointers
                if symbol in NEAR_POINTERS and not own and not target  # between whole synsets, not two of their words
                for lemma in part.synsets[other].lemmas[:MAX_PER_SYNSET]
            ]
            synonyms = _plain(synonyms, {headword})[:MAX_SYNONYMS]
            near = _plain(near, {headword, *synonyms})[:MAX_NEAR]
            if _PLAIN.fullmatch(headword) and (" " not in headword or pos == "verb") and (synonyms or near):
                table.append(f"{headword}\t{pos}\t{'|'.join(synonyms)}\t{'|'.join(near)}")
    return sorted(table)


def _plain(lemmas: Iterable[str], excluded: set[str]) -> list[str]:
    """Drop repeated and excluded lemmas, and lemmas with capitals, digits or punctuation other than hyphens."""
    return [lemma for lemma in dict.fromkeys(lemmas) if lemma not in excluded and _PLAIN.fullmatch(lemma)]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m unspin.english.make_wordnet FOLDER")
    log_to_terminal()
    header = (
        "Derived from WordNet 3.0, Copyright 2006 Princeton University (licence: WORDNET_LICENSE) by make_wordnet.py"
    )
    write_table(Path(__file__).with_name("wordnet.tsv.gz"), header, rows(Path(sys.argv[1])))
