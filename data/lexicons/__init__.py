"""The tables the engines read: one TSV per section, written for this project.

A row is ``head <TAB> part of speech <TAB> kind <TAB> substitute | substitute | …``. Lines that open with ``#`` are the
header that says where the table comes from. `read_lexicon` refuses a malformed row with its file and line, so an engine
never meets one. Heads and substitutes are lemmas (``take part in``); inflection is the engine's work.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from unspin.data.errors import UnspinError

PARTS_OF_SPEECH = ("noun", "verb", "adj", "adv", "function")
KINDS = ("word", "phrase", "function", "discourse", "quantifier", "auxiliary", "time")
TERM = re.compile(r"[a-z0-9][a-z0-9'’.,%-]*( [a-z0-9'’.,%-]+)*", re.IGNORECASE)


class LexiconError(UnspinError, ValueError):
    """A table has a row that no engine could use."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One head and what spinners put in its place."""

    head: str
    pos: str
    kind: str
    substitutes: tuple[str, ...]


def _parse(row: str) -> Entry:
    cells = row.split("\t")
    if len(cells) != 4:
        raise LexiconError(f"expected 4 tab-separated cells (head, pos, kind, substitutes), found {len(cells)}")
    head, pos, kind, tail = cells
    substitutes = tuple(s.strip() for s in tail.split("|"))
    if pos not in PARTS_OF_SPEECH:
        raise LexiconError(f"part of speech {pos!r} is none of {', '.join(PARTS_OF_SPEECH)}")
    if kind not in KINDS:
        raise LexiconError(f"kind {kind!r} is none of {', '.join(KINDS)}")
    for term in (head, *substitutes):
        if not TERM.fullmatch(term):
            raise LexiconError(f"{term!r} is not a term: words parted by single spaces")
    if head in substitutes:
        raise LexiconError(f"{head!r} stands for itself")
    if len(set(substitutes)) < len(substitutes):
        raise LexiconError(f"{head!r} names a substitute twice")
    return Entry(head, pos, kind, substitutes)


def read_lexicon(path: Path) -> list[Entry]:
    """Read one table. Raises `LexiconError` naming file and line for a malformed, doubled or identical entry."""
    entries: dict[tuple[str, str], Entry] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            entry = _parse(line)
            if (entry.head, entry.pos) in entries:
                raise LexiconError(f"{entry.head!r} as {entry.pos} stands twice: merge the rows")
        except LexiconError as error:
            raise LexiconError(f"{path.name}:{number}: {error}") from None
        entries[entry.head, entry.pos] = entry
    return list(entries.values())


@cache
def phrase_lexicon() -> dict[tuple[str, str], Entry]:
    """All shipped sections as one table keyed by (head, part of speech); a head in two sections unites its substitutes."""
    united: dict[tuple[str, str], Entry] = {}
    for path in sorted(Path(str(files(__package__))).glob("*.tsv"), key=lambda p: p.name):
        for entry in read_lexicon(path):
            key = (entry.head, entry.pos)
            known = united[key].substitutes if key in united else ()
            kind = united[key].kind if key in united else entry.kind
            united[key] = Entry(*key, kind, tuple(dict.fromkeys(known + entry.substitutes)))
    return united


@cache
def spinners_words() -> frozenset[str]:
    """The words (lemmas) that the tables put in and never take out: "commence", "apparatus", "jeopardize"."""
    entries = phrase_lexicon().values()
    return frozenset(term.lower() for entry in entries for term in entry.substitutes if " " not in term) - {entry.head.lower() for entry in entries}


def write_table(target: Path, header: str, rows: Sequence[str]) -> None:
    """Write a derived table, compressed, the same bytes for the same rows, and say what it holds."""
    target.write_bytes(gzip.compress("\n".join([f"# {header}", *rows, ""]).encode(), compresslevel=9, mtime=0))
    print(f"{target.name}: {len(rows)} entries, {target.stat().st_size >> 10} KiB")


@cache
def _frequencies() -> dict[str, int]:
    rows = gzip.decompress((files(__package__) / "frequencies.tsv.gz").read_bytes()).decode().splitlines()
    return {word: int(count) for word, count in (row.split("\t") for row in rows if not row.startswith("#"))}


def frequency(term: str) -> int:
    """How common a term is in English prose: occurrences of its rarest word in a hundred million words, 0 for a word that was never met."""
    return min(_frequencies().get(word, 0) for word in term.lower().split(" "))
