"""The sentences to restore are English prose; each span lies within the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.infer.article import ArticleDraft
from unspin.infer.documents.base import View
from unspin.infer.prose import MAX_PIECE_CHARACTERS, MAX_SENTENCE_WORDS, prose_sentences, reads_as_english


def test_page_furniture_headings_and_endless_sentences_are_left_alone() -> None:
    endless = "word " * (MAX_SENTENCE_WORDS + 1)
    text = f"Post a Comment\n\nPrevious Post Next Post\n\n{endless}.\n\nThe mayor said so. Then he left."
    assert [text[s.start : s.end] for s in prose_sentences(text)] == ["The mayor said so.", "Then he left."]


@pytest.mark.parametrize("hole", ["😀" * 400, "x" * 1500, "-_" * 700])
def test_a_sentence_of_few_words_and_many_tokens_is_left_alone(hole: str) -> None:
    text = f"The mayor said {hole} so on Monday. Then he left."
    assert [text[s.start : s.end] for s in prose_sentences(text)] == ["Then he left."]
    article = ArticleDraft.from_view(View(text="The mayor said xyzzyxyzzyxyzzyxyzzy" * 3 + " so. Then he left."))
    assert [len(passage) for passage in article.passages(13)] == [1, 1]


@pytest.mark.parametrize(
    "text",
    [
        "Der Bundestag hat am Donnerstag nach langer Debatte beschlossen, die Mittel für den Ausbau der Bahnstrecken "
        "in den kommenden fünf Jahren deutlich zu erhöhen und dafür neue Schulden aufzunehmen.",
        "Le gouvernement a annoncé jeudi une série de mesures pour soutenir les agriculteurs touchés par la "
        "sécheresse, dont une aide directe et un report des charges sociales jusqu'à la fin de l'année.",
        "El presidente dijo el lunes que no habrá cambios en la política fiscal hasta que se conozcan los datos del "
        "próximo trimestre, según fuentes del ministerio que pidieron no ser citadas.",
    ],
)
def test_other_languages_are_recognised(text: str) -> None:
    assert not reads_as_english(text)


def test_garbled_english_passes_as_english() -> None:
    assert reads_as_english(
        "Pointing to the deliberate modifications, which embrace limiting the chief's authorities, he stated his "
        "nation is not taking these steps to please anyone, together with the West, however as a result of our "
        "chief is aware of that."
    )


def test_sentences_in_another_script_are_left_alone() -> None:
    text = "The mayor said so on Monday. Мэр сказал это в понедельник утром. Then he left."
    assert [text[s.start : s.end] for s in prose_sentences(text)] == ["The mayor said so on Monday.", "Then he left."]


def test_an_endless_line_is_split_into_sentences() -> None:
    sentence = "The mayor said so on Monday. "
    text = sentence * (3 * MAX_PIECE_CHARACTERS // len(sentence)) + "x" * (2 * MAX_PIECE_CHARACTERS)
    spans = list(prose_sentences(text))
    assert len(spans) == text.count("Monday") and all(text[s.start : s.end] == sentence.strip() for s in spans)


@given(st.text())
def test_spans_are_in_order_and_within_the_text(text: str) -> None:
    position = 0
    for span in prose_sentences(text):
        assert position <= span.start < span.end <= len(text)
        position = span.end
