"""Reads the database files of WordNet 3.0 (Debian: ``apt-get install wordnet-base``).

Only the scripts that derive the tables use it. The format is described in wndb(5WN).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PARTS_OF_SPEECH = ("noun", "verb", "adj", "adv")


@dataclass(frozen=True)
class Synset:
    """Words of one meaning, and pointers (symbol, target offset, number of the own word, number of the target word)."""

    lemmas: tuple[str, ...]
    pointers: tuple[tuple[str, str, int, int], ...]
    lexicographer_file: int

    def targets(self, symbols: str) -> Iterator[str]:
        """The offsets that pointers with one of the symbols lead to."""
        return (target for symbol, target, _, _ in self.pointers if symbol in symbols.split())


@dataclass(frozen=True)
class PartOfSpeech:
    """The synsets of a part of speech by offset, and the synsets of each lemma, frequent ones first."""

    synsets: dict[str, Synset]
    senses: dict[str, list[str]]

    @classmethod
    def read(cls, wordnet: Path, name: str) -> PartOfSpeech:
        """Read ``data.NAME`` and ``index.NAME``."""
        synsets = {}
        for fields in _lines(wordnet / f"data.{name}"):
            count = int(fields[3], 16)
            lemmas = tuple(lemma_of(fields[4 + 2 * i]) for i in range(count))
            rest = fields[4 + 2 * count :]
            pointers = tuple(
                (rest[i], rest[i + 1], int(rest[i + 3][:2], 16), int(rest[i + 3][2:], 16))
                for i in range(1, 1 + 4 * int(rest[0]), 4)
            )
            synsets[fields[0]] = Synset(lemmas, pointers, int(fields[1]))
        senses = {lemma_of(fields[0]): fields[-int(fields[2]) :] for fields in _lines(wordnet / f"index.{name}")}
        return cls(synsets, senses)


def _lines(path: Path) -> Iterator[list[str]]:
    for line in path.read_text(encoding="latin-1").splitlines():
        if not line.startswith(" "):
            yield line.split(" | ")[0].split()


def lemma_of(raw: str) -> str:
    """A lemma as it is written, without the underscores and syntactic markers of the files."""
    return re.sub(r"\((a|p|ip)\)$", "", raw).replace("_", " ")
