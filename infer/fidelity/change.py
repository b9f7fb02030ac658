"""What the kinds of facts are shown: an edit in its sentence, and the article around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from unspin.edits import Edit, apply
from unspin.infer.fidelity.context import NO_CONTEXT, Context
from unspin.lazy import cached_property
from unspin.segment import tokenize


@lru_cache(maxsize=1 << 13)
def lower_tokens(text: str) -> tuple[str, ...]:
    """The tokens of a text in lower case, without white space; hyphenated words are split."""
    return tuple(token.lower() for token in tokenize(text.replace("-", " ")) if not token.isspace())


@dataclass(frozen=True)
class Change:
    """One edit of a sentence. `context` is the article that the sentence belongs to."""

    source: str
    edit: Edit
    context: Context = field(default=NO_CONTEXT, repr=False)

    @property
    def before(self) -> str:
        """The words that the edit removes."""
        return self.source[self.edit.start : self.edit.end]

    @property
    def after(self) -> str:
        """The words that the edit inserts."""
        return self.edit.replacement

    @cached_property
    def restored(self) -> str:
        """The sentence after the edit."""
        return apply(self.source, [self.edit])

    @property
    def restored_end(self) -> int:
        """Where the inserted words end in the restored sentence."""
        return self.edit.start + len(self.edit.replacement)

    @property
    def removed(self) -> list[str]:
        """The lower-case tokens that the edit removes and does not put back."""
        return _difference(lower_tokens(self.before), lower_tokens(self.after))

    @property
    def inserted(self) -> list[str]:
        """The lower-case tokens that are new."""
        return _difference(lower_tokens(self.after), lower_tokens(self.before))


def _difference(these: tuple[str, ...], others: tuple[str, ...]) -> list[str]:
    rest = list(others)
    different = []
    for token in these:
        if token in rest:
            rest.remove(token)
        else:
            different.append(token)
    return different
