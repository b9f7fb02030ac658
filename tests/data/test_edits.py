"""Edits: align and apply are inverse, and edits are the minimal ones a reader would mark."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.data.edits import Edit, align, apply, invert

texts = st.text(alphabet=st.sampled_from("abc ,.\n’'“”é1-"), max_size=30) | st.text(max_size=20)


@given(texts, texts)
def test_applying_the_alignment_gives_the_target(source: str, target: str) -> None:
    assert apply(source, align(source, target)) == target


@given(texts, texts)
def test_inverted_edits_lead_back(source: str, target: str) -> None:
    edits = align(source, target)
    assert apply(apply(source, edits), invert(source, edits)) == source


@given(texts)
def test_equal_texts_have_no_edits(text: str) -> None:
    assert align(text, text) == []


def test_words_are_replaced_whole_and_neighbours_merge() -> None:
    source = "Deputy overseas pastor says firms exited owing to the row."
    target = "Deputy foreign minister says firms left because of the row."
    assert align(source, target) == [Edit(7, 22, "foreign minister"), Edit(34, 49, "left because of")]


def test_an_inserted_word_touches_nothing_else() -> None:
    (edit,) = align("in the end of year", "in the end of the year")
    assert (edit.start, edit.end, edit.replacement.strip()) == (14, 14, "the")


def test_overlapping_edits_are_refused() -> None:
    with pytest.raises(ValueError, match="overlaps"):
        apply("abcdef", [Edit(0, 3, "x"), Edit(2, 4, "y")])
