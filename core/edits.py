"""Edits between two texts, as character spans of the first text and their replacements.

`apply` and `align` are inverse: ``apply(source, align(source, target)) == target`` for any two strings. Alignment
minimises the Levenshtein distance over words, punctuation marks and white space (rapidfuzz); time and memory grow with
the product of the two lengths, so align sentences or passages rather than whole books.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from rapidfuzz.distance import Levenshtein
from unspin.segment import is_word, tokenize


class Spanned(Protocol):
    """Anything that covers characters ``start:end`` of a text."""

    @property
    def start(self) -> int:
        """Index of the first character."""

    @property
    def end(self) -> int:
        """Index after the last character."""


class Replacement(Spanned, Protocol):
    """Anything that replaces the characters it covers."""

    @property
    def replacement(self) -> str:
        """The text to put there."""


SpanT = TypeVar("SpanT", bound=Spanned)


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replace ``text[start:end]`` by `replacement`.

    If the edit makes or undoes a spinner's substitution, `spinner` and `rule` name the spinner and its rule.
    """

    start: int
    end: int
    replacement: str
    spinner: str = ""
    rule: str = ""


def apply(text: str, edits: Iterable[Replacement]) -> str:
    """Return the text with sorted edits applied. Raises ValueError if edits overlap or lie outside the text."""
    pieces: list[str] = []
    position = 0
    for edit in edits:
        if not position <= edit.start <= edit.end <= len(text):
            raise ValueError(f"{edit} overlaps the edit before it or lies outside the text of {len(text)} characters")
        pieces += (text[position : edit.start], edit.replacement)
        position = edit.end
    return "".join([*pieces, text[position:]])


def invert(text: str, edits: Sequence[Edit]) -> list[Edit]:
    """Return the edits that turn ``apply(text, edits)`` back into `text`, with the same spinners and rules."""
    return [
        Edit(start, end, text[edit.start : edit.end], edit.spinner, edit.rule)
        for edit, (start, end) in zip(edits, target_spans(edits), strict=True)
    ]


def target_spans(edits: Iterable[Replacement]) -> list[tuple[int, int]]:
    """Return the (start, end) of each sorted edit's replacement in the edited text."""
    spans, shift = [], 0
    for edit in edits:
        start = edit.start + shift
        spans.append((start, start + len(edit.replacement)))
        shift += len(edit.replacement) - (edit.end - edit.start)
    return spans


def select_non_overlapping(candidates: Iterable[SpanT]) -> list[SpanT]:
    """Select candidates greedily, in the order given, and return them sorted by position.

    A candidate that overlaps or equals one selected before is dropped.
    """
    selected: list[SpanT] = []
    for candidate in candidates:
        if not any(candidate == other or _overlap(candidate, other) for other in selected):
            selected.append(candidate)
    return sorted(selected, key=lambda span: (span.start, span.end))


def _overlap(a: Spanned, b: Spanned) -> bool:
    return a.start < b.end and b.start < a.end


def align(source: str, target: str) -> list[Edit]:
    """Return a minimal list of word edits that turns `source` into `target`.

    Edits with only white space between them are merged. An edit begins or ends with white space only if that white
    space changes.
    """
    old, new = tokenize(source), tokenize(target)
    old_starts, new_starts = _starts(old), _starts(new)
    blocks: list[tuple[int, int, int, int]] = []  # first and end token in the source, first and end token in the target
    for op in Levenshtein.opcodes(old, new):
        if op.tag == "equal":
            continue
        block = (op.src_start, op.src_end, op.dest_start, op.dest_end)
        if blocks and not "".join(old[blocks[-1][1] : op.src_start]).strip():
            first, _, target_first, _ = blocks.pop()
            block = (first, op.src_end, target_first, op.dest_end)
        blocks.append(block)
    return [
        _trim(source, Edit(old_starts[i], old_starts[j], target[new_starts[k] : new_starts[m]]))
        for i, j, k, m in blocks
    ]


def split_by_word(text: str, edit: Edit) -> list[Edit]:
    """Split an edit that replaces words one for one into edits of one word; return any other edit unchanged."""
    old, new = tokenize(text[edit.start : edit.end]), tokenize(edit.replacement)
    if len(old) != len(new) or any(a.isspace() != b.isspace() for a, b in zip(old, new, strict=True)):
        return [edit]
    starts = _starts(old)
    return [
        Edit(edit.start + starts[i], edit.start + starts[i + 1], b)
        for i, (a, b) in enumerate(zip(old, new, strict=True))
        if a != b
    ]


def count_touched_words(text: str, spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return how many words of a text overlap one of the sorted spans, and how many words the text has."""
    touched = total = position = current = 0
    for token in tokenize(text):
        end = position + len(token)
        if is_word(token):
            total += 1
            while current < len(spans) and spans[current][1] <= position:
                current += 1
            touched += current < len(spans) and max(spans[current][0], position) < min(spans[current][1], end)
        position = end
    return touched, total


def _starts(tokens: list[str]) -> list[int]:
    """The index of each token's first character, and of the end of the text."""
    starts = [0]
    for token in tokens:
        starts.append(starts[-1] + len(token))
    return starts


def _trim(source: str, edit: Edit) -> Edit:
    """Remove the white space that an edit leaves unchanged at its beginning and end."""
    old = source[edit.start : edit.end]
    new = edit.replacement
    lead = 0
    while lead < min(len(old), len(new)) and old[lead] == new[lead] and old[lead].isspace():
        lead += 1
    tail = 0
    while tail < min(len(old), len(new)) - lead and old[-1 - tail] == new[-1 - tail] and old[-1 - tail].isspace():
        tail += 1
    return replace(edit, start=edit.start + lead, end=edit.end - tail, replacement=new[lead : len(new) - tail])
