"""Quotation marks, and on which side of them the words of an edit stand.

Moving a word across a quotation mark changes who said it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from unspin.infer.fidelity.change import Change

_DOUBLE = '"“”«»„'
_MARK = re.compile(rf"[{_DOUBLE}]|(?<!\w)['‘](?=\w)(?!(?i:s|re|ve|ll|d|m|tis|twas|em|til|cause|\d\d)\b)|['’](?!\w)")

_STRAIGHT = str.maketrans("“”„‘’'«»", '"' * 8)  # one style of marks for another moves none


@lru_cache(maxsize=1 << 12)
def _marks(text: str) -> tuple[tuple[int, str], ...]:
    """The places of the quotation marks of a text.

    A single mark is an apostrophe inside a word ("don't"), before a clitic, and where no single mark was opened
    ("the kids' room").
    """
    marks, opened, straight = [], False, 0
    for match in _MARK.finditer(text):
        mark = match[0]
        if mark == '"':
            if straight % 2 == 0 and text[match.start() - 1 : match.start()].isdigit():
                continue  # inches
            straight += 1
        if mark in "'‘’":
            opens = (
                match.end() < len(text)
                and (text[match.end()].isalnum())
                and not text[match.start() - 1 : match.start()].isalnum()
            )
            if not opens and not opened:
                continue
            opened = opens
        marks.append((match.start(), mark.translate(_STRAIGHT)))
    return tuple(marks)


def moved_quotation_mark(change: Change) -> str:
    """A message if an edit adds or removes a quotation mark or moves a word across one, or ""."""
    start = change.edit.start
    before = _layout(change.source, start, change.edit.end)
    after = _layout(change.restored, start, change.restored_end)
    return "" if before == after else "the place of a quotation mark"


def _layout(text: str, start: int, end: int) -> list[str | bool]:
    """The quotation marks between two places, and before, between and after them whether any text stands there.

    For example, ``'so, “we'`` gives ``[True, '"', True]``. Without quotation marks the list is empty.
    """
    layout: list[str | bool] = []
    for place, mark in _marks(text):
        if start <= place < end:
            layout += [not _is_blank(text[start:place]), mark]
            start = place + 1
    return [*layout, not _is_blank(text[start:end])] if layout else []


def _is_blank(text: str) -> bool:
    return not any(character.isalnum() for character in text)
