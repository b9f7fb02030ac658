"""What the document formats share: a format, a document that was read, and the `View` from readable text to raw text.

Edits are found on the view and spliced into the raw text. Tags, attributes, code, addresses, entities and escapes
outside the edits are therefore kept byte for byte. Cost: 9 bytes per readable character, and those of the text.
"""

from __future__ import annotations

import html
import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from textwrap import shorten
from typing import Protocol

from unspin.edits import Edit, apply
from unspin.errors import UnspinError
from unspin.infer.restoration import Restoration
from unspin.lazy import cached_property

OFFSET = "i"  # the type of arrays of offsets in a raw text, which has less than 2**31 characters
TEXT_FIELD = "text"  # default name of the field that holds the article
_LONG_NUMBER = re.compile(r"(?<=&#)0*([0-9]{1,8})[0-9]*")  # eight digits are more than any character has
MAX_CHECKED = 5_000  # characters of a block of markup that is read again with each edit; longer ones take too long
_LETTERS = re.compile(r"[^\W\d_]+(?:[ '’-][^\W\d_]+)*")
_BEFORE_WORD = re.compile(r"[\w,;.] ")
GAP = re.compile(r"\s{2,}|\t")  # between the columns of a table, or in justified lines


class DocumentError(UnspinError):
    """A document cannot be read; the message names the file."""


FORESEEN = (UnspinError, OSError, ImportError)  # of this project, of files, and of packages that are not installed


@contextmanager
def unforeseen_errors(name: str) -> Iterator[None]:
    """Turn an error that should not occur into `DocumentError`, since one odd document must not stop the others.

    Those that are `FORESEEN`, such as a full disk, pass unchanged.
    """
    try:
        yield
    except FORESEEN:
        raise
    except Exception as error:
        what = shorten(f"{type(error).__name__}: {error}", 200, placeholder=" …")
        raise DocumentError(f"{name} cannot be handled ({what}): please report this, with the file") from error


class FormatError(UnspinError):
    """A text is not valid in its format. The message names the line, and whoever knows the file's name adds it."""


@dataclass(frozen=True)
class DocumentOptions:
    """How to read and write documents.

    `format` is the name of a format, which then counts instead of the file's suffix. `field` names what holds the
    articles of a format with rows or keys: a column, a key, or a path of keys such as "article.body". `skip_faults`
    leaves out rows that cannot be read instead of refusing their file. `main_content` restores only the article of an
    HTML page, not its navigation, by-lines and footers. `track_changes` writes the edits of a Word document as tracked
    changes.
    """

    format: str | None = None
    field: str = TEXT_FIELD
    skip_faults: bool = False
    main_content: bool = False
    track_changes: bool = False


DEFAULT_OPTIONS = DocumentOptions()


