"""The result of restoring: the text, every edit with its confidence, and warnings for the reader."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from unspin.edits import target_spans
from unspin.infer.render import html_fragment, html_page, plain_diff, terminal_diff
from unspin.lazy import cached_property
from unspin.segment import count_words

if TYPE_CHECKING:
    from rich.text import Text


_SURROGATE = re.compile("[\ud800-\udfff]")  # half a pair, which a Python string may hold


@dataclass(frozen=True)
class RestoredEdit:
    """One change: the words `spun` become `restored`, which means that characters ``start:end`` of the source become
    `replacement`.

    The two differ where the source has markup or escapes: `spun` and `restored` are what a reader sees, `replacement`
    is what the file says, including the markup inside the edit. `article` and `offset` place the edit in the readable
    text: `spun` stands at ``offset`` of ``Restoration.articles[article]``.

    `kind` is the first that fits: dictionary (a phrase table has it), quotation (inside quotation marks), insertion,
    deletion, phrase, or word. `confidence` is the chance, 0..1, that an editor who knows the original would make the
    same change. `alternatives` are other restorations of the place, most likely first. Edits that share a `group` other
    than 0 keep the facts of their sentence only together: make all of
    them or none.
    """

    start: int
    end: int
    spun: str
    restored: str
    replacement: str
    kind: str
    confidence: float
    alternatives: tuple[str, ...] = ()
    group: int = 0
    article: int = 0
    offset: int = 0


@dataclass(frozen=True)
class Restoration:
    """A restored text, its edits in order, and warnings.

    `str` gives the restored text. A notebook shows both versions side by side, and ``rich.print`` the coloured diff.

    `source` and `text` are the document before and after. `articles` are its readable texts before restoring: one, the
    source itself, for plain text; one per row, without the other columns, for a table.

    `spun_share` is the estimated share of the source's words that a spinner garbled, 0..1, whether or not an edit
    restores them.
    """

    source: str = field(repr=False)
    text: str
    edits: tuple[RestoredEdit, ...]
    articles: tuple[str, ...] = field(repr=False)
    spun_share: float = 0.0
    warnings: tuple[str, ...] = ()

    @cached_property
    def word_count(self) -> int:
        """The number of readable words before restoring."""
        return sum(map(count_words, self.articles))

    def edit_rows(self) -> Iterator[dict[str, Any]]:
        """One row per edit: its attributes, and its place in the restored text, `restored_start` to `restored_end`."""
        for edit, (start, end) in zip(self.edits, target_spans(self.edits), strict=True):
            row = {**asdict(edit), "alternatives": list(edit.alternatives)}
            yield {**row, "restored_start": start, "restored_end": end}

    def to_dict(self) -> dict[str, Any]:
        """Everything but the articles, in the types of JSON."""
        return {
            "source": self.source,
            "text": self.text,
            "spun_share": self.spun_share,
            "warnings": list(self.warnings),
            "edits": list(self.edit_rows()),
        }

    def to_json(self, indent: int | None = None) -> str:
        """`to_dict` as JSON: on one line, or with so many spaces for each level."""
        return dump_json(self.to_dict(), indent)

    def diff(self) -> str:
        """The readable text with its edits marked as in the word diffs of git: ``[-warfare-]{+war+}``."""
        return plain_diff(self)

    def html(self, title: str = "Article") -> str:
        """A self-contained HTML page with both versions side by side."""
        return html_page(self, title)

    def __str__(self) -> str:
        return self.text

    def __rich__(self) -> Text:
        return terminal_diff(self)

    def _repr_html_(self) -> str:
        return html_fragment(self)


def dump_json(value: Any, indent: int | None = None) -> str:
    """JSON that any file can hold: readable, with escapes only where it must have them."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
