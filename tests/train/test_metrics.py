"""Metrics: worked by hand on small cases, and with no network."""

import pytest
from unspin.train.metrics import ChrF, EditScore, ExactMatch, Fidelity, OverCorrection, Restoration, broken, count, figures

SPUN = "The overseas minister stated the warfare ended."
ORIGINAL = "The foreign minister said the war ended."
TEXTS = {"sources": [SPUN], "references": [ORIGINAL]}


def test_edit_score_counts_exact_spans_and_replacements() -> None:
    prediction = "The foreign minister claimed the warfare ended."  # one right, one wrong, one missed
    scores = EditScore().compute(predictions=[prediction], **TEXTS)
    assert scores["precision"] == pytest.approx(1 / 2)
    assert scores["recall"] == pytest.approx(1 / 3)
    assert scores["f0.5"] == pytest.approx(1.25 * (1 / 2) * (1 / 3) / (0.25 / 2 + 1 / 3))
    assert Restoration().compute(predictions=[prediction], **TEXTS) == {"restoration": pytest.approx(1 / 3)}


def test_over_correction_looks_at_clean_rows_alone() -> None:
    clean = "One two three four five."
    scores = OverCorrection().compute(sources=[clean, SPUN], predictions=["One two three 4 five.", ORIGINAL], references=[clean, ORIGINAL])
    assert scores["over_correction"] == pytest.approx(200)


def test_exact_match() -> None:
    assert ExactMatch().compute(sources=["a", "a"], predictions=["b", "c"], references=["b", "b"])["exact"] == 0.5


@pytest.mark.parametrize(
    ("prediction", "lost"),
    [(ORIGINAL, ""), ("The foreign minister said the war never ended.", "polarity"), ("The foreign minister said 2 wars ended.", "a number")],
)
def test_a_violation_is_a_fact_that_is_another(prediction: str, lost: str) -> None:
    assert broken(SPUN, prediction) == lost
    assert Fidelity().compute(predictions=[prediction], **TEXTS)["violations"] == (1000 if lost else 0)


def test_stated_facts_pass_in_any_of_their_forms_as_whole_words() -> None:
    facts = [["two", "2"], ["did not", "didn't"]]
    assert broken("", "Both of the 2 didn't come.", facts) == ""
    assert broken("", "All 22 did not come.", facts) == "two"
    assert broken("", "The two did come.", facts) == "did not"


def test_the_reference_that_suits_best_counts() -> None:
    due = count(SPUN, "The foreign minister declared the war ended.", [ORIGINAL, "The foreign minister declared the war ended."])
    assert (due.right, due.made, due.due, due.exact) == (3, 3, 3, 1)


def test_copying_the_input_restores_nothing_and_the_original_everything() -> None:
    copied, restored = (figures(count(SPUN, prediction, [ORIGINAL])) for prediction in (SPUN, ORIGINAL))
    assert copied["restoration"] == copied["recall"] == copied["f0.5"] == 0
    assert restored["restoration"] == restored["f0.5"] == restored["exact"] == 1


def test_chrf_names_its_signature() -> None:
    scores = ChrF().compute(predictions=[ORIGINAL], **TEXTS)
    assert scores["chrf"] == pytest.approx(100) and "version:" in scores["signature"]
