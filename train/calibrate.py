"""Fits what turns a model's probability of an edit into its confidence, and the threshold that keeps clean text clean.

On held-back pairs, an edit counts as right if the original has it, span and replacement. The logistic (Platt 1999) is fitted on spun rows and
their clean originals together; the threshold is the least at which clean text loses no more words than allowed. Written into ``unspin.json``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from unspin.data.edits import Edit, align
from unspin.data.segment import words
from unspin.infer.checkpoint import Calibration, Checkpoint
from unspin.infer.engines import load_engine
from unspin.infer.restorer import Restorer
from unspin.train.batches import load_split
from unspin.train.config import EvalConfig

ALLOWED = 2.0  # words changed per 1,000 of clean text
BINS = 10


def main(config: EvalConfig) -> dict[str, Any]:
    """Calibrate the checkpoint named in the config on the split named there; returns and stores the figures."""
    checkpoint = Checkpoint.open(config.checkpoint)
    restorer = Restorer(load_engine(config.engine, checkpoint, print), Calibration(), min_confidence=0)
    rows = load_split(config.data, config.split).to_list()[: config.limit]
    spun = _judged(restorer, [row["spun"] for row in rows], [row["original"] for row in rows])
    clean = _judged(restorer, [row["original"] for row in rows], [row["original"] for row in rows])
    fitted = fit([(p, right) for p, _, right in spun + clean])
    sure = [(_confidence(fitted, p), size) for p, size, _ in clean]
    allowed = ALLOWED / 1000 * sum(len(words(row["original"])) for row in rows)
    calibration = replace(fitted, threshold=round(threshold(sure, allowed), 3))
    judged = [(_confidence(calibration, p), right) for p, _, right in spun + clean]
    figures = {"edits": len(judged), "expected_calibration_error": expected_error(judged), "reliability": reliability(judged)}
    _store(checkpoint.folder / "unspin.json", calibration, figures)
    return asdict(calibration) | figures


def _judged(restorer: Restorer, sources: Sequence[str], references: Sequence[str]) -> list[tuple[float, int, bool]]:
    """(model's probability, words touched, right) of every edit that passes the fidelity checks."""
    judged = []
    for source, reference, edits in zip(sources, references, restorer.sentences_edits(sources), strict=True):
        due = set(align(source, reference))
        for edit, probability in edits:
            size = max(len(words(source[edit.start : edit.end])), len(words(edit.replacement)), 1)
            judged.append((probability, size, Edit(edit.start, edit.end, edit.replacement) in due))
    return judged


def _confidence(calibration: Calibration, probability: float) -> float:
    return calibration.confidence(float(np.log(max(probability, 1e-9))))


def fit(judged: Sequence[tuple[float, bool]], steps: int = 30) -> Calibration:
    """Logistic regression of being right on the log odds of the probability, by Newton's method with a slight ridge."""
    probability = np.clip([p for p, _ in judged], 1e-6, 1 - 1e-6)
    features = np.stack([np.log(probability / (1 - probability)), np.ones(len(judged))], axis=1)
    right = np.array([r for _, r in judged], dtype=float)
    weights = np.array([1.0, 0.0])
    for _ in range(steps):
        chance = 1 / (1 + np.exp(-features @ weights))
        gradient = features.T @ (right - chance)
        curvature = (features * (chance * (1 - chance))[:, None]).T @ features + 1e-3 * np.eye(2)
        weights = weights + np.linalg.solve(curvature, gradient)
    return Calibration(slope=float(weights[0]), intercept=float(weights[1]))


def threshold(sure: Sequence[tuple[float, int]], allowed: float) -> float:
    """The least confidence at which edits of clean text, (confidence, words touched), touch no more than `allowed` words."""
    touched = 0.0
    for confidence, size in sorted(sure, reverse=True):
        touched += size
        if touched > allowed:
            return confidence + 1e-3
    return 0.0


def reliability(judged: Sequence[tuple[float, bool]]) -> list[dict[str, float]]:
    """Edits by confidence in tenths: how many, how sure, how often right."""
    table = []
    for low in range(BINS):
        here = [(c, right) for c, right in judged if low <= c * BINS < low + 1 or (low == BINS - 1 and c == 1)]
        if here:
            confidence, right = (float(np.mean(column)) for column in zip(*here, strict=True))
            table.append({"edits": len(here), "confidence": round(confidence, 4), "right": round(right, 4)})
    return table


def expected_error(judged: Sequence[tuple[float, bool]]) -> float:
    """Expected calibration error over tenths (Guo et al. 2017, arXiv 1706.04599)."""
    table = reliability(judged)
    return round(sum(row["edits"] * abs(row["confidence"] - row["right"]) for row in table) / max(len(judged), 1), 4)


def _store(file: Path, calibration: Calibration, figures: dict[str, Any]) -> None:
    record = json.loads(file.read_text(encoding="utf-8"))
    record |= {"calibration": asdict(calibration), "calibrated_on": figures}
    file.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
