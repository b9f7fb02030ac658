"""Restores whole articles: a model rewrites their sentences, and every edit is checked.

`Restorer.restore` never loses, doubles or merges a sentence: an output that is empty, truncated or runaway is rejected
with a warning, and an edit that would change a fact is dropped. Text outside the edits is kept byte for byte. Cost: one
decoded token per token of prose. Threads may share a restorer. All engines of a process take turns, those of several
restorers and GPUs too: use a process for each GPU.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, SupportsIndex, overload

from unspin.edits import Edit, apply
from unspin.infer.article import ArticleDraft, DocumentDraft, Passage, SentenceDraft, windows
from unspin.infer.assembly import assemble
from unspin.infer.confidence import Calibration
from unspin.infer.decision import RestoredArticle, RestoredSentence, decide
from unspin.infer.documents.base import Document
from unspin.infer.engines.base import Engine, Rewriting, engine_lock
from unspin.infer.engines.recipe import Recipe
from unspin.infer.fidelity.context import NO_CONTEXT, Context
from unspin.infer.fidelity.judge import violation
from unspin.infer.fidelity.kinds import Evidence
from unspin.infer.fitting import fit, fit_articles
from unspin.infer.inputs import Text, check_many, check_options, check_text
from unspin.infer.models.checkpoint import Checkpoint
from unspin.infer.phrase_matching import PhraseMatcher
from unspin.infer.phrase_table import PhraseTable
from unspin.infer.proposals import propose_edits, split_output
from unspin.infer.restoration import Restoration
from unspin.infer.screening import Screening, garbling, most_garbled, screening_of
from unspin.infer.weighing import weigh
from unspin.segment import words
from unspin.storage import to_path

PASSAGES_PER_CALL = 64  # passages given to the engine at a time; progress moves in such steps
PASSAGES_PER_STEP = 16  # the most that `stream` reads between two of its results, so that it can be stopped soon

OnRead = Callable[[int], None]  # called with the number of words that the model has just read
ReadTexts = Callable[[Sequence[str]], list[Rewriting]]  # a method of an engine


@dataclass(frozen=True)
class _Options:
    """What `Restorer.from_pretrained` explains; `threshold` is the minimum confidence."""

    calibration: Calibration
    threshold: float
    keep_quotations: bool
    max_passage_words: int
    alternatives: int
    phrases: PhraseTable | None
    protect: PhraseMatcher


class Restorer:
    """Restores texts with one loaded engine; keeps no state from one text to the next.

    A restorer made by `from_pretrained` pickles as the name of its checkpoint, its engine, device and options. A
    process that was forked after the engine was loaded unpickles it with that engine; any other process loads the
    checkpoint and keeps it until it unpickles a restorer of another one.
    """

    def __init__(
        self,
        engine: Engine,
        calibration: Calibration | None = None,
        min_confidence: float | None = None,
        keep_quotations: bool = False,
        max_passage_words: int = 0,
        alternatives: int = 0,
        phrases: PhraseTable | str | os.PathLike[str] | None = None,
        protect: Iterable[str] = (),
    ) -> None:
        """Restore with a loaded engine; `from_pretrained` explains most options.

        The model is shown neighbouring sentences of up to `max_passage_words` words together, as in its training;
        0: one sentence at a time. Raises TypeError or ValueError for a wrong `min_confidence` or `alternatives`.
        """
        check_options(min_confidence, alternatives)
        calibration = calibration or Calibration()
        threshold = calibration.threshold if min_confidence is None else min_confidence
        self._engine = engine
        self._options = _Options(
            calibration,
            threshold,
            keep_quotations,
            max_passage_words,
            int(alternatives),
            _phrase_table(phrases),
            _matcher_of(protect),
        )
        self._recipe: Recipe | None = None

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
        phrases: PhraseTable | str | os.PathLike[str] | None = None,
        protect: Iterable[str] = (),
    ) -> Restorer:
        """Load a checkpoint: a folder or its address in an object store, or "default" for the model that ships.

        `engine` is a key of `unspin.infer.engines.ENGINES`, `device` a torch device. Edits below `min_confidence` are
        not made; by default it is the checkpoint's own threshold. `keep_quotations` leaves text between double
        quotation marks unchanged. `alternatives` is the number of other restorations to list for each edit, at the cost
        of some forward passes per edit. `phrases` is a file of garbled phrases with what probably stood there
        (`unspin.phrase_lists`), or a table of them: the model weighs each place that has one. `protect` are names and
        terms that no edit touches, in any case and inflection.

        Raises `ModelError` if the checkpoint is incomplete, a package is missing or the device cannot be used,
        `ChecksumError` if a file does not match its checksum, `PhraseListError` if `phrases` is no such list,
        `StorageError` if the store cannot be read, and TypeError or ValueError for an unknown engine or a wrong option.
        """
        check_options(min_confidence, alternatives)
        table, matcher = _phrase_table(phrases), _matcher_of(protect)  # before anything is loaded
        checkpoint = Checkpoint.open(name)
        recipe = Recipe.of(name, engine, device, checkpoint)
        restorer = cls(
            recipe.load(checkpoint),
            checkpoint.calibration,
            min_confidence,
            keep_quotations,
            checkpoint.max_passage_words,
            alternatives,
            table,
            matcher.phrases,
        )
        restorer._recipe = recipe
        return restorer

    @overload
    def restore(  # type: ignore[overload-overlap]  # a string is an iterable of strings too
        self, texts: Text, *, min_confidence: float | None = None, alternatives: int | None = None
    ) -> Restoration: ...
    @overload
    def restore(
        self, texts: Iterable[Text], *, min_confidence: float | None = None, alternatives: int | None = None
    ) -> list[Restoration]: ...
    def restore(
        self, texts: Text | Iterable[Text], *, min_confidence: float | None = None, alternatives: int | None = None
    ) -> Restoration | list[Restoration]:
        """Restore one text, or all texts of an iterable.

        A text is a string, which is one article, or a `Document`, whose views show one article each. `min_confidence`
        and `alternatives` are those of `from_pretrained`, for this call; by default, those of the restorer.

        Raises TypeError for anything else, and ValueError for an option that is out of its range.
        """
        if isinstance(texts, (str, Document)):
            (restoration,) = self.restore_all([texts], min_confidence=min_confidence, alternatives=alternatives)
            return restoration
        check_many(texts)
        checked = [check_text(text, index) for index, text in enumerate(texts)]  # before any of them is restored
        return list(self.restore_all(checked, min_confidence=min_confidence, alternatives=alternatives))

    def restore_all(
        self,
        texts: Iterable[Text],
        on_read: OnRead | None = None,
        *,
        min_confidence: float | None = None,
        alternatives: int | None = None,
    ) -> Iterator[Restoration]:
        """Restore many texts, in order and one after the other as they are asked for; short ones share batches.

        Reads ahead until it holds about 8,000 words, so memory does not grow with the number of texts. If
        the texts end in an error, those before it are restored first. The options and errors are those of `restore`.
        """
        check_many(texts)
        restorer = self._with(min_confidence, alternatives)
        return (restoration for window in windows(texts) for restoration in restorer._restore_window(window, on_read))

    def stream(
        self, text: Text, *, min_confidence: float | None = None, alternatives: int | None = None
    ) -> Iterator[tuple[int, Restoration]]:
        """Restore one text piece by piece: yields (characters done, restoration so far).

        The last restoration equals that of `restore`, whose options and errors are the same. The restoration is made
        anew each time the part that is done has doubled, so the first comes soon; in between, the same one is yielded
        again. Edits of earlier pieces may change, since later text of the article affects their confidence. The call
        itself splits the text into sentences, which takes a second or two per megabyte; the model reads later.
        """
        if not isinstance(text, (str, Document)):
            raise TypeError(f"stream takes one text, not a {type(text).__name__}: call restore_all")
        restorer = self._with(min_confidence, alternatives)
        document = DocumentDraft.of(text)
        return restorer._stream(document, list(document.passages(restorer._options.max_passage_words)))

    def screen(self, text: Text, on_read: OnRead | None = None) -> Screening:
        """Judge how garbled one text looks, without restoring it: a string, or a `Document` with all its articles.

        Costs that of `read`, and restoring a few sentences. Raises TypeError for anything else.
        """
        document = self.read(text, on_read)
        sentences = [sentence for article in document.articles for sentence in article.distinct_sentences()]
        self._propose([[sentence] for sentence in most_garbled(sentences)], self._engine.rewrite)
        articles = [self._decide(article) for article in document.articles]
        return screening_of(articles, self._options.calibration, self._options.threshold, self._options.protect)

    def read(self, text: Text, on_read: OnRead | None = None) -> DocumentDraft:
        """Let the model read a text without restoring it: how much each word speaks for a spinner (`Reading`).

        Costs one forward pass for each passage. Raises TypeError for anything but a text.
        """
        document = DocumentDraft.of(check_text(text, 0))
        passages = list(document.passages(self._options.max_passage_words))
        self._propose(passages, self._engine.copies, on_read)
        if self._options.phrases is not None:
            weigh([sentence for passage in passages for sentence in passage], self._options.phrases, self._engine)
        for article in document.articles:
            for sentence in article.distinct_sentences():
                sentence.reading.garbling = garbling(
                    sentence, article.view, self._options.calibration, self._options.protect
                )
        return document

    def restore_sentences(self, sentences: Sequence[str]) -> RestoredArticle:
        """Restore the sentences of one article, in order; white space in a sentence must be single spaces."""
        article = ArticleDraft([SentenceDraft(sentence) for sentence in sentences])
        self._read(list(article.passages(self._options.max_passage_words)))
        return self._decide(article)

    def alternatives(
        self,
        sentence: str,
        edit: Edit,
        count: int,
        earlier: Sequence[Edit] = (),
        context: Context = NO_CONTEXT,
    ) -> tuple[str, ...]:
        """Up to `count` other replacements for an edit: those that a phrase table lists, then the model's, most likely
        first. None of them changes a fact.

        An edit may also be of words that the model keeps. `earlier` are the sentence's edits before it; the model
        continues the text in which they have been made. `context` is the article, as evidence of names.
        """
        opening = apply(sentence[: edit.start], earlier)
        table = self._options.phrases
        replacements: dict[str, None] = {}
        for listed in (listed for hit in table.find(sentence) for listed in hit.edits) if table else ():
            other = _within(sentence, fit_articles(sentence, [listed]), edit)
            if (
                other
                and other.replacement != edit.replacement
                and not violation(sentence, listed, context, Evidence.LISTED)
            ):
                replacements.setdefault(other.replacement)
        with engine_lock:
            outputs = self._engine.variants(sentence, opening, 2 * count + 2)
        for output in outputs:
            proposed = [proposal.edit for proposal in propose_edits(sentence, output).edits]
            fitted = fit(sentence, other, context) if (other := _within(sentence, proposed, edit)) else None
            if not fitted or violation(sentence, fitted, context, Evidence.SURE):  # a person chooses
                continue
            (other,) = fit_articles(sentence, [fitted])
            if (other.start, other.end) == (edit.start, edit.end) and other.replacement != edit.replacement:
                replacements.setdefault(other.replacement)
        return tuple(replacements)[:count]

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        """Pickle the recipe of the engine, if there is one."""
        return (_unpickle, (self._recipe, self._options)) if self._recipe else super().__reduce_ex__(protocol)

    def _with(self, min_confidence: float | None, alternatives: int | None) -> Restorer:
        """This restorer with other options, where they are not None. Raises TypeError or ValueError for wrong ones."""
        check_options(min_confidence, alternatives)
        restorer = Restorer(self._engine)
        restorer._options = replace(
            self._options,
            threshold=self._options.threshold if min_confidence is None else min_confidence,
            alternatives=self._options.alternatives if alternatives is None else int(alternatives),
        )
        return restorer

    def _stream(self, document: DocumentDraft, passages: Sequence[Passage]) -> Iterator[tuple[int, Restoration]]:
        restoration, done, shown = self._restoration(document), 0, 0
        while done < len(passages):
            piece = passages[done : done + min(max(done, 1), PASSAGES_PER_STEP)]
            self._read(piece)
            done += len(piece)
            if done >= 2 * shown or done == len(passages):
                restoration, shown = self._restoration(document), done
            yield document.characters_done, restoration
        if not passages:
            yield document.characters_done, restoration

    def _restore_window(self, documents: Sequence[DocumentDraft], on_read: OnRead | None) -> Iterator[Restoration]:
        passages = [passage for document in documents for passage in document.passages(self._options.max_passage_words)]
        self._read(passages, on_read)
        for document in documents:
            yield self._restoration(document)

    def _restoration(self, document: DocumentDraft) -> Restoration:
        """The restoration of a document as far as the model has read it."""
        articles = [self._decide(article) for article in document.articles]
        return assemble(document.text, articles, self._find_alternatives, self._options.keep_quotations)

    def _decide(self, article: ArticleDraft) -> RestoredArticle:
        options = self._options
        return decide(article, options.calibration, options.threshold, options.protect)

    def _find_alternatives(self, sentence: RestoredSentence, edit: Edit) -> tuple[str, ...]:
        if not self._options.alternatives:
            return ()
        earlier = [other.edit for other in sentence.edits if other.end <= edit.start and other.edit != edit]
        return self.alternatives(sentence.source, edit, self._options.alternatives, earlier, sentence.context)

    def _read(self, passages: Sequence[Passage], on_read: OnRead | None = None) -> None:
        """Let the model rewrite passages; store its proposals and a phrase table's in their sentences.

        Sentences rejected in a passage are rewritten again, each by itself.
        """
        self._propose(passages, self._engine.rewrite, on_read)
        again = [[sentence] for passage in passages if len(passage) > 1 for sentence in passage if sentence.is_rejected]
        self._propose(again, self._engine.rewrite)
        if self._options.phrases is not None:
            weigh([sentence for passage in passages for sentence in passage], self._options.phrases, self._engine)

    def _propose(self, passages: Sequence[Passage], read: ReadTexts, on_read: OnRead | None = None) -> None:
        """Let the engine read passages, and store what it proposes in their sentences.

        The shortest passages come first: those of one length share a batch best.
        """
        pairs = [(" ".join(sentence.text for sentence in passage), passage) for passage in passages]
        pairs.sort(key=lambda pair: len(pair[0]))
        for first in range(0, len(pairs), PASSAGES_PER_CALL):
            group = pairs[first : first + PASSAGES_PER_CALL]
            with engine_lock:
                outputs = read([text for text, _ in group])
            for (_, passage), output in zip(group, outputs, strict=True):
                parts = split_output([sentence.text for sentence in passage], output)
                for sentence, proposals in zip(passage, parts, strict=True):
                    sentence.reading.proposals = proposals
                if on_read:
                    on_read(sum(len(words(sentence.text)) for sentence in passage))


def _phrase_table(phrases: PhraseTable | str | os.PathLike[str] | None) -> PhraseTable | None:
    if isinstance(phrases, (str, os.PathLike)):
        return PhraseTable.from_file(to_path(os.fspath(phrases)))
    if not isinstance(phrases, PhraseTable | None):
        raise TypeError(f"phrases takes a file or a PhraseTable, not a {type(phrases).__name__}")
    return phrases


def _matcher_of(protect: Iterable[str]) -> PhraseMatcher:
    if isinstance(protect, str):
        raise TypeError(f"protect takes a list of names, not one string: give [{protect!r}]")
    names = list(protect)
    if not all(isinstance(name, str) for name in names):
        raise TypeError("protect takes a list of names, which are strings")
    if wordless := [name for name in names if not any(map(str.isalnum, name))]:
        raise ValueError(f"protect takes names and terms, and {wordless[0]!r} has neither letter nor digit")
    return PhraseMatcher(names)


def _within(sentence: str, edits: Sequence[Edit], place: Edit) -> Edit | None:
    """One edit of the whole place that does what the edits in it do; None if there are none, or one goes beyond it."""
    touching = [edit for edit in edits if edit.start <= place.end and edit.end >= place.start]
    if not touching or touching[0].start < place.start or touching[-1].end > place.end:
        return None
    moved = [replace(edit, start=edit.start - place.start, end=edit.end - place.start) for edit in touching]
    return Edit(place.start, place.end, apply(sentence[place.start : place.end], moved))


def _unpickle(recipe: Recipe, options: _Options) -> Restorer:
    restorer = Restorer(recipe.engine_of_process())
    restorer._options, restorer._recipe = options, recipe
    return restorer
