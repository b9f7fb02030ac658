"""How a document is laid out on the page: as a reader sees it, without any of its own markup, styles or scripts.

A layout is a list of blocks. A block is a tree whose leaves are text: either a span of an article's readable text,
which can be edited, or other text of the document, which cannot. The page builds its elements from the tree, so that no
markup of a document ever becomes markup of the page.

HTML and Markdown keep their headings, lists, tables and emphasis; other formats are laid out as paragraphs.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from turbohtml import Element, Node, Text, parse
from unspin.infer.documents.base import Document, View
from unspin.infer.documents.markdown import markdown_to_html
from unspin.segment import paragraphs

MAX_DEPTH = 30  # of the elements of a block, and of the emphasis in it; what lies deeper is laid out as plain text

Tree = list[Any]  # a tag, then its children: trees, spans (start, end) of the article's text, and other text

_MARK = "\ue000"  # a character for private use, which stands before and after the number of a span
_MARKS = re.compile(f"{_MARK}([0-9]{{1,9}}){_MARK}")
_UNSEEN = frozenset("script style template noscript iframe noembed noframes object svg math select textarea".split())
_BLOCKS = frozenset("p h1 h2 h3 h4 h5 h6 pre blockquote ul ol dl table figure hr title".split())
_PARTS = frozenset("li dt dd thead tbody tfoot tr td th caption figcaption".split())  # of blocks
_INLINE = frozenset("a b strong i em u s del ins mark small sub sup code kbd samp q cite".split())
_TRANSPARENT = frozenset(
    "abbr acronym bdi bdo big br button center data dfn font img input label nobr picture rb rp rt ruby span time tt "
    "var wbr".split()
)
_NO_TEXT = frozenset("ul ol dl table thead tbody tfoot tr blockquote figure".split())  # white space in them is layout
_LEAVES = frozenset("td th hr br img".split())  # elements that show even if they are empty
_WHITE_SPACE = re.compile(r"[ \t\n\f\r]+")


@dataclass(frozen=True)
class Block:
    """A paragraph, heading, list or table of an article, or a "title", which names what follows."""

    article: int
    tree: Tree


def layout_of(document: Document, format_name: str) -> list[Block]:
    """The blocks of a document, in order. Each readable character but line ends is in exactly one of them."""
    if format_name in ("html", "md") and len(document.views) == 1:
        (view,) = document.views
        spans = list(_spans(view))
        marked = _marked(document.text, view, spans)
        reader = _Reader(view.text, spans)
        reader.read(markdown_to_html(marked) if format_name == "md" else marked)
        if sorted(reader.found) == spans:
            return reader.blocks
    return [block for number, view in enumerate(document.views) for block in _paragraphs(document, number, view)]


def _paragraphs(document: Document, number: int, view: View) -> Iterator[Block]:
    if len(document.views) > 1 and view.name:
        yield Block(number, ["title", view.name])
    for span in paragraphs(view.text):
        yield Block(number, ["p", (span.start, span.end)])


def _spans(view: View) -> Iterator[tuple[int, int]]:
    """The stretches of a view's lines whose characters adjoin in the raw text."""
    for line in re.finditer(r"[^\n]+", view.text):
        yield from view.stretches(*line.span())


def _marked(raw: str, view: View, spans: Sequence[tuple[int, int]]) -> str:
    """The raw text with the number of each span, between marks, in place of its characters.

    White space at the ends of a span stays, since what is emphasis in Markdown depends on it.
    """
    pieces: list[str] = []
    position = 0
    for number, (start, end) in enumerate(spans):
        before, after = " " * view.text[start].isspace(), " " * view.text[end - 1].isspace()
        pieces += raw[position : view.starts[start]].replace(_MARK, " "), f"{before}{_MARK}{number}{_MARK}{after}"
        position = max(view.ends[end - 1], position)
    return "".join([*pieces, raw[position:].replace(_MARK, " ")])


