"""HTML: the text of a page as a browser shows it, except code, formulas, scripts and text in other languages.

turbohtml's tokenizer says where each text stands in the file, and its tree says which elements enclose it, so unclosed
and misnested tags are read as browsers read them. The text of a block is one line: white space is collapsed and inline
tags are invisible. Code, formulas and foreign words inside a sentence are shown, so that the sentence is whole, but
never changed. Hidden text is read too, because scripts may show it. Cost: linear in the length of the page.
"""

from __future__ import annotations

import html
import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from operator import attrgetter
from typing import NamedTuple

from turbohtml import Document as Tree
from turbohtml import Element, Node, Text, Token, TokenType, parse, tokenize
from unspin.edits import Edit
from unspin.infer.documents.base import (
    DEFAULT_OPTIONS,
    OFFSET,
    Contents,
    DocumentOptions,
    FormatError,
    View,
    ViewBuilder,
)
from unspin.infer.documents.templates import PROGRAM, TemplateMarkup, template_markup
from unspin.infer.documents.text_files import TextFormat
from unspin.infer.documents.wrapped import WrappedView
from unspin.lazy import cached_property

_INVISIBLE = frozenset(  # the text around them is one sentence
    "area link map meta noscript rp rt script source style svg template track".split()
)
_NO_PROSE = frozenset(  # some of these have text only for old browsers
    "annotation annotation-xml audio canvas iframe noembed noframes object plaintext textarea video xmp".split()
)
_INLINE_CODE = frozenset("code kbd math samp tt var".split())
_CODE = _INLINE_CODE | {"listing", "pre"}
_INLINE = _INVISIBLE.union(
    _INLINE_CODE,
    """a abbr acronym b bdi bdo big cite data del dfn em font i img ins label mark nobr output picture q rb ruby s slot
    small span strike strong sub sup time u wbr""".split(),
)
_REOPENED = frozenset("b big code em font i nobr s small strike strong tt u".split())  # in each block, until closed

_MARK = "\ue000"  # a character for private use
_MARKS = re.compile(f"{_MARK}([0-9]{{1,9}}){_MARK}")
_WHITE_SPACE, _JOINERS = " \t\n\f\r", "\u00ad\u200b\u2060\ufeff"  # joiners: soft hyphens and zero-width spaces
_WORD = f"[^{_WHITE_SPACE}{_JOINERS}]+"
_PIECES = re.compile(f"[{_WHITE_SPACE}]+|[{_JOINERS}]+|{_WORD}(?: {_WORD})*")
_OPEN_MARKUP = re.compile(r"(?:&#?\w*|<[/!?]?)\Z")  # what letters after it can turn into a tag or another reference
_ENGLISH = re.compile(r"(?:en|eng|und|mul)(?![a-z])|(?![a-z]{2,3}(?![a-z]))", re.I)  # or nothing that names a language
_NOTE_MARK = re.compile(r"\[.{1,40}\]|\(\w{1,3}\)|[*†‡§¶]+", re.DOTALL)
_MAX_LINKED_NOTE_MARK, _MAX_NOTE_MARK_NODES = 12, 8  # characters; tags and texts

_NUMBER_MARK = "\u28ff"
_BRAILLE = {ord(digit): 0x2801 + int(digit) for digit in "0123456789"}
_DIGITS_OF_BRAILLE = {braille: digit for digit, braille in _BRAILLE.items()}
_LINE_NUMBER = re.compile(f"{_NUMBER_MARK}([\u2801-\u280a]{{1,9}}){_NUMBER_MARK}")

_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_ENCODING = re.compile(
    rb"""^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]+) | <meta\s[^>]*?charset\s*=\s*["']?\s*([\w.:-]+)""",
    re.VERBOSE | re.IGNORECASE,
)
_HEAD_BYTES = 1 << 14  # where to look for the declaration of the encoding


class _Run(NamedTuple):
    """Raw characters ``start:end`` and the text that they stand for: themselves if they are literal."""

    text: str
    start: int
    end: int
    is_literal: bool


