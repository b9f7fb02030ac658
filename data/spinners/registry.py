"""Spinners by name: the ``unspin.spinners`` entry points of all installed packages, this one included.

A name may carry an argument for the class after a colon, as in ``roundtrip:apertium:spa``. A spinner's module is
imported when the spinner is first loaded, so heavy dependencies cost nothing to builds that do not use them.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points

from unspin.data.spinners.protocol import Spinner
from unspin.errors import UnspinError

GROUP = "unspin.spinners"
# Languages whose round trips are never trained on: they measure how a model copes with a spinner it has not seen.
# The empty string stands for Apertium's default, Spanish.
HELD_OUT_LANGUAGES = frozenset({"", "es", "spa", "ca", "cat"})


class SpinnerError(UnspinError, ValueError):
    """A spinner does not exist, or a program, model or file that it needs is missing."""


def spinner_names() -> list[str]:
    """The names of all registered spinners, sorted."""
    return sorted(entry_points(group=GROUP).names)


def load_spinner_class(name: str) -> Callable[..., Spinner]:
    """The class of the spinner ``name`` or ``name:argument``. Raises `SpinnerError` if there is none of that name."""
    base = name.partition(":")[0]
    registered = entry_points(group=GROUP, name=base)
    if not registered:
        raise SpinnerError(f"spinners: unknown {base!r}; there are {', '.join(spinner_names())}")
    spinner_class: Callable[..., Spinner] = next(iter(registered)).load()
    return spinner_class


def load_spinner(name: str) -> Spinner:
    """Create the spinner ``name`` or ``name:argument``.

    Raises `SpinnerError` if none is registered under that name, if it takes no argument, or if what it needs is
    missing.
    """
    base, _, argument = name.partition(":")
    spinner_class = load_spinner_class(name)
    try:
        return spinner_class(argument) if argument else spinner_class()
    except TypeError:
        raise SpinnerError(f"spinners: {base} takes no argument and reads no file, found {argument!r}") from None


def is_held_out_spinner(name: str) -> bool:
    """Whether a spinner is a round trip through a held-out language.

    Marian round trips never count, because a model's name need not say what it translates.
    """
    base, _, route = name.partition(":")
    kind, _, argument = route.partition(":")
    if base != "roundtrip" or kind not in ("", "apertium", "nllb"):
        return False
    return argument.rpartition(",")[2].partition("_")[0] in HELD_OUT_LANGUAGES
