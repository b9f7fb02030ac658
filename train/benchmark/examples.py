"""Texts worth reading: what went worst, what went best, and what is still spun."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unspin.data.edits import align
from unspin.train.benchmark.suites import Row, Suite

SHOWN = 20


def examples(suites: Sequence[Suite], outputs: Sequence[Sequence[str]]) -> dict[str, list[dict[str, Any]]]:
    """Twenty of each kind, no suite before another."""
    judged = [
        (_judge(row, output), {"suite": suite.name, "spun": row.spun, "restored": output, "original": row.references[0]})
        for suite, found in zip(suites, outputs, strict=True)
        for row, output in zip(suite.rows, found, strict=True)
    ]

    def top(key: int) -> list[dict[str, Any]]:
        ranked = sorted((it for it in judged if it[0][key] > 0), key=lambda it: (-it[0][key], len(it[1]["spun"]), it[1]["spun"]))
        return [text for _, text in ranked[:SHOWN]]

    return {"worst": top(0), "best": top(1), "still spun": top(2)}


def _judge(row: Row, output: str) -> tuple[float, float, float]:
    """(wrong edits beyond the right ones, right edits if all is right, share of garbled spans left as they were)."""
    made = set(align(row.spun, output))
    due = min((set(align(row.spun, reference)) for reference in row.references), key=lambda edits: len(edits ^ made))
    wrong = len(made - due)
    left = [edit for edit in due if not any(other.start < edit.end and edit.start < other.end for other in made)]
    return wrong - len(made & due), float(len(due)) if made == due else 0.0, len(left) if len(due) > 2 else 0.0
