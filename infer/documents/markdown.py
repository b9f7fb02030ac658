"""Markdown: its prose, without front matter, code, link targets, HTML tags and markup characters.

markdown-it-py parses the blocks, and a recorder in its inline rules notes where markup stands in them. What it does not
know (front matter, admonitions, footnotes, math, shortcodes, wiki links) is recognised by its form. A paragraph is one
line of the view, however it is wrapped, and so are headings, list items and table cells. Code and formulas inside a
sentence are shown, so that the sentence is whole, but never changed. A block whose characters cannot be placed exactly
is left alone.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise, takewhile
from string import punctuation

from markdown_it import MarkdownIt
from markdown_it.helpers import parseLinkLabel
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from unspin.edits import Edit
from unspin.infer.documents.base import DEFAULT_OPTIONS, Contents, DocumentOptions, View, ViewBuilder
from unspin.infer.documents.html import html_views
from unspin.infer.documents.text_files import TextFormat
from unspin.infer.documents.wrapped import WrappedView

_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_FRONT_MATTER = re.compile(r"(---|\+\+\+)[ \t]*\n(?:.*\n)*?(?:\1|\.\.\.)[ \t]*(?:\n|\Z)")
_MATH_BLOCK = re.compile(r"^[ \t]*(?:\$\$(?:[^$]|\$(?!\$))*\$\$|\\\[(?:[^\\]|\\(?![\[\]]))*\\\])[ \t]*$", re.MULTILINE)
_DIRECTIVE = re.compile(r"^[ \t]*(?::::|\{%[^\n]*%\}[ \t]*$|\{\{[^\n]*\}\}[ \t]*$)[^\n]*$", re.MULTILINE)
_ADMONITION = re.compile(r"[ \t]*(?:!!!|\?\?\?\+?)[ \t]+\w")
_NOTE_OR_DEFINITION = re.compile(r"[ \t]{0,3}(?:\[\^[^\]\s]+\]:|:)[ \t]+(?=\S)")
_INDENT = 4  # columns by which the body of an admonition is indented

_HIDDEN = re.compile(  # parts of a paragraph that are no text
    r"""^\[[ xX]\][ ] | ^\[![\w-]+\]                             # task list items, kinds of admonitions
      | \[\^[^\[\]\s]+\] | !\[\[[^\[\]\n]*\]\]                  # references to notes, embedded files
      | \[\[[^\[\]|\n]*\|(?=[^\[\]\n]*\]\]) | (?<=[^\[\]\n])\]\] # targets of wiki links
      | \{[:.\#][^{}\n]*\}$                                     # attributes""",
    re.VERBOSE | re.MULTILINE,
)
_FIXED = re.compile(  # parts that are shown and never changed
    r"""\$\$[^$\n]+\$\$ | (?<![\\$\w])\$(?![\s$])[^$\n]*(?<![\s\\])\$(?![\d$]) | \\\((?:[^\\\n]|\\(?![()]))*\\\)  # math
      | \{\{[^{}\n]*\}\} | \{%(?:[^{%\n]|%(?!\}))*%\}           # shortcodes
      | (?<!!)\[\[[^\[\]|\n]*\]\]                               # wiki links without a label""",
    re.VERBOSE,
)
_FILLER = "\ue000"  # stands for what the parser must not read; a character for private use, neutral in Markdown
_SPECIAL = re.compile(r"[\\`*_<\[\]|]|&(?=#?\w+;)")
_BLOCK_MARK = re.compile(r"(?:[-+*>]|\d+[.)]|#{1,6})(?:\s|$)|[=-]+$|```|~~~|:::")
_PROSE, _CODE, _HTML = range(3)  # what a character of the view is; code is shown and never changed


def _noted(rule: Callable[[StateInline, bool], bool], name: str) -> Callable[[StateInline, bool], bool]:
    """An inline rule that notes where it found its markup, in the paragraph that is being read."""

    def run(state: StateInline, silent: bool) -> bool:
        start, count = state.pos, len(state.tokens)
        found = rule(state, silent)
        if found and not silent and state.env.get("paragraph") is state:
            marks: list[_Mark] = state.env["marks"]
            if name == "link":
                marks.append(_Mark("markup", start, start + 1))
                marks.append(_Mark("markup", parseLinkLabel(state, start, True), state.pos))
            elif name in ("emphasis", "strikethrough"):  # whether they are markup is known at the end
                end = state.pos
                for token in reversed(state.tokens[count:]):  # before them may be the text that was pending
                    if end > start:
                        marks.append(_Mark(name, end - len(token.content), end, token))
                        end -= len(token.content)
            else:
                marks.append(_Mark(name, start, state.pos))
        return found

    return run


@dataclass(frozen=True)
class _Mark:
    """Characters ``start:end`` of a paragraph that a rule read; a delimiter has the token that it became."""

    rule: str
    start: int
    end: int
    token: Token | None = None


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    parser.disable(["text_join", "fragments_join"])  # they join the tokens of delimiters with the text
    parser.core.ruler.disable("inline")
    for rule in list(parser.inline.ruler.__rules__):
        if rule.name != "text":
            parser.inline.ruler.at(rule.name, _noted(rule.fn, rule.name))
    return parser


@dataclass(frozen=True)
class _MarkdownView(WrappedView):
    """A view that keeps line ends and code, and refuses words that would begin a list, a heading or another block."""

    kinds: bytes = b""

    def raw_edit(self, raw: str, edit: Edit) -> Edit | None:
        touched = self.kinds[edit.start : max(edit.end, edit.start + 1)]
        if _CODE in touched:
            return None
        view = replace(self, escape=_escape_html, kinds=b"") if _HTML in touched else self
        placed = super(_MarkdownView, view).raw_edit(raw, edit)
        if placed and _BLOCK_MARK.match(placed.replacement):
            line = raw[: placed.start].replace("\r", "\n").rpartition("\n")[2]
            if not any(c.isalnum() for c in line):
                return None
        return placed


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)


