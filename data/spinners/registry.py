"""The engines by name: every class that an installed package, this one included, declares under the entry point group ``unspin.spinners``.

A name may carry an argument behind a colon (``roundtrip:apertium:spa``), which the class is called with. An engine's module is imported
when the engine is first asked for, so that one with heavy needs costs nothing to those who leave it out.
"""

from __future__ import annotations

from importlib.metadata import entry_points

from unspin.data.errors import UnspinError
from unspin.data.spinners.protocol import Spinner

GROUP = "unspin.spinners"
# Round trips that are kept from every model, to measure what it makes of a spinner it never saw: Spanish (the default route) and Catalan.
HELD_OUT = frozenset({"roundtrip", "roundtrip:apertium", "roundtrip:apertium:spa", "roundtrip:apertium:cat"})


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
    return make(argument) if argument else make()


def is_held_out(name: str) -> bool:
    return name in HELD_OUT
