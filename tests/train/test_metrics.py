"""Metrics: worked by hand on small cases, and with no network."""

import pytest
from unspin.train.metrics import (
    Bleu,
    ChrF,
    EditScore,
    EditScoreBy,
    ExactMatch,
    Fidelity,
    OverCorrection,
    Restoration,
    Sari,
    broken,
    count,
    figures,
    sari,
)

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
def test_damage_is_done_to_sound_words_alone(prediction: str, damaged: int) -> None:
    """Of seven words three are garbled, and a wrong guess at those is no damage."""
    counts = count(SPUN, prediction, [ORIGINAL])
    assert (counts.damaged, counts.sound) == (damaged, 4)
    assert figures(counts)["damage"] == 1000 * damaged / 4
    assert count(ORIGINAL, prediction, [ORIGINAL]).sound == 0, "clean text has its own figure"


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


def test_bleu_names_its_signature() -> None:
    scores = Bleu().compute(predictions=[ORIGINAL], **TEXTS)
    assert scores["bleu"] == pytest.approx(100) and "tok:" in scores["signature"]


def test_sari_by_hand() -> None:
    assert Sari().compute(predictions=[ORIGINAL], **TEXTS)["sari"] == pytest.approx(100)
    # "a b" should be "a c": copying keeps "a" (precision 1/2, recall 1), deletes nothing though "b" should go, adds nothing
    copied = sari("a b", "a b", ["a c"])
    ones = (2 * (0.5 * 1) / 1.5 + 1 + 0) / 3  # what is deleted is right, since nothing is
    twos = (0 + 1 + 0) / 3
    nothing = (1 + 1 + 1) / 3
    assert copied == pytest.approx((ones + twos + 2 * nothing) / 4)
    assert sari("a b", "a c", ["a c"]) == pytest.approx(1) and sari("a b", "d e", ["a c"]) < copied


def test_scores_by_part_of_speech_and_engine() -> None:
    texts = {
        "sources": ["The warfare in Oslo stated that a quick end came."],
        "predictions": ["The war in Oslo said that a quick finish came."],
        "references": ["The war in Oslo reported that a fast end came."],
    }
    places = {"phrases": (4, 11), "thesaurus": (20, 26), "surface": (34, 39)}
    found = EditScoreBy().compute(**texts, edits=[[{"engine": name, "start": start, "end": end} for name, (start, end) in places.items()]])
    assert found["part of speech"]["noun"] == {"precision": 0.5, "recall": 0.5, "f0.5": 0.5}  # "warfare" right, "end" needless, "quick" missed
    nothing_right = {"precision": 0.0, "recall": 0.0, "f0.5": 0.0}
    assert found["part of speech"]["verb"] == found["engine"]["thesaurus"] == nothing_right
    assert found["engine"]["phrases"] == {"precision": 1.0, "recall": 1.0, "f0.5": 1.0}
    assert found["engine"]["surface"]["recall"] == 0 and found["engine"]["none"]["precision"] == 0
