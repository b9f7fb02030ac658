"""The records that restoring works on: a document, its articles, and their sentences.

Every sentence is one `SentenceDraft`. Passages are lists of these same records, so the model's proposals are stored in
the sentence they belong to. A sentence's offsets lead to the article's text, and the article's view leads from there to
the raw text of the document.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from unspin.infer.documents.base import Document, View
from unspin.infer.documents.text import text_views
from unspin.infer.fidelity.context import Context
from unspin.infer.inputs import Text, check_text
from unspin.infer.proposals import PhraseProposal, Proposal, SentenceProposals, UncertainWord
from unspin.infer.prose import prose_sentences, reads_as_english, size_in_words
from unspin.lazy import cached_property
from unspin.segment import Span

WORDS_PER_WINDOW = 8000  # documents are collected until they hold about this many words, then read together
CHARACTERS_PER_WORD = 6  # to estimate the number of words of a document
_NOT_A_SINGLE_SPACE = re.compile(r"\s\s|[^\S ]")


@dataclass
class Reading:
    """What the model proposes for a sentence, None until it has read it; and what a phrase table proposes.

    `garbling` says for each word of a screened text how much it speaks for a spinner (`unspin.infer.screening`).
    """

    proposals: SentenceProposals | None = None
    phrases: tuple[PhraseProposal, ...] = ()
    garbling: tuple[float, ...] = ()


@dataclass
class SentenceDraft:
    """A sentence, and what the model proposes for it.

    `text` is what the model reads: every run of white space is one space. Its character `i` stands at ``offsets[i]`` in
    the article's text; the last offset is the end. Sentences of an article that are equal share their `reading`.
    """

    text: str
    offsets: Sequence[int] = ()
    reading: Reading = field(default_factory=Reading)

    @classmethod
    def from_span(cls, article: str, span: Span) -> SentenceDraft:
        """The sentence at a span of an article's text."""
        raw = article[span.start : span.end]
        if not _NOT_A_SINGLE_SPACE.search(raw):
            return cls(raw, range(span.start, span.end + 1))
        kept = [i for i, c in enumerate(raw) if not c.isspace() or i == 0 or not raw[i - 1].isspace()]
        text = "".join(" " if raw[i].isspace() else raw[i] for i in kept)
        return cls(text, [span.start + i for i in (*kept, len(raw))])

    @property
    def proposals(self) -> SentenceProposals | None:
        """What the model proposes; None until it has read the sentence."""
        return self.reading.proposals

    @property
    def is_read(self) -> bool:
        """Whether the model has read the sentence."""
        return self.proposals is not None

    @property
    def is_rejected(self) -> bool:
        """Whether the model's output was rejected because it cannot be a restoration of the sentence."""
        return self.proposals is not None and self.proposals.rejected

    @property
    def edits(self) -> tuple[Proposal, ...]:
        """The proposed edits; none before the model has read the sentence."""
        return self.proposals.edits if self.proposals else ()

    @property
    def phrases(self) -> tuple[PhraseProposal, ...]:
        """The edits that a phrase table proposes, sorted; they may overlap."""
        return self.reading.phrases

    @property
    def uncertain_words(self) -> tuple[UncertainWord, ...]:
        """The words that the model kept without being sure; none before it has read the sentence."""
        return self.proposals.uncertain_words if self.proposals else ()


Passage = list[SentenceDraft]  # neighbouring sentences that the model is shown together


@dataclass
class ArticleDraft:
    """The sentences of one article, and the view that places them in a document.

    A sentence that an article repeats, as in its title and its first line, is read once and restored alike. An article
    that does not read as English has no sentences. Sentences given without a document have an empty view.
    """

    sentences: list[SentenceDraft]
    view: View = field(default_factory=View)
    is_english: bool = True

    def __post_init__(self) -> None:
        readings: dict[str, Reading] = {}
        for sentence in self.sentences:
            sentence.reading = readings.setdefault(sentence.text, sentence.reading)

    @classmethod
    def from_view(cls, view: View) -> ArticleDraft:
        """Find the prose sentences of an article."""
        if not reads_as_english(view.text):
            return cls([], view, is_english=False)
        return cls([SentenceDraft.from_span(view.text, span) for span in prose_sentences(view.text)], view)

    @cached_property
    def context(self) -> Context:
        """The article's text as evidence of names and style; the sentences if there is no document."""
        return Context(self.view.text or "\n".join(sentence.text for sentence in self.sentences))

    def distinct_sentences(self) -> Iterator[SentenceDraft]:
        """The sentences, those that the article repeats once."""
        seen: set[str] = set()
        for sentence in self.sentences:
            if sentence.text not in seen:
                seen.add(sentence.text)
                yield sentence

    @property
    def read_sentences(self) -> list[SentenceDraft]:
        """The sentences that the model has read so far, up to the first that it has not."""
        return list(takewhile(lambda sentence: sentence.is_read, self.sentences))

    def passages(self, max_words: int) -> Iterator[Passage]:
        """Group neighbouring sentences into passages of up to `max_words` words; a longer sentence stays alone.

        A repeated sentence is in the first passage only.
        """
        passage: Passage = []
        size = 0
        for sentence in self.distinct_sentences():
            count = size_in_words(sentence.text)
            if passage and size + count > max_words:
                yield passage
                passage, size = [], 0
            passage.append(sentence)
            size += count
        if passage:
            yield passage


@dataclass
class DocumentDraft:
    """The raw text of a document and its articles."""

    text: str
    articles: list[ArticleDraft]

    @classmethod
    def of(cls, text: str | Document) -> DocumentDraft:
        """A document with one article per view; a string is one article of plain text."""
        raw, views = (text, text_views(text).views) if isinstance(text, str) else (text.text, text.views)
        return cls(raw, [ArticleDraft.from_view(view) for view in views])

    def passages(self, max_words: int) -> Iterator[Passage]:
        """The passages of all articles, in order. No passage holds sentences of two articles."""
        for article in self.articles:
            yield from article.passages(max_words)

    @property
    def characters_done(self) -> int:
        """How far into the raw text the model has read: all of it once every sentence is read."""
        if all(sentence.is_read for article in self.articles for sentence in article.sentences):
            return len(self.text)
        ends = [
            article.view.ends[article.read_sentences[-1].offsets[-1] - 1]
            for article in self.articles
            if article.read_sentences
        ]
        return max(ends, default=0)


def windows(texts: Iterable[Text]) -> Iterator[list[DocumentDraft]]:
    """Drafts of texts, in windows. If the texts end in an error, yields those read before it, then raises it."""
    window: list[DocumentDraft] = []
    words_held = 0
    try:
        for index, text in enumerate(texts):
            window.append(DocumentDraft.of(check_text(text, index)))
            words_held += len(window[-1].text) // CHARACTERS_PER_WORD + 1
            if words_held >= WORDS_PER_WINDOW:
                yield window
                window, words_held = [], 0
    except Exception:
        yield window
        raise
    yield window
