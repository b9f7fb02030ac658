"""The mixture: what one persona makes of a sentence, from the proposals of all its engines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from unspin.data.edits import Edit, apply, invert
from unspin.data.morphology import starts_with_vowel_sound
from unspin.data.segment import Span, paragraphs, sentences
from unspin.data.spinners.persona import Persona, held_out
from unspin.data.spinners.protocol import Sentence, Substitution
from unspin.data.spinners.registry import load_engine

HeldOut = Literal["exclude", "only", "include"]
_ARTICLE_BEFORE = re.compile(r"\b([Aa]n?) $")


@dataclass(frozen=True, slots=True)
class Spun:
    """A spun sentence and the edits that lead from it back to the original."""

    text: str
    edits: tuple[Edit, ...]


class Mixture:
    """Spins sentences with the named engines.

    `held_out_heads` says whether entries kept from every model are left out, used alone, or included; `dictionaries` which file an engine reads.
    Raises `EngineError` where an engine is unknown or lacks its tools.
    """

    def __init__(self, engines: Iterable[str], held_out_heads: HeldOut = "exclude", dictionaries: Mapping[str, Path] = MappingProxyType({})) -> None:
        self._held_out_heads = held_out_heads
        self._engines = {name: load_engine(f"{name}:{dictionaries[name]}" if name in dictionaries else name) for name in engines}

    def spin(self, text: str, persona: Persona) -> Spun:
        sentence = Sentence.of(text)
        proposed = [
            (order, proposal)
            for order, name in enumerate(persona.engines)
            for proposal in self._engines[name].propose(sentence, persona)
            if self._allowed(sentence, persona, proposal)
        ]
        proposed.sort(key=lambda it: (it[0], it[1].start - it[1].end, it[1].start, persona.draw("reading", it[1].rule), it[1].replacement))
        chosen = _without_overlaps(proposal for _, proposal in proposed if _touches(persona, proposal))
        forward: list[Edit] = []
        for proposal in chosen:
            forward.append(_edit(text, proposal, persona, forward[-1].end if forward else 0))
        return Spun(apply(text, forward), tuple(invert(text, forward)))

    def _allowed(self, sentence: Sentence, persona: Persona, proposal: Substitution) -> bool:
        if proposal.term and self._held_out_heads != "include":
            unseen = held_out(proposal.head) or held_out(proposal.term)
            if unseen != (self._held_out_heads == "only"):
                return False
        if persona.protects_quotations and any(a <= proposal.start < b for a, b in sentence.quoted()):
            return False
        if not persona.protects_names:
            return True
        touched = (i for i, w in enumerate(sentence.words) if proposal.start <= w.start < proposal.end)
        return not any(sentence.named(i) for i in touched)


def _touches(persona: Persona, proposal: Substitution) -> bool:
    """Whether the tool acts on a proposal: by head where it is consistent, else by place."""
    key = (proposal.head,) if persona.consistent else (proposal.head, proposal.start, proposal.replacement)
    return persona.draw("touch", *key) < min(1.0, 2 * persona.strength)


def _without_overlaps(proposals: Iterable[Substitution]) -> list[Substitution]:
    chosen: list[Substitution] = []
    for proposal in proposals:
        if all(proposal.end <= other.start or other.end <= proposal.start for other in chosen):
            chosen.append(proposal)
    return sorted(chosen, key=lambda proposal: (proposal.start, proposal.end))


def _edit(text: str, proposal: Substitution, persona: Persona, free_from: int) -> Edit:
    """The proposal as an edit of the original, its article put right if the tool does so."""
    edit = Edit(proposal.start, proposal.end, proposal.replacement, proposal.engine, proposal.rule)
    article = _ARTICLE_BEFORE.search(text, free_from, proposal.start)
    if not (article and persona.fixes_articles and proposal.replacement):
        return edit
    right = ("an" if article[1][0] == "a" else "An") if starts_with_vowel_sound(proposal.replacement) else article[1][0]
    return replace(edit, start=article.start(), replacement=f"{right} {proposal.replacement}") if right != article[1] else edit


def spin_article(text: str, persona: Persona, mixture: Mixture) -> str:
    """An article spun sentence by sentence, all that lies between sentences kept."""
    edits = [
        Edit(sentence.start, sentence.end, mixture.spin(text[sentence.start : sentence.end], persona).text)
        for paragraph in paragraphs(text)
        for sentence in (Span(paragraph.start + s.start, paragraph.start + s.end) for s in sentences(text[paragraph.start : paragraph.end]))
    ]
    return apply(text, edits)
