"""Finds the quotation marks of an edit, and on which side of them its words stand.

Moving a word across a quotation mark changes who said it.
"""

from __future__ import annotations

import re

# A single mark is an apostrophe inside a word ("don't"), and before a clitic that stands alone ("'s").
_QUOTATION_MARK = re.compile(r"[\"“”«»„]|(?<!\w)['‘](?!(?:s|re|ve|ll|d|m)\b)|['’](?!\w)")


def quotation_layout(text: str) -> list[str | bool]:
    """The quotation marks of a text, and before, between and after them whether the text there is not blank.

    For example, ``'so, “we'`` gives ``[True, "“", True]``. A text without quotation marks gives an empty list.
    """
    layout: list[str | bool] = []
    position = 0
    for mark in _QUOTATION_MARK.finditer(text):
        layout += [not _is_blank(text[position : mark.start()]), mark[0]]
        position = mark.end()
    return [*layout, not _is_blank(text[position:])] if layout else []


def _is_blank(text: str) -> bool:
    return not text.strip()
