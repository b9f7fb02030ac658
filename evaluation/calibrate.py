"""Fits a checkpoint's calibration on held-out texts: edit confidences, the threshold, and the share of garbled words.

The confidence is a logistic function (Platt 1999), fitted on the edits of all suites, spun and clean. The threshold
is the one with the best edit F1 on spun rows, raised if necessary until no more words of clean text change than
`MAX_OVER_CORRECTION` allows. F1 is used instead of F0.5 because a synonym that an editor would accept counts as
wrong, so real precision is higher than measured. The share of garbled words is fitted on spinners that no model is
trained on, since those are what users meet. The result is written to ``unspin.json`` in the checkpoint folder. Cost:
every suite is restored once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import numpy as np
from unspin.errors import UnspinError
from unspin.evaluation.config import CalibrateConfig
from unspin.evaluation.metrics import f_score
from unspin.evaluation.outcomes import ArticleOutcome, EditOutcome, restore_article
from unspin.evaluation.reliability import expected_calibration_error, reliability_table
from unspin.evaluation.suites import make_suite
from unspin.infer.confidence import Calibration, features
from unspin.infer.engines import load_engine
from unspin.infer.models.checkpoint import Checkpoint
from unspin.infer.restorer import Restorer
from unspin.logs import track
from unspin.storage import write_atomic

MAX_OVER_CORRECTION = 1.0  # words changed per 1,000 words of clean text
SUPPORT = 0.5  # `Calibration.support`: the best of 0, 0.3, 0.5 and 0.6 on the validation articles
SHARE_RATES = np.geomspace(0.5, 20, 400)  # candidates for `Calibration.share_rate`
NEWTON_STEPS = 30
RIDGE = 1e-3


class CalibrationError(UnspinError):
    """A checkpoint cannot be calibrated on the given suites; its files are unchanged."""


def main(config: CalibrateConfig) -> dict[str, Any]:
    """Calibrate a checkpoint, store the calibration and its figures in ``unspin.json``, and return both.

    Raises `CalibrationError` if the model proposes no edit or the suites lack spun or clean text, `SuiteError` if a
    suite has no rows.
    """
    checkpoint = Checkpoint.open(config.checkpoint)
    outcomes = _restore_suites(config, checkpoint)
    articles = list(chain.from_iterable(outcomes.values()))
    if not any(article.edits for article in articles):
        raise CalibrationError(
            f"{checkpoint.folder} proposes no edit on {', '.join(outcomes)}: train it longer, or raise limit"
        )
    unseen = [article for name in dict.fromkeys(config.unseen) for article in outcomes[name] if article.garbled_share]
    if not unseen:
        raise CalibrationError(
            f"the suites hold no spun text in {', '.join(config.unseen)}: name other suites in unseen, or raise limit"
        )
    if not any(article.clean_words for article in articles):
        raise CalibrationError("the suites hold no clean text: add a suite of kind clean, or raise limit")
    calibration = _fit(articles, unseen)
    figures = _figures(calibration, outcomes) | {"share_error": round(share_error(calibration, unseen), 4)}
    _store(checkpoint.folder / "unspin.json", calibration, figures)
    return asdict(calibration) | figures


def confidence(calibration: Calibration, edit: EditOutcome) -> float:
    """The calibrated confidence of an edit, 0..1."""
    return calibration.confidence(edit.probability, edit.suspected_share, edit.size)


def fit_logistic(edits: Sequence[EditOutcome], shares: Calibration) -> Calibration:
    """Fit the chance that an edit is correct by logistic regression on its features.

    `shares` estimates the spun share, which is one of the features. Returns `shares` with the fitted weights.
    """
    inputs = np.array(
        [[*features(edit.probability, shares.spun_share(edit.suspected_share), edit.size), 1.0] for edit in edits]
    )
    correct = np.array([edit.correct for edit in edits], dtype=float)
    weights = logistic_weights(inputs, correct)
    slope, spun_weight, size_weight, intercept = map(float, weights)
    return replace(shares, slope=slope, spun_weight=spun_weight, size_weight=size_weight, intercept=intercept)


def logistic_weights(inputs: np.ndarray, outcomes: np.ndarray, importance: np.ndarray | None = None) -> np.ndarray:
    """The weights of a logistic regression, by Newton's method with a slight ridge penalty.

    `inputs` are [cases, features], `outcomes` [cases] are 0 or 1, and `importance` [cases] is 1 by default.
    """
    importance = np.ones(len(outcomes)) if importance is None else importance
    weights = np.zeros(inputs.shape[1])  # Newton's method overshoots from a distant start
    for _ in range(NEWTON_STEPS):
        predicted = 1 / (1 + np.exp(-inputs @ weights))
        gradient = inputs.T @ (importance * (outcomes - predicted))
        curvature = importance * predicted * (1 - predicted)
        hessian = (inputs * curvature[:, None]).T @ inputs + RIDGE * np.eye(inputs.shape[1])
        weights = weights + np.linalg.solve(hessian, gradient)
    return weights


def clean_text_threshold(edits: Sequence[tuple[float, int]], max_words: float) -> float:
    """The lowest threshold at which edits of clean text, as (confidence, words touched), touch at most `max_words`."""
    touched_words = 0
    for confidence, size in sorted(edits, reverse=True):
        touched_words += size
        if touched_words > max_words:
            return confidence + 1e-3
    return 0.0


def best_f1_threshold(edits: Sequence[tuple[float, bool]], gold_edits: int) -> float:
    """The threshold with the best F1 for edits given as (confidence, correct); recall is relative to `gold_edits`."""
    best_score, best_threshold = 0.0, 1.0
    made = correct = 0
    for confidence, equally_sure in groupby(sorted(edits, reverse=True), key=lambda edit: edit[0]):
        outcomes = [is_correct for _, is_correct in equally_sure]
        made, correct = made + len(outcomes), correct + sum(outcomes)
        score = f_score(correct / made, correct / gold_edits, 1)
        if score > best_score:
            best_score, best_threshold = score, confidence
    return best_threshold


def share_floor(articles: Sequence[ArticleOutcome]) -> float:
    """The share of words that the model suspects in clean articles, 0..1; 0 if there are no clean articles."""
    clean = [article for article in articles if not article.gold_edits]
    if not clean:
        return 0.0
    shares = [article.suspected_share for article in clean]
    return float(np.average(shares, weights=[article.words for article in clean]))


def fit_share_rate(articles: Sequence[ArticleOutcome], floor: float) -> float:
    """The `Calibration.share_rate` among `SHARE_RATES` with the smallest `share_error` on spun articles."""
    return float(
        min(SHARE_RATES, key=lambda rate: share_error(Calibration(share_floor=floor, share_rate=rate), articles))
    )


def share_error(calibration: Calibration, articles: Sequence[ArticleOutcome]) -> float:
    """Mean relative error of the estimated share of garbled words over spun articles; 0 if there are none."""
    if not articles:
        return 0.0
    errors = [calibration.spun_share(article.suspected_share) / article.garbled_share - 1 for article in articles]
    return float(np.mean(np.abs(errors)))


def _restore_suites(config: CalibrateConfig, checkpoint: Checkpoint) -> dict[str, list[ArticleOutcome]]:
    """Outcomes by suite. Their probabilities are the model's own, since ``Calibration()`` is the identity."""
    suites = [make_suite(suite, config.limit) for suite in config.suites]
    engine = load_engine(config.engine, checkpoint)
    restorer = Restorer(engine, Calibration(), min_confidence=0, max_passage_words=checkpoint.max_passage_words)
    return {
        suite.name: [restore_article(restorer, rows) for rows in track(suite.groups(), suite.name)] for suite in suites
    }


