"""How well a phrase table restores: which sentences are used, and what is fitted on them."""

from collections.abc import Sequence

import pytest
from unspin.data.corpora import Article
from unspin.edits import Edit
from unspin.evaluation.phrases import PER_PHRASE, Case, find_cases, fit
from unspin.infer.confidence import Calibration
from unspin.infer.phrase_table import PhraseTable
from unspin.phrase_lists import PhrasePair

PAIRS = [
    PhrasePair("vapor motor", ("steam engine",)),
    PhrasePair("blaze team", ("fire brigade",)),
    PhrasePair("huge information", ("big data", "much data")),
]
ARTICLE = Article(
    "a",
    "The Steam engine of the mill was repaired last year. A steam engine needs water and much coal. "
    "They had huge information about all of it. A steam engine. The mill has big data and a fire brigade today.",
)


def test_expected_phrases_are_garbled_and_listed_ones_kept() -> None:
    cases, count = find_cases(PAIRS, [ARTICLE])
    assert count == 4  # one sentence is too short
    assert [(case.spun, case.original) for case in cases] == [
        (
            "The Vapor motor of the mill was repaired last year.",
            "The Steam engine of the mill was repaired last year.",
        ),
        ("They had huge information about all of it.", "They had huge information about all of it."),
        (
            "The mill has big data and a blaze team today.",
            "The mill has big data and a fire brigade today.",
        ),
    ]
    assert len({case.for_fit for case in cases}) == 1  # all of one article


def test_an_address_is_no_case() -> None:
    cases, _ = find_cases(
        [PhrasePair("wellbeing", ("health",))], [Article("a", "We read much about it on health.gov today.")]
    )
    assert cases == []


def test_a_phrase_that_is_common_in_clean_text_counts_only_so_often() -> None:
    text = " ".join(f"We had huge information about all of number {number}." for number in range(PER_PHRASE + 5))
    cases, _ = find_cases(PAIRS, [Article("a", text)])
    assert len(cases) == PER_PHRASE


@pytest.mark.parametrize(
    ("output", "is_restored"),
    [("A fire brigade came.", True), ("A Fire-brigade rushed in.", True), ("A fire team came.", False)],
)
def test_a_phrase_is_restored_whatever_happens_beside_it(output: str, is_restored: bool) -> None:
    case = Case("A blaze team came.", Edit(2, 12, "fire brigade"), "blaze team", False)
    assert case.is_restored(output) == is_restored


class Preference:
    """Finds a text better by twenty nats if it has "brigade", and worse by ten if not."""

    def log_ratios(self, sentences: Sequence[str], texts: Sequence[str]) -> list[float]:
        return [20.0 if "brigade" in text else -10.0 for text in texts]


def test_right_edits_get_a_high_confidence_and_wrong_ones_a_low_one() -> None:
    cases = [
        Case("A blaze team came.", Edit(2, 12, "fire brigade"), "blaze team", True),
        Case("They had huge information.", None, "huge information", True),
    ]
    slope, intercept = fit(cases, PhraseTable(PAIRS), Preference())  # type: ignore[arg-type]
    calibration = Calibration(phrase_slope=slope, phrase_intercept=intercept)
    assert calibration.phrase_confidence(20) > 0.95 and calibration.phrase_confidence(-10) < 0.05
