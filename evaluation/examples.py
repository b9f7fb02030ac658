"""Picks texts worth reading for the report: the worst restorations, the best ones, and texts that are still spun."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from unspin.edits import align
from unspin.evaluation.suites.base import Row, Suite

MAX_EXAMPLES = 20


class Ranks(NamedTuple):
    """How well a text serves as an example of each kind; 0 or less: not at all."""

    worst: float  # wrong edits minus correct ones
    best: float  # number of edits if all are correct
    still_spun: float  # number of garbled spans left as they were, if there are more than two


def examples(suites: Sequence[Suite], outputs: Sequence[Sequence[str]]) -> dict[str, list[dict[str, Any]]]:
    """Up to `MAX_EXAMPLES` texts of each kind over all suites; of equal rank, shorter texts come first."""
    ranked = [
        (
            _rank(row, output),
            {"suite": suite.name, "spun": row.spun, "restored": output, "original": row.references[0]},
        )
        for suite, suite_outputs in zip(suites, outputs, strict=True)
        for row, output in zip(suite.rows, suite_outputs, strict=True)
    ]

    def top(kind: int) -> list[dict[str, Any]]:
        candidates = [(ranks[kind], text) for ranks, text in ranked if ranks[kind] > 0]
        candidates.sort(key=lambda it: (-it[0], len(it[1]["spun"]), it[1]["spun"]))
        return [text for _, text in candidates[:MAX_EXAMPLES]]

    return {"worst": top(0), "best": top(1), "still spun": top(2)}


def _rank(row: Row, output: str) -> Ranks:
    made = set(align(row.spun, output))
    gold = min((set(align(row.spun, reference)) for reference in row.references), key=lambda edits: len(edits ^ made))
    untouched = [edit for edit in gold if not any(other.start < edit.end and edit.start < other.end for other in made)]
    return Ranks(
        worst=len(made - gold) - len(made & gold),
        best=len(gold) if made == gold else 0,
        still_spun=len(untouched) if len(gold) > 2 else 0,
    )
