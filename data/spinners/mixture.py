"""Spins a sentence: collects the proposals of all spinners that a tool has, and carries out some of them.

`Mixture` guarantees that the edits it returns restore the original exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from unspin.data.spinners.persona import Persona, is_held_out_term
from unspin.data.spinners.protocol import Sentence, Substitution
from unspin.data.spinners.registry import load_spinner
from unspin.edits import Edit, apply, invert, select_non_overlapping
from unspin.english.morphology import starts_with_vowel_sound
from unspin.segment import paragraphs, quotations, sentences

HeldOut = Literal["exclude", "only", "include"]
_ARTICLE_BEFORE = re.compile(r"\b([Aa]n?) $")


@dataclass(frozen=True, slots=True)
class Spun:
    """A spun text; `edits` are spans of it and turn it back into the original."""

    text: str
    edits: tuple[Edit, ...]


class Mixture:
    """A set of loaded spinners that spins sentences for any persona.

    `held_out_headwords` says whether held-out dictionary entries are excluded, the only ones used, or included.
    `dictionaries` maps spinner names to the files they read. Raises `SpinnerError` if a spinner is unknown or cannot
    be loaded.
    """

    def __init__(
        self,
        spinners: Iterable[str],
        held_out_headwords: HeldOut = "exclude",
        dictionaries: Mapping[str, Path] = MappingProxyType({}),
    ) -> None:
        self._held_out_headwords = held_out_headwords
        self._spinners = {
            name: load_spinner(f"{name}:{dictionaries[name]}" if name in dictionaries else name) for name in spinners
        }

    def spin(self, text: str, persona: Persona) -> Spun:
        """Spin one sentence. `persona.spinners` must be among the mixture's."""
        chosen = select_non_overlapping(
            proposal for proposal in self._proposals(Sentence.of(text), persona) if _carries_out(persona, proposal)
        )
        forward: list[Edit] = []
        for proposal in chosen:
            forward.append(_edit(text, proposal, persona, forward[-1].end if forward else 0))
        return Spun(apply(text, forward), tuple(invert(text, forward)))

    def _proposals(self, sentence: Sentence, persona: Persona) -> list[Substitution]:
        """All allowed proposals by preference: the tool's order of spinners, longest first, from left to right."""
        allowed = [
            (precedence, proposal)
            for precedence, name in enumerate(persona.spinners)
            for proposal in self._spinners[name].propose(sentence, persona)
            if self._is_allowed(sentence, persona, proposal)
        ]

        def preference(ranked: tuple[int, Substitution]) -> tuple[int, int, int, float, str]:
            precedence, proposal = ranked
            length = proposal.end - proposal.start
            tie_break = persona.draw("reading", proposal.rule)
            return precedence, -length, proposal.start, tie_break, proposal.replacement

        return [proposal for _, proposal in sorted(allowed, key=preference)]

    def _is_allowed(self, sentence: Sentence, persona: Persona, proposal: Substitution) -> bool:
        """Whether the held-out setting and the tool's protections allow a proposal."""
        if proposal.term and self._held_out_headwords != "include":
            unseen = is_held_out_term(proposal.headword) or is_held_out_term(proposal.term)
            if unseen != (self._held_out_headwords == "only"):
                return False
        if persona.protects_quotations and any(
            quoted.start <= proposal.start < quoted.end for quoted in quotations(sentence.text)
        ):
            return False
        if not persona.protects_names:
            return True
        touched = (i for i, word in enumerate(sentence.words) if proposal.start <= word.start < proposal.end)
        return not any(sentence.named(i) for i in touched)


def _carries_out(persona: Persona, proposal: Substitution) -> bool:
    """Whether the tool carries out a proposal: decided per headword if the tool is consistent, otherwise per place."""
    key = (proposal.headword,) if persona.consistent else (proposal.headword, proposal.start, proposal.replacement)
    return persona.draw("touch", *key) < min(1.0, 2 * persona.strength)


def _edit(text: str, proposal: Substitution, persona: Persona, free_from: int) -> Edit:
    """The proposal as an edit of the original.

    Some tools also correct an article before it, unless that starts before `free_from`, inside the previous edit.
    """
    edit = Edit(proposal.start, proposal.end, proposal.replacement, proposal.spinner, proposal.rule)
    match = _ARTICLE_BEFORE.search(text, free_from, proposal.start)
    if not (match and persona.fixes_articles and proposal.replacement):
        return edit
    article = match[1][0] + ("n" if starts_with_vowel_sound(proposal.replacement) else "")
    if article == match[1]:
        return edit
    return replace(edit, start=match.start(), replacement=f"{article} {proposal.replacement}")


def spin_article(text: str, persona: Persona, mixture: Mixture) -> str:
    """Spin an article sentence by sentence; the text between sentences is unchanged."""
    edits = []
    for paragraph in paragraphs(text):
        for span in sentences(text[paragraph.start : paragraph.end]):
            start, end = paragraph.start + span.start, paragraph.start + span.end
            edits.append(Edit(start, end, mixture.spin(text[start:end], persona).text))
    return apply(text, edits)
