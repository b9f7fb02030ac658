"""Rows: passages keep every sentence, article quotation marks are curled the right way."""

from hypothesis import given
from hypothesis import strategies as st
from unspin.data.rows import Piece, passages, spinner_word_ratio, typeset
from unspin.segment import words


@given(st.lists(st.integers(1, 30), max_size=12), st.integers(0, 60))
def test_passages_hold_every_sentence_once_and_in_order(lengths: list[int], max_words: int) -> None:
    pieces = [Piece(0, i, " ".join([f"w{i}"] * n)) for i, n in enumerate(lengths)]
    joined = list(passages(pieces, max_words, "seed"))
    assert " ".join(p.text for p in joined) == " ".join(p.text for p in pieces)
    assert [p.sentence for p in joined] == sorted({p.sentence for p in joined})
    assert all(len(words(p.text)) <= max(max_words, *lengths) for p in joined)


def test_neighbouring_sentences_are_joined() -> None:
    joined = [len(list(passages([Piece(0, i, "One two.") for i in range(40)], 20, seed))) for seed in range(5)]
    assert all(4 <= count < 40 for count in joined) and len(set(joined)) > 1


def test_without_passages_a_row_is_a_sentence() -> None:
    pieces = [Piece(0, 0, "One here."), Piece(0, 1, "Two there."), Piece(1, 0, "Three.")]
    assert list(passages(pieces, 0)) == pieces


def test_straight_quotation_marks_become_curly_in_the_right_direction() -> None:
    assert typeset("\"We can't,\" he said ('never').") == "“We can’t,” he said (‘never’)."


def test_words_that_spinners_insert_raise_the_ratio() -> None:
    assert spinner_word_ratio("They commenced to exit the apparatus.") > 3
    assert spinner_word_ratio("They began to leave the machine.") == 0
