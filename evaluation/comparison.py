"""Compares two checkpoints on a suite: the difference with its interval, a paired test, and the edits that differ.

Both restore the same texts, so the comparison is paired: it resamples articles, each with the outputs of both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from unspin.edits import Edit, align
from unspin.evaluation.scores import difference, p_value
from unspin.evaluation.suites.base import Row, Suite

MAX_EDITS = 30  # kinds of edits that are listed
MAX_TEXTS = 20
SIDES = ("checkpoint", "compare")  # keys of the config that name the two


class DifferingEdit(NamedTuple):
    """An edit that only one side makes, and whether it leads to a reference."""

    side: str
    correct: bool
    garbled: str
    replacement: str


def compare(suite: Suite, ours: Sequence[str], theirs: Sequence[str], resamples: int, seed: int) -> dict[str, Any]:
    """How the outputs of the config's `checkpoint` (`ours`) differ from those of its `compare` on one suite.

    "difference" holds, for each figure, ours minus theirs and its interval. "figure" is the main one: F0.5, or
    over-correction if there is nothing to restore. "p" is the probability that it differs at least this much if both
    are equally good. "edits" counts the edits that only one side makes, by side and
    correctness; "kinds" lists the commonest. "texts" are those whose edits differ in correctness most.
    """
    differing = [list(differing_edits(row, *both)) for row, *both in zip(suite.rows, ours, theirs, strict=True)]
    kinds = Counter(edit for edits in differing for edit in edits)
    totals = Counter((edit.side, edit.correct) for edits in differing for edit in edits)
    is_clean = all(row.spun == row.references[0] for row in suite.rows)
    figure = "over_correction" if is_clean else "f0.5"
    return {
        "difference": difference(suite, ours, theirs, resamples, seed),
        "figure": figure,
        "p": p_value(suite, ours, theirs, resamples, seed, figure),
        "edits": {side: {"correct": totals[side, True], "wrong": totals[side, False]} for side in SIDES},
        "kinds": [
            {**edit._asdict(), "count": count}
            for edit, count in sorted(kinds.items(), key=lambda item: (-item[1], item[0]))[:MAX_EDITS]
        ],
        "texts": _texts(suite, ours, theirs, differing),
    }


def differing_edits(row: Row, ours: str, theirs: str) -> Iterator[DifferingEdit]:
    """The edits that only one of two restorations of a row makes, ours first, in the order of the text."""
    gold = {edit for reference in row.references for edit in align(row.spun, reference)}
    made = [align(row.spun, output) for output in (ours, theirs)]
    for side, edits, others in ((SIDES[0], made[0], made[1]), (SIDES[1], made[1], made[0])):
        for edit in edits:
            if edit not in others:
                yield DifferingEdit(side, edit in gold, _garbled(row, edit), edit.replacement)


def _garbled(row: Row, edit: Edit) -> str:
    return row.spun[edit.start : edit.end]


def _texts(
    suite: Suite, ours: Sequence[str], theirs: Sequence[str], differing: Sequence[Sequence[DifferingEdit]]
) -> list[dict[str, str]]:
    """Up to `MAX_TEXTS` texts, those where one side gains most over the other first."""

    def gain(edits: Sequence[DifferingEdit]) -> int:
        """Correct edits minus wrong ones, ours counted positively and theirs negatively."""
        return sum((1 if edit.correct else -1) * (1 if edit.side == SIDES[0] else -1) for edit in edits)

    ranked = sorted(
        (i for i, edits in enumerate(differing) if edits),
        key=lambda i: (-abs(gain(differing[i])), len(suite.rows[i].spun), suite.rows[i].spun),
    )
    return [
        {
            "spun": suite.rows[i].spun,
            SIDES[0]: ours[i],
            SIDES[1]: theirs[i],
            "original": suite.rows[i].references[0],
        }
        for i in ranked[:MAX_TEXTS]
    ]
