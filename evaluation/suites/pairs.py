"""Texts of real spinners with their originals, from the user's own file, as a suite that is also scored per tool."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from unspin.data.corpora import CorpusError
from unspin.data.pair_files import Pair, PairError, check_pair, scan_pairs
from unspin.data.rows import ROWS_PER_TOOL
from unspin.evaluation.suites.base import Row, SuiteDefinition, SuiteError
from unspin.logs import counted

logger = logging.getLogger(__name__)


class PairsSuite(SuiteDefinition):
    """Texts of real spinners with their originals, in a file of pairs with the columns `tool`, `spun` and `original`.

    Scores are given over all rows and per tool; a limit takes one row of each tool in turn. The rows of a tool are
    restored together, 25 at a time. Rows that cannot be read or have an empty side are reported and left out. Rows
    whose texts share few words are reported but kept: dropping what a tool garbled most would flatter every system.
    If most rows are like that, the columns are probably mixed up and the suite is refused.
    """

    kind: Literal["pairs"]
    path: Path

    def rows(self) -> Iterator[Row]:
        by_tool: dict[str, list[Pair]] = defaultdict(list)
        for pair in self._usable_pairs():
            by_tool[" ".join(pair.tool.split()) or "unnamed"].append(pair)
        for i in range(max(map(len, by_tool.values()))):
            for tool, pairs in by_tool.items():
                if i < len(pairs):
                    yield _row(tool, i, pairs[i])

    def _usable_pairs(self) -> list[Pair]:
        """Pairs with words on both sides. Logs rows that are left out or look wrong; refuses a file of such rows."""
        pairs: list[Pair] = []
        left_out = dissimilar = 0
        for pair, error in self._checked_pairs():
            if error:
                logger.warning("%s", error)
            if pair:
                pairs.append(pair)
                dissimilar += error is not None
            else:
                left_out += 1
        if left_out or dissimilar:
            logger.warning(
                "%s: left out %s; kept %d whose texts share few words (each is named above)",
                self.path,
                counted(left_out, "row"),
                dissimilar,
            )
        if dissimilar > len(pairs) / 2:
            raise SuiteError(
                f"{self.path}: {dissimilar} of {len(pairs)} rows share too few words to be a spun text "
                "and its original: check which column is which"
            )
        if not pairs:
            raise SuiteError(f"{self.path}: no row holds a spun text and its original")
        return pairs

    def _checked_pairs(self) -> Iterator[tuple[Pair | None, PairError | None]]:
        """Each row's pair, unless unusable, and what is wrong with it. Raises `SuiteError` if the file is unusable."""
        try:
            for pair in scan_pairs(self.path):
                if isinstance(pair, PairError):
                    yield None, pair
                    continue
                try:
                    check_pair(pair)
                    yield pair, None
                except PairError as error:
                    yield (pair if error.kind == "unlike" else None), error
        except CorpusError as error:
            raise SuiteError(str(error)) from None


def _row(tool: str, number: int, pair: Pair) -> Row:
    spun, original = (" ".join(text.split()) for text in (pair.spun, pair.original))
    return Row(f"{tool}/{number}", spun, (original,), tool=tool, group=f"{tool}/{number // ROWS_PER_TOOL}")
