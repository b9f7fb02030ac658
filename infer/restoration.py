"""The result of restoring: the text, every edit with its confidence, and warnings for the reader."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from unspin.infer.render import html_table
from unspin.segment import words


@dataclass(frozen=True)
class RestoredEdit:
    """One change: the words `spun` become `restored`, which means that characters ``start:end`` of the source become
    `replacement`.

    The two differ where the source has markup or escapes: `spun` and `restored` are what a reader sees, `replacement`
    is what the file says, including the markup inside the edit. `article` and `offset` place the edit in the readable
    text: `spun` stands at ``offset`` of ``Restoration.articles[article]``.

    `kind` is word, phrase, insertion, deletion, or quotation (inside quotation marks). `confidence` is the chance,
    0..1, that an editor who knows the original would make the same change. `alternatives` are other restorations of the
    place, most likely first. Edits that share a `group` other than 0 keep the facts of their sentence only together:
    make all of them or none.
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
    """A restored text, its edits in order, and warnings. In a notebook it is displayed as both versions side by side.

    `source` and `text` are the document before and after. `articles` are its readable texts before restoring: one, the
    source itself, for plain text; one per row, without the other columns, for a table.

    `spun_share` is the estimated share of the source's words that a spinner garbled, 0..1, whether or not an edit
    restores them.
    """

    source: str
    text: str
    edits: tuple[RestoredEdit, ...]
    articles: tuple[str, ...]
    spun_share: float = 0.0
    warnings: tuple[str, ...] = ()

    @cached_property
    def word_count(self) -> int:
        """The number of readable words before restoring."""
        return sum(len(words(article)) for article in self.articles)

    def _repr_html_(self) -> str:
        return html_table(self)
