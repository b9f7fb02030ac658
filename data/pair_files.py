"""Reads spun/original pairs, one at a time, from TSV, CSV, JSON Lines or Parquet files, or a Hugging Face data set.

A line or row that cannot be used is yielded as an error, so that the caller decides whether to stop or to skip it.
Memory holds one line, or one batch of a Parquet file.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field, model_validator
from unspin.data.corpora import CorpusError, NamedSource, dataset_errors, open_dataset
from unspin.logs import counted
from unspin.parquet import ParquetFile
from unspin.segment import words
from unspin.storage import PathOrUrl, storage_errors

MIN_SHARED_WORDS = 1 / 3  # share of the words of both texts; below it, one is hardly a spun version of the other
TEXT_SUFFIXES = (".tsv", ".csv", ".jsonl")
SUFFIXES = (*TEXT_SUFFIXES, ".parquet")
DELIMITERS = ",;\t|"  # of a CSV file, in the order in which its header is tried
_MAX_HEADER_LINES = 100  # of a CSV file, whose columns may have line breaks in their names
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
Refusal = Literal["unreadable", "empty", "unlike", "paragraphs", "length"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A spun text, its original, and the tool that spun it if that is known.

    `source` is ``file:line``, or ``file, row n`` with rows counted from 0. `paragraph` and `sentence` count from 0
    within the pair of one line.
    """

    spun: str
    original: str
    source: str = ""
    line: int = 0
    paragraph: int = 0
    sentence: int = 0
    tool: str = ""


class PairError(CorpusError):
    """A line or row cannot be used as a pair. `kind` is the reason, for counting."""

    def __init__(self, kind: Refusal, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class ColumnError(CorpusError):
    """A file of pairs lacks a column; the message lists those that it has."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of a file's columns, or of the fields of its objects. A file may lack that of the tool."""

    spun: str = "spun"
    original: str = "original"
    tool: str = "tool"

    def needed(self) -> tuple[str, str]:
        """The columns that a file must have."""
        return self.spun, self.original

    def names(self) -> tuple[str, ...]:
        """The columns that are read."""
        return self.spun, self.original, self.tool


USUAL_COLUMNS = Columns()


class PairsSource(NamedSource):
    """Spun/original pairs of another spinner: sentences, paragraphs or whole articles."""

    kind: Literal["pairs"] = "pairs"
    path: PathOrUrl | None = Field(
        None, description="a .tsv, .csv, .jsonl or .parquet file, relative to the config file, or its address"
    )
    dataset: str = Field(
        "", description="a Hugging Face data set instead of a file: its name on the hub, or a local folder of one"
    )
    config: str | None = Field(None, description="name of the data set's configuration, if it has several")
    split: str = Field("train", description="split of the data set")
    spun: str = Field("spun", min_length=1, description="the field or column of the spun text")
    original: str = Field("original", min_length=1, description="the field or column of the original")

    @model_validator(mode="after")
    def _has_one_place(self) -> PairsSource:
        if (self.path is None) == (not self.dataset):
            raise ValueError("give either path, a file of pairs, or dataset, a Hugging Face data set")
        if self.spun == self.original:
            raise ValueError(f"spun and original are both {self.spun!r}: name two columns")
        return self

    def scan(self) -> Iterator[Pair | PairError]:
        """The pairs, or the errors of single lines and rows. Raises `CorpusError` if the source cannot be read."""
        columns = Columns(self.spun, self.original)
        try:
            if self.path is None:
                yield from _scan_dataset(self.dataset, self.config, self.split, columns)
            else:
                yield from scan_pairs(self.path, columns)
        except ColumnError as error:
            advice = "name yours with the keys spun and original"
            raise CorpusError(f"pairs, {self.name}: {error}; {advice}") from None
        except CorpusError as error:
            raise CorpusError(f"pairs, {self.name}: {error}") from None


def read_pairs(path: Path) -> Iterator[Pair]:
    """The pairs of a file in file order, in the formats of `scan_pairs`. Raises `CorpusError` at an unreadable line."""
    for pair in scan_pairs(path):
        if isinstance(pair, PairError):
            raise pair
        yield pair


def scan_pairs(path: Path, columns: Columns = USUAL_COLUMNS) -> Iterator[Pair | PairError]:
    """A pair for each line or row that is not blank, or the error that makes it unusable. Text files are UTF-8.

    - ``.jsonl``: one object per line.
    - ``.csv``: a header names the columns; commas, semicolons, tabs or vertical bars separate them.
    - ``.tsv``: a header names the columns. A cell contains no line break or tab. It is unquoted if it is in quotation
      marks as spreadsheets write them.
    - ``.parquet``: columns of text.

    Raises `CorpusError` if the file is missing, damaged or of another kind, and `ColumnError` if it lacks a column.
    """
    with storage_errors(path):
        if not path.is_file():
            what = "a folder" if path.is_dir() else "no such file"
            raise CorpusError(f"{path}: {what}: give a {_either(SUFFIXES)} file of pairs")
        if path.suffix.lower() in TEXT_SUFFIXES:
            _check_encoding(path)
        match path.suffix.lower():
            case ".jsonl":
                yield from _scan_jsonl(path, columns)
            case ".csv":
                yield from _scan_csv(path, columns)
            case ".tsv":
                yield from _scan_tsv(path, columns)
            case ".parquet":
                yield from _scan_parquet(path, columns)
            case suffix:
                actual = repr(suffix) if suffix else "a file without extension"
                raise CorpusError(f"{path}: pairs are read from {_either(SUFFIXES)} files, not {actual}")


def _check_encoding(path: Path) -> None:
    """Raise `CorpusError` for a file in UTF-16 or UTF-32, which have a zero byte for each Latin letter."""
    with path.open("rb") as opened:
        start = opened.read(4096)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) or start.count(0) > len(start) / 4:
        raise CorpusError(f"{path}: not UTF-8 but UTF-16 or UTF-32, it seems: save it as UTF-8")
    if path.suffix.lower() == ".jsonl" and start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        raise CorpusError(f"{path}: holds a JSON array, not JSON Lines: write one object per line")


