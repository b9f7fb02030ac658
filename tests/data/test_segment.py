"""Segmentation loses nothing and cuts where a reader would."""

from hypothesis import given
from hypothesis import strategies as st
from unspin.data.segment import paragraphs, sentences, tokenize, words


@given(st.text())
def test_tokens_concatenate_to_the_text(text: str) -> None:
    assert "".join(tokenize(text)) == text


@given(st.text())
def test_only_white_space_lies_between_paragraphs_and_sentences(text: str) -> None:
    left = list(text)
    for paragraph in paragraphs(text):
        for span in sentences(text[paragraph.start : paragraph.end]):
            for i in range(paragraph.start + span.start, paragraph.start + span.end):
                left[i] = ""
    assert not "".join(left).strip()


def test_abbreviations_and_quotations_do_not_end_a_sentence() -> None:
    text = 'Mr. Hill met Dr. Ames on Jan. 5. He asked: "Why now?" Nobody at the U.N. knew.'
    assert [text[s.start : s.end] for s in sentences(text)] == [
        "Mr. Hill met Dr. Ames on Jan. 5.",
        'He asked: "Why now?"',
        "Nobody at the U.N. knew.",
    ]


def test_contractions_numbers_and_hyphens_are_words() -> None:
    assert words("He didn’t pay £1,200.50 for Anna's well-known cat.") == "He didn’t pay 1,200.50 for Anna 's well-known cat".split()  # fmt: skip
