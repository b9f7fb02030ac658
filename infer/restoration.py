"""What restoring gives: the text, every edit with its confidence, and what the reader should know."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class RestoredEdit:
    """One change: characters ``start:end`` of the input, `spun`, become `restored`.

    `kind` is word, phrase, insertion, deletion, or quotation (inside quotation marks); `confidence` is the chance, 0..1, that an
    editor who knows the original would make the same change. `alternatives` are what else the model would put there, the likeliest first.
    Edits of one `group` (not 0) keep the facts of their sentence only together: make all of them or none.
    """

    start: int
    end: int
    spun: str
    restored: str
    kind: str
    confidence: float
    alternatives: tuple[str, ...] = ()
    group: int = 0


@dataclass(frozen=True)
class Restoration:
    """A restored text, what was changed, and what the reader should know. In a notebook it shows itself as both versions side by side.

    `spun_share` is the estimated share of the source's words that a spinner garbled, 0..1, whether or not an edit restores them.
    """

    source: str
    text: str
    edits: tuple[RestoredEdit, ...]
    spun_share: float = 0.0
    warnings: tuple[str, ...] = field(default=())

    def _repr_html_(self) -> str:
        from unspin.infer.diff import table

        return table(self)
