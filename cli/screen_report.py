"""Shows what a screening found: a table for the terminal, CSV and JSON Lines, and a self-contained HTML page.

The table and the page list the documents with the largest share of garbled words first, up to `MOST_GARBLED` of them.
The files list all documents in the order in which they were screened.
"""

from __future__ import annotations

import csv
import heapq
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text
from unspin.cli.job import scratch_parent
from unspin.cli.screen_file import Finding
from unspin.infer.restoration import dump_json
from unspin.logs import counted, without_controls
from unspin.storage import SCRATCH, put_file, write_atomic

MOST_GARBLED = 200  # documents in the table and on the page
FILES = PAGE, FINDINGS, DOCUMENTS, PARAGRAPHS = "report.html", "screening.jsonl", "documents.csv", "paragraphs.csv"
DOCUMENT_COLUMNS = ("document", "part", "words", "share", "low", "high", "hits", "places", "warnings")
PARAGRAPH_COLUMNS = ("document", "part", "paragraph", "words", "share", "low", "high", "opening")
OPENING = 80  # characters of a paragraph in its row
PARAGRAPH_HEAD = (
    "<thead><tr><th></th><th scope=col>garbled</th><th scope=col>interval</th><th scope=col>words</th>"
    "<th scope=col class=text>paragraph</th></tr></thead>"
)
FILE_WIDTH = 120  # columns of the table where standard output is not a terminal


def write_files(findings: Iterable[Finding], folder: Path, private: bool) -> Iterator[Finding]:
    """Write the findings to JSON Lines and CSV files in a folder, and yield each on the way.

    The files are complete once the iterator is exhausted; nothing is written before. Only their owner may read
    `private` ones.
    """
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix=SCRATCH, dir=scratch_parent(folder / FINDINGS))))
        with ExitStack() as opened:
            lines = opened.enter_context((scratch / FINDINGS).open("w", encoding="utf-8"))
            documents = opened.enter_context((scratch / DOCUMENTS).open("w", encoding="utf-8", newline=""))
            paragraphs = opened.enter_context((scratch / PARAGRAPHS).open("w", encoding="utf-8", newline=""))
            document_rows, paragraph_rows = csv.writer(documents), csv.writer(paragraphs)
            document_rows.writerow(DOCUMENT_COLUMNS)
            paragraph_rows.writerow(PARAGRAPH_COLUMNS)
            for finding in findings:
                lines.write(dump_json(finding) + "\n")
                document_rows.writerow(map(_cell, _document_row(finding)))
                paragraph_rows.writerows(map(_cell, row) for row in _paragraph_rows(finding))
                yield finding
        for name in (FINDINGS, DOCUMENTS, PARAGRAPHS):
            if private:
                (scratch / name).chmod(0o600)
            put_file(scratch / name, folder / name)


def most_garbled(findings: Iterable[Finding]) -> list[Finding]:
    """The `MOST_GARBLED` documents with the largest shares, in this order."""
    return heapq.nlargest(MOST_GARBLED, findings, key=lambda finding: finding["share"])


def title_of(finding: Finding) -> str:
    """How a document is called: its file, and its row if it has one."""
    return ", ".join(filter(None, (finding["document"], finding["part"])))


def interval(row: Finding) -> str:
    """The interval of a document or a paragraph: "8–21%"."""
    return f"{row['low']:.0%}–{row['high']:.0%}".replace("%–", "–")


def quoted(place: dict[str, Any]) -> str:
    """A place: what was found and what probably stood there."""
    return without_controls(f"“{place['found']}” → “{place['expected']}”")


