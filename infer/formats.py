"""Where the prose stands in a document: plain text, Markdown, HTML and JSON Lines, each as `View`s.

A view is what a reader would read, every character tied to the raw characters it came from. Edits found on a view are spliced
into the raw text, so that tags, attributes, code, addresses, entities and escapes that no edit touches stay as they were, byte for byte.
"""

from __future__ import annotations

import html
import json
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from json.decoder import scanstring  # type: ignore[attr-defined]  # public in CPython, missing in typeshed

from unspin.data.edits import Edit
from unspin.data.errors import UnspinError

_UNREAD = frozenset("script style code pre textarea template noscript svg math kbd samp var".split())
_INLINE = frozenset("a abbr b bdi bdo cite data del dfn em font i ins mark q s small span strong strike sub sup time tt u wbr".split())
_MARKDOWN = re.compile(
    r"""^---\n.*?\n---$                           # front matter
      | ^(?P<fence>```|~~~).*?^(?P=fence)\s*$     # fenced code
      | ^(?:\ {4}|\t)\S[^\n]*$                   # indented code
      | ^[\ \t]*\|[^\n]*\|[\ \t]*$                 # table rows
      | `[^`\n]+`                                 # inline code
      | ^\s{0,3}(?:\#{1,6}|>|[-*+]|\d+[.)])\s+    # marks of headings, quotations, lists
      | ^\[[^\]\n]+\]:[^\n]*$                    # link definitions
      | !\[[^\]\n]*\]\([^)\n]*\)                  # images
      | (?<=\])\([^)\n]*\) | (?<=\])\[[^\]\n]*\]  # link targets
      | <[^>\n]+>                                 # tags and autolinks
      | [\[\]] | \*{1,3}(?=\S) | (?<=\S)\*{1,3} | (?<!\w)_{1,3}(?=\S) | (?<=\S)_{1,3}(?!\w) | ~~""",
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)


class FormatError(UnspinError):
    """A document that is not of its format; the message names the line."""