@dataclass(frozen=True)
class _Surroundings:
    """What the elements around a text say about it. Code that is never closed ends where the next block begins.

    `is_fixed` is true of text inside a sentence that must not change, such as code.
    """

    is_prose: bool = True
    is_english: bool = True
    is_translatable: bool = True
    in_unclosed_code: bool = False
    is_fixed: bool = False

    def inside(self, element: Element) -> _Surroundings:
        """The surroundings of the text in a child element."""
        tag, location = element.tag, element.source_location
        is_closed = location is not None and location.end_tag is not None
        is_code = tag in _CODE and location is not None  # without a location: reopened by the parser
        is_hidden = tag in _INVISIBLE or tag in _NO_PROSE or _is_note_mark(element)
        is_hidden = is_hidden or (tag == "title" and not is_closed)  # it swallows the tags of the page
        is_page = tag == "foreignObject"  # a page inside a drawing
        language, translate = _language(element), element.attrs.get("translate")
        is_translatable = self.is_translatable if translate is None else str(translate).lower() != "no"
        inner = _Surroundings(
            (self.is_prose or is_page) and not (is_hidden or (is_code and is_closed)),
            self.is_english if language is None else bool(_ENGLISH.match(language)),
            is_translatable and "notranslate" not in _classes(element),
            (self.in_unclosed_code and tag in _INLINE) or is_code,
        )
        is_in_sentence = (self.is_readable or self.is_fixed) and (tag in _INLINE or not self.is_prose)
        is_fixed = is_in_sentence and is_closed and not is_hidden and not inner.is_readable
        return replace(inner, is_fixed=is_fixed)

    @property
    def is_readable(self) -> bool:
        """Whether the text is to be restored."""
        return self.is_prose and self.is_english and self.is_translatable and not self.in_unclosed_code


class _Page:
    """The texts of a page in order, and the number of the block in which each one stands that is shown."""

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self.runs: list[_Run] = []
        self.blocks: dict[int, int] = {}
        self.fixed: set[int] = set()  # the numbers of the texts that must not change
        self.is_left_alone = False  # whether some prose is in another language or not to be translated
        marked = self._scan()
        self._walk(parse(marked, source_locations=True, scripting=True, allow_declarative_shadow_roots=False))

    def _scan(self) -> str:
        """Collect the texts, and return the page with a mark before each text by which to find it in the tree."""
        # The tokenizer normalizes line ends and drops "</>"; these equivalents of the same length keep the offsets.
        source = PROGRAM.sub(lambda match: f"<!{' ' * (len(match[0]) - 3)}>", self.raw)
        source = source.replace("\r\n", " \n").replace("\r", "\n").replace("</>", "<!>")
        pieces: list[str] = []
        position = 0
        for token in tokenize(source, resolve_references=False, capture_source=True):
            text, markup = token.data or "", token.source or token.data or ""
            end = position + len(markup)
            if token.type is TokenType.TEXT:
                pieces.append(self._mark() + _without_marks(text) if text.strip(_WHITE_SPACE) else text)
                self.runs.append(_Run(text, position, end, True))
            elif token.type is TokenType.CHARACTER_REFERENCE:
                # The letters that follow a reference without a semicolon are in its token.
                letters = len(text) - 1
                while not markup.endswith(text[len(text) - letters :]):
                    letters -= 1
                pieces.append(self._mark())
                self.runs.append(_Run(text[: len(text) - letters], position, end - letters, False))
                if letters:
                    pieces += self._mark(), text[-letters:]
                    self.runs.append(_Run(text[-letters:], end - letters, end, True))
            else:
                if token.tag == "wbr":
                    self.runs.append(_Run(_JOINERS[0], position, end, False))
                pieces.append(_with_few_attributes(token) if token.tag in _REOPENED else markup)
            position = end
        return "".join(pieces)

    def _mark(self) -> str:
        """The mark of the next run."""
        return f"{_MARK}{len(self.runs)}{_MARK}"

    def _walk(self, tree: Tree) -> None:
        """Number the blocks of the texts that are shown."""
        block = 0
        pending: list[tuple[Node | None, _Surroundings]] = [
            (child, _Surroundings()) for child in reversed(tree.children)
        ]
        while pending:
            node, around = pending.pop()
            if isinstance(node, Text):
                numbers = list(self._runs_in(node.data))
                if around.is_readable or around.is_fixed:
                    self.blocks |= dict.fromkeys(numbers, block)
                if around.is_fixed:
                    self.fixed.update(numbers)
                if not around.is_readable and around.is_prose and not around.in_unclosed_code:
                    self.is_left_alone |= bool(numbers)
            elif isinstance(node, Element):
                inside = around.inside(node)
                is_left_out = inside.is_prose and inside.is_readable != (around.is_readable or around.is_fixed)
                if around.is_prose and not inside.is_fixed and (node.tag not in _INLINE or is_left_out):
                    block += 1
                    pending.append((None, around))
                pending += [(child, inside) for child in reversed(node.children)]
            elif node is None:  # the end of a block
                block += 1

    def _runs_in(self, text: str) -> Iterator[int]:
        """The numbers of the runs in a text of the tree.

        In SVG, the tokenizer takes the tags in a <title> or <textarea> for text. Such a run is not in the tree.
        """
        for mark in _MARKS.finditer(text):
            run = self.runs[int(mark[1])]
            if not run.is_literal or text.startswith(_without_marks(run.text), mark.end()):
                yield int(mark[1])

    def view(self) -> View:
        """The readable text, one line for each block."""
        builder = ViewBuilder()
        last_block, space = -1, None
        for run, block, is_fixed in self._shown():
            for text, start, end, is_literal in _pieces(run):
                if text[0] in _WHITE_SPACE:
                    space = space or (start, end)
                elif text[0] in _JOINERS:
                    if builder.ends and builder.ends[-1] == start and not space:
                        builder.ends[-1] = end  # so that the word can be replaced as a whole
                elif block is not None:
                    if block != last_block and last_block >= 0:
                        builder.add_encoded("\n", start, start)
                    elif block == last_block and space:
                        builder.add_encoded(" ", *space, is_fixed=is_fixed and bool(builder.fixed[-1]))
                    last_block, space = block, None
                    if is_literal:
                        builder.add_literal(self.raw[start:end], start, is_fixed)
                    else:
                        builder.add_encoded(text, start, end, is_fixed)
        view = builder.view(_escape)
        return _HtmlView(view.escape, view.starts, view.ends, view.text, fixed=view.fixed)

    def _shown(self) -> Iterator[tuple[_Run, int | None, bool]]:
        """The texts of the blocks that have something to restore, with their blocks, and whether they are fixed.

        White space between blocks has None for a block. Markup of templates is left out, unless it is shown.
        """
        markup = [found for found in template_markup(self.raw) if self._is_read(found.start)]
        parts: list[tuple[_Run, int | None, bool]] = []
        for number, run in enumerate(self.runs):
            block = self.blocks.get(number)
            if block is not None or not run.text.strip(_WHITE_SPACE + _JOINERS):
                parts += ((part, block, number in self.fixed or is_shown) for part, is_shown in _cut(run, markup))
        readable = {block for run, block, is_fixed in parts if not is_fixed and run.text.strip(_WHITE_SPACE)}
        return (part for part in parts if part[1] is None or part[1] in readable)

    @cached_property
    def _readable_runs(self) -> list[_Run]:
        return [run for number, run in enumerate(self.runs) if number in self.blocks and number not in self.fixed]

    def _is_read(self, position: int) -> bool:
        """Whether a character of the raw text stands in text to restore, and not in code, a script or an attribute."""
        i = bisect_right(self._readable_runs, position, key=attrgetter("start")) - 1
        return i >= 0 and position < self._readable_runs[i].end


