"""Calibration: a known logistic is found again, the threshold keeps the promise, the error is that of the tables."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from unspin.infer.engines import Rewriting
from unspin.train import calibrate
from unspin.train.calibrate import CalibrationError, Judged, best_threshold, expected_error, fit, threshold
from unspin.train.config import CalibrateConfig


class _Copy:
    def rewrite(self, texts: Sequence[str]) -> list[Rewriting]:
        return [Rewriting(text, (len(text),), (0.0, 0.0)) for text in texts]


def test_a_model_that_only_copies_is_named(pairs: Path, tiny_adapter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "load_engine", lambda *_: _Copy())
    before = (tiny_adapter / "unspin.json").read_bytes()
    with pytest.raises(CalibrationError, match="proposes no edit"):
        calibrate.main(CalibrateConfig(checkpoint=str(tiny_adapter), data=pairs, limit=8))
    assert (tiny_adapter / "unspin.json").read_bytes() == before


def test_a_known_logistic_is_found_again() -> None:
    random = np.random.default_rng(1)
    probability = random.uniform(0.01, 0.99, 20_000)
    spun = random.uniform(0.0, 0.3, 20_000)
    chance = 1 / (1 + np.exp(-(0.7 * np.log(probability / (1 - probability)) + 0.4 * np.log(spun + 0.003) + 1.5)))
    fitted = fit([Judged(p, s, 2, r) for p, s, r in zip(probability, spun, random.uniform(size=20_000) < chance, strict=True)])
    constant = fitted.intercept + fitted.size_weight * np.log(2)
    assert (fitted.slope, fitted.spun_weight, constant) == pytest.approx((0.7, 0.4, 1.5), abs=0.15)


def test_the_threshold_lets_no_more_words_through_than_allowed() -> None:
    sure = [(0.9, 1), (0.8, 2), (0.7, 1), (0.2, 5)]
    for allowed, kept in ((0, []), (1, [0.9]), (3, [0.9, 0.8]), (4, [0.9, 0.8, 0.7]), (9, [0.9, 0.8, 0.7, 0.2])):
        assert [c for c, _ in sure if c >= threshold(sure, allowed)] == kept


def test_the_best_threshold_weighs_precision_against_recall() -> None:
    judged = [(0.9, True), (0.8, True), (0.7, False), (0.6, False), (0.5, True), (0.4, False)]
    assert best_threshold(judged, due=2) == 0.8
    assert best_threshold(judged, due=9) == 0.5


def test_expected_error() -> None:
    assert expected_error([(0.9, True)] * 9 + [(0.9, False)]) == pytest.approx(0)
    assert expected_error([(1.0, False)] * 3 + [(0.05, False)]) == pytest.approx((3 * 1 + 0.05) / 4, abs=1e-4)
