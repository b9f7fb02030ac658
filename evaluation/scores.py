"""Figures of a suite with confidence intervals, significance of differences between systems, and breakdowns.

Resampling draws articles, not rows, because the rows of one article are not independent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from unspin.edits import Edit, align, target_spans
from unspin.english.morphology import forms
from unspin.english.word_classes import IMMUTABLE
from unspin.evaluation.metrics import Counts, chrf, compute_figures, count_restored_spans, count_row, sum_counts
from unspin.evaluation.suites.base import Row, Suite
from unspin.segment import words

INTERVAL = 95  # per cent
STRENGTHS = (("light", 0.2), ("medium", 0.35), ("heavy", 1.0))  # name, upper bound of `Row.strength`


def score(suite: Suite, outputs: Sequence[str], resamples: int, seed: int) -> dict[str, Any]:
    """Every figure of a suite, with percentile bootstrap intervals (Efron and Tibshirani 1993) under "interval"."""
    articles = _counts_by_article(suite, outputs)
    samples = [_figures(articles[draw]) for draw in _draws(len(articles), resamples, seed)]
    return {
        **_figures(articles),
        "interval": {name: _interval([sample[name] for sample in samples]) for name in samples[0]},
        **chrf(outputs, [row.references for row in suite.rows]),
    }


def difference(
    suite: Suite, ours: Sequence[str], theirs: Sequence[str], resamples: int, seed: int
) -> dict[str, dict[str, Any]]:
    """For each figure, ours minus theirs as "value", with the bootstrap interval of that difference as "interval"."""
    a, b = _counts_by_article(suite, ours), _counts_by_article(suite, theirs)
    samples = [(_figures(a[draw]), _figures(b[draw])) for draw in _draws(len(a), resamples, seed)]
    first, second = _figures(a), _figures(b)
    return {
        name: {
            "value": first[name] - second[name],
            "interval": _interval([one[name] - other[name] for one, other in samples]),
        }
        for name in first
    }


def p_value(
    suite: Suite, ours: Sequence[str], theirs: Sequence[str], resamples: int, seed: int, figure: str = "f0.5"
) -> float:
    """The probability that a figure differs at least this much if both systems are equally good, 0..1.

    Approximate randomisation (Noreen 1989): the two outputs of each article are swapped at random.
    """
    a, b = _counts_by_article(suite, ours), _counts_by_article(suite, theirs)

    def difference(swapped: np.ndarray) -> float:
        first = _figures(np.where(swapped[:, None], b, a))[figure]
        second = _figures(np.where(swapped[:, None], a, b))[figure]
        return abs(first - second)

    observed = difference(np.zeros(len(a), dtype=bool))
    random = np.random.default_rng(seed)
    as_great = sum(difference(random.random(len(a)) < 0.5) >= observed - 1e-12 for _ in range(resamples))
    return (as_great + 1) / (resamples + 1)


def _draws(articles: int, resamples: int, seed: int) -> np.ndarray:
    """Indices of the articles in each resample: [resamples, articles]."""
    return np.random.default_rng(seed).integers(0, articles, (resamples, articles))


def _interval(samples: Sequence[float]) -> list[float]:
    """The percentile interval of a figure's resamples."""
    return [float(edge) for edge in np.percentile(samples, ((100 - INTERVAL) / 2, (100 + INTERVAL) / 2))]


def breakdown(suite: Suite, outputs: Sequence[str]) -> dict[str, dict[str, list[int]]]:
    """[restored, all] garbled spans by number of words, part of speech, spinner and strength, as far as rows tell."""
    table: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for row, output in zip(suite.rows, outputs, strict=True):
        edits = row.edits if row.edits is not None else align(row.spun, row.references[0])
        for edit, span in zip(edits, target_spans(edits), strict=True):
            restored = count_restored_spans(row.references[0], output, [span])
            for dimension, value in _dimensions(row, edit).items():
                cell = table[dimension][value]
                cell[0] += restored
                cell[1] += 1
    return {dimension: dict(sorted(values.items())) for dimension, values in table.items()}


def part_of_speech(text: str) -> str:
    """The most likely part of speech of one word, "function" for closed-class words, "phrase" for several words."""
    tokens = words(text.lower())
    if len(tokens) != 1:
        return "phrase"
    readings = forms(tokens[0])
    return "function" if tokens[0] in IMMUTABLE or not readings else readings[0].pos


def _dimensions(row: Row, edit: Edit) -> dict[str, str]:
    """The value of an edit in each dimension of the breakdown."""
    several = max(len(words(row.spun[edit.start : edit.end])), len(words(edit.replacement))) > 1
    values = {
        "words": "several" if several else "one",
        "part of speech": "phrase" if several else part_of_speech(edit.replacement),
    }
    if edit.spinner:
        values["spinner"] = edit.spinner
    if row.strength is not None:
        values["strength"] = next(name for name, bound in STRENGTHS if row.strength <= bound)
    return values


def _figures(counts: np.ndarray) -> dict[str, float]:
    """Figures of counts by article, [articles, counts]."""
    return compute_figures(Counts(*map(int, counts.sum(0))))


def _counts_by_article(suite: Suite, outputs: Sequence[str]) -> np.ndarray:
    """Counts summed by article: [articles, counts]."""
    grouped: dict[str, list[Counts]] = defaultdict(list)
    for row, output in zip(suite.rows, outputs, strict=True):
        spans = target_spans(row.edits) if row.edits is not None else None
        grouped[row.article].append(count_row(row.spun, output, row.references, spans, row.facts))
    return np.array([sum_counts(rows) for rows in grouped.values()])
