"""Restores whole articles: sentences through an engine, every edit checked, everything else left byte for byte.

`Restorer.restore(text)` never loses, doubles or merges a sentence: an output that is empty or outgrows its sentence is refused with a warning,
and an edit that would change a fact is dropped. Cost: one decoded token per token of prose.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from unspin.data.edits import Edit, align, apply, word_by_word
from unspin.data.segment import words
from unspin.infer.checkpoint import Calibration, Checkpoint
from unspin.infer.engines import Engine, Rewriting, load_engine
from unspin.infer.fidelity import changed_fact, opposed, quotations, violation
from unspin.infer.formats import View, plain
from unspin.infer.prose import LONGEST_PIECE, prose, reads_as_english

_STRAIGHT = str.maketrans("‘’“”", "''\"\"")


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
    """A restored text, what was changed, how spun it looked (share of words, 0..1), and what the reader should know."""

    source: str
    text: str
    edits: tuple[RestoredEdit, ...]
    spun: float = 0.0
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
        self,
        engine: Engine,
        calibration: Calibration | None = None,
        min_confidence: float | None = None,
        keep_quotations: bool = False,
        passage: int = 0,
    ) -> None:
        self._engine = engine
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
        report: Callable[[str], None] = lambda _: None,
    ) -> Restorer:
        """Load a checkpoint folder, or "default". Raises `ModelError` if it is incomplete or a package is missing.

        `min_confidence` is the confidence below which an edit is not made; None takes the checkpoint's own. `keep_quotations` leaves alone
        what stands between double quotation marks.
        """
        checkpoint = Checkpoint.open(name)
        loaded = load_engine(engine, checkpoint, report, device)
        return cls(loaded, checkpoint.calibration, min_confidence, keep_quotations, checkpoint.passage)

    def restore(self, text: str, views: Sequence[View] | None = None) -> Restoration:
        """Restore one article: plain text, or a document whose prose the `views` of its format show."""
        views = plain(text) if views is None else views
        if not reads_as_english("\n".join(view.text[:LONGEST_PIECE] for view in views)):
            return Restoration(text, text, (), warnings=("does not read as English: left as it was",))
        placed = [(view, span) for view in views for span in prose(view.text)]
        sources = [Flat.of(view.text[span.start : span.end]) for view, span in placed]
        article = self.restore_sentences([source.text for source in sources])
        quoted = {id(view): list(quotations(view.text)) for view in views}
        edits: list[RestoredEdit] = []
        warnings: list[str] = []
        for (view, span), source, sentence in zip(placed, sources, article.sentences, strict=True):
            for edit, confidence in sentence.edits:
                seen = replace(edit, start=span.start + source.offsets[edit.start], end=span.start + source.offsets[edit.end])
                quotation = any(start <= seen.start < end for start, end in quoted[id(view)])
                if not (quotation and self._keep_quotations):
                    edits += (_describe(text, raw, confidence, quotation) for raw in view.raw_edits(seen))
            if sentence.refused:
                line = text.count("\n", 0, view.starts[span.start]) + 1
                warnings += [f"line {line}: {reason}" for reason in sentence.refused]
        restored = apply(text, (Edit(e.start, e.end, e.restored) for e in edits))
        return Restoration(text, restored, tuple(edits), article.spun, tuple(warnings))

    def restore_sentences(self, sentences: Sequence[str]) -> RestoredSentences:
        """Restore the sentences of one article."""
        proposals = self._proposals(sentences)
        total = sum(len(words(source)) for source in sentences)
        expected = sum(p.probability * p.size(source) for source, found in zip(sentences, proposals, strict=True) for p in found or ())
        spun = min(expected / total, 1.0) if total else 0.0
        restored = []
        confidence = self._confidence(sentences, proposals, spun)
        for source, found in zip(sentences, proposals, strict=True):
            if found is None:
                restored.append(RestoredSentence(source, (), ("the model's output is no restoration of the sentence: left as it was",)))
                continue
            sure = {p.edit: confidence[id(p)] for p in found if confidence[id(p)] >= self._threshold}
            kept, refused = faithful(source, list(sure))
            owner = {edit: max((whole for whole in sure if whole.start <= edit.start), key=lambda whole: whole.start) for edit in kept}
            restored.append(RestoredSentence(source, tuple((edit, sure[owner[edit]]) for edit in kept), tuple(refused)))
        return RestoredSentences(tuple(restored), spun)

    def _proposals(self, sentences: Sequence[str]) -> list[list[Proposal] | None]:
        """What the model proposes for each sentence, shown with its neighbours; those of a passage it made nothing of are shown alone."""
        passages = list(neighbours(sentences, self._passage))
        outputs = self._engine.rewrite([" ".join(sentences[i] for i in passage) for passage in passages])
        found: dict[int, list[Proposal] | None] = {}
        for passage, output in zip(passages, outputs, strict=True):
            found.update(zip(passage, part([sentences[i] for i in passage], output), strict=True))
        alone = [i for i, proposals in found.items() if proposals is None] if len(passages) < len(sentences) else []
        for i, output in zip(alone, self._engine.rewrite([sentences[i] for i in alone]) if alone else [], strict=True):
            found[i] = propose(sentences[i], output)
        return [found[i] for i in range(len(sentences))]

    def _confidence(self, sentences: Sequence[str], proposals: Sequence[list[Proposal] | None], spun: float) -> dict[int, float]:
        """The confidence of each proposal, by its identity. A tool garbles a phrase the same way all through an article, so that
        places where the same words were restored alike speak for one another."""
        alone: dict[int, float] = {}
        alike: dict[tuple[str, str], list[float]] = defaultdict(list)
        keys: dict[int, tuple[str, str]] = {}
        for source, found in zip(sentences, proposals, strict=True):
            for p in found or ():
                alone[id(p)] = self._calibration.confidence(p.probability, spun, p.size(source))
                keys[id(p)] = (source[p.edit.start : p.edit.end].lower(), p.edit.replacement.lower())
                alike[keys[id(p)]].append(1 - alone[id(p)])
        return {i: 1 - (1 - c) * (math.prod(alike[keys[i]]) / max(1 - c, 1e-9)) ** self._calibration.support for i, c in alone.items()}


@dataclass(frozen=True)
class RestoredSentence:
    """A sentence, its edits with their confidence, and why others were refused."""

    source: str
    edits: tuple[tuple[Edit, float], ...]
    refused: tuple[str, ...]

    @property
    def text(self) -> str:
        return apply(self.source, (edit for edit, _ in self.edits))


@dataclass(frozen=True)
class RestoredSentences:
    """The sentences of an article, and the share of its words that looked spun."""

    sentences: tuple[RestoredSentence, ...]
    spun: float


@dataclass(frozen=True)
class Proposal:
    """An edit the model's output makes, and the model's probability of it."""

    edit: Edit
    probability: float

    def size(self, source: str) -> int:
        """Words touched."""
        return max(len(words(source[self.edit.start : self.edit.end])), len(words(self.edit.replacement)), 1)


def neighbours(sentences: Sequence[str], longest: int) -> Iterator[list[int]]:
    """The numbers of sentences that the model is shown together: as many as hold up to `longest` words, and at least one."""
    together: list[int] = []
    held = 0
    for i, sentence in enumerate(sentences):
        count = len(words(sentence))
        if together and held + count > longest:
            yield together
            together, held = [], 0
        together.append(i)
        held += count
    if together:
        yield together


def part(sentences: Sequence[str], output: Rewriting) -> list[list[Proposal] | None]:
    """The proposals of a passage, sentence by sentence. One that reaches over a bound is none: sentences are neither merged nor split.

    A sentence that would lose or gain half its words has None, as all have where the output is no restoration of the passage.
    """
    proposals = propose(" ".join(sentences), output)
    if proposals is None:
        return [None] * len(sentences)
    parts: list[list[Proposal] | None] = []
    start = 0
    for sentence in sentences:
        end = start + len(sentence)
        own = [p for p in proposals if start <= p.edit.start and p.edit.end <= end]
        moved = [Proposal(replace(p.edit, start=p.edit.start - start, end=p.edit.end - start), p.probability) for p in own]
        parts.append(moved if _like(sentence, apply(sentence, [p.edit for p in moved])) else None)
        start = end + 1
    return parts


def _like(source: str, output: str) -> bool:
    """Whether an output is about as long as its source: neither empty nor cut short nor run away."""
    before, after = len(words(source)), len(words(output))
    return before / 2 <= after <= 2 * before + 2


def propose(source: str, output: Rewriting) -> list[Proposal] | None:
    """The edits that lead from a sentence to an engine's output; None where the output is empty, cut short or ran away."""
    flat = " ".join(output.text.split())
    if not _like(source, flat):
        return None
    proposals, shift = [], 0
    for edit in align(source, flat):
        if edit.replacement.translate(_STRAIGHT) == source[edit.start : edit.end].translate(_STRAIGHT):  # typography is the author's
            shift += len(edit.replacement) - (edit.end - edit.start)
            continue
        start = edit.start + shift
        proposals.append(Proposal(edit, math.exp(output.log_probability(start, start + len(edit.replacement)))))
        shift += len(edit.replacement) - (edit.end - edit.start)
    return proposals


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