@dataclass(frozen=True)
class View:
    """The readable text of a document, or of one of its articles.

    Character ``text[i]`` stands at ``raw[starts[i]:ends[i]]``: an entity such as ``&amp;`` is one readable character,
    and the line end that a block tag stands for has an empty span. `escape` encodes a replacement for the raw text.

    `name` tells the reader which part of the document this is, such as "row 3"; without a name, places are lines of the
    raw text. `may_empty` says whether a stretch of text may become empty: true of the runs of a word processor, which
    splits words between them, and false of markup that an author wrote. `fixed` has a byte for each character that is
    not 0 if the character belongs to the sentence but must not change, as code does; without it, all may change.
    """

    escape: Callable[[str], str] = str
    starts: Sequence[int] = ()
    ends: Sequence[int] = ()
    text: str = ""
    name: str = ""
    may_empty: bool = False
    fixed: bytes = b""
    _line_ends: dict[str, array[int]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def raw_edit(self, raw: str, edit: Edit) -> Edit | None:
        """Translate an edit of the view into one edit of the raw text.

        Markup inside the edited span is kept, and the words of the replacement are spread over the stretches of text
        between the markup. Tabs and runs of white space are kept as well, and no word moves across them. None if the
        edit cannot be made: because it would change what is fixed, or leave markup without text, unless the view allows
        it, or for a reason that only a view of the format knows.
        """
        if self.is_fixed(edit):
            return None
        if GAP.search(self.text, edit.start, edit.end):
            return self._over_gaps(raw, edit)
        if edit.start == edit.end:
            position = self.ends[edit.start - 1] if edit.start else self.starts[0]
            return Edit(position, position, self.escape(edit.replacement))
        if not self.may_empty and self._empties(raw, edit):
            return None
        bounds = self.stretches(edit.start, edit.end)
        texts = spread(edit.replacement, [self.text[start:end] for start, end in bounds])
        if texts is None and self.may_empty:
            texts = [edit.replacement, *[""] * (len(bounds) - 1)]
        if texts is None:
            return None
        pieces = [self.escape(texts[0])]
        for (_, before), (after, _), text in zip(bounds, bounds[1:], texts[1:], strict=False):
            pieces += raw[self.ends[before - 1] : self.starts[after]], self.escape(text)
        return Edit(self.starts[edit.start], self.ends[edit.end - 1], "".join(pieces))

    def is_fixed(self, edit: Edit) -> bool:
        """Whether an edit changes characters that must not change, or inserts text directly after them."""
        return any(self.fixed[edit.start : edit.end] or self.fixed[max(edit.start - 1, 0) : edit.start])

    def place(self, raw: str, position: int) -> str:
        """Where character `position` of the view stands, for a message: "line 3", or "row 7, paragraph 2"."""
        if not self.name:
            return f"line {self._line_of(raw, self.starts[position])}"
        return f"{self.name}, paragraph {self._line_of(self.text, position + 1)}" if self._has_lines else self.name

    @cached_property
    def _has_lines(self) -> bool:
        return "\n" in self.text.strip()

    def _line_of(self, text: str, position: int) -> int:
        """The number of the line at a position. The line ends are searched for once, since places may be many."""
        if text not in self._line_ends:
            self._line_ends[text] = array(OFFSET, (match.start() for match in re.finditer("\n", text)))
        return bisect_left(self._line_ends[text], position) + 1

    def _over_gaps(self, raw: str, edit: Edit) -> Edit | None:
        """An edit on both sides of gaps, word for word; None if it has more words or fewer."""
        bounds = [i for gap in GAP.finditer(self.text, edit.start, edit.end) for i in gap.span()]
        cells = list(zip([edit.start, *bounds[1::2]], [*bounds[::2], edit.end], strict=True))
        words, counts = edit.replacement.split(), [len(self.text[start:end].split()) for start, end in cells]
        if len(words) != sum(counts):
            return None
        ends = list(accumulate(counts))
        texts = [" ".join(words[end - count : end]) for end, count in zip(ends, counts, strict=True)]
        return joined(raw, [self.raw_edit(raw, Edit(*cell, text)) for cell, text in zip(cells, texts, strict=True)])

    def _empties(self, raw: str, edit: Edit) -> bool:
        """Whether an edit deletes all the text between two pieces of markup, but for white space."""
        if edit.replacement.strip():
            return False
        start, end = edit.start, edit.end
        while start > 0 and self._adjoin(start) and self.text[start - 1].isspace():
            start -= 1
        while end < len(self.text) and self._adjoin(end) and self.text[end].isspace():
            end += 1
        opens = not self._adjoin(start) if start else self.starts[0] > 0
        closes = not self._adjoin(end) if end < len(self.text) else self.ends[-1] < len(raw)
        return opens and closes

    def _adjoin(self, position: int) -> bool:
        """Whether two neighbouring characters of the view, the second at `position`, adjoin in the raw text."""
        return self.starts[position] <= max(self.ends[position - 1], self.starts[position - 1])

    def stretches(self, start: int, end: int) -> list[tuple[int, int]]:
        """The spans of view characters ``start:end`` whose characters adjoin in the raw text."""
        cuts = [i for i in range(start + 1, end) if not self._adjoin(i)]
        return list(pairwise([start, *cuts, end]))


def unescape(text: str) -> str:
    """`html.unescape`, but numbers of any length are read, where `int` refuses those of more than 4,300 digits."""
    return html.unescape(_LONG_NUMBER.sub(r"\1", text))


def are_words(raw: str, edit: Edit) -> bool:
    """Whether an edit puts words, of letters only, in place of words."""
    return bool(_LETTERS.fullmatch(raw, edit.start, edit.end) and _LETTERS.fullmatch(edit.replacement))


def is_amid_words(raw: str, edit: Edit) -> bool:
    """Whether an edit stands between words of one line. Other words in its place cannot make markup of anything."""
    before, after = raw[max(edit.start - 2, 0) : edit.start], raw[edit.end : edit.end + 1]
    return bool(_BEFORE_WORD.fullmatch(before)) and (after == "" or after in " \r\n.,;!?")


def joined(raw: str, edits: Sequence[Edit | None]) -> Edit | None:
    """One edit that does the same as several; None if one of them is None."""
    made = [edit for edit in edits if edit is not None]
    if len(made) < len(edits):
        return None
    start, end = made[0].start, made[-1].end
    moved = [replace(edit, start=edit.start - start, end=edit.end - start) for edit in made]
    return Edit(start, end, apply(raw[start:end], moved))


def spread(replacement: str, stretches: Sequence[str]) -> list[str] | None:
    """Spread the words of a replacement over stretches of text: a text for each stretch, or None if it cannot be done.

    Every stretch keeps the white space at its ends and its share of the words, and none becomes empty. It cannot be
    done if a word runs from one stretch into the next or if there are too few words.
    """
    if len(stretches) == 1:
        return [replacement]
    filled = [i for i, stretch in enumerate(stretches) if stretch.strip()]
    words = replacement.split()
    joined = any(not stretch[-1].isspace() and not other[0].isspace() for stretch, other in pairwise(stretches))
    if not filled or joined or len(words) < len(filled):
        return None
    total = sum(len(stretches[i].split()) for i in filled)
    texts, used, seen = list(stretches), 0, 0
    for rank, i in enumerate(filled, 1):
        stretch = stretches[i]
        seen += len(stretch.split())
        end = min(max(round(seen / total * len(words)), used + 1), len(words) - len(filled) + rank)
        opening = stretch[: len(stretch) - len(stretch.lstrip())]
        closing = stretch[len(stretch.rstrip()) :]
        texts[i] = opening + " ".join(words[used:end]) + closing
        used = end
    return texts


@dataclass
class ViewBuilder:
    """Collects the readable text of a document in order, then makes a `View` of it."""

    starts: array[int] = field(default_factory=lambda: array(OFFSET))
    ends: array[int] = field(default_factory=lambda: array(OFFSET))
    pieces: list[str] = field(default_factory=list)
    fixed: bytearray = field(default_factory=bytearray)

    def add_literal(self, text: str, start: int, is_fixed: bool = False) -> None:
        """Append text that the raw text holds literally from index `start` on."""
        self.fixed += bytes([is_fixed]) * len(text)
        self.pieces.append(text)
        self.starts.extend(range(start, start + len(text)))
        self.ends.extend(range(start + 1, start + len(text) + 1))

    def add_encoded(self, text: str, start: int, end: int, is_fixed: bool = False) -> None:
        """Append text that raw characters ``start:end`` encode together, as an entity or an escape does."""
        self.fixed += bytes([is_fixed]) * len(text)
        self.pieces.append(text)
        self.starts.extend([start] * len(text))
        self.ends.extend([end] * len(text))

    def view(self, escape: Callable[[str], str] = str, name: str = "", may_empty: bool = False) -> View:
        """The view of everything appended so far."""
        return View(escape, self.starts, self.ends, "".join(self.pieces), name, may_empty, bytes(self.fixed))


@dataclass(frozen=True)
class Contents:
    """What a format finds in a raw text: one view per article, and the rows that it could not read.

    Each fault is a message that names its line or row. A format without rows raises `FormatError` instead. Warnings
    tell of text that is left alone though a user may not expect it.
    """

    views: Sequence[View]
    faults: Sequence[str] = ()
    warnings: Sequence[str] = ()

    def checked(self, skip_faults: bool = False) -> Contents:
        """These contents. Raises `FormatError` if a row is faulty, unless such rows are to be skipped."""
        if self.faults and not skip_faults:
            more = f" (and {len(self.faults) - 1} more)" if len(self.faults) > 1 else ""
            raise FormatError(f"{self.faults[0]}{more}; --on-error skip leaves what cannot be read as it is")
        return self


@dataclass(frozen=True)
class Document:
    """A document that was read: its raw text, one view per article, and how to get the file's bytes again.

    `encode` makes the bytes of the restored file from a restoration of `text`. `warnings` say what was left out.
    """

    name: str
    text: str
    views: Sequence[View]
    encode: Callable[[Restoration], bytes]
    warnings: Sequence[str] = ()


class Format(Protocol):
    """A document format.

    `name` identifies it on the command line and in the web API; `label` is how the page lists it. A file is of this
    format if its name ends in one of `suffixes` (lower case, with the dot).
    """

    @property
    def name(self) -> str:
        """The identifying name."""
        ...

    @property
    def label(self) -> str:
        """The name that readers see."""
        ...

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The suffixes of its files."""
        ...

    def read(self, name: str, data: bytes, options: DocumentOptions = DEFAULT_OPTIONS) -> Document:
        """Read the bytes of a file called `name`. Raises `DocumentError` if they are not valid in this format."""
        ...