def _escape_html(text: str) -> str:
    return html.escape(text, quote=False)


class _Reader:
    """Builds the view of a Markdown text, block by block."""

    def __init__(self, raw: str) -> None:
        self._raw = raw
        matches = [match for match in _LINE.finditer(raw) if match[0]]
        self._starts = [match.start() for match in matches]
        self._lines = [match[1].replace("\0", "\ufffd") for match in matches]
        self._builder = ViewBuilder()
        self._kinds = bytearray()
        self._environment: dict[str, object] = {}

    def view(self) -> View:
        """The view of the whole text."""
        tokens = _parser().parse("\n".join(_known_blocks(self._lines)), self._environment)
        for i, token in enumerate(tokens):
            if token.map is None:
                continue
            if token.type == "inline" and tokens[i - 1].type not in ("th_open", "td_open"):
                self._add_paragraph(token.content, token.map[0])
            elif token.type == "tr_open":
                self._add_row(tokens, i, token.map[0])
            elif token.type == "html_block":
                self._add_html(*token.map)
        return _MarkdownView(
            _escape, self._builder.starts, self._builder.ends, "".join(self._builder.pieces), kinds=bytes(self._kinds)
        )

    def _add_paragraph(self, content: str, first: int) -> None:
        """Add a paragraph or heading whose text begins in line `first`, if every line of it can be placed."""
        offsets: list[int] = []
        for number, line in enumerate(content.split("\n"), first):
            text, source = line.strip(" \t"), self._lines[number]
            at = len(source.rstrip(" \t")) - len(text)
            if source[max(at, 0) :][: len(text)] != text:
                at = source.rfind(text)
            if at < 0:
                return
            lead = len(line) - len(line.lstrip(" \t"))
            start = self._starts[number] + at - lead
            offsets += range(start, start + len(line) + 1)  # one for the line end
        self._add_text(content, offsets)

    def _add_row(self, tokens: Sequence[Token], first: int, number: int) -> None:
        """Add the cells of the table row in line `number`, whose tokens begin with token `first`."""
        row = takewhile(lambda token: token.type != "tr_close", (tokens[i] for i in range(first, len(tokens))))
        cells = [token.content for token in row if token.type == "inline"]
        line = self._lines[number]
        bounds = [-1, *(match.start() for match in re.finditer(r"(?<!\\)\|", line)), len(line)]
        places = [(start + 1, line[start + 1 : end]) for start, end in pairwise(bounds)]
        for shift in range(len(places)):
            if [text.strip().replace(r"\|", "|") for _, text in places[shift:]][: len(cells)] == cells:
                break
        else:
            return
        for content, (start, text) in zip(cells, places[shift:], strict=False):
            if r"\|" not in text:  # whose backslashes the parser has removed
                at = self._starts[number] + start + len(text) - len(text.lstrip())
                self._add_text(content, range(at, at + len(content) + 1))

    def _add_html(self, first: int, last: int) -> None:
        """Add the text of a block of HTML."""
        start = self._starts[first]
        end = self._starts[last] if last < len(self._starts) else len(self._raw)
        (view,) = html_views(self._raw[start:end]).views
        if not view.text.strip():
            return
        self._end_line(start)
        self._builder.pieces.append(view.text)
        self._builder.starts.extend(start + i for i in view.starts)
        self._builder.ends.extend(start + i for i in view.ends)
        self._kinds += bytes([_HTML]) * len(view.text)

    def _add_text(self, content: str, offsets: Sequence[int]) -> None:
        """Add the text of a block; its character `i` stands at ``offsets[i]`` of the raw text."""
        if not content.strip():
            return
        kinds = bytearray([_PROSE]) * len(content)
        hidden = bytearray(len(content))
        encoded: dict[int, tuple[str, int]] = {}  # where an escape, reference or line end begins -> its text and end
        masked = _FIXED.sub(lambda match: _FILLER * len(match[0]), content)
        for match in _FIXED.finditer(content):
            kinds[match.start() : match.end()] = bytes([_CODE]) * len(match[0])
        for match in _HIDDEN.finditer(masked):
            hidden[match.start() : match.end()] = b"\1" * len(match[0])
        masked = _HIDDEN.sub(lambda match: _FILLER * len(match[0]), masked)
        for mark in self._marks(masked):
            source = content[mark.start : mark.end]
            if mark.rule == "newline" or (mark.rule == "escape" and "\n" in source):
                start = len(content[: mark.start].rstrip(" \t"))
                is_hard = mark.start - start > 1 or mark.rule == "escape"
                encoded[start] = ("\n" if is_hard else " ", mark.end)
            elif mark.rule == "escape":
                if source[1:] in set(punctuation):  # before other characters, a backslash is one
                    encoded[mark.start] = (source[1:], mark.end)
            elif mark.rule == "entity":
                encoded[mark.start] = (html.unescape(source), mark.end)
            elif mark.rule == "backticks":
                ticks = len(source) - len(source.lstrip("`"))
                kinds[mark.start : mark.end] = bytes([_CODE]) * len(source)
                hidden[mark.start : mark.start + ticks] = hidden[mark.end - ticks : mark.end] = b"\1" * ticks
            elif mark.rule == "autolink":
                kinds[mark.start : mark.end] = bytes([_CODE]) * len(source)
                hidden[mark.start] = hidden[mark.end - 1] = 1
            elif mark.token is None or not mark.token.content:  # HTML tags, images, link targets, used delimiters
                hidden[mark.start : mark.end] = b"\1" * len(source)
        self._end_line(offsets[0])
        self._write(content, offsets, kinds, hidden, encoded)

    def _write(
        self,
        content: str,
        offsets: Sequence[int],
        kinds: bytearray,
        hidden: bytearray,
        encoded: dict[int, tuple[str, int]],
    ) -> None:
        position = 0
        while position < len(content):
            text, end = encoded.get(position, (content[position], position + 1))
            if content[position] == "\n" and position not in encoded:  # inside code or a tag
                text = " "
            if not hidden[position]:
                is_literal = end == position + 1 and text == content[position]
                if is_literal:
                    self._builder.add_literal(text, offsets[position])
                else:
                    self._builder.add_encoded(text, offsets[position], offsets[end - 1] + 1)
                self._kinds += kinds[position : position + 1] * len(text)
            position = end

    def _marks(self, content: str) -> list[_Mark]:
        """Where the inline rules find markup in a block's text."""
        parser = _parser()
        marks: list[_Mark] = []
        state = StateInline(content, parser, self._environment, [])
        self._environment |= {"paragraph": state, "marks": marks}
        parser.inline.tokenize(state)
        for rule in parser.inline.ruler2.getRules(""):
            rule(state)
        return marks

    def _end_line(self, position: int) -> None:
        if self._builder.pieces:
            self._builder.add_encoded("\n", position, position)
            self._kinds.append(_PROSE)


