"""Edits: what turns one text into another, as character spans of the first text and their replacements.

`apply` and `align` are inverse: ``apply(source, align(source, target)) == target`` for any two strings. `align` finds
minimal word edits (Levenshtein over words, punctuation and white space, by rapidfuzz) and merges those that only white space parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rapidfuzz.distance import Levenshtein
from unspin.data.segment import is_word, tokenize


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Put `replacement` in place of ``text[start:end]``. `engine` and `rule` say what garbled the words it undoes."""

    start: int
    end: int
    replacement: str
    engine: str = ""
    rule: str = ""


def apply(text: str, edits: Iterable[Edit]) -> str:
    """Carry out edits, given in order. Raises ValueError where they overlap or leave the text."""
    pieces: list[str] = []
    position = 0
    for edit in edits:
        if not position <= edit.start <= edit.end <= len(text):
            raise ValueError(f"{edit} overlaps its neighbour or leaves the text of {len(text)} characters")
        pieces += (text[position : edit.start], edit.replacement)
        position = edit.end
    return "".join([*pieces, text[position:]])


def invert(text: str, edits: Iterable[Edit]) -> list[Edit]:
    """The edits that lead from ``apply(text, edits)`` back to `text`, engines kept."""
    inverted, shift = [], 0
    for edit in edits:
        start = edit.start + shift
        inverted.append(Edit(start, start + len(edit.replacement), text[edit.start : edit.end], edit.engine, edit.rule))
        shift += len(edit.replacement) - (edit.end - edit.start)
    return inverted


def original_spans(edits: Iterable[Edit]) -> list[tuple[int, int]]:
    """Where the replacements of edits of the source stand in what the edits make of it."""
    spans, shift = [], 0
    for edit in edits:
        start = edit.start + shift
        spans.append((start, start + len(edit.replacement)))
        shift += len(edit.replacement) - (edit.end - edit.start)
    return spans


def align(source: str, target: str) -> list[Edit]:
    """Minimal word edits from `source` to `target`, adjacent ones merged, no white space at their rims but where it changed."""
    a, b = tokenize(source), tokenize(target)
    starts_a, starts_b = _starts(a), _starts(b)
    blocks: list[list[int]] = []
    for op in Levenshtein.opcodes(a, b):
        if op.tag == "equal":
            continue
        parted = source[starts_a[blocks[-1][1]] : starts_a[op.src_start]] if blocks else "x"
        if blocks and not parted.strip():
            blocks[-1][1], blocks[-1][3] = op.src_end, op.dest_end
        else:
            blocks.append([op.src_start, op.src_end, op.dest_start, op.dest_end])
    return [_trim(source, Edit(starts_a[i], starts_a[j], target[starts_b[k] : starts_b[m]])) for i, j, k, m in blocks]


def word_by_word(text: str, edit: Edit) -> list[Edit]:
    """An edit that puts as many words as it takes, cut into edits of one word; any other edit as it is."""
    old, new = tokenize(text[edit.start : edit.end]), tokenize(edit.replacement)
    if len(old) != len(new) or any(a.isspace() != b.isspace() for a, b in zip(old, new, strict=True)):
        return [edit]
    starts = _starts(old)
    return [Edit(edit.start + starts[i], edit.start + starts[i + 1], b) for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]


def touched(text: str, spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """How many words of a text lie in one of the sorted spans, wholly or in part, and how many it has."""
    hit = count = position = n = 0
    for token in tokenize(text):
        end = position + len(token)
        if is_word(token):
            count += 1
            while n < len(spans) and spans[n][1] <= position:
                n += 1
            hit += n < len(spans) and max(spans[n][0], position) < min(spans[n][1], end)
        position = end
    return hit, count


def _starts(tokens: list[str]) -> list[int]:
    starts = [0]
    for token in tokens:
        starts.append(starts[-1] + len(token))
    return starts


def _trim(source: str, edit: Edit) -> Edit:
    """Leave out white space that the edit keeps at either rim."""
    old = source[edit.start : edit.end]
    new = edit.replacement
    lead = 0
    while lead < min(len(old), len(new)) and old[lead] == new[lead] and old[lead].isspace():
        lead += 1
    tail = 0
    while tail < min(len(old), len(new)) - lead and old[-1 - tail] == new[-1 - tail] and old[-1 - tail].isspace():
        tail += 1
    return replace(edit, start=edit.start + lead, end=edit.end - tail, replacement=new[lead : len(new) - tail])
