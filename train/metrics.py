"""Scores of restored text, as `evaluate.Metric` subclasses that need no network.

An edit is a minimal word edit of the source, adjacent ones merged (`unspin.data.edits.align`); it counts as right only if span and replacement
are those that lead to the original. F0.5 weighs precision twice as heavily as recall, as grammar correction does (Ng et al. 2014,
CoNLL-2014, section 5).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import datasets
import evaluate
from unspin.data.edits import Edit, align
from unspin.data.segment import words

_TEXTS = datasets.Features({name: datasets.Value("string") for name in ("sources", "predictions", "references")})


def _info(description: str) -> evaluate.MetricInfo:
    return evaluate.MetricInfo(description=description, citation="", inputs_description="parallel lists of texts", features=_TEXTS)


def f_score(precision: float, recall: float, beta: float) -> float:
    """Van Rijsbergen's F; 0 where both are 0."""
    weighted = beta**2 * precision + recall
    return (1 + beta**2) * precision * recall / weighted if weighted else 0.0


def edit_counts(source: str, prediction: str, reference: str) -> tuple[int, int, int]:
    """(right edits, edits made, edits due) of one text."""
    made, due = set(align(source, prediction)), set(align(source, reference))
    return len(made & due), len(made), len(due)


def restored_spans(reference: str, prediction: str, spans: Iterable[tuple[int, int]]) -> int:
    """How many spans of the reference the prediction has word for word in their place."""
    changes = align(reference, prediction)
    return sum(not any(_touch(change, start, end) for change in changes) for start, end in spans)


def _touch(change: Edit, start: int, end: int) -> bool:
    return (change.start < end and start < change.end) or (change.start == change.end and start < change.start < end)


def words_changed(source: str, prediction: str) -> int:
    return sum(max(len(words(source[e.start : e.end])), len(words(e.replacement)), 1) for e in align(source, prediction))


class EditScore(evaluate.Metric):
    """Edit precision, recall and F0.5, each in 0..1."""

    def _info(self) -> evaluate.MetricInfo:
        return _info(self.__doc__ or "")

    def _compute(self, sources: Sequence[str], predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        totals = [sum(column) for column in zip(*map(edit_counts, sources, predictions, references), strict=True)]
        right, made, due = totals or (0, 0, 0)
        precision, recall = right / made if made else 1.0, right / due if due else 1.0
        return {"precision": precision, "recall": recall, "f0.5": f_score(precision, recall, 0.5)}


class OverCorrection(evaluate.Metric):
    """Words changed per 1,000 words of clean text: rows whose source is their reference."""

    def _info(self) -> evaluate.MetricInfo:
        return _info(self.__doc__ or "")

    def _compute(self, sources: Sequence[str], predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        clean = [(s, p) for s, p, r in zip(sources, predictions, references, strict=True) if s == r]
        total = sum(len(words(source)) for source, _ in clean)
        return {"over_correction": 1000 * sum(words_changed(s, p) for s, p in clean) / total if total else 0.0}


class ExactMatch(evaluate.Metric):
    """Share of texts that are the reference, letter for letter."""

    def _info(self) -> evaluate.MetricInfo:
        return _info(self.__doc__ or "")

    def _compute(self, sources: Sequence[str], predictions: Sequence[str], references: Sequence[str]) -> dict[str, float]:
        return {"exact": sum(map(str.__eq__, predictions, references)) / len(references) if references else 0.0}


def score_rows(rows: Sequence[dict[str, Any]], predictions: Sequence[str]) -> dict[str, float]:
    """Every figure for rows of a data set (`spun`, `original`, `edits`) and what a system made of them."""
    texts = {
        "sources": [row["spun"] for row in rows],
        "predictions": list(predictions),
        "references": [row["original"] for row in rows],
    }
    figures: dict[str, float] = {}
    for metric in (EditScore(), OverCorrection(), ExactMatch()):
        figures |= metric.compute(**texts)
    due = sum(len(row["edits"]) for row in rows)
    found = sum(restored_spans(row["original"], prediction, original_spans(row["edits"])) for row, prediction in zip(rows, predictions, strict=True))
    return {"restoration": found / due if due else 1.0, **figures}


def original_spans(edits: Iterable[dict[str, Any]]) -> list[tuple[int, int]]:
    """Where the edits' replacements stand in the original."""
    spans, shift = [], 0
    for edit in edits:
        start = edit["start"] + shift
        spans.append((start, start + len(edit["replacement"])))
        shift += len(edit["replacement"]) - (edit["end"] - edit["start"])
    return spans
