"""Restores whole articles: sentences through an engine, every edit checked, everything else left byte for byte.

`Restorer.restore(text)` never loses, doubles or merges a sentence: an output that is empty or outgrows its sentence is refused with a warning,
and an edit that would change a fact is dropped. Cost: one decoded token per token of prose.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from unspin.data.edits import Edit, align, apply, word_by_word
from unspin.data.segment import Span, paragraphs, sentences, words
from unspin.infer.checkpoint import Calibration, Checkpoint
from unspin.infer.engines import Engine, Rewriting, load_engine
from unspin.infer.fidelity import changed_fact, opposed, quotations, violation
from unspin.infer.formats import View, plain

MOST_WORDS = 120
_SENTENCE_ENDS = tuple(".!?…:;\"”’')")


@dataclass(frozen=True)
class RestoredEdit:
    """One change: characters ``start:end`` of the input, `spun`, become `restored`.

    `kind` is word, phrase, insertion, deletion, or quotation (inside quotation marks); `confidence` is the chance, 0..1, that an
    editor who knows the original would make the same change.
    """

    start: int
    end: int
    spun: str
    restored: str
    kind: str
    confidence: float


@dataclass(frozen=True)
class Restoration:
    """A restored text, what was changed, and what the reader should know."""

    source: str
    text: str
    edits: tuple[RestoredEdit, ...]
    warnings: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Flat:
    """A sentence with each run of white space made one space, as the model knows it, and where its characters stand in the text."""

    text: str
    offsets: list[int]

    @classmethod
    def of(cls, sentence: str) -> Flat:
        kept = [i for i, c in enumerate(sentence) if not c.isspace() or i == 0 or not sentence[i - 1].isspace()]
        return cls("".join(" " if sentence[i].isspace() else sentence[i] for i in kept), [*kept, len(sentence)])


class Restorer:
    """Restores texts with one loaded engine."""

    def __init__(
        self, engine: Engine, calibration: Calibration | None = None, min_confidence: float | None = None, keep_quotations: bool = False
    ) -> None:
        self._engine = engine
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
        report: Callable[[str], None] = lambda _: None,
    ) -> Restorer:
        """Load a checkpoint folder, or "default". Raises `ModelError` if it is incomplete or a package is missing.

        `min_confidence` is the confidence below which an edit is not made; None takes the checkpoint's own. `keep_quotations` leaves alone
        what stands between double quotation marks.
        """
        checkpoint = Checkpoint.open(name)
        return cls(load_engine(engine, checkpoint, report, device), checkpoint.calibration, min_confidence, keep_quotations)

    def restore(self, text: str, views: Sequence[View] | None = None) -> Restoration:
        """Restore one article: plain text, or a document whose prose the `views` of its format show."""
        views = plain(text) if views is None else views
        placed = [(view, span) for view in views for span in prose(view.text)]
        sources = [Flat.of(view.text[span.start : span.end]) for view, span in placed]
        quoted = {id(view): list(quotations(view.text)) for view in views}
        edits: list[RestoredEdit] = []
        warnings: list[str] = []
        for (view, span), source, output in zip(placed, sources, self._engine.rewrite([source.text for source in sources]), strict=True):
            kept, refused = self.sentence_edits(source.text, output)
            for edit, confidence in kept:
                seen = replace(edit, start=span.start + source.offsets[edit.start], end=span.start + source.offsets[edit.end])
                quotation = any(start <= seen.start < end for start, end in quoted[id(view)])
                if not (quotation and self._keep_quotations):
                    edits += (_describe(text, raw, confidence, quotation) for raw in view.raw_edits(seen))
            warnings += [f"line {text.count(chr(10), 0, view.starts[span.start]) + 1}: {reason}" for reason in refused]
        restored = apply(text, (Edit(e.start, e.end, e.restored) for e in edits))
        return Restoration(text, restored, tuple(edits), tuple(warnings))

    def restore_sentences(self, sentences: Sequence[str]) -> list[str]:
        """Restore sentences that stand alone."""
        return [apply(s, (edit for edit, _ in edits)) for s, edits in zip(sentences, self.sentences_edits(sentences), strict=True)]

    def sentences_edits(self, sentences: Sequence[str]) -> list[list[tuple[Edit, float]]]:
        """The edits of each sentence with their confidence."""
        outputs = self._engine.rewrite(sentences)
        return [self.sentence_edits(sentence, output)[0] for sentence, output in zip(sentences, outputs, strict=True)]

    def sentence_edits(self, source: str, output: Rewriting) -> tuple[list[tuple[Edit, float]], list[str]]:
        """(edits of a sentence that are sure enough and keep its facts, with their confidence; why others were refused)."""
        flat = " ".join(output.text.split())
        before, after = len(words(source)), len(words(flat))
        if not before / 2 <= after <= 2 * before + 2:
            return [], [f"the model's output has {after} words for {before}: left as it was"]
        edits, shift = align(source, flat), 0
        confidence = {}
        for edit in edits:
            start = edit.start + shift
            confidence[edit.start] = self._calibration.confidence(output.log_probability(start, start + len(edit.replacement)))
            shift += len(edit.replacement) - (edit.end - edit.start)
        sure = [edit for edit in edits if confidence[edit.start] >= self._threshold]
        kept, refused = faithful(source, sure)
        return [(edit, confidence[max(start for start in confidence if start <= edit.start)]) for edit in kept], refused


def prose(text: str) -> list[Span]:
    """The sentences to restore: not those too long for the model, nor short lines without an end mark (headings, page furniture)."""
    spans = []
    for paragraph in paragraphs(text):
        body = text[paragraph.start : paragraph.end]
        if len(words(body)) < 5 and not body.endswith(_SENTENCE_ENDS):
            continue
        for span in sentences(body):
            if 2 < len(words(body[span.start : span.end])) <= MOST_WORDS:
                spans.append(Span(paragraph.start + span.start, paragraph.start + span.end))
    return spans


def faithful(source: str, edits: list[Edit]) -> tuple[list[Edit], list[str]]:
    """(the edits of a sentence that keep its facts, why the others were refused).

    Edits that keep the facts of the sentence between them all pass. Else those that change a fact by themselves fall, and if the rest
    still does, all fall.
    """
    reason = changed_fact(source, apply(source, edits))
    if not reason and not any(opposed(source[e.start : e.end], e.replacement) for e in edits):
        return edits, []
    kept, refused = [], []
    for edit in (piece for whole in edits for piece in (word_by_word(source, whole) if violation(source, whole) else [whole])):
        reason = violation(source, edit)
        if reason:
            refused.append(f"{source[edit.start : edit.end]!r} kept, not {edit.replacement!r}: {reason} would change")
        else:
            kept.append(edit)
    reason = changed_fact(source, apply(source, kept))
    if reason:
        return [], [*refused, f"{len(kept)} other edits of the sentence fall with it: {reason} would change"]
    return kept, refused


def _describe(text: str, edit: Edit, confidence: float, quotation: bool) -> RestoredEdit:
    spun = text[edit.start : edit.end]
    if quotation:
        kind = "quotation"
    elif not spun.strip() or not edit.replacement.strip():
        kind = "insertion" if edit.replacement.strip() else "deletion"
    else:
        kind = "phrase" if " " in spun.strip() or " " in edit.replacement.strip() else "word"
    return RestoredEdit(edit.start, edit.end, spun, edit.replacement, kind, round(confidence, 4))