def _known_blocks(lines: Sequence[str]) -> Iterator[str]:
    """The lines as CommonMark, with the same number of lines.

    Front matter, math and directives become blank lines, the bodies of admonitions lose their indent, and notes and
    definitions become list items. So every line ends as it did, and its text can be found from its end.
    """
    text = "\n".join(lines)
    for pattern in (_MATH_BLOCK, _DIRECTIVE):
        text = pattern.sub(lambda match: "\n" * match[0].count("\n"), text)
    if front := _FRONT_MATTER.match(text):
        text = "\n" * front[0].count("\n") + text[front.end() :]
    in_admonition = False
    for line in text.split("\n"):
        if _ADMONITION.match(line):
            in_admonition = True
            yield ""
            continue
        blank = not line.strip()
        in_admonition = in_admonition and (blank or line.startswith((" " * _INDENT, "\t")))
        if in_admonition:
            yield line[1:] if line.startswith("\t") else line[_INDENT:]
        else:
            yield _NOTE_OR_DEFINITION.sub("- ", line, count=1) if _NOTE_OR_DEFINITION.match(line) else line


def markdown_views(raw: str, options: DocumentOptions = DEFAULT_OPTIONS) -> Contents:
    """One view of the prose of a Markdown text."""
    return Contents([_Reader(raw).view()])


MARKDOWN = TextFormat("md", "Markdown", (".md", ".markdown"), markdown_views)