@dataclass(frozen=True)
class _HtmlView(WrappedView):
    """A view that keeps line ends where it can, since some programs show them.

    It refuses edits whose first letters would turn the raw text before them into other markup.
    """

    def raw_edit(self, raw: str, edit: Edit) -> Edit | None:
        placed = super().raw_edit(raw, edit) or View.raw_edit(self, raw, edit)
        if placed and _OPEN_MARKUP.search(raw, max(placed.start - 40, 0), placed.start):
            following = (placed.replacement or raw[placed.end : placed.end + 1])[:1]
            if following.isalnum() or following in "#;/!?":
                return None
        return placed


def _cut(run: _Run, markup: Sequence[TemplateMarkup]) -> Iterator[tuple[_Run, bool]]:
    """The parts of a text that are no markup of templates, and the markup that is shown, with True for the latter."""
    position = run.start
    first = bisect_right(markup, run.start, key=attrgetter("end"))
    last = bisect_left(markup, run.end, first, key=attrgetter("start"))
    for start, end, is_shown in markup[first:last]:
        if not run.is_literal:
            if is_shown:
                yield run, True
            return
        yield _part(run, position, start), False
        position = min(end, run.end)
        if is_shown:
            yield _part(run, max(start, run.start), position), True
    yield _part(run, position, run.end), False


def _part(run: _Run, start: int, end: int) -> _Run:
    """Raw characters ``start:end`` of a literal run; any run as it is if these are all its characters."""
    if (start, end) == (run.start, run.end):
        return run
    return _Run(run.text[start - run.start : max(end - run.start, 0)], start, end, True)


def _pieces(run: _Run) -> Iterator[_Run]:
    """Split a text into white space, joiners and the rest."""
    for match in _PIECES.finditer(run.text):
        start, end = (run.start + match.start(), run.start + match.end()) if run.is_literal else (run.start, run.end)
        yield _Run(match[0], start, end, run.is_literal)


def _without_marks(text: str) -> str:
    """A text without what could pass for a mark."""
    return text.replace(_MARK, " ").replace("&", " ")


