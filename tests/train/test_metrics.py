"""Metrics: worked by hand on small cases, and with no network."""

import pytest
from unspin.train.metrics import EditScore, ExactMatch, OverCorrection, score_rows

SPUN = "The overseas minister stated the warfare ended."
ORIGINAL = "The foreign minister said the war ended."


def _row(spun: str, original: str) -> dict[str, object]:
    from unspin.data.edits import align

    edits = [{"start": e.start, "end": e.end, "replacement": e.replacement, "engine": "", "rule": ""} for e in align(spun, original)]
    return {"spun": spun, "original": original, "edits": edits}


def test_edit_score_counts_exact_spans_and_replacements() -> None:
    prediction = "The foreign minister claimed the warfare ended."  # one right, one wrong, one missed
    scores = EditScore().compute(sources=[SPUN], predictions=[prediction], references=[ORIGINAL])
    assert scores["precision"] == pytest.approx(1 / 2)
    assert scores["recall"] == pytest.approx(1 / 3)
    assert scores["f0.5"] == pytest.approx(1.25 * (1 / 2) * (1 / 3) / (0.25 / 2 + 1 / 3))


def test_over_correction_looks_at_clean_rows_alone() -> None:
    clean = "One two three four five."
    scores = OverCorrection().compute(sources=[clean, SPUN], predictions=["One two three 4 five.", ORIGINAL], references=[clean, ORIGINAL])
    assert scores["over_correction"] == pytest.approx(200)


def test_exact_match() -> None:
    assert ExactMatch().compute(sources=["a", "a"], predictions=["b", "c"], references=["b", "b"])["exact"] == 0.5


def test_copying_the_input_restores_nothing_and_the_original_everything() -> None:
    rows = [_row(SPUN, ORIGINAL)]
    assert score_rows(rows, [SPUN])["restoration"] == 0 and score_rows(rows, [SPUN])["recall"] == 0
    assert score_rows(rows, [ORIGINAL])["restoration"] == 1 and score_rows(rows, [ORIGINAL])["f0.5"] == 1
