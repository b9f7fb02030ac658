"""Well-known phrases that an edit completes: the "prime" of "prime minister"."""

from __future__ import annotations

from collections.abc import Iterator

from unspin.english.terms import phrases
from unspin.infer.fidelity.change import Change, lower_tokens

MAX_NEIGHBOURS = 2  # words on each side of an edit that may belong to its phrase


def completes_phrase(change: Change) -> bool:
    """Whether the new words make a well-known phrase with the words around them, and the old words made none."""
    before = lower_tokens(change.source[: change.edit.start])[-MAX_NEIGHBOURS:]
    after = lower_tokens(change.source[change.edit.end :])[:MAX_NEIGHBOURS]

    def makes_phrase(words: tuple[str, ...]) -> bool:
        return any(stretch in phrases() for stretch in _stretches(before, words, after))

    return makes_phrase(lower_tokens(change.after)) and not makes_phrase(lower_tokens(change.before))


def _stretches(before: tuple[str, ...], words: tuple[str, ...], after: tuple[str, ...]) -> Iterator[str]:
    for left in range(len(before) + 1):
        for right in range(len(after) + 1):
            if len(words) + left + right > 1:
                yield " ".join((*before[len(before) - left :], *words, *after[:right]))
