"""Figures of a suite with their intervals, differences between systems with their significance, and breakdowns.

Articles, not rows, are drawn: rows of one article are not independent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from unspin.data.edits import align, original_spans
from unspin.data.segment import words
from unspin.train.benchmark.suites import Row, Suite
from unspin.train.metrics import Counts, chrf, count, figures, part_of_speech, restored_spans, total

INTERVAL = 95  # per cent


def score(suite: Suite, outputs: Sequence[str], resamples: int, seed: int) -> dict[str, Any]:
    """Every figure, with the percentile bootstrap interval of each (Efron and Tibshirani 1993) beside it."""
    articles = _by_article(suite, outputs)
    drawn = np.random.default_rng(seed).integers(0, len(articles), (resamples, len(articles)))
    samples = [figures(Counts(*map(int, articles[rows].sum(0)))) for rows in drawn]
    edges = ((100 - INTERVAL) / 2, (100 + INTERVAL) / 2)
    return {
        **figures(Counts(*map(int, articles.sum(0)))),
        "interval": {name: [float(edge) for edge in np.percentile([sample[name] for sample in samples], edges)] for name in samples[0]},
        **chrf(outputs, [row.references for row in suite.rows]),
    }


def compare(suite: Suite, ours: Sequence[str], theirs: Sequence[str], resamples: int, seed: int) -> float:
    """How likely a difference in F0.5 as great as that of two systems is by chance: approximate randomization (Noreen 1989)."""
    a, b = _by_article(suite, ours), _by_article(suite, theirs)

    def difference(swapped: np.ndarray) -> float:
        sides = (np.where(swapped[:, None], b, a), np.where(swapped[:, None], a, b))
        first, second = (figures(Counts(*map(int, side.sum(0))))["f0.5"] for side in sides)
        return abs(first - second)

    observed = difference(np.zeros(len(a), dtype=bool))
    random = np.random.default_rng(seed)
    as_great = sum(difference(random.random(len(a)) < 0.5) >= observed - 1e-12 for _ in range(resamples))
    return (as_great + 1) / (resamples + 1)


def breakdown(suite: Suite, outputs: Sequence[str]) -> dict[str, dict[str, list[int]]]:
    """Of the spans that each engine, part of speech, length and strength of spinning garbled: [restored, all]."""
    table: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for row, output in zip(suite.rows, outputs, strict=True):
        edits = row.edits if row.edits is not None else align(row.spun, row.references[0])
        for edit, span in zip(edits, original_spans(edits), strict=True):
            hit = restored_spans(row.references[0], output, [span])
            garbled = row.spun[edit.start : edit.end]
            many = max(len(words(garbled)), len(words(edit.replacement))) > 1
            places = {"words": "several" if many else "one", "part of speech": "phrase" if many else part_of_speech(edit.replacement)}
            if edit.engine:
                places["engine"] = edit.engine
            if row.strength is not None:
                places["strength"] = next(name for name, most in (("light", 0.2), ("medium", 0.35), ("heavy", 1.0)) if row.strength <= most)
            for dimension, value in places.items():
                table[dimension][value][0] += hit
                table[dimension][value][1] += 1
    return {dimension: dict(sorted(values.items())) for dimension, values in table.items()}


def _by_article(suite: Suite, outputs: Sequence[str]) -> np.ndarray:
    """Counts summed by article: [articles, counts]."""
    grouped: dict[str, list[Counts]] = defaultdict(list)
    for row, output in zip(suite.rows, outputs, strict=True):
        grouped[row.article].append(_count(row, output))
    return np.array([total(rows) for rows in grouped.values()])


def _count(row: Row, output: str) -> Counts:
    spans = original_spans(row.edits) if row.edits is not None else None
    return count(row.spun, output, row.references, spans, row.facts)
