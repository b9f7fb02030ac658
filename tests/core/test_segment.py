"""Segmentation: nothing is lost, and boundaries are where a reader would put them."""

from hypothesis import given
from hypothesis import strategies as st
from unspin.segment import paragraphs, quotations, sentences, tokenize, words


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


def test_contractions_numbers_and_hyphenated_words_are_words() -> None:
    text = "He didn’t pay £1,200.50 for Anna's well-known cat."
    assert words(text) == ["He", "didn’t", "pay", "1,200.50", "for", "Anna", "'s", "well-known", "cat"]


def test_quotations_include_their_marks() -> None:
    text = 'He said “no”, then "yes" and “perhaps.'
    assert [text[span.start : span.end] for span in quotations(text)] == ["“no”", '"yes"']


def test_lone_surrogates_shift_no_offset() -> None:
    text = "One \ud800 here. Two there."
    assert [text[span.start : span.end] for span in sentences(text)] == ["One \ud800 here.", "Two there."]
