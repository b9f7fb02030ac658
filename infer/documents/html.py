"""HTML: the text nodes of a page, except those of scripts, styles, code and the like.

Inline tags are invisible in the view, and every other tag is a line end, so that sentences do not run across blocks.
Invalid HTML is never refused: it is read as the standard library's `HTMLParser` reads it.
"""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

from unspin.infer.documents.base import DEFAULT_OPTIONS, Contents, DocumentOptions, ViewBuilder
from unspin.infer.documents.text_files import TextFormat

_SKIPPED = frozenset("script style code pre textarea template noscript svg math kbd samp var".split())
_INLINE = frozenset(
    "a abbr b bdi bdo cite data del dfn em font i ins mark q s small span strong strike sub sup time tt u wbr".split()
)


class _TextNodes(HTMLParser):
    """Collects the text nodes of a page in one view; block tags become line ends with an empty raw span."""

    def __init__(self, raw: str) -> None:
        super().__init__(convert_charrefs=False)
        self.view = ViewBuilder()
        self._raw = raw
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", raw))]
        self._open_skipped: list[str] = []

    def _position(self) -> int:
        """The parser's position as an offset in the raw text."""
        line, column = self.getpos()
        return self._line_starts[line - 1] + column

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._end_line(tag)
        if tag in _SKIPPED:
            self._open_skipped.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self._end_line(tag)

    def handle_endtag(self, tag: str) -> None:
        self._end_line(tag)
        if tag in self._open_skipped:
            del self._open_skipped[self._open_skipped.index(tag) :]

    def handle_data(self, data: str) -> None:
        if not self._open_skipped:
            self.view.add_literal(data, self._position())

    def handle_entityref(self, name: str) -> None:
        self._add_reference(f"&{name}")

    def handle_charref(self, name: str) -> None:
        self._add_reference(f"&#{name}")

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Read ``<![`` as browsers do, as a comment up to the next ``>``, except for CDATA.

        `HTMLParser` raises AssertionError for section names that it does not know.
        """
        if self._raw.startswith("<![CDATA[", i):
            return super().parse_marked_section(i, report)
        return self.parse_bogus_comment(i, report)

    def _add_reference(self, reference: str) -> None:
        if self._open_skipped:
            return
        start = self._position()
        has_semicolon = self._raw[start + len(reference) :][:1] == ";"
        text = html.unescape(f"{reference};") if has_semicolon else reference
        self.view.add_encoded(text, start, start + len(reference) + has_semicolon)

    def _end_line(self, tag: str) -> None:
        if tag not in _INLINE and not self._open_skipped:
            self.view.add_encoded("\n", self._position(), self._position())


def _escape(text: str) -> str:
    return html.escape(text, quote=False)


def html_views(raw: str, options: DocumentOptions = DEFAULT_OPTIONS) -> Contents:
    """One view of the readable text of an HTML page."""
    parser = _TextNodes(raw)
    parser.feed(raw)
    parser.close()
    return Contents([parser.view.view(_escape)])


HTML = TextFormat("html", "HTML", (".html", ".htm"), html_views)
