"""A grammar checker as a baseline: how many spun words are grammar errors that any checker would fix?"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from unspin.evaluation.systems.base import System
from unspin.lazy import cached_property


class Harper(System):
    """The grammar checker harper-py. Its first suggestion is taken where its American and British dialects agree."""

    @property
    def revision(self) -> str:
        return version("harper-py")

    @cached_property
    def _linters(self) -> list[Any]:
        from harper import Dialect, Linter

        return [Linter(dialect=dialect) for dialect in (Dialect.AMERICAN, Dialect.BRITISH)]

    def restore(self, texts: Sequence[str]) -> list[str]:
        return [self._correct(text) for text in texts]

    def _correct(self, text: str) -> str:
        """Apply suggestions from the end of the text, so that earlier spans stay valid; skip overlapping ones."""
        american, british = (self._lints(linter, text) for linter in self._linters)
        position = len(text)
        for start, end in sorted(american.keys() & british.keys(), reverse=True):
            lint = american[start, end]
            if end <= position and lint.suggestions:
                text = self._linters[0].apply_suggestion(text, lint, lint.suggestions[0])
                position = start
        return text

    def _lints(self, linter: Any, text: str) -> dict[tuple[int, int], Any]:
        from harper import Language

        return {(lint.span.start, lint.span.end): lint for lint in linter.lint(text, language=Language.PLAINTEXT)}
