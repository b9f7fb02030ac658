"""Fits what turns a model's probability of an edit into its confidence, the threshold that keeps clean text clean, and the share of garbled words.

On held-back texts, an edit counts as right if the original has it, span and replacement. The logistic (Platt 1999) is fitted on the edits of
all suites, spun and clean. The threshold is that of the best edit F1 on the spun rows (not F0.5: a synonym that an editor would accept counts as
wrong, so precision is better than it looks), but never so low that clean text would lose more words than allowed. The share of garbled words
is fitted on spinners that no model is trained on, since such are what users meet. All of it is written into ``unspin.json``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from unspin.data.edits import Edit, align, touched
from unspin.data.errors import UnspinError
from unspin.infer.checkpoint import Calibration, Checkpoint, features
from unspin.infer.engines import load_engine
from unspin.infer.proposals import Proposal
from unspin.infer.restorer import Restorer
from unspin.train.benchmark.suites import Row, make
from unspin.train.config import CalibrateConfig
from unspin.train.metrics import f_score

ALLOWED = 1.0  # words changed per 1,000 of clean text
SUPPORT = 0.5  # chosen on the validation articles among 0, 0.3, 0.5 and 0.6
BINS = 10
RATES = np.geomspace(0.5, 20, 400)


class CalibrationError(UnspinError):
    """A model that cannot be calibrated; the checkpoint stays as it was."""


@dataclass(frozen=True)
class Judged:
    """An edit of a held-back text: the model's probability, the share of the article's words it suspects, words touched; whether it is right.

    `clean`: whether the text needed none.
    """

    probability: float
    suspected: float
    size: int
    right: bool
    clean: bool = False


@dataclass(frozen=True)
class Article:
    """What the model makes of a held-back article: its edits, the share of words it suspects and the share that is garbled.

    `due` counts the edits that lead to the original, `clean_words` the words of texts that need none.
    """

    edits: tuple[Judged, ...]
    suspected: float
    garbled: float
    words: int
    clean_words: int
    due: int


def main(config: CalibrateConfig) -> dict[str, Any]:
    """Calibrate the checkpoint named in the config on the suites named there; returns and stores the figures.

    Raises `CalibrationError` for a model that proposes no edit, `SuiteError` for a suite without rows.
    """
    from rich.progress import track

    checkpoint = Checkpoint.open(config.checkpoint)
    suites = [make(suite, config.limit) for suite in config.suites]
    restorer = Restorer(load_engine(config.engine, checkpoint, print), Calibration(), min_confidence=0, passage=checkpoint.passage)
    found = {suite.name: [judge(restorer, rows) for rows in track(list(suite.articles()), description=suite.name)] for suite in suites}
    articles = [article for read in found.values() for article in read]
    edits = [edit for article in articles for edit in article.edits]
    if not edits:
        raise CalibrationError(f"{checkpoint.folder} proposes no edit on {', '.join(found)}: train it longer, or raise limit")
    unseen = [article for name in dict.fromkeys(config.unseen) for article in found[name] if article.garbled]
    if not unseen or not any(article.clean_words for article in articles):
        lacking = "clean text" if unseen else f"spun text in {', '.join(config.unseen)}"
        raise CalibrationError(f"the suites hold no {lacking}: name some, or raise limit")
    floor = round(clean_share(articles), 5)
    shares = Calibration(share_floor=floor, share_rate=round(share_rate(unseen, floor), 3), support=SUPPORT)
    calibration = _with_threshold(fit(edits, shares), articles)
    sure = {name: [(confidence(calibration, edit), edit.right) for article in read for edit in article.edits] for name, read in found.items()}
    figures = {
        "edits": len(edits),
        "expected_calibration_error": expected_error([edit for judged in sure.values() for edit in judged]),
        "by_suite": {name: {"edits": len(judged), "expected_calibration_error": expected_error(judged)} for name, judged in sure.items()},
        "share_error": round(share_error(calibration, unseen), 4),
        "reliability": reliability([edit for judged in sure.values() for edit in judged]),
    }
    _store(checkpoint.folder / "unspin.json", calibration, figures)
    return asdict(calibration) | figures


def confidence(calibration: Calibration, edit: Judged) -> float:
    return calibration.confidence(edit.probability, edit.suspected, edit.size)


def judge(restorer: Restorer, rows: Sequence[Row]) -> Article:
    """What a restorer with no threshold makes of an article; the probability of an edit is the restorer's confidence."""
    restored = restorer.restore_sentences([row.spun for row in rows])
    edits = []
    garbled = count = clean = due = 0
    for row, sentence in zip(rows, restored.sentences, strict=True):
        wanted = set(align(row.spun, row.references[0]))
        spun, total = touched(row.spun, sorted((edit.start, edit.end) for edit in wanted))
        garbled, count, due = garbled + spun, count + total, due + len(wanted)
        clean += 0 if wanted else total
        for edit, probability in sentence.edits:
            right = Edit(edit.start, edit.end, edit.replacement) in wanted
            edits.append(Judged(probability, restored.suspected, Proposal(edit, probability).size(sentence.source), right, not wanted))
    return Article(tuple(edits), restored.suspected, garbled / max(count, 1), count, clean, due)


