"""Word classes: the derived sets decide what spinners replace, so a changed size means changed data sets."""

import pytest
from unspin.english import word_classes
from unspin.english.word_classes import (
    AUXILIARIES,
    CLOSED_CLASS,
    COMMONEST,
    ENGLISH_MARKERS,
    FIRST_TO_TENTH,
    IMMUTABLE,
    MONTHS,
    NOT_FUNCTION_WORDS,
    ONE_TO_NINETEEN,
    PERSONAL_PRONOUNS,
    TENS,
    WEEKDAYS,
)

CLASSES = {name: words for name, words in vars(word_classes).items() if isinstance(words, frozenset)}


@pytest.mark.parametrize("name", CLASSES)
def test_words_are_lower_case_and_single(name: str) -> None:
    assert CLASSES[name]
    assert all(word.isalpha() and word.islower() for word in CLASSES[name])


def test_derived_sets_keep_their_sizes() -> None:
    derived = (IMMUTABLE, COMMONEST, CLOSED_CLASS, ENGLISH_MARKERS, NOT_FUNCTION_WORDS)
    assert [len(words) for words in derived] == [166, 32, 143, 42, 105]


def test_complete_series_are_complete() -> None:
    assert (len(WEEKDAYS), len(MONTHS)) == (7, 12)
    assert (len(ONE_TO_NINETEEN), len(TENS), len(FIRST_TO_TENTH)) == (19, 8, 10)


def test_derived_sets_agree_with_one_another() -> None:
    assert COMMONEST <= IMMUTABLE
    assert not NOT_FUNCTION_WORDS & (AUXILIARIES | PERSONAL_PRONOUNS | CLOSED_CLASS)
