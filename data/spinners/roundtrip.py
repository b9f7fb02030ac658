"""The `roundtrip` engine: what a sentence has become after translation into another language and back.

What comes back depends on the sentence alone, so results are kept for the process, and strength is the mixture's matter. A trip that comes
back empty, half or twice as long, or with words left in the other language proposes nothing; no proposal changes digits, double quotation
marks or addresses. Who translates: `apertium.py`, `seq2seq.py`.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from functools import lru_cache
from typing import Protocol

from unspin.data.edits import Edit, align
from unspin.data.spinners.apertium import apertium
from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence, Substitution
from unspin.data.spinners.registry import EngineError
from unspin.data.spinners.seq2seq import marian, nllb

LONGEST = 8000  # characters; more could fill the pipes both ways at once
USAGE = "write roundtrip:apertium:spa, roundtrip:marian:FORWARD,BACK or roundtrip:nllb:MODEL,deu_Latn"

_MARKS = "*#@\\^$[]{}¿¡\ufffd"
_KEPT = re.compile(r"\d|[\"“”„«»]")
_ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+|\S+@\S+\.\w+")


class RoundTrip:
    """Puts what differs after a round trip. `route` is ``apertium:LANGUAGE``, ``marian:FORWARD,BACK`` or ``nllb:MODEL,LANGUAGE``.

    FORWARD, BACK and MODEL are folders or hub names of transformers sequence-to-sequence models. Without a route, Apertium's Spanish.
    Holds names alone, so it is cheap to pickle; processes are started and weights loaded at the first sentence, once a process.
    Raises `EngineError` where Apertium, the language pair or a model is missing.
    """

    name = "roundtrip"

    def __init__(self, route: str = "") -> None:
        kind, _, argument = route.partition(":")
        first, _, second = argument.partition(",")
        if kind in ("", "apertium"):
            self._route: _Route = apertium(argument or "spa")
        elif kind == "marian" and first and second:
            self._route = marian(first, second)
        elif kind == "nllb" and first and second:
            self._route = nllb(first, second)
        else:
            raise EngineError(f"engines: roundtrip:{route}: no such route; {USAGE}")

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        yield from _substitutions(self._route, sentence.text)


class _Route(Hashable, Protocol):
    """Where a sentence goes; small to pickle."""

    @property
    def rule(self) -> str: ...

    def round_trip(self, text: str) -> str:
        """`text`, or nothing where the translation failed; words that stayed in the other language marked by one of ``*#@``."""
        ...


@lru_cache(maxsize=1 << 14)
def _substitutions(route: _Route, text: str) -> tuple[Substitution, ...]:
    core = text.strip()
    if not core or len(core) > LONGEST or "\0" in core:
        return ()
    back = _tidy(route.round_trip(core))
    if not _is_sound(core, back):
        return ()
    lead = len(text) - len(text.lstrip())
    edits = (edit for edit in align(core, back) if _is_harmless(core, edit))
    return tuple(Substitution(lead + e.start, lead + e.end, e.replacement, RoundTrip.name, route.rule) for e in edits)


def _tidy(text: str) -> str:
    """Without the spaces that a pronoun or a quotation leaves behind when it moves."""
    text = re.sub(r" {2,}", " ", text.strip())
    text = re.sub(r" +([.,;:!?)”])", r"\1", text)
    text = re.sub(r"([(“]) +", r"\1", text)
    return re.sub(r'" *([^"]*?) *"', r'"\1"', text)


def _is_sound(source: str, back: str) -> bool:
    if not len(source) <= 2 * len(back) <= 4 * len(source):
        return False
    return all(back.count(mark) <= source.count(mark) for mark in _MARKS)


def _is_harmless(source: str, edit: Edit) -> bool:
    """Whether an edit changes words and leaves what no spinner may lose."""
    old, new = source[edit.start : edit.end], edit.replacement
    if old.split() == new.split() or _KEPT.findall(old) != _KEPT.findall(new):
        return False
    return not any(m.start() < edit.end and edit.start < m.end() for m in _ADDRESS.finditer(source))
