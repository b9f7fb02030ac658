"""Text whose lines are wrapped: a line end inside a paragraph is read as a space, and no edit changes it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from unspin.edits import Edit
from unspin.infer.documents.base import GAP, View, joined, spread

_LINE_END = re.compile(r"[\r\n]")
_WHITE_SPACE = re.compile(r"\s+")
_WHOLE_LINE_END = re.compile(  # with the marks of a quotation in the next line
    r"(?<![^\S\r\n])[^\S\r\n]*+(?:\r\n|\r|\n)(?:[^\S\r\n]|>)*"
)
_REST_OF_BLANK_LINE = re.compile(r"[^\S\r\n]*(?:[\r\n]|\Z)")
_MAX_SPACES = 200  # white space searched around an edit


@dataclass(frozen=True)
class WrappedView(View):
    """A view whose characters may stand for a line end and the indents and marks around it.

    The words of an edit that crosses line ends are spread over its lines; if they are too few, the line end moves.
    Across a line end whose raw text matches `border`, an edit must replace the words one for one, so that no word moves
    across it. Refused are edits of two paragraphs, and edits that leave a line blank, since a blank line would end the
    paragraph.
    """

    border: re.Pattern[str] | None = None

    def raw_edit(self, raw: str, edit: Edit) -> Edit | None:
        """Translate an edit of the view into one edit of the raw text, which has the same line ends."""
        spun, place = self.text[edit.start : edit.end], super().raw_edit
        if _LINE_END.search(edit.replacement + spun):
            return None
        line_ends = [
            gap.span()
            for gap in _WHITE_SPACE.finditer(self.text, edit.start, edit.end)
            if self._holds_line_end(raw, *gap.span())
        ]
        if not line_ends:
            placed = place(raw, edit)
            return None if placed and _leaves_blank_line(raw, placed) else placed
        if self._crosses_border(raw, line_ends) and len(spun.split()) != len(edit.replacement.split()):
            return None
        bounds = [edit.start, *chain.from_iterable(line_ends), edit.end]
        lines = list(zip(bounds[::2], bounds[1::2], strict=True))
        texts = spread(edit.replacement, [self.text[start:end] + " " for start, end in lines])
        if texts is None:
            return self._with_moved_line_end(raw, edit)
        return joined(raw, [place(raw, Edit(*line, text[:-1])) for line, text in zip(lines, texts, strict=True)])

    def _with_moved_line_end(self, raw: str, edit: Edit) -> Edit | None:
        """An edit whose words stay in one line, with the line end behind or before them.

        None if it crosses markup, columns or several line ends, touches fixed text, or would leave a line blank.
        """
        before = self.text[max(edit.start - _MAX_SPACES, 0) : edit.start]
        after = self.text[edit.end : edit.end + _MAX_SPACES]
        start, end = edit.start - len(before) + len(before.rstrip()), edit.end + len(after) - len(after.lstrip())
        if start < edit.start and self._holds_line_end(raw, start, edit.start):
            start = edit.start
        if end > edit.end and self._holds_line_end(raw, edit.end, end):
            end = edit.end
        shown, source = self.text[start:end], raw[self.starts[start] : self.ends[end - 1]]
        line_ends, words = _WHOLE_LINE_END.findall(source), edit.replacement.strip()
        line = _WHOLE_LINE_END.sub(" ", source)
        if len(line_ends) != 1 or line.split() != shown.split() or GAP.search(line) or self.is_fixed(edit):
            return None
        has_left, has_right = start > 0 and shown[0].isspace(), end < len(self.text) and shown[-1].isspace()
        if not (has_left or has_right) or (not words and not (has_left and has_right)):
            return None
        kept = line_ends[0]
        new = kept + self.escape(words)
        if has_right:
            new = (" " if has_left and words else "") + self.escape(words) + kept
        return Edit(self.starts[start], self.ends[end - 1], new)

    def _holds_line_end(self, raw: str, start: int, end: int) -> bool:
        """Whether characters ``start:end``, at least one, end a paragraph or stand for a line end of the raw text."""
        return "\n" in self.text[start:end] or bool(_LINE_END.search(raw, self.starts[start], self.ends[end - 1]))

    def _crosses_border(self, raw: str, line_ends: Sequence[tuple[int, int]]) -> bool:
        border = self.border
        if border is None:
            return False
        return any(border.search(raw, self.starts[start], self.ends[end - 1]) for start, end in line_ends)


def _leaves_blank_line(raw: str, edit: Edit) -> bool:
    if edit.replacement.strip() or not _REST_OF_BLANK_LINE.match(raw, edit.end):
        return False
    start = edit.start
    while start and raw[start - 1].isspace() and raw[start - 1] not in "\r\n":
        start -= 1
    return start == 0 or raw[start - 1] in "\r\n"
