"""The engines by name: every class that an installed package, this one included, declares under the entry point group ``unspin.spinners``.

A name may carry an argument behind a colon (``roundtrip:apertium:spa``), which the class is called with. An engine's module is imported
when the engine is first asked for, so that one with heavy needs costs nothing to those who leave it out.
"""

from __future__ import annotations

from importlib.metadata import entry_points

from unspin.data.errors import UnspinError
from unspin.data.spinners.protocol import Spinner

GROUP = "unspin.spinners"
# Languages of round trips that are kept from every model, to measure what it makes of a spinner it never saw. Spanish is Apertium's default.
HELD_OUT = frozenset({"", "es", "spa", "ca", "cat"})


class EngineError(UnspinError, ValueError):
    """An engine that does not exist or lacks a tool it needs; the message says what to install."""


def engine_names() -> list[str]:
    return sorted(entry_points(group=GROUP).names)


def load_engine(name: str) -> Spinner:
    """The engine ``name`` or ``name:argument``. Raises `EngineError` where none is registered or its tools are missing."""
    base, _, argument = name.partition(":")
    found = entry_points(group=GROUP, name=base)
    if not found:
        raise EngineError(f"engines: unknown {base!r}; there are {', '.join(engine_names())}")
    make = next(iter(found)).load()
    try:
        return make(argument) if argument else make()
    except TypeError:
        raise EngineError(f"engines: {base} takes no argument and reads no file, found {argument!r}") from None


def is_held_out(name: str) -> bool:
    """Whether an engine is a round trip through a language that only measures. A Marian model's name need not say what it translates."""
    base, _, route = name.partition(":")
    kind, _, argument = route.partition(":")
    if base != "roundtrip" or kind not in ("", "apertium", "nllb"):
        return False
    return argument.rpartition(",")[2].partition("_")[0] in HELD_OUT
