"""A restoration shown: a coloured word diff for the terminal, and a self-contained page with both versions side by side."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from unspin.data.segment import paragraphs
from unspin.infer.restoration import Restoration, RestoredEdit

if TYPE_CHECKING:
    from rich.text import Text


def pieces(restoration: Restoration, start: int, end: int) -> Iterator[str | RestoredEdit]:
    """Characters ``start:end`` of the source as plain stretches and the edits between them."""
    for edit in restoration.edits:
        if start <= edit.start and edit.end <= end:
            yield restoration.source[start : edit.start]
            yield edit
            start = edit.end
    yield restoration.source[start:end]


def terminal(restoration: Restoration) -> Text:
    """What was taken away struck out in red, what came instead in green."""
    from rich.text import Text

    text = Text()
    for piece in pieces(restoration, 0, len(restoration.source)):
        if isinstance(piece, str):
            text.append(piece)
            continue
        text.append(piece.spun, "red strike")
        if piece.spun and piece.restored and not piece.restored[0].isspace():
            text.append(" ")
        text.append(piece.restored, "bold green")
    return text


def page(restoration: Restoration, title: str) -> str:
    """An HTML page, nothing fetched from elsewhere: source left, restoration right, a row a paragraph."""
    warnings = "".join(f"<li>{escape(warning)}</li>" for warning in restoration.warnings)
    template = Template((files("unspin.infer") / "report.html").read_text(encoding="utf-8"))
    return template.substitute(title=escape(title), count=len(restoration.edits), rows="\n".join(_rows(restoration)), warnings=warnings)


def table(restoration: Restoration) -> str:
    """The same table by itself, as a notebook shows it."""
    head = "<tr><th style='text-align:left'>As it came</th><th style='text-align:left'>Restored</th></tr>"
    cells = "".join(_rows(restoration)).replace("<td>", "<td style='text-align:left;vertical-align:top'>")
    return f"<table>{head}{cells}</table>"


def _rows(restoration: Restoration) -> Iterator[str]:
    for span in paragraphs(restoration.source):
        left, right = [], []
        for piece in pieces(restoration, span.start, span.end):
            if isinstance(piece, str):
                left.append(escape(piece))
                right.append(escape(piece))
            else:
                left.append(f"<del>{escape(piece.spun)}</del>" if piece.spun else "")
                right.append(f'<ins title="{escape(_told(piece))}">{escape(piece.restored)}</ins>')
        yield f"<tr><td>{''.join(left)}</td><td>{''.join(right)}</td></tr>"


def _told(edit: RestoredEdit) -> str:
    """What hovering an edit shows."""
    others = f"; or {', '.join(f'“{other}”' for other in edit.alternatives)}" if edit.alternatives else ""
    return f"{edit.kind}, {edit.confidence:.0%} sure: was “{edit.spun}”{others}"
