"""Markup that a template engine or a content system replaces: PHP, Liquid, Jinja, Mustache, WordPress shortcodes.

Found by its shape, since the systems disagree on all else. Cost: linear in the length of the text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

PROGRAM = re.compile(r"<\?(?:php\b|=)(?:[^?]|\?(?!>))*+(?:\?>|\Z)|<%(?:[^%<]|%(?!>)|<(?!%)){0,5000}+%>", re.I)
SHORTCODE = r"\[[A-Za-z][\w-]{0,60}\s(?=[^\[\]<>=]{0,200}\w=\S)[^\[\]<>]{1,2000}\]|\[/[A-Za-z][\w-]{0,60}\]"
_MARKUP = re.compile(
    rf"""{PROGRAM.pattern}
      | \{{%[^{{}}]{{1,2000}}%\}}
      | (?P<value>\{{\{{\{{?[^{{}}]{{1,2000}}\}}\}}\}}?)
      | {SHORTCODE}
      | \[(?P<bare>[A-Za-z][\w-]{{0,60}})\]""",
    re.VERBOSE | re.IGNORECASE,
)
_NAME = re.compile(r"\[(/?)([A-Za-z][\w-]*)")
_VERBATIM = frozenset("audio code css embed html javascript js latex math mermaid php pre sourcecode video".split())


class TemplateMarkup(NamedTuple):
    """Characters ``start:end`` of a text; `is_value` says that they stand for a part of a sentence."""

    start: int
    end: int
    is_value: bool


def template_markup(raw: str) -> Iterator[TemplateMarkup]:
    """The markup in a text, in order. A shortcode for code or media includes what stands up to its closing one."""
    matches = list(_MARKUP.finditer(raw))
    closings: dict[str, list[int]] = defaultdict(list)  # the ends of the closing shortcodes of a name
    for match in matches:
        if match[0].startswith("[/"):
            closings[match[0][2:-1].lower()].append(match.end())
    position = 0
    for match in matches:
        start, end = match.span()
        name = _NAME.match(match[0])
        if start < position:
            continue
        if name and not name[1]:
            ends = closings[name[2].lower()]
            closing = bisect_right(ends, end)
            if match["bare"] and closing == len(ends):
                continue  # a word in brackets, such as "[sic]"
            if name[2].lower() in _VERBATIM and closing < len(ends):
                end = ends[closing]
        yield TemplateMarkup(start, end, match["value"] is not None)
        position = end
