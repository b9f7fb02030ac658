"""Markdown: its prose, without code, tables, link targets, HTML tags and markup characters.

One regular expression finds what to leave out. It does not parse blocks, so it errs in two places: a paragraph that
continues a list item with an indent of four spaces is taken for code and left unchanged, and code with a deeper indent
is read as prose.
"""

from __future__ import annotations

import re

from unspin.infer.documents.base import DEFAULT_OPTIONS, Contents, DocumentOptions, ViewBuilder
from unspin.infer.documents.text_files import TextFormat

_NOT_PROSE = re.compile(
    r"""^---\n.*?\n---$                           # front matter
      | ^(?P<fence>```|~~~).*?^(?P=fence)\s*$     # fenced code
      | ^(?:\ {4}|\t)\S[^\n]*$                    # indented code
      | ^[\ \t]*\|[^\n]*\|[\ \t]*$                # table rows
      | `[^`\n]+`                                 # inline code
      | ^\s{0,3}(?:\#{1,6}|>|[-*+]|\d+[.)])\s+    # markers of headings, quotations and list items
      | ^\[[^\]\n]+\]:[^\n]*$                     # link definitions
      | !\[[^\]\n]*\]\([^)\n]*\)                  # images
      | (?<=\])\([^)\n]*\) | (?<=\])\[[^\]\n]*\]  # link targets
      | <[^>\n]+>                                 # tags and autolinks
      | [\[\]]                                    # brackets of link texts
      | \*{1,3}(?=\S) | (?<=\S)\*{1,3}            # emphasis by asterisks
      | (?<!\w)_{1,3}(?=\S) | (?<=\S)_{1,3}(?!\w) # emphasis by underscores
      | ~~                                        # strikethrough""",
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)


def markdown_views(raw: str, options: DocumentOptions = DEFAULT_OPTIONS) -> Contents:
    """One view of the prose of a Markdown text."""
    view, position = ViewBuilder(), 0
    for match in _NOT_PROSE.finditer(raw):
        view.add_literal(raw[position : match.start()], position)
        position = match.end()
    view.add_literal(raw[position:], position)
    return Contents([view.view()])


MARKDOWN = TextFormat("md", "Markdown", (".md", ".markdown"), markdown_views)
