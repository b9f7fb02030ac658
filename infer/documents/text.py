"""Plain text: everything is readable. A line is a paragraph, unless the text is hard-wrapped.

Wrapping put in a line end if the first word of the next line would not have fit before it. A block of lines counts as
wrapped if, besides, one of its lines goes on in lower case; lists, poems and addresses seldom meet both conditions.
Templates, tags, commands after a prompt and the addressing of mails are shown, but never changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, pairwise

from unspin.infer.documents.base import DEFAULT_OPTIONS, Contents, DocumentOptions
from unspin.infer.documents.templates import TemplateMarkup, template_markup, with_fixed
from unspin.infer.documents.text_files import TextFormat
from unspin.infer.documents.wrapped import WrappedView

_MIN_WIDTH, _MAX_WIDTH = 40, 130  # characters in the longest line of a wrapped block
_MIN_WIDTH_OF_TWO = 50  # in a block of two lines, where the longer one is always full
_LINE = r"[^\S\r\n]*+\S[^\r\n]*+"
_BLOCK = re.compile(rf"(?<![^\r\n]){_LINE}(?:(?:\r\n|\r|\n){_LINE})++")
_LINE_END = re.compile(r"(?<![^\S\r\n])[^\S\r\n]*+(?:\r\n|\r|\n)")
_ITEM = re.compile(r"[-*+•‣·–—>|#]|\(?(?:\d{1,3}|[A-Za-z])[.)]\s")  # of a list, or a quoted line, or a table's row
_LETTER = re.compile(r"[^\W\d_]")
_NO_PROSE = re.compile(
    r"""^[ \t>]*(?:(?:From|To|Cc|Bcc|Reply-To|Sender):[^\r\n@]*@ | \$[ \t]+[A-Za-z.~/])[^\r\n]*  # of mails; commands
      | </?[A-Za-z][\w:-]{0,60}>  # tags""",
    re.MULTILINE | re.VERBOSE,
)
_SENTENCE_END = re.compile(r"[.!?:;][\"”’')]*$")
_HYPHENATED = re.compile(r"[^\W\d_]-$")


def text_views(raw: str, options: DocumentOptions = DEFAULT_OPTIONS) -> Contents:
    """One view of the whole text, which shows spaces for the line ends of wrapped paragraphs."""
    pieces: list[str] = []
    position = 0
    for start, end in _wraps(raw):
        pieces += raw[position:start], " " * (end - start)
        position = end
    text = "".join([*pieces, raw[position:]])
    view = WrappedView(starts=range(len(raw)), ends=range(1, len(raw) + 1), text=text)
    others = (TemplateMarkup(*match.span(), is_shown=True) for match in _NO_PROSE.finditer(raw))
    return Contents([with_fixed(view, chain(template_markup(raw), others))])


def _wraps(raw: str) -> Iterator[tuple[int, int]]:
    """Where wrapping put line ends, each with the white space before it."""
    for block in _BLOCK.finditer(raw):
        line_ends = [match.span() for match in _LINE_END.finditer(raw, *block.span())]
        bounds = [block.start(), *chain.from_iterable(line_ends), block.end()]
        lines = [raw[start:end] for start, end in zip(bounds[::2], bounds[1::2], strict=True)]
        width = max((len(line) for line in lines if " " in line), default=0)
        if not (_MIN_WIDTH if len(lines) > 2 else _MIN_WIDTH_OF_TWO) <= width <= _MAX_WIDTH:
            continue
        is_wrap = [_is_wrapped(line, following, width) for line, following in pairwise(lines)]
        if any(wrap and _goes_on(*pair) for wrap, pair in zip(is_wrap, pairwise(lines), strict=True)):
            yield from (span for wrap, span in zip(is_wrap, line_ends, strict=True) if wrap)


def _is_wrapped(line: str, following: str, width: int) -> bool:
    """Whether the next line's first word would not have fit into a line, and may belong to its paragraph."""
    is_full = len(line) + 1 + len(following.split(maxsplit=1)[0]) > width
    if _indent(following) > _indent(line) and _SENTENCE_END.search(line):
        return False  # a paragraph that begins with an indent
    is_prose = _LETTER.search(line) and _LETTER.search(following) and not _ITEM.match(following.lstrip())
    return is_full and bool(is_prose) and not _HYPHENATED.search(line)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _goes_on(line: str, following: str) -> bool:
    return following.lstrip()[:1].islower() and not _SENTENCE_END.search(line)


TEXT = TextFormat("txt", "plain text", (".txt", ".text"), text_views)
