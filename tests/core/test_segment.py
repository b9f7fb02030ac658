"""Segmentation: nothing is lost, and boundaries are where a reader would put them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.segment import count_words, paragraphs, quotations, sentences, tokenize, words


@given(st.text())
def test_tokens_concatenate_to_the_text(text: str) -> None:
    assert "".join(tokenize(text)) == text
    assert count_words(text) == len(words(text))


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


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ('He said “no”, then "yes" and «maybe».', ["“no”", '"yes"', "«maybe»"]),
        ("‘It’s the kids’ room,’ he said of ‘it’.", ["‘It’s the kids’", "‘it’"]),
        ("He said 'it isn't so' and left the kids' room at five o'clock.", ["'it isn't so'"]),
        ("He said 'the '90s were good' of the '90s.", ["'the '90s were good'"]),
        ("In the '90s it was rock 'n' roll, the dogs' days.", ["'n'"]),
        ("“It began.\n\n“It ended,” he said.", ["“It began.", "“It ended,”"]),
        ("“It runs\nover a line,” he said.", ["“It runs\nover a line,”"]),
        ("„So,“ he said, ‹so›, »so«.", ["„So,“", "‹so›", "»so«"]),
        ('A 5" nail.\n\nHe said "so".', ['"so"']),
        ("A ‘lone mark, and ‘it’ and „one, and „so“.", ["‘it’", "„so“"]),
    ],
)
def test_quotations_include_their_marks(text: str, quoted: list[str]) -> None:
    assert [text[span.start : span.end] for span in quotations(text)] == quoted


def test_finding_quotations_takes_linear_time() -> None:
    for marks in ('“"', "‘'", "' '", "«»„", "“\n", '"\n'):
        quotations(marks * 50_000)


def test_lone_surrogates_shift_no_offset() -> None:
    text = "One \ud800 here. Two there."
    assert [text[span.start : span.end] for span in sentences(text)] == ["One \ud800 here.", "Two there."]
