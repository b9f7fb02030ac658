"""Restores whole articles: a model rewrites their sentences, and every edit is checked.

`Restorer.restore` never loses, doubles or merges a sentence: an output that is empty, truncated or runaway is rejected
with a warning, and an edit that would change a fact is dropped. Text outside the edits is kept byte for byte. Cost: one
decoded token per token of prose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from unspin.edits import Edit, apply
from unspin.infer.article import ArticleDraft, DocumentDraft, Passage, SentenceDraft
from unspin.infer.assembly import assemble
from unspin.infer.confidence import Calibration
from unspin.infer.decision import RestoredArticle, RestoredSentence, decide
from unspin.infer.documents.base import View
from unspin.infer.engines import load_engine
from unspin.infer.engines.base import Engine, Rewriting
from unspin.infer.fidelity.context import NO_CONTEXT, Context
from unspin.infer.fidelity.judge import violation
from unspin.infer.fitting import fit, fit_articles
from unspin.infer.models.checkpoint import Checkpoint
from unspin.infer.proposals import propose_edits, split_output
from unspin.infer.restoration import Restoration
from unspin.segment import words

WORDS_PER_WINDOW = 8000  # documents are collected until they hold about this many words, then restored together
CHARACTERS_PER_WORD = 6  # to estimate the number of words of a document
PASSAGES_PER_CALL = 64  # passages given to the engine at a time; progress moves in such steps

OnRead = Callable[[int], None]  # is told each time how many more words the model has read


class Restorer:
    """Restores texts with one loaded engine; keeps no state from one text to the next."""

    def __init__(
        self,
        engine: Engine,
        calibration: Calibration | None = None,
        min_confidence: float | None = None,
        keep_quotations: bool = False,
        max_passage_words: int = 0,
        alternatives: int = 0,
    ) -> None:
        """Restore with a loaded engine; `from_pretrained` explains most options.

        The model is shown neighbouring sentences of up to `max_passage_words` words together, as in its training;
        0: one sentence at a time.
        """
        self._engine = engine
        self._calibration = calibration or Calibration()
        self._threshold = self._calibration.threshold if min_confidence is None else min_confidence
        self._keep_quotations = keep_quotations
        self._max_passage_words = max_passage_words
        self._alternative_count = alternatives

    @classmethod
    def from_pretrained(
        cls,
        name: str = "default",
        *,
        engine: str = "draft",
        device: str = "cpu",
        min_confidence: float | None = None,
        keep_quotations: bool = False,
        alternatives: int = 0,
    ) -> Restorer:
        """Load a checkpoint: a folder or its address in an object store, or "default" for the model that ships.

        `engine` is a key of `unspin.infer.engines.ENGINES`, `device` a torch device. Edits below `min_confidence` are
        not made; by default it is the checkpoint's own threshold. `keep_quotations` leaves text between double
        quotation marks unchanged. `alternatives` is the number of other restorations to list for each edit, at the cost
        of some forward passes per edit.

        Raises `ModelError` if the checkpoint is incomplete, a package is missing or the device cannot be used,
        `ChecksumError` if a file does not match its checksum, `StorageError` if the store cannot be read, and
        ValueError for an unknown engine.
        """
        checkpoint = Checkpoint.open(name)
        loaded = load_engine(engine, checkpoint, device)
        return cls(
            loaded, checkpoint.calibration, min_confidence, keep_quotations, checkpoint.max_passage_words, alternatives
        )

    def restore(self, text: str, views: Sequence[View] | None = None) -> Restoration:
        """Restore one text: an article, or a document whose `views` show one article each."""
        (restoration,) = self.restore_all([(text, views)])
        return restoration

    def restore_all(
        self, documents: Iterable[tuple[str, Sequence[View] | None]], on_read: OnRead | None = None
    ) -> Iterator[Restoration]:
        """Restore many texts, in order; short ones share batches.

        Reads ahead until it holds about `WORDS_PER_WINDOW` words, so memory does not grow with the number of documents.
        """
        window: list[DocumentDraft] = []
        words_held = 0
        for text, views in documents:
            window.append(DocumentDraft.from_views(text, views))
            words_held += len(text) // CHARACTERS_PER_WORD
            if words_held >= WORDS_PER_WINDOW:
                yield from self._restore_window(window, on_read)
                window, words_held = [], 0
        yield from self._restore_window(window, on_read)

    def stream(self, text: str, views: Sequence[View] | None = None) -> Iterator[tuple[int, Restoration]]:
        """Restore one text piece by piece: yields (characters done, restoration so far).

        The last restoration equals that of `restore`. Each piece doubles the part that is done, so the first comes
        soon. Edits of earlier pieces may change, since later text of the article affects their confidence.
        """
        document = DocumentDraft.from_views(text, views)
        passages = list(document.passages(self._max_passage_words))
        done = 0
        while done < len(passages):
            piece = passages[done : max(2 * done, 1)]
            self._read(piece)
            done += len(piece)
            yield document.characters_done, self._restoration(document)
        if not passages:
            yield document.characters_done, self._restoration(document)

    def restore_sentences(self, sentences: Sequence[str]) -> RestoredArticle:
        """Restore the sentences of one article, in order; white space in a sentence must be single spaces."""
        article = ArticleDraft([SentenceDraft(sentence) for sentence in sentences])
        self._read(list(article.passages(self._max_passage_words)))
        return decide(article, self._calibration, self._threshold)

    def alternatives(
        self,
        sentence: str,
        edit: Edit,
        count: int,
        earlier: Sequence[Edit] = (),
        context: Context = NO_CONTEXT,
    ) -> tuple[str, ...]:
        """Up to `count` other replacements for an edit, most likely first; none of them changes a fact.

        `earlier` are the sentence's edits before it; the model continues the text in which they have been made.
        `context` is the article, as evidence of names.
        """
        opening = apply(sentence[: edit.start], earlier)
        replacements: dict[str, None] = {}
        for output in self._engine.variants(sentence, opening, 2 * count + 2):
            for proposal in propose_edits(sentence, output).edits:
                fitted = fit(sentence, proposal.edit, context)
                if not fitted or violation(sentence, fitted, context, is_sure=True):  # a person chooses
                    continue
                (other,) = fit_articles(sentence, [fitted])
                if (other.start, other.end) == (edit.start, edit.end) and other.replacement != edit.replacement:
                    replacements.setdefault(other.replacement)
        return tuple(replacements)[:count]

    def _restore_window(self, documents: Sequence[DocumentDraft], on_read: OnRead | None) -> Iterator[Restoration]:
        passages = [passage for document in documents for passage in document.passages(self._max_passage_words)]
        self._read(passages, on_read)
        for document in documents:
            yield self._restoration(document)

    def _restoration(self, document: DocumentDraft) -> Restoration:
        """The restoration of a document as far as the model has read it."""
        articles = [decide(article, self._calibration, self._threshold) for article in document.articles]
        return assemble(document.text, articles, self._find_alternatives, self._keep_quotations)

    def _find_alternatives(self, sentence: RestoredSentence, edit: Edit) -> tuple[str, ...]:
        if not self._alternative_count:
            return ()
        earlier = [other for other, _ in sentence.edits if other.end <= edit.start and other != edit]
        return self.alternatives(sentence.source, edit, self._alternative_count, earlier, sentence.context)

    def _read(self, passages: Sequence[Passage], on_read: OnRead | None = None) -> None:
        """Let the model read passages and store its proposals in their sentences.

        Sentences rejected in a passage are read again, each by itself.
        """
        for passage, output in self._rewrite(passages):
            parts = split_output([sentence.text for sentence in passage], output)
            for sentence, proposals in zip(passage, parts, strict=True):
                sentence.reading.proposals = proposals
            if on_read:
                on_read(sum(len(words(sentence.text)) for sentence in passage))
        again = [[sentence] for passage in passages if len(passage) > 1 for sentence in passage if sentence.is_rejected]
        for (sentence,), output in self._rewrite(again):
            sentence.reading.proposals = propose_edits(sentence.text, output)

    def _rewrite(self, passages: Sequence[Passage]) -> Iterator[tuple[Passage, Rewriting]]:
        """The engine's outputs, those of the shortest passages first: passages of one length share a batch best."""
        pairs = [(" ".join(sentence.text for sentence in passage), passage) for passage in passages]
        pairs.sort(key=lambda pair: len(pair[0]))
        for first in range(0, len(pairs), PASSAGES_PER_CALL):
            group = pairs[first : first + PASSAGES_PER_CALL]
            outputs = self._engine.rewrite([text for text, _ in group])
            yield from zip([passage for _, passage in group], outputs, strict=True)
