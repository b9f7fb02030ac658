"""Markup that other programs replace: PHP, ASP, Liquid, Jinja, Mustache, "${name}", WordPress shortcodes, TeX.

Found by its shape, since the systems disagree on all else. Cost: linear in the length of the text.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from unspin.infer.documents.base import View

PROGRAM = re.compile(  # PHP at the end of a file needs no closing mark
    r"<\?(?:php\b|=|(?=\s))(?:[^?<]|\?(?!>)|<(?!\?)){0,20000}+\?>|<%(?:[^%<]|%(?!>)|<(?!%)){0,5000}+%>"
    r"|<\?php[ \t]*[\r\n](?:[^?<]|\?(?!>)|<(?!\?))*+\Z",
    re.IGNORECASE,
)
SHORTCODE = (  # and no link of Markdown
    r"(?:\[[A-Za-z][\w-]{0,60}\s(?=[^\[\]<>=]{0,200}\w=\S)[^\[\]<>]{1,2000}\]|\[/[A-Za-z][\w-]{0,60}\])(?!\()"
)
_MARKUP = re.compile(
    rf"""{PROGRAM.pattern}
      | (?P<shown> \{{%[^{{}}]{{1,2000}}%\}}
          | \{{\{{\{{?[^{{}}]{{1,2000}}\}}\}}\}}?
          | \$\{{[^{{}}\n]{{1,200}}\}} | \{{[#/:@]?[a-z_$][\w.$]{{0,200}}\}}
          | \{{[#/:@][a-z][^{{}}\n]{{0,500}}(?<!\#)\}}
          | (?<![\w%])%[a-z_]\w{{0,60}}% | %\([a-z_]\w{{0,60}}\)[a-z])
      | (?P<tex>\\\([^\\]{{0,200}}(?:\\(?!\(|\\?\))[^\\]{{0,200}}){{0,50}}\\{{1,2}}\)
          | \\\[[^\\]{{0,200}}(?:\\(?!\[|\\?\])[^\\]{{0,200}}){{0,50}}\\{{1,2}}\]
          | (?<![\w($])\$\$(?![)$])(?:[^$\n]|\n(?!\s*\n)){{1,2000}}\$\$(?![\w)$])
          | (?<![\w$\\])\$(?![\s$])(?=[^$\n]{{0,200}}[\\^_=])[^$\n]{{1,200}}(?<!\s)\$(?![\w$])  # and no price
          | \\begin\{{[a-z]{{1,30}}\*?\}}(?:[^\\]|\\(?!end\{{)){{0,2000}}+\\end\{{[a-z]{{1,30}}\*?\}})
      | \{{\#[^{{}}]{{0,2000}}\#\}}
      | {SHORTCODE}
      | \[(?P<bare>[A-Za-z][\w-]{{0,60}})\]""",
    re.VERBOSE | re.IGNORECASE,
)
_TAG = re.compile(r"(?P<mark>\[|\{%)-?\s*(?P<closing>(?<=\[)/|(?<!\[)end)?(?P<name>[A-Za-z]\w*)")
_VERBATIM = frozenset(  # what stands between an opening and a closing tag of these names is no prose either
    """audio code comment css embed highlight html javascript js latex math mermaid php pre raw schema sourcecode
    stylesheet verbatim video""".split()
)


class TemplateMarkup(NamedTuple):
    """Characters ``start:end`` of a text; `is_shown` says that they may stand for a part of a sentence."""

    start: int
    end: int
    is_shown: bool


def template_markup(text: str, has_tex: bool = True) -> Iterator[TemplateMarkup]:
    """The markup in a text, in order, with or without TeX. A tag for code or media reaches to its closing tag."""
    matches = [(match, _TAG.match(match[0])) for match in _MARKUP.finditer(text) if has_tex or not match["tex"]]
    closings: dict[tuple[str, str], list[int]] = defaultdict(list)  # the ends of the closing tags of a name
    for match, tag in matches:
        if tag and tag["closing"]:
            closings[tag["mark"], tag["name"].lower()].append(match.end())
    position = 0
    for match, tag in matches:
        start, end = match.span()
        if start < position:
            continue
        if tag and not tag["closing"]:
            ends = closings[tag["mark"], tag["name"].lower()]
            closing = bisect_right(ends, end)
            if match["bare"] and closing == len(ends):
                continue  # a word in brackets, such as "[sic]"
            if tag["name"].lower() in _VERBATIM and closing < len(ends):
                yield TemplateMarkup(start, ends[closing], False)
                position = ends[closing]
                continue
        yield TemplateMarkup(start, end, (match["shown"] or match["tex"]) is not None)
        position = end


def with_fixed(view: View, markup: Iterable[TemplateMarkup], in_raw: bool = True) -> View:
    """A view in which markup is fixed.

    It was found in the raw text, in which the view's characters must stand in order, or in the view's own text.
    """
    fixed = bytearray(view.fixed or bytes(len(view.text)))
    for start, end, _ in markup:
        if in_raw:
            start, end = bisect_left(view.starts, start), bisect_left(view.starts, end)
        fixed[start:end] = b"\1" * (end - start)
    return replace(view, fixed=bytes(fixed)) if any(fixed) else view
