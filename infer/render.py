"""Shows a restoration: as a coloured word diff for the terminal, or as HTML with both versions side by side.

What is shown is the readable text, without the markup of the document. The HTML is self-contained and escaped, and the
same in a page and in a notebook. Two protocols describe what can be shown; the classes of `unspin.infer.restoration`
implement them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Protocol

from unspin.logs import counted, without_controls
from unspin.segment import paragraphs

if TYPE_CHECKING:
    from rich.text import Text


class RenderableEdit(Protocol):
    """A change of the words `spun`, which stand at `offset` of an article, to `restored`."""

    @property
    def article(self) -> int:
        """Which of the articles the edit is in."""
        ...

    @property
    def offset(self) -> int:
        """Index of the first character of the article that changes."""
        ...

    @property
    def spun(self) -> str:
        """The characters of the article."""
        ...

    @property
    def restored(self) -> str:
        """The characters that replace them."""
        ...

    @property
    def kind(self) -> str:
        """Kind of change, such as "word"."""
        ...

    @property
    def confidence(self) -> float:
        """Chance that the change is right, 0..1."""
        ...

    @property
    def alternatives(self) -> Sequence[str]:
        """Other restorations of the place, most likely first."""
        ...


class Renderable(Protocol):
    """Readable texts with their edits, sorted, and warnings."""

    @property
    def articles(self) -> Sequence[str]:
        """The readable texts before restoring."""
        ...

    @property
    def edits(self) -> Sequence[RenderableEdit]:
        """The changes, sorted and without overlaps."""
        ...

    @property
    def spun_share(self) -> float:
        """Estimated share of garbled words, 0..1."""
        ...

    @property
    def warnings(self) -> Sequence[str]:
        """What the reader should know."""
        ...


def plain_diff(restoration: Renderable) -> str:
    """The text with its edits marked as by git: ``[-warfare-]{+war+}``. Articles stand one below the other."""
    diffs = ["".join(_marked(source, edits)) for source, edits in _by_article(restoration)]
    lines = [diff if diff.endswith("\n") else f"{diff}\n" for diff in diffs[:-1]]
    return "".join([*lines, *diffs[-1:]])


def _marked(source: str, edits: Sequence[RenderableEdit]) -> Iterator[str]:
    for piece in _pieces(source, edits, 0, len(source)):
        if isinstance(piece, str):
            yield piece
        else:
            yield f"[-{piece.spun}-]" if piece.spun else ""
            yield f"{{+{piece.restored}+}}" if piece.restored else ""


def terminal_diff(restoration: Renderable) -> Text:
    """The text with removed words struck out in red and their replacements in green; one article below the other."""
    from rich.text import Text

    text = Text()
    for source, edits in _by_article(restoration):
        if text and not text.plain.endswith("\n"):
            text.append("\n")
        for piece in _pieces(source, edits, 0, len(source)):
            if isinstance(piece, str):
                text.append(without_controls(piece))
            else:
                text.append(without_controls(piece.spun), "red strike")
                if piece.spun and piece.restored and not piece.restored[0].isspace():
                    text.append(" ")
                text.append(without_controls(piece.restored), "bold green")
    return text


def level(confidence: float) -> str:
    """The name of a confidence: "sure" from 0.8 on, "likely" from 0.5 on, else "doubtful"."""
    return "sure" if confidence >= 0.8 else "likely" if confidence >= 0.5 else "doubtful"


def html_page(restoration: Renderable, title: str) -> str:
    """A self-contained HTML page: the source on the left, the restoration on the right, one row per paragraph."""
    return _template("page.html").substitute(title=escape(title), restoration=html_fragment(restoration))


def html_fragment(restoration: Renderable) -> str:
    """What `html_page` shows below its title, with a style of its own: for display in a notebook, light or dark."""
    edits = counted(len(restoration.edits), "edit")
    return _template("side_by_side.html").substitute(
        summary=f"{edits}, about {restoration.spun_share:.0%} of the words garbled",
        rows="\n".join(_rows(restoration)),
        warnings=_warnings(restoration.warnings),
    )


def _warnings(warnings: Sequence[str]) -> str:
    if not warnings:
        return ""
    items = "".join(f"<li>{escape(warning)}</li>" for warning in warnings)
    return f"<details><summary>{counted(len(warnings), 'warning')}</summary><ul>{items}</ul></details>"


def _template(name: str) -> Template:
    return Template((files("unspin.infer") / name).read_text(encoding="utf-8"))


def _by_article(restoration: Renderable) -> Iterator[tuple[str, list[RenderableEdit]]]:
    """The articles, each with its edits."""
    edits: list[list[RenderableEdit]] = [[] for _ in restoration.articles]
    for edit in restoration.edits:
        edits[edit.article].append(edit)
    return zip(restoration.articles, edits, strict=True)


def _pieces(source: str, edits: Sequence[RenderableEdit], start: int, end: int) -> Iterator[str | RenderableEdit]:
    """Characters ``start:end`` of an article: unchanged stretches, and the edits that begin between them."""
    first = bisect_left(edits, start, key=_offset)
    for edit in edits[first : bisect_right(edits, end, lo=first, key=_offset)]:
        yield source[start : edit.offset]
        yield edit
        start = edit.offset + len(edit.spun)
    yield source[start:end]


def _offset(edit: RenderableEdit) -> int:
    return edit.offset


def _rows(restoration: Renderable) -> Iterator[str]:
    for source, edits in _by_article(restoration):
        for span in paragraphs(source):
            left, right = [], []
            for piece in _pieces(source, edits, span.start, span.end):
                if isinstance(piece, str):
                    left.append(escape(piece))
                    right.append(escape(piece))
                else:
                    look = f'class="{level(piece.confidence)}" title="{escape(_tooltip(piece))}"'
                    left.append(f"<del {look}>{escape(piece.spun)}</del>" if piece.spun else "")
                    right.append(f"<ins {look}>{escape(piece.restored)}</ins>")
            yield f"<tr><td>{''.join(left)}</td><td>{''.join(right)}</td></tr>"


def _tooltip(edit: RenderableEdit) -> str:
    """The text shown while the pointer rests on an edit."""
    alternatives = ", ".join(f"“{alternative}”" for alternative in edit.alternatives)
    suffix = f"; alternatives: {alternatives}" if alternatives else ""
    return f"{edit.kind}, confidence {edit.confidence:.0%}, “{edit.spun}” became “{edit.restored}”{suffix}"