def _with_threshold(calibration: Calibration, articles: Sequence[Article]) -> Calibration:
    edits = [edit for article in articles for edit in article.edits]
    clean = [(confidence(calibration, edit), edit.size) for edit in edits if edit.clean]
    spun = [(confidence(calibration, edit), edit.right) for edit in edits if not edit.clean]
    allowed = ALLOWED / 1000 * sum(article.clean_words for article in articles)
    least = max(threshold(clean, allowed), best_threshold(spun, sum(article.due for article in articles)))
    return replace(calibration, threshold=round(least, 3))


def fit(judged: Sequence[Judged], shares: Calibration, steps: int = 30) -> Calibration:
    """Logistic regression of being right on the features of an edit, by Newton's method with a slight ridge; `shares` estimates spun shares."""
    seen = np.array([[*features(edit.probability, shares.spun_share(edit.suspected), edit.size), 1.0] for edit in judged])
    right = np.array([edit.right for edit in judged], dtype=float)
    weights = np.zeros(4)  # from far off Newton overshoots
    for _ in range(steps):
        chance = 1 / (1 + np.exp(-seen @ weights))
        gradient = seen.T @ (right - chance)
        curvature = (seen * (chance * (1 - chance))[:, None]).T @ seen + 1e-3 * np.eye(4)
        weights = weights + np.linalg.solve(curvature, gradient)
    slope, spun_weight, size_weight, intercept = map(float, weights)
    return replace(shares, slope=slope, spun_weight=spun_weight, size_weight=size_weight, intercept=intercept)


def threshold(sure: Sequence[tuple[float, int]], allowed: float) -> float:
    """The least confidence at which edits of clean text, (confidence, words touched), touch no more than `allowed` words."""
    touched_words = 0.0
    for confidence, size in sorted(sure, reverse=True):
        touched_words += size
        if touched_words > allowed:
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


def clean_share(articles: Sequence[Article]) -> float:
    """The share of the words of clean articles that the model suspects."""
    clean = [article for article in articles if not article.due]
    return float(np.average([article.suspected for article in clean], weights=[article.words for article in clean])) if clean else 0.0


def share_rate(articles: Sequence[Article], floor: float) -> float:
    """How many garbled words stand behind each suspected one: the rate at which the estimated shares of spun articles err least."""
    return float(min(RATES, key=lambda rate: share_error(Calibration(share_floor=floor, share_rate=rate), articles)))


def share_error(calibration: Calibration, articles: Sequence[Article]) -> float:
    """By how much of the true share of garbled words the estimate is off, on average over spun articles."""
    return float(np.mean([abs(calibration.spun_share(article.suspected) / article.garbled - 1) for article in articles])) if articles else 0.0


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
