"""All figures as an `evaluate.Metric`, for training loops and notebooks. It needs no network.

It has a module of its own because importing `evaluate` imports much of transformers, which takes seconds and
hundreds of megabytes that no system's measured memory should include.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
from unspin.evaluation.metrics import chrf, compute_figures, count_row, sum_counts


class RestorationMetric(evaluate.Metric):
    """The figures of `compute_figures` and chrF, for parallel lists of spun texts, restorations and originals.

    ``RestorationMetric().compute(sources=[…], predictions=[…], references=[[…], …])`` takes a list of references
    per row. Garbled spans come from aligning source and reference, and facts are compared by the restorer's own
    check.
    """

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description=self.__doc__ or "",
            citation="",
            inputs_description="sources, predictions: lists of texts; references: a list of texts for each of them",
            features=datasets.Features({"sources": text, "predictions": text, "references": datasets.List(text)}),
        )

    def _compute(
        self, sources: Sequence[str], predictions: Sequence[str], references: Sequence[Sequence[str]]
    ) -> dict[str, Any]:
        rows = zip(sources, predictions, references, strict=True)
        return compute_figures(sum_counts(count_row(*row) for row in rows)) | chrf(predictions, references)
