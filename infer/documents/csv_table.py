"""CSV and TSV: the cells of one column, which the header names.

The delimiter is that of the header, or of the line `sep=;` before it: a comma, semicolon, tab or vertical bar.
Quotation marks, line ends and everything outside the edits stay. Cells are found as the standard library's `csv` finds
them, which tells no positions. A cell that holds HTML is read as HTML.

An edit that would need quotation marks around its cell, or would turn the cell into a formula, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from textwrap import shorten

from unspin.edits import Edit
from unspin.infer.documents.base import DEFAULT_OPTIONS, Contents, DocumentOptions, FormatError, View, ViewBuilder
from unspin.infer.documents.fields import field_views
from unspin.infer.documents.text_files import TextFormat

_DELIMITERS = ",;\t|"
_DELIMITER_LINE = re.compile(r'\ufeff?"?sep=([^"\r\n])"?(?:\r\n?|\n)', re.IGNORECASE)
_QUOTED = r'"(?:[^"]++|"")*+"'
_HEADER_LINE = re.compile(rf'\s*((?:{_QUOTED}|[^"\r\n])*+)')
_LINE_END = re.compile(r"\r\n?|\n")
_FORMULA = tuple("=+-@")  # what a spreadsheet takes for the beginning of a formula, in a quoted cell too


def csv_views(raw: str, options: DocumentOptions = DEFAULT_OPTIONS) -> Contents:
    """One view per cell of the column `field` that is not empty, named "row 0" for the first row after the header.

    A row is a fault if it has not as many cells as the header, or text or the end of the file where a quotation mark
    should close a cell. Raises `FormatError` if the header does not name the column once.
    """
    start, delimiter = _delimiter(raw)
    rows = _rows(raw, start, delimiter)
    header = next(rows, None)
    if header is None:
        raise FormatError("it has no header, which would name the columns")
    column, width = _column(raw, header, options.field), len(header.cells)
    views: list[View] = []
    faults = []
    for number, row in enumerate(rows):
        fault = row.fault
        if not fault and len(row.cells) != width:
            fault = f"has another number of cells than the header ({len(row.cells)}, not {width})"
        if fault:
            faults.append(f"line {row.line} {fault}")
        else:
            views += _cell_views(raw, row.cells[column], f"row {number}", delimiter)
    return Contents(views, faults)


@dataclass(frozen=True)
class _Cell:
    """The content of a cell, ``raw[start:end]``, which is without the quotation marks around it."""

    start: int
    end: int
    is_quoted: bool

    def text(self, raw: str) -> str:
        content = raw[self.start : self.end]
        return content.replace('""', '"') if self.is_quoted else content


@dataclass
class _Row:
    """A row that begins at a line, counted from 1, and what is wrong with it."""

    line: int
    cells: list[_Cell] = field(default_factory=list)
    fault: str = ""


def _delimiter(raw: str) -> tuple[int, str]:
    """Where the header begins, and the delimiter: the one that occurs most often in the header."""
    if match := _DELIMITER_LINE.match(raw):
        return match.end(), match[1]
    start = len(raw) - len(raw.removeprefix("\ufeff"))
    header = _HEADER_LINE.match(raw, start)
    unquoted = re.sub(_QUOTED, "", header[1]) if header else ""
    return start, max(_DELIMITERS, key=unquoted.count)


def _rows(raw: str, position: int, delimiter: str) -> Iterator[_Row]:
    """The rows from a position on, without blank lines. A quotation mark that is never closed ends them."""
    inside = f"[^{re.escape(delimiter)}\r\n]*+"
    cell = re.compile(rf'(?:({_QUOTED})({inside})|(")|({inside}))({re.escape(delimiter)}|\r\n?|\n|\Z)?')
    row = _Row(len(_LINE_END.findall(raw, 0, position)) + 1)
    line = row.line
    while position < len(raw) or row.cells:
        match = cell.match(raw, position)
        assert match, "any text begins with a cell, which may be empty"
        if match[3]:
            row.fault = "has a quotation mark that is never closed; the rest of the file cannot be read"
            yield row
            return
        if match[2]:
            row.fault = "has text after the closing quotation mark of a cell"
        quoted = match[1] is not None
        row.cells.append(_Cell(*((match.start(1) + 1, match.end(1) - 1) if quoted else match.span(4)), quoted))
        line += len(_LINE_END.findall(match[0]))
        position = match.end()
        if match[5] != delimiter:
            if len(row.cells) > 1 or row.cells[0].is_quoted or row.cells[0].text(raw).strip():
                yield row
            row = _Row(line)


def _column(raw: str, header: _Row, name: str) -> int:
    """The index of the column that has a name. Raises `FormatError` if there is none, or more than one."""
    if header.fault:
        raise FormatError(f"line {header.line}, the header, {header.fault}")
    names = [cell.text(raw).strip() for cell in header.cells]
    if names.count(name) == 1:
        return names.index(name)
    if name in names:
        raise FormatError(f"{names.count(name)} columns have the name {name!r}: rename all but one")
    shown = shorten(", ".join(shorten(name, 40, placeholder=" …") for name in names), 200, placeholder=" …")
    raise FormatError(f"no column has the name {name!r} (columns: {shown}): name the column with --field")


def _cell_views(raw: str, cell: _Cell, name: str, delimiter: str) -> Iterator[View]:
    """The views of a cell; none if it is blank."""
    if not cell.text(raw).strip():
        return
    view, position = ViewBuilder(), cell.start
    for match in re.finditer('""', raw[cell.start : cell.end]) if cell.is_quoted else ():
        start = cell.start + match.start()
        view.add_literal(raw[position:start], position)
        view.add_encoded('"', start, start + 2)
        position = start + 2
    view.add_literal(raw[position : cell.end], position)
    escape = _double_quotes if cell.is_quoted else str
    for inner in field_views(view.view(escape, name)):
        forbidden = "" if cell.is_quoted else f'{delimiter}"\r\n'
        shown = inner.escape, inner.starts, inner.ends, inner.text, inner.name, inner.may_empty
        yield _CellView(*shown, inner=inner, cell=cell, forbidden=forbidden)


def _double_quotes(text: str) -> str:
    return text.replace('"', '""')


@dataclass(frozen=True, kw_only=True)
class _CellView(View):
    """A view of a cell that refuses edits with `forbidden` characters and edits that would make a formula."""

    inner: View
    cell: _Cell
    forbidden: str

    def raw_edit(self, raw: str, edit: Edit) -> Edit | None:
        """Translate an edit of the cell into one of the raw text; None if it would make the cell invalid."""
        placed = self.inner.raw_edit(raw, edit)
        if placed is None or any(character in placed.replacement for character in self.forbidden):
            return None
        if placed.start == self.cell.start:
            restored = placed.replacement + raw[placed.end : self.cell.end]
            if restored.startswith(_FORMULA) and not raw.startswith(_FORMULA, placed.start):
                return None
        return placed


CSV = TextFormat("csv", "CSV or TSV", (".csv", ".tsv"), csv_views)