def show(findings: Sequence[Finding], total: int) -> None:
    """Print a table of the most garbled of `total` documents; the places too if there is only one."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(width=FILE_WIDTH, highlight=False)
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for column in ("garbled", "interval", "words", "listed"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("document", overflow="fold")
    table.add_column("most telling place", overflow="fold")
    for finding in findings:
        place = quoted(finding["places"][0]) if finding["places"] else ""
        figures = (f"{finding['share']:.0%}", interval(finding), f"{finding['words']:,}", str(len(finding["hits"])))
        table.add_row(*figures, Text(title_of(finding)), Text(place))
    console.print(table)
    if len(findings) < total:
        console.print(f"and {counted(total - len(findings), 'document')} with smaller shares")
    if total == 1:
        for place in findings[0]["places"]:
            line = Text(f"{place['confidence']:.0%}  {quoted(place)}  … ")
            line.append(without_controls(place["sentence"]), "dim")
            console.print(line)


def write_page(findings: Sequence[Finding], total: int, folder: Path, private: bool) -> None:
    """Write an HTML page of the most garbled of `total` documents into a folder; only its owner may read a `private`
    one."""
    template = Template((files("unspin.cli") / "screening.html").read_text(encoding="utf-8"))
    more = f" The page shows the {len(findings):,} most garbled." if len(findings) < total else ""
    page = template.substitute(
        count=f"{counted(total, 'document')}.{more}", documents="\n".join(map(_section, findings))
    )
    write_atomic(folder / PAGE, page.encode(errors="replace"), private=private)  # a text may hold half a character


def _section(finding: Finding) -> str:
    """A document on the page: a line with its share, which opens to its places and paragraphs."""
    places = "".join(
        f"<li><q>{escape(place['found'])}</q> probably was <q>{escape(place['expected'])}</q>"
        f" <small>{place['confidence']:.0%}{', listed' if place['is_listed'] else ''}</small>"
        f"<p>{_marked(place)}</p></li>"
        for place in finding["places"]
    )
    paragraphs = "".join(
        f"<tr><td>{_bar(row)}</td><td>{row['share']:.0%}</td><td>{interval(row)}</td><td>{row['words']:,}</td>"
        f"<td class=text>{escape(_opening(row))}</td></tr>"
        for row in finding["paragraphs"]
    )
    warnings = "".join(f"<li>{escape(warning)}</li>" for warning in finding["warnings"])
    return (
        f"<details><summary>{_bar(finding)}<b>{finding['share']:.0%}</b> <span>{interval(finding)}</span> "
        f"<span>{finding['words']:,} words</span> {escape(title_of(finding))}</summary>"
        + (f"<ol>{places}</ol>" if places else "<p>No place stands out.</p>")
        + (f"<table>{PARAGRAPH_HEAD}<tbody>{paragraphs}</tbody></table>" if paragraphs else "")
        + (f"<ul>{warnings}</ul>" if warnings else "")
        + "</details>"
    )


def _bar(row: Finding) -> str:
    """The share as a mark on the line of its interval, from 0 to 100 %."""
    low, high, share = (f"{100 * row[key]:.1f}" for key in ("low", "high", "share"))
    width = f"{100 * (row['high'] - row['low']):.1f}"
    return (
        f'<svg class=bar viewBox="0 0 100 10" preserveAspectRatio=none role=img aria-label="{low} to {high} percent">'
        f'<rect class=range x="{low}" y="3" width="{width}" height="4"/>'
        f'<rect class=share x="{share}" y="0" width="1.2" height="10"/></svg>'
    )


def _marked(place: dict[str, Any]) -> str:
    """The sentence of a place, with what was found marked."""
    sentence, start = place["sentence"], place["offset"]
    end = start + len(place["found"])
    return f"{escape(sentence[:start])}<mark>{escape(sentence[start:end])}</mark>{escape(sentence[end:])}"


def _opening(paragraph: Finding) -> str:
    text = without_controls(" ".join(paragraph["text"].split()))
    return text if len(text) <= OPENING else text[:OPENING].rsplit(" ", 1)[0] + " …"


def _document_row(finding: Finding) -> tuple[object, ...]:
    return (
        *(finding[key] for key in ("document", "part", "words", "share", "low", "high")),
        len(finding["hits"]),
        "; ".join(map(quoted, finding["places"])),
        "; ".join(finding["warnings"]),
    )


def _paragraph_rows(finding: Finding) -> Iterator[tuple[object, ...]]:
    for number, row in enumerate(finding["paragraphs"], 1):
        figures = (row[key] for key in ("words", "share", "low", "high"))
        yield finding["document"], finding["part"], number, *figures, _opening(row)


def _cell(value: object) -> object:
    """A cell that no spreadsheet takes for a formula, and that a file in UTF-8 can hold."""
    if not isinstance(value, str):
        return value
    text = value.encode(errors="replace").decode()
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
