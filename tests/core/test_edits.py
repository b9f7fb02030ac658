"""Edits: `align` and `apply` are inverse, and edits are the minimal ones that a reader would mark."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.edits import (
    Edit,
    align,
    apply,
    count_touched_words,
    invert,
    select_non_overlapping,
    split_by_word,
    target_spans,
)
from unspin.segment import words

texts = st.text(alphabet=st.sampled_from("abc ,.\n’'“”é1-"), max_size=30) | st.text(max_size=20)


@given(texts, texts)
def test_applying_the_alignment_gives_the_target(source: str, target: str) -> None:
    assert apply(source, align(source, target)) == target


@given(texts, texts)
def test_inverted_edits_restore_the_source(source: str, target: str) -> None:
    edits = align(source, target)
    assert apply(apply(source, edits), invert(source, edits)) == source


@given(texts)
def test_equal_texts_have_no_edits(text: str) -> None:
    assert align(text, text) == []


def test_whole_words_are_replaced_and_neighbouring_edits_merged() -> None:
    source = "Deputy overseas pastor says firms exited owing to the row."
    target = "Deputy foreign minister says firms left because of the row."
    assert align(source, target) == [Edit(7, 22, "foreign minister"), Edit(34, 49, "left because of")]


@pytest.mark.parametrize(
    ("source", "target", "edit"),
    [
        ("one  two", "one two", Edit(4, 5, "")),
        ("one  two", "one   two", Edit(5, 5, " ")),
        ("one \t\n\ntwo", "one\r\t\n\ntwo", Edit(3, 4, "\r")),
        ("a sister", "the minister", Edit(0, 8, "the minister")),
        ("my sister", "my\nminister", Edit(2, 9, "\nminister")),
        ("vitamin A", "group 2A", Edit(0, 9, "group 2A")),
    ],
)
def test_an_edit_covers_whole_words_and_only_the_white_space_that_changes(source: str, target: str, edit: Edit) -> None:
    assert align(source, target) == [edit]


def test_an_insertion_replaces_no_characters() -> None:
    (edit,) = align("in the end of year", "in the end of the year")
    assert (edit.start, edit.end, edit.replacement.strip()) == (14, 14, "the")


@pytest.mark.parametrize(
    "edits", [[Edit(0, 3, "x"), Edit(2, 4, "y")], [Edit(4, 5, "x"), Edit(0, 1, "y")], [Edit(5, 7, "x")]]
)
def test_overlapping_unsorted_and_outlying_edits_are_refused(edits: list[Edit]) -> None:
    with pytest.raises(ValueError, match="overlaps the edit before it or lies outside the text of 6 characters"):
        apply("abcdef", edits)


def test_target_spans_shift_by_what_the_edits_before_them_add_and_remove() -> None:
    edits = [Edit(0, 3, "longer"), Edit(4, 7, "x"), Edit(9, 9, "new")]
    assert target_spans(edits) == [(0, 6), (7, 8), (10, 13)]


@given(texts, texts)
def test_target_spans_hold_the_replacements(source: str, target: str) -> None:
    edits = align(source, target)
    assert [target[start:end] for start, end in target_spans(edits)] == [edit.replacement for edit in edits]


@given(texts, texts)
def test_splitting_edits_by_word_keeps_their_effect(source: str, target: str) -> None:
    pieces = [piece for edit in align(source, target) for piece in split_by_word(source, edit)]
    assert apply(source, pieces) == target


def test_only_edits_that_replace_word_for_word_are_split() -> None:
    text = "overseas pastor quits"
    assert split_by_word(text, Edit(0, 15, "foreign minister")) == [Edit(0, 8, "foreign"), Edit(9, 15, "minister")]
    assert split_by_word("a bad red car", Edit(2, 9, "good red")) == [Edit(2, 5, "good")]


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        ("overseas pastor quits", Edit(0, 15, "minister")),
        ("It drove (fast) home.", Edit(9, 15, "too fast")),
        ("It drove too fast home.", Edit(9, 17, "(fast)")),
    ],
    ids=["fewer words", "marks for white space", "white space for marks"],
)
def test_other_edits_stay_whole(text: str, edit: Edit) -> None:
    assert split_by_word(text, edit) == [edit]


def test_the_first_of_overlapping_candidates_is_selected() -> None:
    first, overlapping, before = Edit(4, 8, "a"), Edit(6, 9, "b"), Edit(0, 4, "c")
    assert select_non_overlapping([first, overlapping, before, first]) == [before, first]


def test_candidates_that_touch_or_stand_apart_are_all_selected() -> None:
    candidates = [Edit(4, 8, "a"), Edit(0, 2, "b"), Edit(3, 4, "c"), Edit(8, 9, "d"), Edit(11, 12, "e")]
    assert select_non_overlapping(candidates) == sorted(candidates)


def test_an_insertion_is_selected_once() -> None:
    insertion = Edit(3, 3, "a")
    assert select_non_overlapping([insertion, insertion]) == [insertion]


def test_words_that_a_span_overlaps_are_counted_once() -> None:
    text = "one two, three four"
    assert count_touched_words(text, [(1, 2), (2, 5), (7, 8)]) == (2, 4)
    assert count_touched_words(text, [(0, 4), (4, 7)]) == (2, 4)
    assert count_touched_words(text, [(3, 4), (7, 9)]) == (0, 4)
    assert count_touched_words(text, [(5, 6)]) == (1, 4)
    assert count_touched_words(text, []) == (0, 4)


@given(texts)
def test_a_span_over_the_text_touches_every_word(text: str) -> None:
    assert count_touched_words(text, [(0, len(text))]) == (len(words(text)), len(words(text)))
