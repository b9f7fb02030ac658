"""Reliability: figures worked by hand, and outcomes that are stored once."""

import math
from pathlib import Path

import pytest
from unspin.evaluation import reliability
from unspin.evaluation.outcomes import ArticleOutcome, EditOutcome
from unspin.evaluation.reliability import expected_calibration_error, load_outcomes, measure_calibration
from unspin.evaluation.suites.base import Row, Suite
from unspin.infer.confidence import Calibration


def _article(*edits: EditOutcome, estimated: float, true: float, clean_words: int = 0, gold: int = 0) -> ArticleOutcome:
    """An article for which the identity calibration estimates that share of garbled words."""
    return ArticleOutcome(edits, -math.log(1 - estimated), true, 100, clean_words, gold)


def test_calibration_figures_by_hand() -> None:
    spun = [
        _article(EditOutcome(0.9, 0, 1, True), EditOutcome(0.6, 0, 1, True), estimated=0.2, true=0.4, gold=3),
        _article(estimated=0.3, true=0.2, gold=1),
    ]
    clean = [_article(EditOutcome(0.6, 0, 2, False, True), estimated=0.01, true=0.0, clean_words=1000)]
    figures = measure_calibration({"spun": spun, "clean": clean}, Calibration(threshold=0.4))
    assert figures["threshold"] == 0.4
    at = {round(row["threshold"], 2): row for row in figures["sweep"]}
    assert (at[0.5]["precision"], at[0.5]["recall"], at[0.5]["over_correction"]) == (pytest.approx(2 / 3), 0.5, 2.0)
    assert (at[0.7]["precision"], at[0.7]["recall"], at[0.7]["over_correction"]) == (1.0, 0.25, 0.0)
    assert figures["by_suite"]["spun"] == {
        "edits": 2,
        "expected_calibration_error": pytest.approx(0.25),
        "estimated_share": pytest.approx(0.25),
        "true_share": pytest.approx(0.3),
        "share_error": pytest.approx(0.5),
    }
    assert figures["by_suite"]["clean"]["share_error"] is None


def test_expected_calibration_error() -> None:
    assert expected_calibration_error([(0.9, True)] * 9 + [(0.9, False)]) == pytest.approx(0)
    error = expected_calibration_error([(1.0, False)] * 3 + [(0.05, False)])
    assert error == pytest.approx((3 * 1 + 0.05) / 4, abs=1e-4)


def test_outcomes_are_stored_once_and_read_back(
    tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restored: list[Suite] = []
    outcomes = [_article(EditOutcome(1 / 3, 0.1, 2, True), estimated=0.2, true=0.4, gold=1)]
    monkeypatch.setattr(reliability, "_restore", lambda _, suite: restored.append(suite) or outcomes)
    suite = Suite("s", (Row("a", "x", ("y",)), Row("a", "x", ("y", "z"))))
    for _ in range(2):
        assert load_outcomes(str(tiny_adapter), [suite], tmp_path / "kept") == {"s": outcomes}
    assert [one.rows for one in restored] == [suite.rows[:1]], "rows with several references are left out"