def _with_few_attributes(token: Token) -> str:
    """A tag with the attributes that matter here, for one that browsers reopen.

    They reopen up to three tags of the same name and attributes in each block. Thousands of different ones that were
    never closed would take quadratic time.
    """
    if token.type is not TokenType.START_TAG:
        return token.source or ""
    attributes = ""
    for name, value in token.attrs or ():
        if name in ("lang", "xml:lang", "translate"):
            attributes += f' {name}="{html.escape(value)}"'
        elif name == "class" and "notranslate" in value.split():
            attributes += " class=notranslate"
        elif name in ("color", "face", "size"):  # they make <font> end a drawing
            attributes += f" {name}"
    return f"<{token.tag}{attributes}>"


def _classes(element: Element) -> Sequence[str]:
    value = element.attrs.get("class") or ()
    return value.split() if isinstance(value, str) else value


def _language(element: Element) -> str | None:
    """The language that an element declares for its text; None if it declares none."""
    values = [element.attrs[name] for name in ("lang", "xml:lang") if name in element.attrs]
    return str(values[0] or "").strip() if values else None


def _is_note_mark(element: Element) -> bool:
    """Whether an element is a superscript that refers to a note, such as "[2]" or a linked "1", and no exponent."""
    if element.tag != "sup":
        return False
    nodes = list(islice(element.descendants, _MAX_NOTE_MARK_NODES + 1))
    if len(nodes) > _MAX_NOTE_MARK_NODES:
        return False
    text = _MARKS.sub("", "".join(node.data for node in nodes if isinstance(node, Text))).strip()
    links = [node for node in nodes if isinstance(node, Element)]
    if isinstance(element.parent, Element) and element.previous_sibling is None and element.next_sibling is None:
        links.append(element.parent)
    is_linked = any(link.tag == "a" and "#" in str(link.attrs.get("href")) for link in links)
    return bool(_NOTE_MARK.fullmatch(text)) or (is_linked and len(text) <= _MAX_LINKED_NOTE_MARK)


def _escape(text: str) -> str:
    return html.escape(text, quote=False)


def html_views(raw: str, options: DocumentOptions = DEFAULT_OPTIONS) -> Contents:
    """One view of the readable text of an HTML page, or of its article if only the main content is to be restored.

    Raises `FormatError` if the article is asked for and not found.
    """
    page = _Page(raw)
    view = page.view()
    if view.text:
        return Contents([_main_content(raw, view) if options.main_content else view])
    reason = "it has no text to restore"
    if page.is_left_alone:
        reason = "all its text is marked as being in another language or not to be translated"
    return Contents([view], warnings=[f"{reason}: left unchanged"])


def _main_content(raw: str, view: View) -> View:
    """The lines of a page's view that belong to its article.

    Each line gets a number in the page that trafilatura reads, by which to find the line in the article.
    """
    from trafilatura import extract

    lines = [match.span() for match in re.finditer(r".+\n?", view.text)]
    pieces: list[str] = []
    position = 0
    for number, (start, _) in enumerate(lines):
        pieces += raw[position : view.starts[start]].replace(_NUMBER_MARK, " "), _line_number(number)
        position = view.starts[start]
    article = extract("".join([*pieces, raw[position:].replace(_NUMBER_MARK, " ")]), include_comments=False) or ""
    numbers = [int(digits.translate(_DIGITS_OF_BRAILLE)) for digits in _LINE_NUMBER.findall(article)]
    kept = [lines[number] for number in numbers if number < len(lines)]  # the page may hold such digits
    if not kept:
        raise FormatError("no article was found in the page: restore all of its text instead of its main content")
    spans = sorted(set(kept))
    return replace(
        view,
        text="".join(view.text[start:end] for start, end in spans),
        starts=array(OFFSET, chain.from_iterable(view.starts[start:end] for start, end in spans)),
        ends=array(OFFSET, chain.from_iterable(view.ends[start:end] for start, end in spans)),
        fixed=b"".join(view.fixed[start:end] for start, end in spans),
    )


def _line_number(number: int) -> str:
    """A number in Braille digits, which are printable and no letters, so that extractors neither drop nor read them."""
    return f"{_NUMBER_MARK}{str(number).translate(_BRAILLE)}{_NUMBER_MARK}"


def declared_encoding(data: bytes) -> str | None:
    """The encoding that a page declares in a <meta> tag or an XML declaration; None if it declares none."""
    match = _ENCODING.search(_COMMENT.sub(b"", data[:_HEAD_BYTES]))
    return (match[1] or match[2]).decode("ascii", "replace") if match else None


HTML = TextFormat("html", "HTML", (".html", ".htm"), html_views, declared_encoding, "xmlcharrefreplace")
