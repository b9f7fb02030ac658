"""Calibration: a known logistic is found again, the threshold keeps the promise, the error is that of the tables."""

import math
import re
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from unspin.infer.checkpoint import Calibration, Checkpoint
from unspin.infer.engines import Rewriting
from unspin.train import calibrate
from unspin.train.calibrate import (
    Article,
    CalibrationError,
    Judged,
    best_threshold,
    clean_share,
    expected_error,
    fit,
    share_error,
    share_rate,
    threshold,
)
from unspin.train.config import CalibrateConfig


class _Copy:
    def rewrite(self, texts: Sequence[str]) -> list[Rewriting]:
        return [Rewriting(text, (len(text),), (0.0, 0.0)) for text in texts]


def _config(adapter: Path, data: Path) -> CalibrateConfig:
    spun = {"kind": "data", "name": "spun", "data": data, "split": "validation"}
    clean = {"kind": "clean", "name": "clean", "data": data, "split": "validation"}
    return CalibrateConfig.model_validate({"checkpoint": str(adapter), "suites": [spun, clean], "unseen": ["spun"], "limit": 8})


def test_a_model_that_only_copies_is_named(pairs: Path, tiny_adapter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "load_engine", lambda *_: _Copy())
    before = (tiny_adapter / "unspin.json").read_bytes()
    with pytest.raises(CalibrationError, match="proposes no edit"):
        calibrate.main(_config(tiny_adapter, pairs))
    assert (tiny_adapter / "unspin.json").read_bytes() == before


class _Overseas:
    """Restores one word, in doubt about another."""

    def rewrite(self, texts: Sequence[str]) -> list[Rewriting]:
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Rewriting:
        words = re.findall(r"\s*\S+", text.replace("a", "e", 1))
        ends = tuple(accumulate(map(len, words)))
        return Rewriting("".join(words), ends, (*(math.log(0.9) for _ in words), 0.0))


def test_what_is_fitted_is_stored_suite_by_suite(pairs: Path, tiny_adapter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "load_engine", lambda *_: _Overseas())
    figures = calibrate.main(_config(tiny_adapter, pairs))
    stored = Checkpoint.open(str(tiny_adapter)).calibration
    assert 0.1 <= stored.share_floor < 0.5 and stored.share_rate == figures["share_rate"]  # a tenth of every word is doubted, and one is changed
    assert figures["by_suite"].keys() == {"spun", "clean"} and figures["by_suite"]["clean"]["edits"] > 0
    assert figures["threshold"] > 0


def test_a_suite_that_is_not_there_cannot_be_the_unseen_one(pairs: Path) -> None:
    suite = {"kind": "data", "name": "spun", "data": pairs}
    with pytest.raises(ValidationError, match="no suite is called heads: there are spun"):
        CalibrateConfig.model_validate({"checkpoint": "x", "suites": [suite], "unseen": ["heads"]})


def test_the_share_of_garbled_words_is_found_again() -> None:
    spun = [_article(suspected, 1 - math.exp(-3 * (suspected - 0.01))) for suspected in (0.02, 0.05, 0.1, 0.3)]
    clean = [_article(0.005, 0.0, words=300), _article(0.025, 0.0, words=100)]
    floor = clean_share([*spun, *clean])
    assert floor == pytest.approx(0.01)
    calibration = Calibration(share_floor=floor, share_rate=share_rate(spun, floor))
    assert calibration.share_rate == pytest.approx(3, rel=0.02)
    assert share_error(calibration, spun) < 0.02
    assert calibration.spun_share(0.008) == 0.0 and calibration.spun_share(1.0) <= 1.0


def _article(suspected: float, garbled: float, words: int = 200) -> Article:
    return Article((), suspected, garbled, words, 0 if garbled else words, 1 if garbled else 0)


def test_a_known_logistic_is_found_again() -> None:
    random = np.random.default_rng(1)
    probability = random.uniform(0.01, 0.99, 20_000)
    suspected = random.uniform(0.0, 0.2, 20_000)
    shares = Calibration(share_floor=0.01, share_rate=2)
    spun = np.array([min(shares.spun_share(share), 0.1) for share in suspected])  # beyond a tenth more of it says no more
    chance = 1 / (1 + np.exp(-(0.7 * np.log(probability / (1 - probability)) + 0.4 * np.log(spun + 0.003) + 1.5)))
    right = random.uniform(size=20_000) < chance
    fitted = fit([Judged(p, s, 2, r) for p, s, r in zip(probability, suspected, right, strict=True)], shares)
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


def test_suites_that_hold_no_clean_text_are_refused(pairs: Path, tiny_adapter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "load_engine", lambda *_: _Overseas())
    config = _config(tiny_adapter, pairs)
    with pytest.raises(CalibrationError, match="no clean text"):
        calibrate.main(config.model_copy(update={"suites": config.suites[:1]}))
    with pytest.raises(CalibrationError, match="no spun text in clean"):
        calibrate.main(config.model_copy(update={"unseen": ("clean",)}))


def test_two_suites_of_one_name_are_refused(pairs: Path) -> None:
    suite = {"kind": "data", "name": "spun", "data": pairs}
    with pytest.raises(ValidationError, match="a name of its own"):
        CalibrateConfig.model_validate({"checkpoint": "x", "suites": [suite, suite], "unseen": ["spun"]})
