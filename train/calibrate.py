"""Fits what turns a model's probability of an edit into its confidence, and the threshold that keeps clean text clean.

On held-back pairs, an edit counts as right if the original has it, span and replacement. The logistic (Platt 1999) is fitted on spun
rows and their clean originals together. The threshold is that of the best edit F1 on the spun rows (not F0.5: a synonym that an
editor would accept counts as wrong, so precision is better than it looks), but never so low that clean text would lose more words
than allowed. Both are written into ``unspin.json``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from unspin.data.edits import Edit, align
from unspin.data.errors import UnspinError
from unspin.data.segment import words
from unspin.infer.checkpoint import Calibration, Checkpoint, features
from unspin.infer.engines import load_engine
from unspin.infer.proposals import Proposal
from unspin.infer.restorer import Restorer
from unspin.train.batches import articles, load_split
from unspin.train.config import CalibrateConfig
from unspin.train.metrics import f_score

ALLOWED = 2.0  # words changed per 1,000 of clean text
SUPPORT = 0.5  # chosen on the validation articles among 0, 0.3, 0.5 and 0.6
BINS = 10


class CalibrationError(UnspinError):
    """A model that cannot be calibrated; the checkpoint stays as it was."""


@dataclass(frozen=True)
class Judged:
    """An edit of a held-back article: the model's probability, how spun the article looks, words touched, and whether it is right."""

    probability: float
    spun: float
    size: int
    right: bool


def main(config: CalibrateConfig) -> dict[str, Any]:
    """Calibrate the checkpoint named in the config on the split named there; returns and stores the figures.

    Raises `CalibrationError` for a model that proposes no edit.
    """
    checkpoint = Checkpoint.open(config.checkpoint)
    restorer = Restorer(load_engine(config.engine, checkpoint, print), Calibration(), min_confidence=0, passage=checkpoint.passage)
    spun: list[Judged] = []
    clean: list[Judged] = []
    total = due = 0
    for article in articles(load_split(config.data, config.split).to_list()[: config.limit]):
        originals = [row["original"] for row in article]
        garbled = [row for row in article if row["edits"]]
        spun += _judged(restorer, [row["spun"] for row in garbled], [row["original"] for row in garbled])
        clean += _judged(restorer, originals, originals)
        total += sum(map(len, map(words, originals)))
        due += sum(len(align(row["spun"], row["original"])) for row in garbled)
    if not spun + clean:
        raise CalibrationError(f"{checkpoint.folder} proposes no edit on {config.data}: train it longer, or raise limit")
    fitted = fit(spun + clean)
    sure = [(confidence(fitted, edit), edit.size) for edit in clean]
    least = max(threshold(sure, ALLOWED / 1000 * total), best_threshold([(confidence(fitted, edit), edit.right) for edit in spun], due))
    calibration = replace(fitted, threshold=round(least, 3), support=SUPPORT)
    judged = [(confidence(calibration, edit), edit.right) for edit in spun + clean]
    figures = {"edits": len(judged), "expected_calibration_error": expected_error(judged), "reliability": reliability(judged)}
    _store(checkpoint.folder / "unspin.json", calibration, figures)
    return asdict(calibration) | figures


def confidence(calibration: Calibration, edit: Judged) -> float:
    return calibration.confidence(edit.probability, edit.spun, edit.size)


def _judged(restorer: Restorer, sources: Sequence[str], references: Sequence[str]) -> list[Judged]:
    """Every edit that the model proposes for an article."""
    restored = restorer.restore_sentences(sources)
    judged = []
    for sentence, reference in zip(restored.sentences, references, strict=True):
        due = set(align(sentence.source, reference))
        for edit, probability in sentence.edits:
            right = Edit(edit.start, edit.end, edit.replacement) in due
            judged.append(Judged(probability, restored.spun, Proposal(edit, probability).size(sentence.source), right))
    return judged


def fit(judged: Sequence[Judged], steps: int = 30) -> Calibration:
    """Logistic regression of being right on the features of an edit, by Newton's method with a slight ridge."""
    seen = np.array([[*features(edit.probability, edit.spun, edit.size), 1.0] for edit in judged])
    right = np.array([edit.right for edit in judged], dtype=float)
    weights = np.zeros(4)  # from far off Newton overshoots
    for _ in range(steps):
        chance = 1 / (1 + np.exp(-seen @ weights))
        gradient = seen.T @ (right - chance)
        curvature = (seen * (chance * (1 - chance))[:, None]).T @ seen + 1e-3 * np.eye(4)
        weights = weights + np.linalg.solve(curvature, gradient)
    return Calibration(*map(float, weights))


def threshold(sure: Sequence[tuple[float, int]], allowed: float) -> float:
    """The least confidence at which edits of clean text, (confidence, words touched), touch no more than `allowed` words."""
    touched = 0.0
    for confidence, size in sorted(sure, reverse=True):
        touched += size
        if touched > allowed:
            return confidence + 1e-3
    return 0.0


def best_threshold(judged: Sequence[tuple[float, bool]], due: int) -> float:
    """The confidence from which on edits, (confidence, right), give the best F1 where `due` edits would be right."""
    best, at, right = 0.0, 1.0, 0
    for made, (confidence, is_right) in enumerate(sorted(judged, reverse=True), 1):
        right += is_right
        score = f_score(right / made, right / due, 1)
        if score > best:
            best, at = score, confidence
    return at


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
