"""The lexicons that spinners read, written for this project, and word frequencies.

There is one TSV file per section of the lexicon, such as ``verbs.tsv`` or ``business.tsv``.

A row is ``headword <TAB> part of speech <TAB> kind <TAB> substitute | substitute | …``. Lines that begin with ``#``
form the header, which says where the table comes from. `read_lexicon` refuses a malformed row and names its line.
Headwords and substitutes are lemmas (``take part in``); the spinner inflects them. Tables are read once per process.
"""

from __future__ import annotations

import gzip
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from unspin.english.word_classes import IMMUTABLE, NOT_FUNCTION_WORDS
from unspin.errors import UnspinError

logger = logging.getLogger(__name__)

PARTS_OF_SPEECH = ("noun", "verb", "adj", "adv", "function")
KINDS = ("word", "phrase", "function", "discourse", "quantifier", "auxiliary", "time")
TERM = re.compile(r"[a-z0-9][a-z0-9'’.,%-]*( [a-z0-9'’.,%-]+)*", re.IGNORECASE)


class LexiconError(UnspinError, ValueError):
    """A table has a malformed row; the message names the file, the line and the cell."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A headword and its substitutes; `pos` is one of `PARTS_OF_SPEECH`, `kind` one of `KINDS`."""

    headword: str
    pos: str
    kind: str
    substitutes: tuple[str, ...]


def _parse(row: str) -> Entry:
    """Read one row. Raises `LexiconError` without the file and line, which the caller adds."""
    cells = row.split("\t")
    if len(cells) != 4:
        raise LexiconError(
            f"expected 4 tab-separated cells (headword, part of speech, kind, substitutes), found {len(cells)}"
        )
    headword, pos, kind, tail = cells
    substitutes = tuple(term.strip() for term in tail.split("|"))
    if pos not in PARTS_OF_SPEECH:
        raise LexiconError(f"part of speech {pos!r} is not one of {', '.join(PARTS_OF_SPEECH)}")
    if kind not in KINDS:
        raise LexiconError(f"kind {kind!r} is not one of {', '.join(KINDS)}")
    for term in (headword, *substitutes):
        if not TERM.fullmatch(term):
            raise LexiconError(f"{term!r} is not a term: write words separated by single spaces")
    if headword in substitutes:
        raise LexiconError(f"{headword!r} is its own substitute: remove it")
    if len(set(substitutes)) < len(substitutes):
        raise LexiconError(f"{headword!r} lists a substitute twice: remove one")
    return Entry(headword, pos, kind, substitutes)


def read_lexicon(path: Path) -> list[Entry]:
    """Read one table.

    Raises `LexiconError` for a malformed row or two rows of one headword and part of speech, and OSError.
    """
    entries: dict[tuple[str, str], Entry] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            entry = _parse(line)
            if (entry.headword, entry.pos) in entries:
                raise LexiconError(f"{entry.headword!r} as {entry.pos} has two rows: merge them")
        except LexiconError as error:
            raise LexiconError(f"{path.name}:{number}: {error}") from None
        entries[entry.headword, entry.pos] = entry
    return list(entries.values())


@cache
def phrase_lexicon() -> dict[tuple[str, str], Entry]:
    """Return all shipped sections as one table, keyed by headword and part of speech.

    A headword that is in several sections gets the substitutes of all of them, and the kind of the first.
    """
    merged: dict[tuple[str, str], Entry] = {}
    for path in sorted(Path(str(files(__package__))).glob("*.tsv"), key=lambda path: path.name):
        for entry in read_lexicon(path):
            key = (entry.headword, entry.pos)
            first = merged.get(key, Entry(*key, entry.kind, ()))
            merged[key] = Entry(*key, first.kind, tuple(dict.fromkeys(first.substitutes + entry.substitutes)))
    return merged


@cache
def spinner_only_words() -> frozenset[str]:
    """Return the words (lemmas) that are substitutes but never headwords: "commence", "apparatus", "jeopardize"."""
    entries = phrase_lexicon().values()
    return frozenset(term.lower() for entry in entries for term in entry.substitutes if " " not in term) - {
        entry.headword.lower() for entry in entries
    }


@cache
def function_words() -> frozenset[str]:
    """Articles, pronouns, prepositions, conjunctions and auxiliaries, in lower case."""
    rows = read_lexicon(Path(str(files("unspin.english"))) / "function.tsv")
    listed = {row.headword for row in rows if row.kind in ("function", "auxiliary") and " " not in row.headword}
    return (IMMUTABLE | listed) - NOT_FUNCTION_WORDS


def write_table(target: Path, header: str, rows: Sequence[str]) -> None:
    """Write a derived table as a gzip file and log its size. The same rows give the same bytes."""
    target.write_bytes(gzip.compress("\n".join([f"# {header}", *rows, ""]).encode(), compresslevel=9, mtime=0))
    logger.info("%s: %d entries, %d KiB", target.name, len(rows), target.stat().st_size >> 10)


@cache
def _frequencies() -> dict[str, int]:
    rows = gzip.decompress((files(__package__) / "frequencies.tsv.gz").read_bytes()).decode().splitlines()
    return {word: int(count) for word, count in (row.split("\t") for row in rows if not row.startswith("#"))}


def frequency(term: str) -> int:
    """Return how common a term is in English prose: occurrences of its rarest word in 100 million words.

    A word that was never counted has frequency 0.
    """
    return min(_frequencies().get(word, 0) for word in term.lower().split(" "))
