"""Rows: passages lose no sentence, typography goes the right way."""

from hypothesis import given
from hypothesis import strategies as st
from unspin.data.rows import Piece, passages, typeset
from unspin.data.segment import words


@given(st.lists(st.integers(1, 30), max_size=12), st.integers(0, 60))
def test_passages_hold_every_sentence_once_and_in_order(lengths: list[int], longest: int) -> None:
    pieces = [Piece(0, i, " ".join([f"w{i}"] * n)) for i, n in enumerate(lengths)]
    joined = list(passages(pieces, longest, "seed"))
    assert " ".join(p.text for p in joined) == " ".join(p.text for p in pieces)
    assert [p.sentence for p in joined] == sorted({p.sentence for p in joined})
    assert all(len(words(p.text)) <= max(longest, *lengths) for p in joined)


def test_without_passages_a_row_is_a_sentence() -> None:
    pieces = [Piece(0, 0, "One here."), Piece(0, 1, "Two there."), Piece(1, 0, "Three.")]
    assert list(passages(pieces, 0)) == pieces


def test_typeset_curls_marks_the_right_way() -> None:
    assert typeset("\"We can't,\" he said ('never').") == "“We can’t,” he said (‘never’)."
