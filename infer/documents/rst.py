"""reStructuredText: its paragraphs, also those in lists, quotations and notes.

Left as they are: titles, whose underlines must fit, tables, directives other than notes, literal and line blocks,
comments, fields and terms of definitions. The lines of a paragraph are read as one. Roles, references, substitutions
and literals inside a paragraph are read but not changed.

No parser tells exact positions, so blocks are found here by their indents and first characters. In doubt, text is left
alone: a paragraph is skipped if its inline markup is not fully understood, and an edit is refused unless the paragraph
has the same markup after it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from unspin.edits import Edit
from unspin.infer.documents.base import (
    DEFAULT_OPTIONS,
    MAX_CHECKED,
    Contents,
    DocumentOptions,
    ViewBuilder,
    are_words,
    is_amid_words,
)
from unspin.infer.documents.templates import template_markup, with_fixed
from unspin.infer.documents.text_files import TextFormat
from unspin.infer.documents.wrapped import WrappedView

_LINE = re.compile(r"([^\r\n]*+)(?:\r\n|\r|\n|\Z)")
_MAX_DEPTH = 40  # of indents; deeper text is left alone
_NOTES = "attention|caution|danger|error|hint|important|note|seealso|tip|warning"
_NOTE = re.compile(rf"\.\.\ +(?:{_NOTES})::(?:\ +|$)", re.VERBOSE)
_TITLED_NOTE = re.compile(r"\.\. +(?:admonition|epigraph|highlights|pull-quote|sidebar|topic)::")
_FIELD = re.compile(r":(?![:\s])(?:[^:\\`]|\\.)*+:(?:\s|$)")
_EXPLICIT = re.compile(r"(?:\.\.|__)(?:\s|$)")
_OPTION = re.compile(r"--?\w|--|/[A-Z]\b")
_LEFT_ALONE = re.compile(r">>>(?:\s|$)|\|(?:\s|$)|\+[-=]")  # the beginning of a doctest, a line block or a grid table
_SIMPLE_TABLE = re.compile(r"=+(?: +=+)+$")
_MARK = re.compile(r"[!-/:-@\[-`{-~]")
_RULE = re.compile(r"(?!::$)([!-/:-@\[-`{-~])\1+$")  # the underline of a title, or a transition
_BULLET = re.compile(r"[-*+•‣⁃](?:\s+|$)")
_ENUMERATOR = re.compile(r"\(?(?:\d+|[A-Za-z]|[ivxlcdmIVXLCDM]+|#)[.)](?:\s+|$)")
_BLOCKS = _FIELD, _EXPLICIT, _OPTION, _LEFT_ALONE, _BULLET, _ENUMERATOR  # what begins otherwise than a paragraph
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_SPACE_OR_WORD = re.compile(r"(?P<line_end>[ \t]*+[\r\n]\s*)|[ \t]+|[^\r\n \t]+")
_MARKUP = re.compile(  # a named group is text to read
    r"""(?<![\w`])``(?P<literal>(?:[^`]|`(?!`))+)``(?![\w`])
      | (?<!\w)`(?P<link>[^`<\\*|]*[^`<\\*|\s])\s+<[^<>`]*>`_(?!\w)                      # with its target
      | (?<![\w`:.+-])(?::[\w.:+-]+:)?_?`(?P<phrase>[^`<\s](?:[^`<]*[^`<\s])?)(?:\s+<[^<>`]*>)?`
        (?:__?|:[\w.:+-]+:)?(?![\w`])                                                    # references, roles
      | (?<![\w`:.+-])(?::[\w.:+-]+:)?`[^`]+`(?:__?|:[\w.:+-]+:)?(?![\w`])
      | (?<![\w*])\*\*(?P<strong>[^\s*`|\\_][^*`|\\]*(?<=\S))\*\*(?![\w*])
      | (?<![\w*])\*(?P<emphasis>[^\s*`|\\_][^*`|\\]*(?<=\S))\*(?![\w*])
      | (?<![\w|])\|(?P<substitution>[^\s|](?:[^|]*[^\s|])?)\|_{0,2}(?![\w|])
      | \[[^\[\]\s]+\]_(?!\w)                                                            # footnotes, citations
      | (?<![\w.:+-])(?P<word>\w(?:\w|[.:+-](?=\w))*+)(?<=_)(?!\w)                       # references of one word
      | (?P<address>\b(?:https?|ftp|mailto):[^\s<>`*|]*[\w/]|(?<![\w.+-])[\w.+-]++@[\w-]+\.[\w.-]*\w)
      | ::\s*\Z                                                                          # a literal block follows""",
    re.VERBOSE,
)
_EDITABLE = "link", "strong", "emphasis"
_NOT_UNDERSTOOD = re.compile(r"(?<!\s)[*`|]|[*`|](?!\s|\Z)|_(?!\w)|\\|[\v\f\x1c-\x1e\x85\u2028\u2029]")
_REFERENCE = re.compile(r"`([^`<>]+)`_")


def rst_views(raw: str, options: DocumentOptions = DEFAULT_OPTIONS) -> Contents:
    """One view of the paragraphs of a reStructuredText document."""
    reader = _Reader(raw)
    reader.read(0, len(reader.lines))
    return Contents([with_fixed(reader.view(), template_markup(raw))])


@dataclass
class _Line:
    """A line whose text, without the white space around it, is ``raw[start:end]``; a blank line has none."""

    start: int
    end: int
    indent: int


class _Reader:
    """Finds the paragraphs of a document and builds their view."""

    def __init__(self, raw: str) -> None:
        self.lines = [_line(match) for match in _LINE.finditer(raw)]
        self._raw = raw
        self._referenced = frozenset(_normal(name) for name in _REFERENCE.findall(raw))
        self._builder = ViewBuilder()
        self._paragraphs: list[tuple[int, int]] = []

    def view(self) -> _RstView:
        """The view of the paragraphs read so far."""
        starts, ends, text = self._builder.starts, self._builder.ends, "".join(self._builder.pieces)
        return _RstView(str, starts, ends, text, paragraphs=self._paragraphs, referenced=self._referenced)

    def read(self, i: int, last: int, depth: int = 0) -> None:
        """Read lines ``i:last``, which have the indent of the first line that is not blank, or a larger one."""
        while depth <= _MAX_DEPTH and (i := self._next_text(i, last)) < last:
            i = self._read_block(i, last, depth)

    def _text(self, i: int) -> str:
        return self._raw[self.lines[i].start : self.lines[i].end]

    def _next_text(self, i: int, last: int) -> int:
        """The next line from `i` on that is not blank."""
        while i < last and not self._text(i):
            i += 1
        return i

    def _next_blank(self, i: int, last: int) -> int:
        while i < last and self._text(i):
            i += 1
        return i

    def _body_end(self, i: int, last: int, indent: int) -> int:
        """Where the lines from `i` on end that are blank or indented by at least `indent`."""
        while i < last and (not self._text(i) or self.lines[i].indent >= indent):
            i += 1
        return i

    def _read_block(self, i: int, last: int, depth: int) -> int:
        """Read or skip the block that begins at line `i`, and return where it ends."""
        line, text = self.lines[i], self._text(i)
        following = self._text(i + 1) if i + 1 < last else ""
        if _EXPLICIT.match(text) or _FIELD.match(text) or _OPTION.match(text):
            return self._read_explicit(i, self._body_end(i + 1, last, line.indent + 1), depth)
        if _SIMPLE_TABLE.match(text):
            return self._table_end(i, last)
        if _RULE.match(text) and following and i + 2 < last and _RULE.match(self._text(i + 2)):
            return i + 3  # a title between lines
        if _LEFT_ALONE.match(text) or _RULE.match(text):
            return self._next_blank(i, last)
        if _RULE.match(following) and len(following) >= min(len(text), 4):
            return i + 2  # a title
        if marker := _BULLET.match(text) or self._enumerator(i, last):
            indent = line.indent + marker.end()
            return self._read_item(i, self._body_end(i + 1, last, indent), marker.end(), indent, depth)
        return self._read_paragraph(i, last, depth)

    def _enumerator(self, i: int, last: int) -> re.Match[str] | None:
        """The marker of an item of a numbered list, unless the text goes on without an indent."""
        following = self._text(i + 1) if i + 1 < last and self.lines[i + 1].indent <= self.lines[i].indent else ""
        return None if following and not _ENUMERATOR.match(following) else _ENUMERATOR.match(self._text(i))

    def _read_explicit(self, i: int, end: int, depth: int) -> int:
        """Read the body of a note in lines ``i:end``, or skip other directives, comments, fields and the like."""
        if note := _NOTE.match(self._text(i)):
            body = self._next_text(i + 1, end)
            indent = self.lines[body].indent if body < end else self.lines[i].indent + note.end()
            return self._read_item(i, end, note.end(), indent, depth)
        if _TITLED_NOTE.match(self._text(i)):
            self.read(i + 1, end, depth + 1)
        return end

    def _read_item(self, i: int, end: int, width: int, indent: int, depth: int) -> int:
        """Read lines ``i:end``; what follows a marker of `width` characters in the first one has an indent."""
        self.lines[i].start += width
        self.lines[i].indent = indent
        self.read(i, end, depth + 1)
        return end

    def _table_end(self, i: int, last: int) -> int:
        """Where a simple table ends: after a border that a blank line follows, other than the first."""
        for j in range(i + 1, last):
            if _SIMPLE_TABLE.match(self._text(j)) and (j + 1 == last or not self._text(j + 1)):
                return j + 1
        return last

    def _read_paragraph(self, i: int, last: int, depth: int) -> int:
        """Read a paragraph, unless it is a term, and then what is indented after it, unless it is a literal block."""
        indent, end = self.lines[i].indent, i + 1
        while end < last and self._text(end) and self.lines[end].indent == indent:
            end += 1
        is_term = end == i + 1 < last and bool(self._text(end)) and self.lines[end].indent > indent
        if not is_term and self._text(i) != "::":
            self._add_paragraph(self.lines[i].start, self.lines[end - 1].end)
        body = self._next_text(end, last)
        if body == last or self.lines[body].indent <= indent:
            is_quoted = body < last and self._text(end - 1).endswith("::") and _MARK.match(self._text(body))
            return self._next_blank(body, last) if is_quoted else end  # a literal block without an indent
        body_end = self._body_end(body, last, indent + 1)
        if not self._text(end - 1).endswith("::"):
            self.read(body, body_end, depth + 1)
        return body_end

    def _add_paragraph(self, start: int, stop: int) -> None:
        matches = _find_markup(self._raw[start:stop])
        if matches is None:
            return
        if self._builder.pieces:
            self._builder.add_encoded("\n", self._paragraphs[-1][1], start)
        self._paragraphs.append((start, stop))
        position = start
        for span in [*_hidden(matches), (stop - start, stop - start)]:
            for match in _SPACE_OR_WORD.finditer(self._raw, position, start + span[0]):
                if match["line_end"]:
                    self._builder.add_encoded(" ", *match.span())
                else:
                    self._builder.add_literal(match[0], match.start())
            position = start + span[1]


@dataclass(frozen=True)
class _RstView(WrappedView):
    """A view that refuses edits which change the markup of their paragraph."""

    paragraphs: Sequence[tuple[int, int]] = ()
    referenced: frozenset[str] = frozenset()
    _markup_spans: dict[int, list[tuple[int, int]]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def raw_edit(self, raw: str, edit: Edit) -> Edit | None:
        """Translate an edit of the view into one of the raw text; None if the markup would change."""
        placed = super().raw_edit(raw, edit)
        if placed is None:
            return None
        start, stop = self.paragraphs[bisect_right(self.paragraphs, placed.start, key=lambda span: span[0]) - 1]
        is_plain = placed.start > start and are_words(raw, placed) and is_amid_words(raw, placed)
        if is_plain and not self._is_in_markup(raw, start, stop, placed):
            return placed
        if stop - start > MAX_CHECKED:
            return None
        before, after = raw[start:stop], raw[start : placed.start] + placed.replacement + raw[placed.end : stop]
        return placed if self._markup(before) == self._markup(after) is not None else None

    def _is_in_markup(self, raw: str, start: int, stop: int, edit: Edit) -> bool:
        """Whether an edit of the paragraph ``start:stop`` touches markup, of which the place is found only once."""
        if start not in self._markup_spans:
            self._markup_spans[start] = [match.span() for match in _find_markup(raw[start:stop]) or ()]
        spans = self._markup_spans[start]
        before = bisect_right(spans, edit.end - start, key=lambda span: span[0])
        return before > 0 and spans[before - 1][1] >= edit.start - start

    def _markup(self, paragraph: str) -> list[str] | None:
        """What no edit may change in a paragraph; None if its markup is not understood or it is none."""
        matches = _find_markup(paragraph)
        if matches is None or not paragraph.strip() or any(pattern.match(paragraph) for pattern in _BLOCKS):
            return None
        kept = [line[: len(line) - len(line.lstrip())] for line in _LINE_BREAK.split(paragraph)]  # indents
        for match in matches:
            name = match.lastgroup
            if name in _EDITABLE and _normal(match[name]) not in self.referenced:
                kept += paragraph[match.start() : match.start(name)], paragraph[match.end(name) : match.end()]
            else:
                kept.append(match[0])
        return kept


def _line(match: re.Match[str]) -> _Line:
    text = match[1]
    start = len(text) - len(text.lstrip())
    return _Line(match.start() + start, match.start() + max(len(text.rstrip()), start), len(text[:start].expandtabs(8)))


def _normal(name: str) -> str:
    """The name of a reference, whose case and white space do not count."""
    return " ".join(name.split()).lower()


def _find_markup(paragraph: str) -> list[re.Match[str]] | None:
    """The inline markup of a paragraph, in order; None if there may be markup that is not understood."""
    lines = [line.strip() for line in _LINE_BREAK.split(paragraph)]
    has_more = _NOT_UNDERSTOOD.search(_MARKUP.sub(".", paragraph))
    if has_more or any(_RULE.match(line) or _FIELD.match(line) for line in lines):
        return None
    return list(_MARKUP.finditer(paragraph))


def _hidden(matches: Sequence[re.Match[str]]) -> Iterator[tuple[int, int]]:
    """The spans of a paragraph that are not text to read."""
    for match in matches:
        if name := match.lastgroup:
            yield match.start(), match.start(name)
            yield match.start(name) + len(match[name].rstrip("_")), match.end()
        else:
            yield match.span()


RST = TextFormat("rst", "reStructuredText", (".rst",), rst_views)
