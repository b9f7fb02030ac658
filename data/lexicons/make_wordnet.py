"""Derive ``wordnet.tsv.gz`` from the WordNet 3.0 database files (Debian: ``apt-get install wordnet-base``).

``python -m unspin.data.lexicons.make_wordnet /usr/share/wordnet`` writes the table beside this script, same bytes each time.
A row is ``lemma <TAB> part of speech <TAB> synonyms <TAB> near``: synonyms of *any* sense, frequent senses first (wrong
senses are the point of a spinner), and near relations (hypernyms, similar adjectives). Format of the input: wndb(5WN).
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path

from unspin.data.lexicons import write_table

PARTS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
NEAR_POINTERS = {"@", "&"}  # hypernym, similar to
MOST_SYNONYMS, MOST_NEAR, MOST_PER_RELATION = 16, 14, 3
_PLAIN = re.compile(r"[a-z]+([ -][a-z]+)*")


def _lemma(raw: str) -> str:
    return re.sub(r"\((a|p|ip)\)$", "", raw).replace("_", " ")


def _synsets(path: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Offset -> (lemmas, offsets of near synsets of the same part of speech)."""
    synsets = {}
    for line in path.read_text(encoding="latin-1").splitlines():
        if line.startswith(" "):
            continue
        fields = line.split(" | ")[0].split()
        count = int(fields[3], 16)
        lemmas = [_lemma(fields[4 + 2 * i]) for i in range(count)]
        rest = fields[4 + 2 * count :]
        pointers = [rest[1 + 4 * i : 5 + 4 * i] for i in range(int(rest[0]))]
        near = [offset for symbol, offset, _, where in pointers if symbol in NEAR_POINTERS and where == "0000"]
        synsets[fields[0]] = (lemmas, near)
    return synsets


def _senses(path: Path) -> dict[str, list[str]]:
    """Lemma -> synset offsets, most frequent sense first."""
    senses = {}
    for line in path.read_text(encoding="latin-1").splitlines():
        if line.startswith(" "):
            continue
        fields = line.split()
        senses[_lemma(fields[0])] = fields[-int(fields[2]) :]
    return senses


def rows(wordnet: Path) -> list[str]:
    table = []
    for pos in PARTS:
        synsets = _synsets(wordnet / f"data.{pos}")
        for head, offsets in _senses(wordnet / f"index.{pos}").items():
            found: dict[str, list[str]] = defaultdict(list)
            for offset in offsets:
                lemmas, near = synsets[offset]
                found["same"] += lemmas
                found["near"] += [lemma for other in near for lemma in synsets[other][0][:MOST_PER_RELATION]]
            same = [w for w in dict.fromkeys(found["same"]) if w != head and _PLAIN.fullmatch(w)][:MOST_SYNONYMS]
            near = [w for w in dict.fromkeys(found["near"]) if w != head and w not in same and _PLAIN.fullmatch(w)]
            if _PLAIN.fullmatch(head) and (" " not in head or pos == "verb") and (same or near):
                table.append(f"{head}\t{pos}\t{'|'.join(same)}\t{'|'.join(near[:MOST_NEAR])}")
    return sorted(table)


if __name__ == "__main__":
    header = "Derived from WordNet 3.0, Copyright 2006 Princeton University (licence: WORDNET_LICENSE) by make_wordnet.py"
    write_table(Path(__file__).with_name("wordnet.tsv.gz"), header, rows(Path(sys.argv[1])))