def _fit(articles: Sequence[ArticleOutcome], unseen: Sequence[ArticleOutcome]) -> Calibration:
    """Fit the share of garbled words on the unseen spinners, then confidence and threshold on all articles."""
    floor = round(share_floor(articles), 5)
    shares = Calibration(share_floor=floor, share_rate=round(fit_share_rate(unseen, floor), 3), support=SUPPORT)
    edits = [edit for article in articles for edit in article.edits]
    calibration = fit_logistic(edits, shares)
    clean = [(confidence(calibration, edit), edit.size) for edit in edits if edit.clean]
    spun = [(confidence(calibration, edit), edit.correct) for edit in edits if not edit.clean]
    max_words = MAX_OVER_CORRECTION / 1000 * sum(article.clean_words for article in articles)
    gold_edits = sum(article.gold_edits for article in articles)
    threshold = max(clean_text_threshold(clean, max_words), best_f1_threshold(spun, gold_edits))
    return replace(calibration, threshold=round(threshold, 3))


def _figures(calibration: Calibration, outcomes: Mapping[str, Sequence[ArticleOutcome]]) -> dict[str, Any]:
    """How well the fitted confidences match the share of correct edits, over all suites and by suite."""
    by_suite = {
        name: [(confidence(calibration, edit), edit.correct) for article in articles for edit in article.edits]
        for name, articles in outcomes.items()
    }
    confidences = list(chain.from_iterable(by_suite.values()))
    return {
        "edits": len(confidences),
        "expected_calibration_error": expected_calibration_error(confidences),
        "by_suite": {
            name: {"edits": len(suite), "expected_calibration_error": expected_calibration_error(suite)}
            for name, suite in by_suite.items()
        },
        "reliability": reliability_table(confidences),
    }


def _store(file: Path, calibration: Calibration, figures: dict[str, Any]) -> None:
    record = json.loads(file.read_text(encoding="utf-8"))
    record |= {"calibration": asdict(calibration), "calibrated_on": figures}
    write_atomic(file, (json.dumps(record, indent=2) + "\n").encode())