@dataclass
class View:
    """Readable text, the raw span ``starts[i]:ends[i]`` of each of its characters, and how a replacement is written in the raw text."""

    escape: Callable[[str], str] = str
    starts: Sequence[int] = ()
    ends: Sequence[int] = ()
    text: str = ""

    def raw_edits(self, edit: Edit) -> Iterator[Edit]:
        """An edit of the view as edits of the raw text; markup inside it stays, the replacement goes before it."""
        if edit.start == edit.end:
            at = self.ends[edit.start - 1] if edit.start else self.starts[0]
            yield Edit(at, at, self.escape(edit.replacement))
            return
        first = True
        for start, end in self._pieces(edit.start, edit.end):
            yield Edit(start, end, self.escape(edit.replacement) if first else "")
            first = False

    def _pieces(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The raw spans of view characters ``start:end``, joined where they touch."""
        opened, closed = self.starts[start], self.ends[start]
        for i in range(start + 1, end):
            if self.starts[i] > closed:
                yield opened, closed
                opened = self.starts[i]
            closed = max(closed, self.ends[i])
        yield opened, closed


@dataclass
class _Builder:
    """A view in the making."""

    starts: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))
    pieces: list[str] = field(default_factory=list)

    def add(self, text: str, start: int, end: int | None = None) -> None:
        """Take in characters that stand at `start` one for one, or all in ``start:end``."""
        self.pieces.append(text)
        self.starts.extend(range(start, start + len(text)) if end is None else [start] * len(text))
        self.ends.extend(range(start + 1, start + len(text) + 1) if end is None else [end] * len(text))

    def view(self, escape: Callable[[str], str] = str) -> View:
        return View(escape, self.starts, self.ends, "".join(self.pieces))


def plain(raw: str) -> list[View]:
    return [View(starts=range(len(raw)), ends=range(1, len(raw) + 1), text=raw)]


def markdown(raw: str) -> list[View]:
    """The prose of a Markdown text: no code, tables, link targets, tags or marks."""
    view, position = _Builder(), 0
    for match in _MARKDOWN.finditer(raw):
        view.add(raw[position : match.start()], position)
        position = match.end()
    view.add(raw[position:], position)
    return [view.view()]


class _TextNodes(HTMLParser):
    """Collects the text nodes of a page into one view; tags of blocks become line ends without a place in the raw text."""

    def __init__(self, raw: str) -> None:
        super().__init__(convert_charrefs=False)
        self.view = _Builder()
        self._raw = raw
        self._lines = [0, *(m.end() for m in re.finditer("\n", raw))]
        self._unread: list[str] = []

    def _at(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._boundary(tag)
        if tag in _UNREAD:
            self._unread.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self._boundary(tag)

    def handle_endtag(self, tag: str) -> None:
        self._boundary(tag)
        if tag in self._unread:
            del self._unread[self._unread.index(tag) :]

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self.view.add(data, self._at())

    def handle_entityref(self, name: str) -> None:
        self._reference(f"&{name}")

    def handle_charref(self, name: str) -> None:
        self._reference(f"&#{name}")

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """As browsers do, reads `<![` as a comment up to the next `>`, CDATA apart. The library raises on section names it does not know."""
        if self._raw.startswith("<![CDATA[", i):
            return super().parse_marked_section(i, report)
        return self.parse_bogus_comment(i, report)

    def _reference(self, reference: str) -> None:
        start = self._at()
        closed = self._raw[start + len(reference) :][:1] == ";"
        text = html.unescape(f"{reference};") if closed else reference
        if not self._unread:
            self.view.add(text, start, start + len(reference) + closed)

    def _boundary(self, tag: str) -> None:
        if tag not in _INLINE and not self._unread:
            self.view.add("\n", self._at(), self._at())


def page(raw: str) -> list[View]:
    """The text nodes of an HTML page, but those of scripts, styles, code and the like."""
    parser = _TextNodes(raw)
    parser.feed(raw)
    parser.close()
    return [parser.view.view(lambda text: html.escape(text, quote=False))]


def json_lines(raw: str, name: str = "text") -> list[View]:
    """The string under one key of each line. Raises `FormatError` naming a line that is no object or lacks the key."""
    views, position = [], 0
    for number, line in enumerate(re.findall(r"[^\n]*\n|[^\n]+", raw), 1):
        if line.strip():
            views.append(_json_view(line, position, number, name))
        position += len(line)
    return views


def _json_view(line: str, offset: int, number: int, name: str) -> View:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise FormatError(f"line {number} is no JSON: {error}") from None
    if not isinstance(record, dict) or not isinstance(record.get(name), str):
        keys = ", ".join(record) if isinstance(record, dict) else type(record).__name__
        raise FormatError(f"line {number} has no text under {name!r}, it has {keys}: name the key with --field")
    start = next(start for key, start in _members(line) if key == name) + 1
    ascii_only = line.isascii()
    view = _Builder()
    _, end = scanstring(line, start)
    for match in re.finditer(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.|[^\\]", line[start : end - 1], re.DOTALL):
        view.add(json.loads(f'"{match[0]}"', strict=False), offset + start + match.start(), offset + start + match.end())
    return view.view(lambda text: json.dumps(text, ensure_ascii=ascii_only)[1:-1])


def _members(line: str) -> Iterator[tuple[str, int]]:
    """(key, where its value starts) of the object on a line known to be sound."""
    decoder = json.JSONDecoder()
    position = line.index("{") + 1
    while line[position:].lstrip()[:1] != "}":
        position = line.index('"', position)
        key, position = scanstring(line, position + 1)
        position = line.index(":", position) + 1
        position += len(line[position:]) - len(line[position:].lstrip())
        yield key, position
        _, position = decoder.raw_decode(line, position)


FORMATS: dict[str, Callable[[str], list[View]]] = {
    ".txt": plain,
    ".text": plain,
    ".md": markdown,
    ".markdown": markdown,
    ".html": page,
    ".htm": page,
    ".jsonl": json_lines,
}
