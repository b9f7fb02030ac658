"""Calibration: a known logistic is found again, the threshold keeps the promise, the error is that of the tables."""

import numpy as np
import pytest
from unspin.train.calibrate import expected_error, fit, threshold


def test_a_known_logistic_is_found_again() -> None:
    random = np.random.default_rng(1)
    probability = random.uniform(0.01, 0.99, 20_000)
    chance = 1 / (1 + np.exp(-(0.7 * np.log(probability / (1 - probability)) - 0.5)))
    fitted = fit(list(zip(probability.tolist(), (random.uniform(size=20_000) < chance).tolist(), strict=True)))
    assert (fitted.slope, fitted.intercept) == (pytest.approx(0.7, abs=0.05), pytest.approx(-0.5, abs=0.05))


def test_the_threshold_lets_no_more_words_through_than_allowed() -> None:
    sure = [(0.9, 1), (0.8, 2), (0.7, 1), (0.2, 5)]
    for allowed, kept in ((0, []), (1, [0.9]), (3, [0.9, 0.8]), (4, [0.9, 0.8, 0.7]), (9, [0.9, 0.8, 0.7, 0.2])):
        assert [c for c, _ in sure if c >= threshold(sure, allowed)] == kept


def test_expected_error() -> None:
    assert expected_error([(0.9, True)] * 9 + [(0.9, False)]) == pytest.approx(0)
    assert expected_error([(1.0, False)] * 3 + [(0.05, False)]) == pytest.approx((3 * 1 + 0.05) / 4, abs=1e-4)
