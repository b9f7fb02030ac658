"""Markdown: its prose, without front matter, code blocks, formulas, link targets, HTML tags and markup characters.

markdown-it-py parses it. A recorder around its inline rules notes where markup stands, and further rules read what
CommonMark lacks: admonitions, notes, definitions, math, shortcodes, wiki links, MDX. A paragraph is one line of the
view, however it is wrapped, and so are headings, list items and table cells. Code, formulas and addresses inside a
sentence are shown, so that the sentence is whole, but never changed. A block whose characters cannot be placed exactly
is left alone, and so is what is nested more than `_MAX_NESTING` deep. An edit is refused if its block would not read as
intended after it. Cost: linear in the length of the text, plus the length of its block for an edit that touches markup.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import ChainMap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise, takewhile

from markdown_it import MarkdownIt
from markdown_it.helpers import parseLinkLabel
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from unspin.edits import Edit
from unspin.infer.documents.base import (
    DEFAULT_OPTIONS,
    MAX_CHECKED,
    Contents,
    DocumentOptions,
    View,
    ViewBuilder,
    are_words,
    is_amid_words,
)
from unspin.infer.documents.html import html_views
from unspin.infer.documents.templates import SHORTCODE, TemplateMarkup, template_markup, with_fixed
from unspin.infer.documents.text_files import TextFormat
from unspin.infer.documents.wrapped import WrappedView

_MAX_NESTING = 60
_MAX_OPAQUE_LINES = 300  # longest block of math or highlighted code

_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_FRONT_MATTER = re.compile(  # YAML, TOML, JSON, MultiMarkdown, Pandoc
    r"""---[ \t]*\n(?:[ \t]*\#.*\n)*(?:["']?\w[\w\ .'"/-]*:(?:[ \t].*)?\n(?:.*\n)*?)?(?:---|\.\.\.)[ \t]*$
      | \+\+\+[ \t]*\n(?:.*\n)*?\+\+\+[ \t]*$
      | \{[ \t]*\n[ \t]*"(?:.*\n)*?\}[ \t]*$
      | (?i:title|author|date|slug|layout|tags|keywords):.*(?:\n\w[\w\ -]{0,40}:[ \t].*)+(?=\n[ \t]*$)
      | (?:%[ \t].*\n(?:[ \t]+\S.*\n)*){1,3}[ \t]*$""",
    re.VERBOSE | re.MULTILINE,
)
_OPAQUE_BLOCK = re.compile(
    r"""\$\$(?!.*\$\$.*\S) | \\{1,2}\[(?=[ \t]*$|.*\\\][ \t]*$) | \\begin\{
      | (?P<comment>%%(?!.*%%))
      | (?:\{%-?|\{\{[<%]|\{::)\s*(?P<shortcode>highlight|code|comment|nomarkdown|raw|math|katex|mermaid)\b(?!.*\{.*\S)
      | (?P<directive>:::.*|(?:(?:\{%[^{}\n]*%\}|\{\{[^{}\n]*\}\})[ \t]*)+$)  # a line without text
      | (?P<apart>(?:\([\w:.-]+\)=|%[ \t].*|\+\+\+(?:[ \t].*)?)[ \t]*$        # targets, comments and cells of MyST
          | \*\[[^\]\n]{1,200}\]:                                             # abbreviations
          | (?P<code>import[ \t](?:[\w*{$].*\bfrom[ \t]*)?["']                # of MDX
              | export[ \t]+(?:(?:default|const|let|var|function|async|class)\b|[{*])
              | \{[A-Za-z_$][\w.$]*(?:\(|[ \t]*(?:&&|\?|=>))))""",
    re.VERBOSE,
)
_CONTAINER = re.compile(  # what an indented body follows; a marker stands before the first line of the body
    r"""(?:!!!|\?\?\?\+?)[ \t]+[A-Za-z].* | ===[!+]?[ \t]+".*  # admonitions, tabs
      | (?P<marker>\[\^[^\]\s]{1,200}\]:[ \t]* | :[ \t]+(?=\S))  # notes, definitions""",
    re.VERBOSE,
)
_BODY_INDENT = 4  # columns

_BRACES = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]{0,500}\}){0,500}+\}){0,500}+\}"
_JSX_TAG = (  # with a dot in its name or an expression among its attributes, which CommonMark takes for text
    r"""<(?=/?[A-Z]\w{0,60}\.\w|\w[^<>]{0,500}[=\s]\{)/?\w[\w.-]{0,100}"""
    rf"""(?:[^<>{{}}"']|"[^"]{{0,500}}"|'[^']{{0,500}}'|{_BRACES}){{0,500}}+>"""
)
_OPAQUE = re.compile(  # parts of a paragraph: fixed ones are shown and never changed, others are hidden
    r"""(?P<fixed>\$\$(?:\\.|[^$\\]){1,2000}\$\$
          | (?<![\w$])\$(?![\s$]|\d[\d.,]*\s+[a-z]{2})(?:\\.|[^$\\]){0,500}(?<!\s)\$(?![\w$])
          | \\{1,2}\((?:[^\\]|\\(?!\\?[()])){1,500}\\{1,2}\)       # math
          | (?<=\w)\^[^\s^]{1,100}\^ | (?<=\w)~[^\s~]{1,100}~   # superscripts and subscripts
          | \+\+\w{1,30}(?:\+\w{1,30}){1,8}\+\+                 # keys
          | \{\{[^{}]{1,2000}\}\} | \{%(?:[^{%]|%(?!\})){1,2000}%\}  # shortcodes
          | \[-?@[^\[\]\n]{1,300}\](?![(\[])                    # citations
          | (?<!!)\[\[[^\[\]|\n]{1,300}\]\](?![(\[]))           # wiki links without a label
      | (?P<target>\[\[[^\[\]|\n]{1,300}\|)[^\[\]|\n]{1,300}(?P<closing>\]\])  # wiki links with a label
      | (?P<opening>\A(?:\[[ xX]\](?=\s)\s* | \[![\w-]{1,40}\][+-]?(?!\()[ \t]*\n?))  # task list items, callouts
      | (?P<hidden>%%[^%\n]{1,500}%%                           # comments
          | \[\^[^\[\]\s]{1,200}\](?!\() | !\[\[[^\[\]\n]{1,300}\]\]  # references to notes, embedded files
          | \{[:.\#][^{}\n]{1,300}\}                        # attributes
          | (?<=\s)\^[\w-]{1,100}\Z                        # names of blocks
          | \{/\*(?:[^*{]|\*(?!/)|\{(?!/\*)){0,2000}+\*/\}        # comments of MDX
          | """
    + _JSX_TAG
    + "|"
    + SHORTCODE
    + ")",
    re.VERBOSE | re.DOTALL,
)
_ADDRESS = re.compile(
    r"""\b(?:https?://|ftp://|www\.)[^\s<>]{1,2000} | (?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}""",
    re.VERBOSE,
)
_TAG = re.compile(r"<(/?)(\w+)")
_CODE_TAGS = frozenset(("code", "kbd", "pre", "samp", "var", "tt"))
_HIDDEN_TAGS = frozenset(("script", "style", "svg", "math", "textarea"))
_LEFT_ALONE = re.compile(  # attributes of text in another language, or not to be translated
    r"""\s(?:(?:xml:)?lang=["']?(?!["']?(?:en|eng|und|mul)\b)\w|translate=["']?no\b|class=[^>]*\bnotranslate\b)""", re.I
)
_LINE_BREAK_TAG = re.compile(r"<br\b", re.I)
_LINE_MARK = re.compile(r"^[ \t]*(?:$|(?:[-+*>]|\d{1,9}[.)]|#{1,6})(?:\s|$))", re.MULTILINE)  # blank or a block's
_FRAMES = {"#": "# {}", "=": "{}\n===", "-": "{}\n---"}  # headings by their markup
_SPECIAL = re.compile(r"[\\`*_<\[\]]|&(?=#?\w+;)")
_LINE_END = re.compile(r"\r\n|\r|\n")
_BORDER = re.compile(r"[\r\n|]")  # no edit contains line ends, nor the bars of tables
_INNER_LINE_END = re.compile(r"\n[ \t]*")

InlineRule = Callable[[StateInline, bool], bool]
BlockRule = Callable[[StateBlock, int, int, bool], bool]
_Event = tuple[int, int, str | None, bool]


@dataclass(frozen=True)
class _Mark:
    """Characters ``start:end`` of a paragraph that a rule read; a delimiter has the token that it became."""

    rule: str
    start: int
    end: int
    token: Token | None = None


def _note(state: StateInline, *marks: _Mark) -> None:
    if state.env.get("paragraph") is state:  # and not the text of an image in it
        state.env["marks"] += marks


def _noted(rule: InlineRule, name: str) -> InlineRule:
    """An inline rule that notes where it found its markup."""

    def run(state: StateInline, silent: bool) -> bool:
        start, count = state.pos, len(state.tokens)
        found = rule(state, silent)
        if not found or silent:
            return found
        if name == "link":
            label_end = parseLinkLabel(state, start, True)
            _note(state, _Mark("hidden", start, start + 1), _Mark("hidden", label_end, state.pos))
        elif name in ("emphasis", "strikethrough"):  # whether they are markup is known at the end
            end = state.pos
            for token in reversed(state.tokens[count:]):  # before them may be the text that was pending
                if end > start:
                    _note(state, _Mark(name, end - len(token.content), end, token))
                    end -= len(token.content)
        elif name in ("escape", "entity"):
            _note(state, _Mark(name, start, state.pos, state.tokens[-1]))
        elif name != "backticks" or len(state.tokens) > count:  # otherwise they are text
            _note(state, _Mark(name, start, state.pos))
        return found

    return run


def _opaque(state: StateInline, silent: bool) -> bool:
    """An inline rule for what CommonMark lacks."""
    match = _OPAQUE.match(state.src, state.pos, state.posMax)
    if not match:
        return False
    state.pos = match.end()
    if not silent and match["target"]:
        _note(state, _Mark("hidden", *match.span("target")), _Mark("hidden", *match.span("closing")))
    elif not silent:
        _note(state, _Mark("fixed" if match["fixed"] else "hidden", *match.span()))
    return True


def _line(state: StateBlock, number: int) -> tuple[int, int]:
    """Where the text of a line begins and ends."""
    return state.bMarks[number] + state.tShift[number], state.eMarks[number]


def _opaque_block(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """A block rule that skips math, highlighted code, comments, lines of directives, and the code of MDX."""
    if state.is_code_block(first):
        return False
    match = _OPAQUE_BLOCK.match(state.src, *_line(state, first))
    if not match or (silent and match["apart"]):  # which interrupts no paragraph
        return False
    after = first + 1
    if match["code"]:
        after = next((i for i in range(after, end) if state.isEmpty(i)), end)
    elif not match["directive"] and not match["apart"]:
        last = min(end, first + _MAX_OPAQUE_LINES) - 1
        found = re.compile(_closing(match)).search(state.src, match.end(), state.eMarks[last])
        if not found or "\n" in found[0]:
            return False
        after = bisect_right(state.bMarks, found.start(), first, last + 1)
        if any(state.sCount[i] < state.blkIndent and not state.isEmpty(i) for i in range(first + 1, after)):
            return False
    if not silent:
        state.line = after
    return True


def _closing(match: re.Match[str]) -> str:
    """The pattern of what closes an opaque block; math ends at a blank line, and is none if it does."""
    if match["shortcode"]:
        return rf"(?:\{{%-?\s*end|\{{\{{[<%]\s*/\s*|\{{:/){match['shortcode']}\b|\{{:/\}}"
    if match["comment"]:
        return "%%"
    return r"\n[ \t>]*\n|" + {"$": r"\$\$", "[": r"\\\]", "{": r"\\end\{"}[match[0][-1]]


def _container(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """A block rule for the indented body of an admonition, a note or a definition."""
    match = None if state.is_code_block(first) else _CONTAINER.match(state.src, *_line(state, first))
    if not match or silent:
        return bool(match)
    marks = state.bMarks[first], state.tShift[first], state.sCount[first]
    body = state.line = first + 1
    state.blkIndent += _BODY_INDENT
    state.level += 1
    last_line = state.lineMax
    if match["marker"]:
        body = first
        state.bMarks[first], state.tShift[first], state.sCount[first] = match.end(), 0, state.blkIndent
    else:  # no line without indent continues a paragraph of its body
        end = next((i for i in range(body, end) if state.sCount[i] < state.blkIndent and not state.isEmpty(i)), end)
        state.lineMax = end
    state.md.block.tokenize(state, body, end)
    state.lineMax = last_line
    state.level -= 1
    state.blkIndent -= _BODY_INDENT
    state.bMarks[first], state.tShift[first], state.sCount[first] = marks
    state.line = max(state.line, first + 1)
    return True


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable(["table", "strikethrough"])
    parser.disable(["text_join", "fragments_join"])  # they join the tokens of delimiters with the text
    parser.core.ruler.disable("inline")
    for rule in list(parser.inline.ruler.__rules__):
        if rule.name != "text":
            parser.inline.ruler.at(rule.name, _noted(rule.fn, rule.name))
    parser.inline.ruler.after("text", "opaque", _opaque)
    others: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}  # what they may interrupt
    parser.block.ruler.before("table", "opaque", _opaque_block, others)
    parser.block.ruler.before("table", "container", _container, others)
    return parser


@dataclass(frozen=True)
class _Block:
    """A block whose text begins at character `start` of the view and stands in raw characters ``raw_start:raw_end``.

    Each of its lines has its number of raw characters before the text, and the indent to read it with. `frame` is a
    Markdown text with "{}" where the block's text belongs. A block of HTML has its own view.
    """

    start: int
    raw_start: int = 0
    raw_end: int = 0
    indents: Sequence[tuple[int, str]] = ()
    frame: str = "{}"
    html: View | None = None

    def source(self, raw: str, edit: Edit) -> str:
        """The block alone as Markdown, after an edit of the raw text that may join lines."""
        before, after = raw[self.raw_start : edit.start], raw[edit.end : self.raw_end]
        lines = _LINE_END.split(before + edit.replacement + after)
        first = len(_LINE_END.findall(before)) + 1  # the line after the one that the edit is in
        indents = [*self.indents[:first], *self.indents[first + len(self.indents) - len(lines) :]]
        text = "\n".join(lead + line[indent:] for line, (indent, lead) in zip(lines, indents, strict=True))
        return self.frame.replace("{}", text)


@dataclass(frozen=True)
class _MarkdownView(WrappedView):
    """A view that keeps line ends and code, and refuses edits after which a block would not read as intended."""

    blocks: Sequence[_Block] = ()
    references: dict[str, object] = field(default_factory=dict)

    def raw_edit(self, raw: str, edit: Edit) -> Edit | None:
        number = bisect_right(self.blocks, edit.start, key=lambda block: block.start) - 1
        if number < 0:
            return None
        block = self.blocks[number]
        end = self.blocks[number + 1].start - 1 if number + 1 < len(self.blocks) else len(self.text)
        spun = self.text[edit.start : edit.end]
        if edit.end > end or self.is_fixed(edit) or _BORDER.search(spun + edit.replacement):
            return None
        if block.html:
            placed = block.html.raw_edit(raw, replace(edit, start=edit.start - block.start, end=edit.end - block.start))
        else:  # the words are spread over the lines, or the lines are joined if there are too few words
            placed = super().raw_edit(raw, edit) or View.raw_edit(self, raw, edit)
        if placed is None:
            return None
        of_words = are_words(raw, placed)
        is_long = end - block.start > MAX_CHECKED
        if is_long or (of_words and edit.start > block.start and is_amid_words(raw, placed)):
            return placed if of_words else None
        expected = self.text[block.start : edit.start] + edit.replacement + self.text[edit.end : end]
        return placed if self._reads(block, raw, placed, expected) else None

    def _reads(self, block: _Block, raw: str, edit: Edit, expected: str) -> bool:
        """Whether a block reads as expected after an edit of the raw text, except for its white space."""
        before, after = block.source(raw, Edit(edit.start, edit.start, "")), block.source(raw, edit)
        is_indented = (
            after[:1].isspace()
            and not before[:1].isspace()
            and raw[max(block.raw_start - 3, 0) : block.raw_start].isspace()
        )
        if is_indented or after.endswith("\\"):
            return False  # it might become code, or escape what follows
        if len(_LINE_MARK.findall(after)) > len(_LINE_MARK.findall(before)):
            return False  # what they mean depends on the blocks around this one
        view = _Reader(after, self.references).view()
        kinds = [(read.frame, read.html is None) for read in view.blocks]
        return kinds == [(block.frame, block.html is None)] and view.text.split() == expected.split()


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)


class _Reader:
    """Builds the view of a Markdown text, block by block. `references` are link targets that are defined elsewhere."""

    def __init__(self, raw: str, references: dict[str, object] | None = None) -> None:
        self._raw = raw
        matches = [match for match in _LINE.finditer(raw) if match[0]]
        self._starts = [match.start() for match in matches]
        self._lines = [match[1].replace("\0", "\ufffd") for match in matches]
        self._builder = ViewBuilder()
        self._blocks: list[_Block] = []
        self._code: list[tuple[int, int]] = []  # spans of code in the raw text
        self._references: ChainMap[str, object] = ChainMap({}, references or {})
        self._environment: dict[str, object] = {"references": self._references}

    def view(self) -> _MarkdownView:
        """The view of the whole text."""
        source = "\n".join(self._lines)
        if front := _FRONT_MATTER.match(source):
            source = "\n" * front[0].count("\n") + source[front.end() :]
        tokens = _parser().parse(source, self._environment)
        for i, token in enumerate(tokens):
            if token.map is None:
                continue
            if token.type in ("fence", "code_block"):
                self._code.append((self._line_start(token.map[0]), self._line_start(token.map[1])))
            elif token.type == "inline" and tokens[i - 1].type not in ("th_open", "td_open"):
                self._add_paragraph(token.content, token.map[0], _FRAMES.get(tokens[i - 1].markup[:1], "{}"))
            elif token.type == "tr_open":
                row = takewhile(lambda token: token.type != "tr_close", (tokens[j] for j in range(i, len(tokens))))
                self._add_row([token.content for token in row if token.type == "inline"], token.map[0])
            elif token.type == "html_block":
                self._add_html(token.content, token.map[0])
        builder = self._builder
        return _MarkdownView(
            _escape,
            builder.starts,
            builder.ends,
            "".join(builder.pieces),
            fixed=bytes(builder.fixed),
            blocks=self._blocks,
            references=dict(self._references),
        )

    def template_markup(self) -> Iterator[TemplateMarkup]:
        """The templates' markup in the raw text, except in the code that `view` has found."""
        code = sorted(self._code)
        for markup in template_markup(self._raw, has_tex=False):
            i = bisect_right(code, (markup.start, len(self._raw))) - 1
            if i < 0 or code[i][1] <= markup.start:
                yield markup

    def _line_start(self, number: int) -> int:
        return self._starts[number] if number < len(self._starts) else len(self._raw)

    def _place(self, number: int, line: str) -> int:
        """Where in line `number` the parsed line stands; -1 if nowhere. Only white space or "#" may follow it."""
        source = self._lines[number]
        return len(source.rstrip(" \t")) - len(line) if source.rstrip(" \t").endswith(line) else source.rfind(line)

    def _add_paragraph(self, content: str, first: int, frame: str) -> None:
        """Add a paragraph or heading whose text begins in line `first`, if every line of it can be placed."""
        offsets: list[int] = []
        indents: list[tuple[int, str]] = []
        for number, line in enumerate(content.split("\n"), first):
            text = line.strip(" \t")
            at, lead = self._place(number, text), line[: len(line) - len(line.lstrip(" \t"))]
            if at < 0:
                return
            indents.append((at if indents else 0, lead))
            start = self._starts[number] + at - len(lead)
            offsets += range(start, start + len(line) + 1)  # one for the line end
        self._add_text(content, offsets, indents, frame)

    def _add_row(self, cells: list[str], number: int) -> None:
        """Add the cells of the table row in line `number`."""
        while cells and not cells[-1]:
            cells.pop()
        line = self._lines[number]
        bounds = [-1, *(match.start() for match in re.finditer(r"(?<!\\)\|", line)), len(line)]
        places = [(start + 1, line[start + 1 : end]) for start, end in pairwise(bounds)]
        texts = [text.strip().replace(r"\|", "|") for _, text in places]
        if texts[1 : len(cells) + 1] == cells:  # the row begins with a bar
            places = places[1:]
        elif cells and not texts[0].endswith(cells[0]):  # markers of quotations and lists may stand before it
            return
        for content, (start, text) in zip(cells, places, strict=False):
            at = self._starts[number] + start + text.rfind(content.replace("|", r"\|"))
            bars = [i for i, c in enumerate(content) if c == "|"]  # escaped by backslashes that the parser removes
            offsets = [at + i + bisect_left(bars, i) for i in range(len(content) + 1)]
            if content.replace("|", r"\|") in text:
                is_line_start = start == 0  # where it could begin a block
                self._add_text(content, offsets, [(0, "")], "{}" if is_line_start else "| {} |\n| - |")

    def _add_html(self, content: str, first: int) -> None:
        """Add the text of a block of HTML."""
        pieces: list[str] = []
        indents: list[tuple[int, str]] = []
        for number, line in enumerate(content.removesuffix("\n").split("\n"), first):
            start = self._starts[number]
            end = self._starts[number + 1] if number + 1 < len(self._starts) else len(self._raw)
            at = max(self._place(number, line.strip(" \t")), 0)
            pieces.append(" " * at + self._raw[start + at : end])
            indents.append((at, line[: len(line) - len(line.lstrip(" \t"))]))
        (view,) = html_views("".join(pieces)).views
        if not view.text.strip():
            return
        start = self._starts[first]
        self._end_line(start)
        starts, ends = [start + i for i in view.starts], [start + i for i in view.ends]
        last = first + len(indents) - 1
        raw_end = self._starts[last] + len(self._lines[last])
        moved = replace(view, starts=starts, ends=ends)
        self._blocks.append(_Block(len(self._builder.fixed), start, raw_end, indents, html=moved))
        self._builder.pieces.append(view.text)
        self._builder.starts.extend(starts)
        self._builder.ends.extend(ends)
        self._builder.fixed += view.fixed

    def _add_text(self, content: str, offsets: Sequence[int], indents: Sequence[tuple[int, str]], frame: str) -> None:
        """Add the text of a block; its character `i` stands at ``offsets[i]`` of the raw text."""
        fixed, events = bytearray(len(content)), []
        code: list[tuple[int, int]] = []
        for start, end, text, is_fixed in self._events(content, code):
            if is_fixed:
                fixed[start:end] = b"\1" * (end - start)
            else:
                events.append((start, end, text))
        self._code += [(offsets[start], offsets[end - 1] + 1) for start, end in code]
        pieces = list(_pieces(content, sorted(events, key=lambda event: (event[0], -event[1]))))
        if not any(text.strip() for _, _, text in pieces):
            return
        self._end_line(offsets[0])
        raw_end = offsets[len(content) - 1] + 1
        self._blocks.append(_Block(len(self._builder.fixed), offsets[0], raw_end, indents, frame))
        for start, end, text in pieces:
            if text == content[start:end]:
                if offsets[end] - offsets[start] == end - start:
                    self._builder.add_literal(text, offsets[start])
                else:  # in a table, a bar is escaped by a backslash
                    for i in range(start, end):
                        self._builder.add_encoded(content[i], offsets[i], offsets[i + 1])
                self._builder.fixed[start - end :] = fixed[start:end]
            else:
                position = offsets[start]
                after = position if text == "\n" else offsets[end]
                self._builder.add_encoded(text, position, after, is_fixed=bool(fixed[start]))

    def _end_line(self, position: int) -> None:
        if self._builder.pieces:
            self._builder.add_encoded("\n", position, position)

    def _events(self, content: str, code: list[tuple[int, int]]) -> Iterator[_Event]:
        """What stands in a block's text: characters ``start:end``, what to show for them, and whether they are fixed.

        None hides them. What is only fixed is shown as it is. The spans of code are appended to `code`.
        """
        open_tags: dict[str, list[_Mark]] = {}
        first_line_end = content.find("\n") if content.startswith("[!") else -1  # the title of a callout
        for mark in sorted(self._marks(content), key=lambda mark: mark.start):
            start, end, source = mark.start, mark.end, content[mark.start : mark.end]
            if mark.rule == "newline" or (mark.rule == "escape" and "\n" in source):
                is_hard = mark.rule == "escape" or start == first_line_end or content[max(start - 2, 0) : start] == "  "
                while start and content[start - 1] in " \t":
                    start -= 1
                yield start, end, "\n" if is_hard else " ", False
            elif mark.rule in ("escape", "entity") and mark.token:
                yield start, end, mark.token.content, False
            elif mark.rule in ("backticks", "autolink"):
                marker = len(source) - len(source.lstrip("`")) if mark.rule == "backticks" else 1
                if mark.rule == "backticks":
                    code.append((start, end))
                if source[marker] == source[-marker - 1] == " " and source.strip("` "):  # not part of the code
                    marker += 1
                yield start, start + marker, None, False
                yield end - marker, end, None, False
                yield from _fixed_part(content, start + marker, end - marker)
            elif mark.rule == "fixed":
                yield from _fixed_part(content, start, end)
            elif mark.token is None or not mark.token.content:  # HTML tags, images, link targets, used delimiters
                yield start, end, "\n" if _LINE_BREAK_TAG.match(source) else None, False
                yield from _tag_events(content, mark, open_tags)
        for match in _ADDRESS.finditer(content):
            yield match.start(), match.start() + len(match[0].rstrip(".,;:!?*_~'\")]")), None, True

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


def _tag_events(content: str, mark: _Mark, open_tags: dict[str, list[_Mark]]) -> Iterator[_Event]:
    """What a tag hides or fixes: the text since its opening tag, if that one leaves its text alone.

    `open_tags` holds the open tags of that kind by name, and after them the open tags of the same name inside.
    """
    source = content[mark.start : mark.end]
    tag = _TAG.match(source)
    if not tag:
        return
    name = tag[2].lower()
    same = open_tags.setdefault(name, [])
    if not tag[1]:
        if same or name in _CODE_TAGS | _HIDDEN_TAGS or _LEFT_ALONE.search(source):
            same.append(mark)
    elif same:
        opening = same.pop()
        if not same and name in _HIDDEN_TAGS:
            yield opening.start, mark.end, None, False
        elif not same:
            yield from _fixed_part(content, opening.end, mark.start)


def _fixed_part(content: str, start: int, end: int) -> Iterator[_Event]:
    """A part that is shown and never changed. A line end in it is shown as a space."""
    yield start, end, None, True
    for match in _INNER_LINE_END.finditer(content, start, end):
        yield match.start(), match.end(), " ", False


def _pieces(content: str, events: Sequence[tuple[int, int, str | None]]) -> Iterator[tuple[int, int, str]]:
    """The visible stretches of a block's text, and what is shown for them, without spaces that begin a line."""
    position, is_line_start = 0, True
    for start, end, text in (*events, (len(content), len(content), None)):
        if start < position:
            continue
        if start > position:
            yield position, start, content[position:start]
            is_line_start = False
        if text and not (is_line_start and text.isspace()):
            yield start, end, text
            is_line_start = text == "\n"
        position = end


def markdown_to_html(raw: str) -> str:
    """A Markdown text, without its front matter, as HTML. HTML in it is kept, so the result must not be trusted."""
    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable(["table", "strikethrough"])
    text = _LINE_END.sub("\n", raw)
    front = _FRONT_MATTER.match(text)
    return parser.render(text[front.end() :] if front else text)


def markdown_views(raw: str, options: DocumentOptions = DEFAULT_OPTIONS) -> Contents:
    """One view of the prose of a Markdown text."""
    reader = _Reader(raw)
    view = reader.view()
    return Contents([with_fixed(view, reader.template_markup())])


MARKDOWN = TextFormat("md", "Markdown", (".md", ".markdown"), markdown_views)
