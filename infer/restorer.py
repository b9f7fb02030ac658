"""Restores whole articles: sentences through an engine, every edit checked, everything else left byte for byte.

`Restorer.restore(text)` never loses, doubles or merges a sentence: an output that is empty or outgrows its sentence is refused with a warning,
and an edit that would change a fact is dropped. Cost: one decoded token per token of prose.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from unspin.data.edits import Edit, apply
from unspin.data.segment import words
from unspin.infer.checkpoint import Calibration, Checkpoint
from unspin.infer.engines import Engine, Rewriting, load_engine
from unspin.infer.fidelity import judge, quotations, violation
from unspin.infer.formats import View, plain
from unspin.infer.proposals import Found, confident, neighbours, part, propose, suspected
from unspin.infer.prose import LONGEST_PIECE, prose, reads_as_english
from unspin.infer.restoration import Restoration, RestoredEdit

WINDOW = 8000  # words of articles that share batches
PASSAGES_AT_A_TIME = 512
_WHITE_SPACE = re.compile(r"\s\s|[^\S ]")  # other than single spaces
NO_RESTORATION = "the model's output is no restoration of the sentence: left as it was"
NOT_ENGLISH = "does not read as English: left as it was"


@dataclass(frozen=True)
class Flat:
    """A sentence with each run of white space made one space, as the model knows it, and where its characters stand in the view."""

    text: str
    offsets: Sequence[int]

    @classmethod
    def of(cls, view: str, start: int, end: int) -> Flat:
        sentence = view[start:end]
        if not _WHITE_SPACE.search(sentence):
            return cls(sentence, range(start, end + 1))
        kept = [i for i, c in enumerate(sentence) if not c.isspace() or i == 0 or not sentence[i - 1].isspace()]
        return cls("".join(" " if sentence[i].isspace() else sentence[i] for i in kept), [start + i for i in (*kept, len(sentence))])


@dataclass(frozen=True)
class RestoredSentence:
    """A sentence, its edits with their confidence, which of them keep its facts only together, and why others were refused."""

    source: str
    edits: tuple[tuple[Edit, float], ...]
    tied: frozenset[Edit]
    refused: tuple[str, ...]

    @property
    def text(self) -> str:
        return apply(self.source, (edit for edit, _ in self.edits))


@dataclass(frozen=True)
class RestoredSentences:
    """The sentences of an article, the share of its words that the model suspects, and the estimated share that a spinner garbled."""

    sentences: tuple[RestoredSentence, ...]
    suspected: float
    spun_share: float


class Restorer:
    """Restores texts with one loaded engine."""

    def __init__(
        self,
        engine: Engine,
        calibration: Calibration | None = None,
        min_confidence: float | None = None,
        keep_quotations: bool = False,
        passage: int = 0,
        alternatives: int = 0,
    ) -> None:
        self._engine = engine
        self._alternatives = alternatives
        self._passage = passage
        self._keep_quotations = keep_quotations
        self._calibration = calibration or Calibration()
        self._threshold = self._calibration.threshold if min_confidence is None else min_confidence

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
        report: Callable[[str], None] = lambda _: None,
    ) -> Restorer:
        """Load a checkpoint folder, or "default". Raises `ModelError` if it is incomplete or a package is missing.

        `min_confidence` is the confidence below which an edit is not made; None takes the checkpoint's own. `keep_quotations` leaves alone
        what stands between double quotation marks. `alternatives` is how many other restorations each edit lists, at some passes more an edit.
        """
        checkpoint = Checkpoint.open(name)
        loaded = load_engine(engine, checkpoint, report, device)
        return cls(loaded, checkpoint.calibration, min_confidence, keep_quotations, checkpoint.passage, alternatives)

    def restore(self, text: str, views: Sequence[View] | None = None) -> Restoration:
        """Restore one text: an article, or a document whose articles the `views` of its format show, one a view."""
        (restoration,) = self.restore_all([(text, views)])
        return restoration

    def restore_all(self, documents: Iterable[tuple[str, Sequence[View] | None]]) -> Iterator[Restoration]:
        """Restore many texts, in order; small ones share batches. Holds some thousands of words at a time, and any one document."""
        window: list[tuple[str, Sequence[View]]] = []
        held = 0
        for text, views in documents:
            window.append((text, plain(text) if views is None else views))
            held += len(text) // 6
            if held >= WINDOW:
                yield from self._restore_window(window)
                window, held = [], 0
        yield from self._restore_window(window)

    def stream(self, text: str, views: Sequence[View] | None = None) -> Iterator[tuple[int, Restoration]]:
        """Restore one text piece by piece: (characters done, the restoration as far as it goes); the last one is that of `restore`.

        Each piece is as long as all before it, so that the first comes soon. What later places tell about earlier ones may change an
        earlier edit.
        """
        views = plain(text) if views is None else views
        placed = [_sentences(view) for view in views]
        passages = self._passages([[flat.text for flat in flats or ()] for flats in placed])
        found: list[Found] = []
        done = 0
        while done < len(passages):
            piece = passages[done : max(2 * done, 1)]
            found += self._proposals(piece)
            done += len(piece)
            yield self._so_far(text, views, placed, found)
        if not passages:
            yield self._so_far(text, views, placed, found)

    def _so_far(self, text: str, views: Sequence[View], placed: Sequence[list[Flat] | None], found: Sequence[Found]) -> tuple[int, Restoration]:
        """What the sentences found up to now make of a text, and how far they reach."""
        left = iter(found)
        articles = [list(islice(left, len(flats or ()))) for flats in placed]
        shown = [flats and flats[: len(article)] for flats, article in zip(placed, articles, strict=True)]
        ends = [view.ends[flats[-1].offsets[-1] - 1] for view, flats in zip(views, shown, strict=True) if flats]
        complete = sum(len(flats or ()) for flats in placed) == len(found)
        restoration = self._assemble(text, views, shown, [self._decide(article) for article in articles])
        return (len(text) if complete else max(ends, default=0)), restoration

    def restore_sentences(self, sentences: Sequence[str]) -> RestoredSentences:
        """Restore the sentences of one article."""
        (article,) = self._restore_articles([sentences])
        return article

    def _restore_window(self, documents: Sequence[tuple[str, Sequence[View]]]) -> Iterator[Restoration]:
        placed = [[_sentences(view) for view in views] for _, views in documents]
        restored = iter(self._restore_articles([[flat.text for flat in flats or ()] for places in placed for flats in places]))
        for (text, views), places in zip(documents, placed, strict=True):
            yield self._assemble(text, views, places, [next(restored) for _ in views])

    def _assemble(self, text: str, views: Sequence[View], places: Sequence[list[Flat] | None], articles: Sequence[RestoredSentences]) -> Restoration:
        """One document from its articles."""
        edits: list[RestoredEdit] = []
        warnings: list[str] = []
        garbled = total = 0.0
        groups = 0
        for view, flats, article in zip(views, places, articles, strict=True):
            if flats is None:
                warnings.append(NOT_ENGLISH if len(views) == 1 else f"line {_line(text, view.starts[0])}: {NOT_ENGLISH}")
                continue
            quoted = list(quotations(view.text))
            for flat, sentence in zip(flats, article.sentences, strict=True):
                count = len(words(sentence.source))
                garbled, total = garbled + count * article.spun_share, total + count
                groups += bool(sentence.tied)
                for edit, confidence in sentence.edits:
                    seen = replace(edit, start=flat.offsets[edit.start], end=flat.offsets[edit.end])
                    quotation = any(start <= seen.start < end for start, end in quoted)
                    if not (quotation and self._keep_quotations):
                        others: tuple[str, ...] = ()
                        if self._alternatives:
                            earlier = [one for one, _ in sentence.edits if one.end <= edit.start and one != edit]
                            others = self.alternatives(sentence.source, edit, self._alternatives, earlier)
                        described = (_describe(text, raw, confidence, quotation, others) for raw in view.raw_edits(seen))
                        edits += (replace(one, group=groups) if edit in sentence.tied else one for one in described)
                if sentence.refused:
                    line = _line(text, view.starts[flat.offsets[0]])
                    warnings += [f"line {line}: {reason}" for reason in sentence.refused]
        restored = apply(text, (Edit(e.start, e.end, e.restored) for e in edits))
        return Restoration(text, restored, tuple(edits), garbled / total if total else 0.0, tuple(warnings))

    def _restore_articles(self, articles: Sequence[Sequence[str]]) -> list[RestoredSentences]:
        found = iter(self._proposals(self._passages(articles)))
        return [self._decide(list(islice(found, len(sentences)))) for sentences in articles]

    def _passages(self, articles: Sequence[Sequence[str]]) -> list[list[str]]:
        return [[sentences[i] for i in together] for sentences in articles for together in neighbours(sentences, self._passage)]

    def _proposals(self, passages: Sequence[list[str]]) -> list[Found]:
        """What the model proposes for each sentence, shown with its neighbours; those of a passage it made nothing of are shown alone."""
        found = [one for passage, output in self._rewrite(passages) for one in part(passage, output)]
        alone = [i for i, one in enumerate(found) if one.proposals is None] if len(passages) < len(found) else []
        for i, (_, output) in zip(alone, self._rewrite([[found[i].source] for i in alone]), strict=True):
            found[i] = propose(found[i].source, output)
        return found

    def _rewrite(self, passages: Sequence[list[str]]) -> Iterator[tuple[list[str], Rewriting]]:
        for first in range(0, len(passages), PASSAGES_AT_A_TIME):
            some = passages[first : first + PASSAGES_AT_A_TIME]
            yield from zip(some, self._engine.rewrite([" ".join(passage) for passage in some]), strict=True)

    def _decide(self, article: Sequence[Found]) -> RestoredSentences:
        """Which edits of an article are made: sure enough, and keeping every fact."""
        sentences = []
        for found, candidates in zip(article, confident(article, self._calibration), strict=True):
            sure = {edit: confidence for edit, confidence in candidates if confidence >= self._threshold}
            verdict = judge(found.source, list(sure))
            owner = {edit: max((whole for whole in sure if whole.start <= edit.start), key=lambda whole: whole.start) for edit in verdict.kept}
            made = tuple((edit, sure[owner[edit]]) for edit in verdict.kept)
            refused = verdict.refused if found.proposals is not None else (NO_RESTORATION,)
            sentences.append(RestoredSentence(found.source, made, verdict.tied, refused))
        share = suspected(article)
        return RestoredSentences(tuple(sentences), share, self._calibration.spun_share(share))

    def alternatives(self, sentence: str, edit: Edit, count: int, made: Sequence[Edit] = ()) -> tuple[str, ...]:
        """What else the model would put in an edit's place, keeping the facts, the likeliest first; `made` are edits before it."""
        opening = apply(sentence[: edit.start], made)
        found: dict[str, None] = {}
        for output in self._engine.variants(sentence, opening, 2 * count + 2):
            for other in propose(sentence, output).proposals or ():
                same_place = (other.edit.start, other.edit.end) == (edit.start, edit.end)
                if same_place and other.edit.replacement != edit.replacement and not violation(sentence, other.edit):
                    found.setdefault(other.edit.replacement)
        return tuple(found)[:count]


def _sentences(view: View) -> list[Flat] | None:
    """The sentences to restore, or None where the text is of another language."""
    if not reads_as_english(view.text[:LONGEST_PIECE]):
        return None
    return [Flat.of(view.text, span.start, span.end) for span in prose(view.text)]


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _describe(text: str, edit: Edit, confidence: float, quotation: bool, alternatives: tuple[str, ...]) -> RestoredEdit:
    spun = text[edit.start : edit.end]
    if quotation:
        kind = "quotation"
    elif not spun.strip() or not edit.replacement.strip():
        kind = "insertion" if edit.replacement.strip() else "deletion"
    else:
        kind = "phrase" if " " in spun.strip() or " " in edit.replacement.strip() else "word"
    return RestoredEdit(edit.start, edit.end, spun, edit.replacement, kind, round(confidence, 4), alternatives)
