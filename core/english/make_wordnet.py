"""Derives ``wordnet.tsv.gz`` from the WordNet 3.0 database files (Debian: ``apt-get install wordnet-base``).

``python -m unspin.english.make_wordnet /usr/share/wordnet`` writes the table beside this script; the same input gives
the same bytes. A row is ``lemma <TAB> part of speech <TAB> synonyms <TAB> near terms``. Synonyms are those of any
sense, frequent senses first, since spinners confuse senses. Near terms are hypernyms and similar adjectives. The
format of the input is described in wndb(5WN).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from unspin.english.lexicons import write_table
from unspin.logs import log_to_terminal

PARTS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
NEAR_POINTERS = {"@", "&"}  # hypernym, similar to
MAX_SYNONYMS, MAX_NEAR = 16, 14  # per row
MAX_PER_SYNSET = 3  # near terms taken from one synset
_PLAIN = re.compile(r"[a-z]+([ -][a-z]+)*")


def _lemma(raw: str) -> str:
    return re.sub(r"\((a|p|ip)\)$", "", raw).replace("_", " ")


def _synsets(path: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Map each synset's offset to its lemmas and to the offsets of near synsets with the same part of speech."""
    synsets = {}
    for line in path.read_text(encoding="latin-1").splitlines():
        if line.startswith(" "):
            continue
        fields = line.split(" | ")[0].split()
        count = int(fields[3], 16)
        lemmas = [_lemma(fields[4 + 2 * i]) for i in range(count)]
        rest = fields[4 + 2 * count :]
        pointers = [rest[1 + 4 * i : 5 + 4 * i] for i in range(int(rest[0]))]
        # "0000" marks a pointer between whole synsets; any other value, one between two of their words.
        near = [offset for symbol, offset, _, words in pointers if symbol in NEAR_POINTERS and words == "0000"]
        synsets[fields[0]] = (lemmas, near)
    return synsets


def _senses(path: Path) -> dict[str, list[str]]:
    """Map each lemma to the offsets of its synsets, most frequent sense first."""
    senses = {}
    for line in path.read_text(encoding="latin-1").splitlines():
        if line.startswith(" "):
            continue
        fields = line.split()
        senses[_lemma(fields[0])] = fields[-int(fields[2]) :]
    return senses


def rows(wordnet: Path) -> list[str]:
    """Return the rows of the table, sorted."""
    table = []
    for pos in PARTS:
        synsets = _synsets(wordnet / f"data.{pos}")
        for headword, offsets in _senses(wordnet / f"index.{pos}").items():
            synonyms = [lemma for offset in offsets for lemma in synsets[offset][0]]
            near = [
                lemma
                for offset in offsets
                for other in synsets[offset][1]
                for lemma in synsets[other][0][:MAX_PER_SYNSET]
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