def check_pair(pair: Pair) -> None:
    """Raise `PairError` if a text has no words, or if the texts share less than a third of their words."""
    spun, original = (Counter(word.lower() for word in words(text)) for text in (pair.spun, pair.original))
    if not spun or not original:
        what = f"{pair.source}: no words in the {'original' if spun else 'spun'} text"
        raise PairError("empty", f"{what}: fill it in")
    share = 2 * (spun & original).total() / (spun.total() + original.total())
    if share < MIN_SHARED_WORDS:
        what = f"{pair.source}: both texts share {share:.0%} of their words, too few for a spun text and its original"
        raise PairError("unlike", f"{what}: check that they belong together")


def _either(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _scan_jsonl(path: Path, columns: Columns) -> Iterator[Pair | PairError]:
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, 1):
            source = f"{path}:{number}"
            try:
                if line := _decode(raw, number, source):
                    yield _pair(_object(line, source), columns, source, number)
            except PairError as error:
                yield error


def _object(line: str, source: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise PairError("unreadable", f"{source}: not JSON ({error}): correct it") from None
    if not isinstance(row, dict):
        what = f"{source}: expected a JSON object, found {type(row).__name__}"
        raise PairError("unreadable", f"{what}: correct it")
    return row


def _scan_tsv(path: Path, columns: Columns) -> Iterator[Pair | PairError]:
    with path.open("rb") as lines:
        first = next(lines, b"").decode("utf-8-sig", errors="replace").rstrip("\r\n")
        header = _header([_unquoted(cell) for cell in first.split("\t")], columns, f"{path}:1")
        for number, raw in enumerate(lines, 2):
            source = f"{path}:{number}"
            try:
                if line := _decode(raw, number, source):
                    yield _pair(_tsv_row(line.split("\t"), header, source), columns, source, number)
            except PairError as error:
                yield error


def _tsv_row(cells: list[str], header: dict[str, int], source: str) -> dict[str, str]:
    if max(header.values()) >= len(cells):
        what = f"{source}: {counted(len(cells), 'column')}, fewer than the header has"
        raise PairError("unreadable", f"{what}: correct it; texts with line breaks or tabs need a .csv file")
    return {name: _unquoted(cells[column]) for name, column in header.items()}


def _unquoted(cell: str) -> str:
    """The content of a cell that is in quotation marks as spreadsheets write them; any other cell unchanged."""
    return cell[1:-1].replace('""', '"') if _QUOTED.fullmatch(cell) else cell


def _scan_csv(path: Path, columns: Columns) -> Iterator[Pair | PairError]:
    csv.field_size_limit(sys.maxsize)  # a cell may hold an article
    # A byte that is not UTF-8 becomes half a character, which `_text` refuses, so that the other rows can be read.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
        first = next(lines, "")
        skipped = 1
        if first.lower().startswith("sep="):  # a line by which spreadsheets know the delimiter
            first, skipped = next(lines, ""), 2
        delimiter = _delimiter(first, columns)
        while _is_open(first, delimiter):  # the name of a column has a line break
            more = next(lines, "")
            if not more or skipped == _MAX_HEADER_LINES:
                what = f"{path}:1: a quotation mark is opened in the header and not closed"
                raise CorpusError(f"{what} within {_MAX_HEADER_LINES} lines: correct it")
            first, skipped = first + more, skipped + 1
            delimiter = _delimiter(first, columns)
        names = _first_row(first, delimiter)
        header = _header(names, columns, f"{path}:{skipped}")
        rows = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            number = skipped + rows.line_num + 1
            source = f"{path}:{number}"
            try:
                cells = next(rows, None)
                if cells is None:
                    return
                if not any(cells):  # spreadsheets write a blank row as delimiters
                    continue
                if len(cells) != len(names):
                    what = f"{source}: {len(cells)} cells, and the header has {len(names)}"
                    raise PairError("unreadable", f"{what}: correct it")
                yield _pair({name: cells[column] for name, column in header.items()}, columns, source, number)
            except csv.Error as error:
                if "unexpected end" in str(error):  # it has swallowed the rest of the file
                    what = f"{source}: a quotation mark is opened here and never closed"
                    raise CorpusError(f"{what}, so nothing after it can be read: correct it") from None
                yield PairError("unreadable", f"{source}: not CSV ({error}): correct the quotation marks")
            except PairError as error:
                yield error


def _first_row(text: str, delimiter: str) -> list[str]:
    return next(csv.reader(text.splitlines(keepends=True), delimiter=delimiter), [])


def _is_open(text: str, delimiter: str) -> bool:
    """Whether the last cell is quoted and goes on in the next line."""
    try:
        next(csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def _delimiter(first: str, columns: Columns) -> str:
    """The delimiter with which the first line of a CSV file names the columns; otherwise the commonest in it."""

    def names_columns(delimiter: str) -> bool:
        cells = _first_row(first, delimiter)
        return {name.lower() for name in columns.needed()} <= {cell.strip().lower() for cell in cells}

    return next(filter(names_columns, DELIMITERS), max(DELIMITERS, key=first.count))


def _scan_parquet(path: Path, columns: Columns) -> Iterator[Pair | PairError]:
    number = 0
    try:
        with path.open("rb") as opened:
            file = ParquetFile(opened)
            found = file.schema_arrow.names
            names = {found[column]: name for name, column in _header(found, columns, str(path)).items()}
            for batch in file.batches(list(names)):
                for row in batch.to_pylist():
                    renamed = {name: row[column] for column, name in names.items()}
                    yield _row_pair(renamed, columns, f"{path}, row {number:,}", number)
                    number += 1
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: cannot be read as Parquet after row {number:,} ({error}): replace it") from None


def _scan_dataset(name: str, config: str | None, split: str, columns: Columns) -> Iterator[Pair | PairError]:
    names: dict[str, str] = {}  # column that is read -> its name in the data set
    with dataset_errors(name):
        for number, row in enumerate(open_dataset(name, config, split)):
            if not names:
                found = list(row)
                names = {column: found[place] for column, place in _header(found, columns, name).items()}
            renamed = {column: row.get(own) for column, own in names.items()}
            yield _row_pair(renamed, columns, f"{name}, row {number:,}", number)


def _row_pair(row: Mapping[str, Any], columns: Columns, source: str, number: int) -> Pair | PairError:
    try:
        return _pair(row, columns, source, number)
    except PairError as error:
        return error


def _decode(raw: bytes, number: int, source: str) -> str:
    """A line without its end; empty if it is blank."""
    try:
        line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        what = f"{source}: not UTF-8 at byte {error.start} of the line"
        raise PairError("unreadable", f"{what}: convert it") from None
    return line if line.strip() else ""


def _header(cells: Sequence[str], columns: Columns, source: str) -> dict[str, int]:
    """The index of each column that a header names; capitals do not matter where only one column fits.

    Raises `ColumnError` if it lacks one of the two texts, or has it twice.
    """
    names = [cell.strip() for cell in cells]
    if not any(names):
        raise ColumnError(f"{source}: needs the columns {' and '.join(columns.needed())}; the first line is blank")
    found = {}
    for name in columns.names():
        fitting = [i for i, each in enumerate(names) if each == name]
        fitting = fitting or [i for i, each in enumerate(names) if each.lower() == name.lower()]
        if len(fitting) > 1:
            raise ColumnError(f"{source}: {len(fitting)} columns are called {name!r}: rename all but one")
        if fitting:
            found[name] = fitting[0]
    if not set(columns.needed()) <= found.keys():
        read = ", ".join(repr(name[:40]) for name in names if name)
        raise ColumnError(f"{source}: needs the columns {' and '.join(columns.needed())}; it has {read}")
    return found


def _pair(row: Mapping[str, Any], columns: Columns, source: str, number: int) -> Pair:
    tool = str(row.get(columns.tool) or "")
    return Pair(_text(row, columns.spun, source), _text(row, columns.original, source), source, number, tool=tool)


def _text(row: Mapping[str, Any], field: str, source: str) -> str:
    if field not in row:
        what = f"{source}: no field {field!r}; it has {', '.join(map(repr, row)) or 'none'}"
        raise PairError("unreadable", f"{what}: name the field")
    value = row[field]
    if not isinstance(value, str):
        what = f"{source}: field {field!r} is {'empty' if value is None else type(value).__name__}, not text"
        raise PairError("unreadable", f"{what}: correct it")
    if any("\ud800" <= character <= "\udfff" or character == "\0" for character in value):
        what = f"{source}: field {field!r} is not UTF-8 or holds half a character (a lone surrogate)"
        raise PairError("unreadable", f"{what}: convert it")
    return value
