"""Metrics: worked by hand on small cases, and without network."""

import pytest
from unspin.evaluation.metrics import chrf, compute_figures, count_row, find_lost_fact, sum_counts

SPUN = "The overseas minister stated the warfare ended."
ORIGINAL = "The foreign minister said the war ended."
CLEAN = "One two three four five."


def test_edits_are_correct_only_with_span_and_replacement() -> None:
    counts = count_row(
        SPUN, "The foreign minister claimed the warfare ended.", [ORIGINAL]
    )  # one right, one wrong, one missed
    assert (counts.correct, counts.proposed, counts.gold) == (1, 2, 3)
    scores = compute_figures(counts)
    assert scores["precision"] == pytest.approx(1 / 2)
    assert scores["recall"] == pytest.approx(1 / 3)
    assert scores["f0.5"] == pytest.approx(1.25 * (1 / 2) * (1 / 3) / (0.25 / 2 + 1 / 3))
    assert scores["restoration"] == pytest.approx(1 / 3)


def test_over_correction_counts_clean_rows_only() -> None:
    rows = [count_row(CLEAN, "One two three 4 five.", [CLEAN]), count_row(SPUN, ORIGINAL, [ORIGINAL])]
    assert compute_figures(sum_counts(rows))["over_correction"] == pytest.approx(200)


@pytest.mark.parametrize(
    ("prediction", "damaged"),
    [
        (SPUN, 0),
        (ORIGINAL, 0),
        ("A overseas minister stated the warfare ended.", 1),
        ("The overseas minister stated the warfare was over.", 1),
        ("The foreign ministers said a war ended.", 2),
        ("The alien minister claimed the strife ended.", 0),
    ],
)
def test_damage_is_done_to_sound_words_only(prediction: str, damaged: int) -> None:
    """Three of the seven words are garbled; a wrong guess at those is no damage."""
    counts = count_row(SPUN, prediction, [ORIGINAL])
    assert (counts.damaged_words, counts.sound_words) == (damaged, 4)
    assert compute_figures(counts)["damage"] == 1000 * damaged / 4
    assert count_row(ORIGINAL, prediction, [ORIGINAL]).sound_words == 0, "clean text has a figure of its own"


def test_exact_counts_texts_that_are_the_reference() -> None:
    assert compute_figures(sum_counts([count_row("a", "b", ["b"]), count_row("a", "c", ["b"])]))["exact"] == 0.5


@pytest.mark.parametrize(
    ("prediction", "lost"),
    [
        (ORIGINAL, ""),
        ("The foreign minister said the war never ended.", "polarity"),
        ("The foreign minister said 2 wars ended.", "a number"),
    ],
)
def test_a_changed_fact_is_a_violation(prediction: str, lost: str) -> None:
    assert find_lost_fact(SPUN, prediction) == lost
    assert compute_figures(count_row(SPUN, prediction, [ORIGINAL]))["violations"] == (1000 if lost else 0)


def test_listed_facts_may_take_any_of_their_forms_as_whole_words() -> None:
    facts = [["two", "2"], ["did not", "didn't"]]
    assert find_lost_fact("", "Both of the 2 didn't come.", facts) == ""
    assert find_lost_fact("", "All 22 did not come.", facts) == "two"
    assert find_lost_fact("", "The two did come.", facts) == "did not"


def test_the_best_reference_counts() -> None:
    other = "The foreign minister declared the war ended."
    counts = count_row(SPUN, other, [ORIGINAL, other])
    assert (counts.correct, counts.proposed, counts.gold, counts.exact) == (3, 3, 3, 1)


def test_copying_the_input_restores_nothing_and_the_original_everything() -> None:
    copied, restored = (compute_figures(count_row(SPUN, prediction, [ORIGINAL])) for prediction in (SPUN, ORIGINAL))
    assert copied["restoration"] == copied["recall"] == copied["f0.5"] == 0
    assert restored["restoration"] == restored["f0.5"] == restored["exact"] == 1


def test_chrf_names_its_signature_and_takes_rows_with_different_numbers_of_references() -> None:
    scores = chrf([ORIGINAL, CLEAN], [[ORIGINAL], ["Six.", CLEAN]])
    assert scores["chrf"] == pytest.approx(100)
    assert "nrefs:2" in scores["signature"] and "version:" in scores["signature"]
