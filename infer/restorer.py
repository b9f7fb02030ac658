"""Restores whole articles: sentences through an engine, every edit checked, everything else left byte for byte.

`Restorer.restore(text)` never loses, doubles or merges a sentence: an output that is empty or outgrows its sentence is refused with a warning,
and an edit that would change a fact is dropped. Cost: one decoded token per token of prose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from unspin.data.edits import Edit, align, apply, word_by_word
from unspin.data.segment import Span, paragraphs, sentences, words
from unspin.infer.checkpoint import Checkpoint
from unspin.infer.engines import Engine, load_engine
from unspin.infer.fidelity import changed_fact, quotations, violation

MOST_WORDS = 120
_SENTENCE_ENDS = tuple(".!?…:;\"”’')")


@dataclass(frozen=True)
class RestoredEdit:
    """One change: characters ``start:end`` of the input, `spun`, become `restored`. `kind` is what sort of change it is."""

    start: int
    end: int
    spun: str
    restored: str
    kind: str


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

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def from_pretrained(
        cls, name: str = "default", *, engine: str = "ctranslate2", device: str = "cpu", report: Callable[[str], None] = lambda _: None
    ) -> Restorer:
        """Load a checkpoint folder, or "default". Raises `ModelError` if it is incomplete or a package is missing."""
        return cls(load_engine(engine, Checkpoint.open(name), report, device))

    def restore(self, text: str) -> Restoration:
        """Restore one article of plain text."""
        spans = list(prose(text))
        sources = [Flat.of(text[span.start : span.end]) for span in spans]
        outputs = self._engine.rewrite([source.text for source in sources])
        edits: list[Edit] = []
        warnings: list[str] = []
        for span, source, output in zip(spans, sources, outputs, strict=True):
            kept, refused = accepted(source.text, output)
            edits += [Edit(span.start + source.offsets[e.start], span.start + source.offsets[e.end], e.replacement) for e in kept]
            warnings += [f"{_place(text, span.start)}: {reason}" for reason in refused]
        quoted = list(quotations(text))
        return Restoration(text, apply(text, edits), tuple(_describe(text, e, quoted) for e in edits), tuple(warnings))


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


def accepted(source: str, output: str) -> tuple[list[Edit], list[str]]:
    """(edits of `source` that keep its facts, why the others were refused).

    Edits that keep the facts of the sentence between them all pass. Else those that change a fact by themselves fall, and if the rest
    still does, all fall.
    """
    output = " ".join(output.split())
    before, after = len(words(source)), len(words(output))
    if not before / 2 <= after <= 2 * before + 2:
        return [], [f"the model's output has {after} words for {before}: left as it was"]
    edits = align(source, output)
    if not changed_fact(source, apply(source, edits)):
        return edits, []
    kept, refused = [], []
    for edit in (piece for edit in edits for piece in ([edit] if not violation(source, edit) else word_by_word(source, edit))):
        reason = violation(source, edit)
        if reason:
            refused.append(f"{source[edit.start : edit.end]!r} kept, not {edit.replacement!r}: {reason} would change")
        else:
            kept.append(edit)
    reason = changed_fact(source, apply(source, kept))
    if reason:
        return [], [*refused, f"{len(kept)} other edits of the sentence fall with it: {reason} would change"]
    return kept, refused


def _place(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    return f"line {line}"


def _describe(text: str, edit: Edit, quoted: list[tuple[int, int]]) -> RestoredEdit:
    spun = text[edit.start : edit.end]
    if any(start <= edit.start < end for start, end in quoted):
        kind = "quotation"
    elif not spun.strip() or not edit.replacement.strip():
        kind = "insertion" if edit.replacement.strip() else "deletion"
    else:
        kind = "phrase" if " " in spun.strip() or " " in edit.replacement.strip() else "word"
    return RestoredEdit(edit.start, edit.end, spun, edit.replacement, kind)
