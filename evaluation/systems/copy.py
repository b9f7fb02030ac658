"""The lowest baseline: it changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from unspin.evaluation.systems.base import System


class Copy(System):
    """Returns the input unchanged."""

    revision = "1"

    def restore(self, texts: Sequence[str]) -> list[str]:
        return list(texts)
