"""Drafts: sentences keep their places, passages hold every sentence once."""

from hypothesis import given
from hypothesis import strategies as st
from unspin.infer.article import ArticleDraft, DocumentDraft, SentenceDraft
from unspin.infer.proposals import SentenceProposals
from unspin.segment import Span


@given(st.text(alphabet="ab .\n\t\u00a0", min_size=1), st.integers(0, 5))
def test_a_sentence_has_single_spaces_and_keeps_the_places_of_its_characters(text: str, start: int) -> None:
    article = "x" * start + text
    sentence = SentenceDraft.from_span(article, Span(start, len(article)))
    assert len(sentence.offsets) == len(sentence.text) + 1 and sentence.offsets[-1] == len(article)
    assert sentence.text == "".join(" " if article[i].isspace() else article[i] for i in sentence.offsets[:-1])
    assert "  " not in sentence.text and sentence.text.split() == text.split()


@given(st.lists(st.integers(1, 20), max_size=10), st.integers(0, 40))
def test_passages_hold_every_sentence_once_and_in_order(lengths: list[int], max_words: int) -> None:
    sentences = [SentenceDraft(" ".join([f"word{i}"] * n)) for i, n in enumerate(lengths)]
    passages = list(ArticleDraft(sentences).passages(max_words))
    assert [id(sentence) for passage in passages for sentence in passage] == [id(sentence) for sentence in sentences]
    sizes = [sum(len(sentence.text.split()) for sentence in passage) for passage in passages]
    assert all(len(passage) == 1 or size <= max_words for passage, size in zip(passages, sizes, strict=True))


def test_a_document_is_done_up_to_the_last_sentence_that_was_read() -> None:
    text = "The mayor said so on Monday. Then he left the town."
    document = DocumentDraft.of(text)
    first, second = document.articles[0].sentences
    assert document.characters_done == 0
    first.reading.proposals = SentenceProposals()
    assert text[: document.characters_done] == "The mayor said so on Monday."
    second.reading.proposals = SentenceProposals()
    assert document.characters_done == len(text)


def test_a_repeated_sentence_is_read_once() -> None:
    once, again = SentenceDraft("The overseas minister left."), SentenceDraft("The overseas minister left.")
    article = ArticleDraft([once, SentenceDraft("She came."), again])
    assert [[sentence.text for sentence in passage] for passage in article.passages(3)] == [[once.text], ["She came."]]
    once.reading.proposals = SentenceProposals()
    assert again.is_read
