"""The `roundtrip` spinner: the differences between a sentence and its translation into another language and back.

The translation depends on the sentence only, so results are cached per process. A translation is discarded if it is
empty, less than half or more than twice as long, or contains words left in the other language. No proposal changes
digits, double quotation marks or addresses. `apertium.py` and `seq2seq.py` translate.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from functools import lru_cache
from typing import Protocol

from unspin.data.spinners.apertium import apertium
from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence, Spinner, Substitution
from unspin.data.spinners.registry import SpinnerError
from unspin.data.spinners.seq2seq import marian, nllb
from unspin.edits import Edit, align

MAX_CHARACTERS = 8000  # longer sentences could fill Apertium's pipes in both directions and block it
USAGE = "write roundtrip:apertium:spa, roundtrip:marian:FORWARD,BACK or roundtrip:nllb:MODEL,deu_Latn"

# Characters that mark untranslated words or belong to Apertium's stream. A translation that adds any is discarded.
_MARKS = "*#@\\^$[]{}¿¡\ufffd"
_PROTECTED = re.compile(r"\d|[\"“”„«»]")
_ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+|\S+@\S+\.\w+")


class RoundTrip(Spinner):
    """Proposes whatever a round trip changed.

    `route` is ``apertium:LANGUAGE``, ``marian:FORWARD,BACK`` or ``nllb:MODEL,LANGUAGE``; FORWARD, BACK and MODEL are
    local folders or hub names of transformers sequence-to-sequence models. Without a route, Apertium translates to
    Spanish and back.

    An instance holds names only and is cheap to pickle; processes are started and weights loaded at the first sentence.
    Raises `SpinnerError` if Apertium, the language pair or a model is missing.
    """

    name = "roundtrip"

    def __init__(self, route: str = "") -> None:
        kind, _, argument = route.partition(":")
        first, _, second = argument.partition(",")
        if kind in ("", "apertium"):
            self._route: Route = apertium(argument or "spa")
        elif kind == "marian" and first and second:
            self._route = marian(first, second)
        elif kind == "nllb" and first and second:
            self._route = nllb(first, second)
        else:
            raise SpinnerError(f"spinners: roundtrip:{route}: no such route; {USAGE}")

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        yield from _substitutions(self._route, sentence.text)


class Route(Hashable, Protocol):
    """A way to translate and back; hashable and small to pickle."""

    @property
    def rule(self) -> str:
        """What the data set records for an edit of this route."""
        ...

    def round_trip(self, text: str) -> str:
        """The text translated there and back, or "" if that failed.

        Words left in the other language are marked by one of ``*#@``.
        """
        ...


@lru_cache(maxsize=1 << 14)
def _substitutions(route: Route, text: str) -> tuple[Substitution, ...]:
    core = text.strip()
    if not core or len(core) > MAX_CHARACTERS or "\0" in core:
        return ()
    back = _tidy(route.round_trip(core))
    if not _is_sound(core, back):
        return ()
    lead = len(text) - len(text.lstrip())
    edits = (edit for edit in align(core, back) if _is_harmless(core, edit))
    return tuple(Substitution(lead + e.start, lead + e.end, e.replacement, RoundTrip.name, route.rule) for e in edits)


def _tidy(text: str) -> str:
    """Remove the spaces that a translator leaves around punctuation and moved words."""
    text = re.sub(r" {2,}", " ", text.strip())
    text = re.sub(r" +([.,;:!?)”])", r"\1", text)
    text = re.sub(r"([(“]) +", r"\1", text)
    return re.sub(r'" *([^"]*?) *"', r'"\1"', text)


def _is_sound(source: str, back: str) -> bool:
    """Whether a translation has a plausible length and no new marks of untranslated words."""
    return len(source) <= 2 * len(back) <= 4 * len(source) and not _adds_mark(source, back)


def _adds_mark(old: str, new: str) -> bool:
    return any(new.count(mark) > old.count(mark) for mark in _MARKS)


def _is_harmless(source: str, edit: Edit) -> bool:
    """Whether an edit changes words, keeps digits, double quotation marks and addresses, and adds no mark."""
    old, new = source[edit.start : edit.end], edit.replacement
    # A moved mark is two edits, of which the one that removes it may be dropped.
    if old.split() == new.split() or _PROTECTED.findall(old) != _PROTECTED.findall(new) or _adds_mark(old, new):
        return False
    return not any(m.start() < edit.end and edit.start < m.end() for m in _ADDRESS.finditer(source))