@dataclass(frozen=True)
class _Path:
    """The elements around a text: those that make up its block, then its emphasis. Each has an identity and a tag."""

    elements: tuple[tuple[Hashable, str], ...] = ()
    emphasis: tuple[tuple[Hashable, str], ...] = ()
    is_seen: bool = True

    @property
    def is_preformatted(self) -> bool:
        """Whether the white space of the text counts."""
        return any(tag == "pre" for _, tag in self.elements)

    def inside(self, element: Element, identity: int) -> _Path:
        """The path of the text in a child element."""
        tag = element.tag
        if tag in _UNSEEN:
            return replace(self, is_seen=False)
        if tag in _INLINE:
            return replace(self, emphasis=(*self.emphasis, (identity, tag))[:MAX_DEPTH])
        if tag in _TRANSPARENT or not (self.elements or tag in _BLOCKS):
            return self
        kept = tag if tag in _BLOCKS | _PARTS else "div"
        return replace(self, elements=(*self.elements, (identity, kept))[:MAX_DEPTH])


class _Reader:
    """Lays out a page of HTML in which marks stand for the spans of an article's text."""

    def __init__(self, text: str, spans: Sequence[tuple[int, int]]) -> None:
        self.blocks: list[Block] = []
        self.found: list[tuple[int, int]] = []
        self._text, self._spans = text, spans
        self._open: list[tuple[Hashable, Tree]] = []  # the elements around the last text, with their identities
        self._boundary = 0  # grows where a part of the page begins or ends

    def read(self, source: str) -> None:
        """Collect the blocks of the page."""
        pending: list[tuple[Node | None, _Path]] = [(child, _Path()) for child in reversed(parse(source).children)]
        count = 0
        while pending:
            node, path = pending.pop()
            if node is None:
                self._boundary += 1
            elif isinstance(node, Text):
                self._add_text(node.data, path)
            elif isinstance(node, Element):
                count += 1
                inside = path.inside(node, count)
                if node.tag not in _INLINE | _TRANSPARENT:
                    self._boundary += 1
                    pending.append((None, path))
                if node.tag in _LEAVES and inside.is_seen:
                    self._add_leaf(_shown(node), inside)
                pending += [(child, inside) for child in reversed(node.children)]

    def _add_text(self, text: str, path: _Path) -> None:
        position = 0
        for mark in _MARKS.finditer(text):
            if int(mark[1]) >= len(self._spans):  # no mark, but character references in the page
                continue
            start, end = self._spans[int(mark[1])]
            before = text[position : mark.start()]
            self._add_other_text(before.rstrip() if self._text[start].isspace() else before, path)
            self.found.append((start, end))
            self._add_leaf((start, end), path)
            position = mark.end()
            while self._text[end - 1].isspace() and text[position : position + 1].isspace():
                position += 1
        self._add_other_text(text[position:], path)

    def _add_other_text(self, text: str, path: _Path) -> None:
        """Add text that is no span, if it is seen."""
        if not path.is_preformatted:
            text = _WHITE_SPACE.sub(" ", text)
        if path.is_seen and (text.strip() or (text and self._is_space_seen(path))):
            self._add_leaf(text, path)

    def _path_of(self, path: _Path) -> tuple[tuple[Hashable, str], ...]:
        """The elements around a text. Text outside all blocks is a paragraph as far as the next boundary."""
        return (*(path.elements or ((("text", self._boundary), "p"),)), *path.emphasis)

    def _is_space_seen(self, path: _Path) -> bool:
        """Whether white space stands between texts of a block, and not between its parts."""
        elements = self._path_of(path)
        return bool(self._open) and elements[0][0] == self._open[0][0] and elements[-1][1] not in _NO_TEXT

    def _add_leaf(self, leaf: str | tuple[int, int], path: _Path) -> None:
        elements = self._path_of(path)
        same = 0
        for (identity, _), (open_identity, _) in zip(elements, self._open, strict=False):
            if identity != open_identity:
                break
            same += 1
        del self._open[same:]
        for identity, tag in elements[same:]:
            tree: Tree = [tag]
            if self._open:
                self._open[-1][1].append(tree)
            else:
                self.blocks.append(Block(0, tree))
            self._open.append((identity, tree))
        if leaf:
            self._open[-1][1].append(leaf)


def _shown(element: Element) -> str:
    """What stands for an element without text."""
    if element.tag == "img":
        return f"[{str(element.attrs.get('alt') or 'picture').strip()}]"
    return "\n" if element.tag == "br" else ""
