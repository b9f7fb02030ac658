"""Lists of garbled phrases, each with what stood there: files that people collect, such as those of paper screeners.

A file is the JSON of the Problematic Paper Screener (``phrases`` with ``tortured`` and ``correct``) or holds
tab-separated lines with the garbled phrase first; further columns are ignored. Several expected phrases are separated
by " | ". Lines that begin with ``#`` and headings are skipped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from unspin.errors import UnspinError
from unspin.storage import storage_errors

ADVICE = "give the screener's JSON, or lines of garbled<TAB>expected"
MAX_CHARACTERS = 200  # of a phrase; a longer one is a sentence
_HEADINGS = frozenset("tortured garbled spun correct expected original count phrase phrases term terms s".split())
# Lists also say where a phrase was found. "ASP.NET" is no address.
_ADDRESS = re.compile(r"(?i:://|\bwww\.)|\.(?:com|org|net|edu|gov)\b|\w_\w")
_IS_JSON = re.compile(r"\s*(?:\{\s*(?:[\"}]|\Z)|\[\s*[\[{\"\]])")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060"))  # soft hyphens and spaces without a width


class PhraseListError(UnspinError, ValueError):
    """A file is not a list of garbled phrases; the message says what it holds."""


class PhrasePair(NamedTuple):
    """A garbled phrase and the phrases that may have stood there; white space is single spaces."""

    garbled: str
    expected: tuple[str, ...]


def read_phrases(file: Path) -> list[PhrasePair]:
    """The usable pairs of a file, in file order. A phrase that is listed twice has the expected phrases of all lines.

    Phrases without a letter, with an address or control characters, or of more than `MAX_CHARACTERS` are left out.

    Raises `PhraseListError` if the file cannot be read or holds no usable pair, and `StorageError` if it is in a store
    that cannot be reached.
    """
    expected: dict[str, list[str]] = {}
    for phrase, garbled in read_counts(file):
        expected.setdefault(garbled, []).append(phrase)
    return [PhrasePair(garbled, tuple(phrases)) for garbled, phrases in expected.items()]


def read_counts(file: Path) -> dict[tuple[str, str], int]:
    """How often each usable (expected phrase, garbled phrase) of a file was counted, by the third column of its lines.

    A pair without a count counts once, and one that is listed twice has the sum. Raises as `read_phrases` does.
    """
    text = _read_text(file, ADVICE)
    try:
        listed = list(_from_json(text) if _IS_JSON.match(text) else _from_lines(text))
    except (ValueError, RecursionError) as error:
        raise PhraseListError(f"{file}: not valid JSON ({str(error) or type(error).__name__}): {ADVICE}") from None
    counts: dict[tuple[str, str], int] = {}
    for left, right, count in listed:
        garbled = _single_spaced(left)
        for expected in map(_single_spaced, right.split("|")):
            if _is_phrase(garbled) and _is_phrase(expected) and expected.lower() != garbled.lower():
                counts[expected, garbled] = counts.get((expected, garbled), 0) + count
    if not counts:
        raise PhraseListError(f"{file}: no pair of phrases found: {ADVICE}")
    return counts


def read_terms(file: Path) -> list[str]:
    """The names and terms of a file, one on each line; lines that begin with ``#`` are skipped.

    Raises `PhraseListError` and `StorageError` as `read_phrases` does.
    """
    lines = map(_single_spaced, _lines(_read_text(file, "give one on each line")))
    terms = [line for line in lines if any(map(str.isalnum, line)) and line[0] != "#"]
    if not terms:
        raise PhraseListError(f"{file}: no name or term found: give one on each line")
    return list(dict.fromkeys(terms))


def _read_text(file: Path, advice: str) -> str:
    try:
        with storage_errors(file):
            if file.exists() and not file.is_file():
                raise PhraseListError(f"{file} is a folder, a device or a pipe, which cannot be read twice: {advice}")
            return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PhraseListError(f"{file}: not UTF-8 at byte {error.start}: {advice}") from None
    except OSError as error:
        raise PhraseListError(f"{file}: cannot be read ({error.strerror or error}): {advice}") from None


def _from_json(text: str) -> Iterator[tuple[str, str, int]]:
    """(garbled, expected, 1) of all complete entries."""
    parsed = json.loads(text)
    entries = parsed.get("phrases") if isinstance(parsed, dict) else parsed
    for entry in entries if isinstance(entries, list) else ():
        garbled, expected = (entry.get("tortured"), entry.get("correct")) if isinstance(entry, dict) else (None, None)
        if isinstance(garbled, str) and isinstance(expected, str):
            yield garbled, expected, 1


def _from_lines(text: str) -> Iterator[tuple[str, str, int]]:
    """(garbled, expected, count) of all lines with two columns, except comments and headings."""
    rows = [cells for line in _lines(text) if line.lstrip()[:1] != "#" and len(cells := line.split("\t")) >= 2]
    has_heading = rows and all(_HEADINGS.issuperset(re.findall(r"\w+", cell.lower())) for cell in rows[0][:2])
    for garbled, expected, *others in rows[1:] if has_heading else rows:
        is_counted = bool(others) and re.fullmatch(r"\s*[0-9]{1,12}\s*", others[0])
        yield garbled, expected, int(others[0]) or 1 if is_counted else 1


def _lines(text: str) -> list[str]:
    return re.split(r"\r\n|\r|\n", text)


def _single_spaced(phrase: str) -> str:
    return " ".join(phrase.translate(_INVISIBLE).replace("’", "'").split())


def _is_phrase(text: str) -> bool:
    is_short = len(text) <= MAX_CHARACTERS and text.isprintable()
    return is_short and any(map(str.isalpha, text)) and not _ADDRESS.search(text)
