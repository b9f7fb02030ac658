"""Calibration: known parameters are recovered, thresholds hold, unusable models and suites are refused."""

import math
import re
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest
from unspin.evaluation import calibrate
from unspin.evaluation.calibrate import (
    CalibrationError,
    best_f1_threshold,
    clean_text_threshold,
    fit_logistic,
    fit_share_rate,
    share_error,
    share_floor,
)
from unspin.evaluation.config import CalibrateConfig
from unspin.evaluation.outcomes import ArticleOutcome, EditOutcome
from unspin.infer.confidence import Calibration
from unspin.infer.engines.base import Engine, Rewriting
from unspin.infer.models.checkpoint import Checkpoint


class Copier(Engine):
    """An engine that returns its input with certainty."""

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        return [Rewriting(text, (len(text),), (0.0, 0.0)) for text in sentences]

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        return []


class Doubter(Copier):
    """An engine that changes the first "a" of a sentence to "e" and gives every word a probability of 0.9."""

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        return [self._rewrite(sentence) for sentence in sentences]

    def _rewrite(self, sentence: str) -> Rewriting:
        words = re.findall(r"\s*\S+", sentence.replace("a", "e", 1))
        ends = tuple(accumulate(map(len, words)))
        return Rewriting("".join(words), ends, (*(math.log(0.9) for _ in words), 0.0))


def _config(adapter: Path, data: Path) -> CalibrateConfig:
    spun = {"kind": "data", "name": "spun", "data": data, "split": "validation"}
    clean = {"kind": "clean", "name": "clean", "data": data, "split": "validation"}
    return CalibrateConfig.model_validate(
        {"checkpoint": str(adapter), "suites": [spun, clean], "unseen": ["spun"], "limit": 8}
    )


def test_a_model_that_only_copies_is_refused_and_unchanged(
    pairs: Path, tiny_adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrate, "load_engine", lambda *_: Copier())
    before = (tiny_adapter / "unspin.json").read_bytes()
    with pytest.raises(CalibrationError, match="proposes no edit"):
        calibrate.main(_config(tiny_adapter, pairs))
    assert (tiny_adapter / "unspin.json").read_bytes() == before


def test_suites_without_clean_or_spun_text_are_refused(
    pairs: Path, tiny_adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrate, "load_engine", lambda *_: Doubter())
    config = _config(tiny_adapter, pairs)
    with pytest.raises(CalibrationError, match="no clean text"):
        calibrate.main(config.model_copy(update={"suites": config.suites[:1]}))
    with pytest.raises(CalibrationError, match="no spun text in clean"):
        calibrate.main(config.model_copy(update={"unseen": ("clean",)}))


def test_calibration_and_figures_are_stored(pairs: Path, tiny_adapter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "load_engine", lambda *_: Doubter())
    figures = calibrate.main(_config(tiny_adapter, pairs))
    stored = Checkpoint.open(str(tiny_adapter)).calibration
    # A tenth of every word's probability is missing, and one word per sentence is changed.
    assert 0.1 <= stored.share_floor < 0.5
    assert stored.share_rate == figures["share_rate"] and stored.threshold == figures["threshold"] > 0
    assert figures["by_suite"].keys() == {"spun", "clean"} and figures["by_suite"]["clean"]["edits"] > 0


def test_the_share_of_garbled_words_is_recovered() -> None:
    spun = [_article(suspected, 1 - math.exp(-3 * (suspected - 0.01))) for suspected in (0.02, 0.05, 0.1, 0.3)]
    clean = [_article(0.005, 0.0, words=300), _article(0.025, 0.0, words=100)]
    floor = share_floor([*spun, *clean])
    assert floor == pytest.approx(0.01)
    calibration = Calibration(share_floor=floor, share_rate=fit_share_rate(spun, floor))
    assert calibration.share_rate == pytest.approx(3, rel=0.02)
    assert share_error(calibration, spun) < 0.02
    assert calibration.spun_share(0.008) == 0.0 and calibration.spun_share(1.0) <= 1.0


def _article(suspected: float, garbled: float, words: int = 200) -> ArticleOutcome:
    return ArticleOutcome((), suspected, garbled, words, 0 if garbled else words, 1 if garbled else 0)


def test_a_known_logistic_is_recovered() -> None:
    random = np.random.default_rng(1)
    probability = random.uniform(0.01, 0.99, 20_000)
    suspected = random.uniform(0.0, 0.2, 20_000)
    shares = Calibration(share_floor=0.01, share_rate=2)
    spun = np.array([min(shares.spun_share(share), 0.1) for share in suspected])  # the feature is capped at a tenth
    chance = 1 / (1 + np.exp(-(0.7 * np.log(probability / (1 - probability)) + 0.4 * np.log(spun + 0.003) + 1.5)))
    correct = random.uniform(size=20_000) < chance
    edits = [EditOutcome(p, s, 2, c) for p, s, c in zip(probability, suspected, correct, strict=True)]
    fitted = fit_logistic(edits, shares)
    constant = fitted.intercept + fitted.size_weight * np.log(2)
    assert (fitted.slope, fitted.spun_weight, constant) == pytest.approx((0.7, 0.4, 1.5), abs=0.15)


@pytest.mark.parametrize(
    ("max_words", "passing"), [(0, []), (1, [0.9]), (3, [0.9, 0.8]), (4, [0.9, 0.8, 0.7]), (9, [0.9, 0.8, 0.7, 0.2])]
)
def test_the_clean_text_threshold_lets_no_more_words_through(max_words: int, passing: list[float]) -> None:
    edits = [(0.9, 1), (0.8, 2), (0.7, 1), (0.2, 5)]
    threshold = clean_text_threshold(edits, max_words)
    assert [confidence for confidence, _ in edits if confidence >= threshold] == passing


def test_the_best_f1_threshold_weighs_precision_against_recall() -> None:
    edits = [(0.9, True), (0.8, True), (0.7, False), (0.6, False), (0.5, True), (0.4, False)]
    assert best_f1_threshold(edits, gold_edits=2) == 0.8
    assert best_f1_threshold(edits, gold_edits=9) == 0.5


def test_the_best_f1_threshold_counts_all_edits_of_equal_confidence() -> None:
    tied = [(0.8, True), (0.8, False), (0.8, False), (0.8, False)]
    assert best_f1_threshold([(0.9, True), *tied], gold_edits=2) == 0.9, "with those at 0.8, two of five are correct"
