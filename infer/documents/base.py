"""What the document formats share: the description of a format, and the `View` that maps readable text to raw text.

Edits are found on the view and spliced into the raw text. Tags, attributes, code, addresses, entities and escapes
outside the edits are therefore kept byte for byte. Cost: two 64-bit offsets per readable character.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from unspin.edits import Edit
from unspin.errors import UnspinError

TEXT_FIELD = "text"  # default name of the field that holds the article


class DocumentError(UnspinError):
    """A document cannot be read; the message names the file."""


class FormatError(UnspinError):
    """A text is not valid in its format. The message names the line; `Document.views` adds the file."""


@dataclass
class View:
    """The readable text of a document, or of one of its articles.

    Character ``text[i]`` stands at ``raw[starts[i]:ends[i]]``: an entity such as ``&amp;`` is one readable character,
    and the line end that a block tag stands for has an empty span. `escape` encodes a replacement for the raw text.
    """

    escape: Callable[[str], str] = str
    starts: Sequence[int] = ()
    ends: Sequence[int] = ()
    text: str = ""

    def raw_edits(self, edit: Edit) -> Iterator[Edit]:
        """Translate an edit of the view into edits of the raw text, in order.

        Markup inside the edited span is kept, so one edit may become several: the first puts the whole replacement in
        place of the first stretch of text, the others delete the stretches that follow.
        """
        if edit.start == edit.end:
            position = self.ends[edit.start - 1] if edit.start else self.starts[0]
            yield Edit(position, position, self.escape(edit.replacement))
            return
        replacement = self.escape(edit.replacement)
        for start, end in self._raw_spans(edit.start, edit.end):
            yield Edit(start, end, replacement)
            replacement = ""

    def _raw_spans(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The raw spans of view characters ``start:end``; adjacent spans are joined."""
        span_start, span_end = self.starts[start], self.ends[start]
        for i in range(start + 1, end):
            if self.starts[i] > span_end:
                yield span_start, span_end
                span_start = self.starts[i]
            span_end = max(span_end, self.ends[i])
        yield span_start, span_end


@dataclass
class ViewBuilder:
    """Collects the readable text of a document in order, then makes a `View` of it."""

    starts: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))
    pieces: list[str] = field(default_factory=list)

    def add_literal(self, text: str, start: int) -> None:
        """Append text that the raw text holds literally from index `start` on."""
        self.pieces.append(text)
        self.starts.extend(range(start, start + len(text)))
        self.ends.extend(range(start + 1, start + len(text) + 1))

    def add_encoded(self, text: str, start: int, end: int) -> None:
        """Append text that raw characters ``start:end`` encode together, as an entity or an escape does."""
        self.pieces.append(text)
        self.starts.extend([start] * len(text))
        self.ends.extend([end] * len(text))

    def view(self, escape: Callable[[str], str] = str) -> View:
        """The view of everything appended so far."""
        return View(escape, self.starts, self.ends, "".join(self.pieces))


class ViewFunction(Protocol):
    """Finds the readable text of a document, one view per article.

    `field` is the key that holds the article in JSON Lines; other formats ignore it. Raises `FormatError` if the raw
    text is not valid in the format.
    """

    def __call__(self, raw: str, field: str = TEXT_FIELD) -> list[View]: ...


@dataclass(frozen=True)
class Format:
    """A document format.

    `name` identifies it in the web API and is the suffix of a downloaded file; `label` is how the page lists it. A
    file is of this format if its name ends in one of `suffixes` (lower case, with the dot). `views` finds its
    readable text.
    """

    name: str
    label: str
    suffixes: tuple[str, ...]
    views: ViewFunction
