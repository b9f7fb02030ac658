"""Whether confidences and the estimated share of garbled words can be trusted, and what other thresholds would cost.

Measuring restores every suite once more, with a minimum confidence of 0. The outcomes are stored, so that this happens
once per checkpoint and suite.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter
from unspin.evaluation.metrics import f_score
from unspin.evaluation.outcomes import ArticleOutcome, restore_article
from unspin.evaluation.suites.base import Suite
from unspin.infer.confidence import Calibration
from unspin.infer.models.checkpoint import Checkpoint
from unspin.infer.restorer import Restorer
from unspin.logs import track
from unspin.storage import write_atomic

THRESHOLDS = tuple(step / 20 for step in range(20))
BINS = 10
_OUTCOMES = TypeAdapter(list[ArticleOutcome])


def load_outcomes(checkpoint_name: str, suites: Iterable[Suite], folder: Path) -> dict[str, list[ArticleOutcome]]:
    """The outcomes of each suite's articles, read from `folder` or computed and stored there.

    Rows with several references are left out. The outcomes' probabilities are the checkpoint's calibrated confidences.
    """
    checkpoint = Checkpoint.open(checkpoint_name)
    outcomes: dict[str, list[ArticleOutcome]] = {}
    for suite in suites:
        single = Suite(suite.name, tuple(row for row in suite.rows if len(row.references) == 1))
        key = json.dumps([checkpoint.digest, asdict(checkpoint.calibration), single.digest])
        file = folder / f"outcomes-{sha256(key.encode()).hexdigest()[:16]}.json"
        if not file.is_file():
            articles = _restore(checkpoint_name, single)
            write_atomic(file, json.dumps([asdict(article) for article in articles]).encode())
        outcomes[suite.name] = _OUTCOMES.validate_python(json.loads(file.read_text(encoding="utf-8")))
    return outcomes


def _restore(checkpoint_name: str, suite: Suite) -> list[ArticleOutcome]:
    restorer = Restorer.from_pretrained(checkpoint_name, min_confidence=0)
    return [restore_article(restorer, rows) for rows in track(suite.groups(), f"confidences: {suite.name}")]


def measure_calibration(outcomes: Mapping[str, Sequence[ArticleOutcome]], calibration: Calibration) -> dict[str, Any]:
    """The calibration section of the results: over all suites and by suite.

    "reliability" and "expected_calibration_error" compare confidences with the share of correct edits, "sweep"
    gives the figures at each threshold.
    """
    articles = list(chain.from_iterable(outcomes.values()))
    confidences = _confidences(articles)
    return {
        "threshold": calibration.threshold,
        "expected_calibration_error": expected_calibration_error(confidences),
        "reliability": reliability_table(confidences),
        "sweep": [_figures_at(threshold, articles) for threshold in THRESHOLDS],
        "by_suite": {name: _suite_figures(suite, calibration) for name, suite in outcomes.items()},
    }


def reliability_table(confidences: Sequence[tuple[float, bool]]) -> list[dict[str, float]]:
    """Edits, given as (confidence, correct), in tenths: their number, mean confidence and share correct ("right")."""
    table = []
    for low in range(BINS):
        rows = [(c, correct) for c, correct in confidences if low <= c * BINS < low + 1 or (low == BINS - 1 and c == 1)]
        if rows:
            confidence, right = (float(np.mean(column)) for column in zip(*rows, strict=True))
            table.append({"edits": len(rows), "confidence": round(confidence, 4), "right": round(right, 4)})
    return table


def expected_calibration_error(confidences: Sequence[tuple[float, bool]]) -> float:
    """Expected calibration error of (confidence, correct) over tenths, 0..1 (Guo et al. 2017, arXiv 1706.04599)."""
    table = reliability_table(confidences)
    error = sum(row["edits"] * abs(row["confidence"] - row["right"]) for row in table)
    return round(error / max(len(confidences), 1), 4)


def _confidences(articles: Sequence[ArticleOutcome]) -> list[tuple[float, bool]]:
    return [(edit.probability, edit.correct) for article in articles for edit in article.edits]


def _figures_at(threshold: float, articles: Sequence[ArticleOutcome]) -> dict[str, float]:
    """Edit precision, recall, F0.5 and over-correction if only edits at or above the threshold are made."""
    made = [edit for article in articles for edit in article.edits if edit.probability >= threshold]
    gold = sum(article.gold_edits for article in articles)
    clean_words = sum(article.clean_words for article in articles)
    correct = sum(edit.correct for edit in made)
    precision, recall = correct / len(made) if made else 1.0, correct / gold if gold else 1.0
    changed_words = sum(edit.size for edit in made if edit.clean)
    return {
        "threshold": threshold,
        "precision": precision,
        "recall": recall,
        "f0.5": f_score(precision, recall, 0.5),
        "over_correction": 1000 * changed_words / clean_words if clean_words else 0.0,
    }


def _suite_figures(articles: Sequence[ArticleOutcome], calibration: Calibration) -> dict[str, float | None]:
    """Figures of one suite. Shares are means over articles, "share_error" the mean relative error of the estimate."""
    confidences = _confidences(articles)
    estimates = [calibration.spun_share(article.suspected_share) for article in articles]
    garbled = [article.garbled_share for article in articles]
    errors = [abs(estimate / true - 1) for estimate, true in zip(estimates, garbled, strict=True) if true]
    return {
        "edits": len(confidences),
        "expected_calibration_error": expected_calibration_error(confidences),
        "estimated_share": float(np.mean(estimates)),
        "true_share": float(np.mean(garbled)),
        "share_error": float(np.mean(errors)) if errors else None,
    }
