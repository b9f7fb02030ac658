"""What a restorer accepts: one text, which is a string or a `Document`, or an iterable of them; and its options.

Nothing is converted. Anything else raises a TypeError that says what was found and what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import PurePath
from reprlib import repr as short_repr
from typing import Any

from unspin.infer.documents.base import Document

Text = str | Document

MAX_ALTERNATIVES = 100  # each costs a forward pass
_MISSING = ("nan", "<NA>", "NaT")  # how the missing values of numpy and pandas are written


def check_many(texts: object) -> None:
    """Raise TypeError unless this can be iterated over for texts. Their own types are checked by `check_text`."""
    if isinstance(texts, (str, Document)):
        raise TypeError("this takes many texts: give [text], or call restore")
    if isinstance(texts, Mapping) or hasattr(texts, "columns"):  # a table, which iterates over its columns' names
        raise TypeError(f"cannot restore {_describe(texts)}: give the column of its texts")
    if isinstance(texts, (bytes, bytearray)) or not _is_iterable(texts):
        advice = _advice(texts) or ": give a string, a Document, or many of them"
        raise TypeError(f"cannot restore {_describe(texts)}{advice}")


def check_text(text: object, index: int) -> Text:
    """The text at an index of many, counted from 0. Raises TypeError if it is not a text."""
    if not isinstance(text, (str, Document)):
        advice = ": leave out missing values" if text is None or str(text) in _MISSING else _advice(text)
        raise TypeError(f"text {index} is {_describe(text)}, not a string{advice}")
    return text


def check_options(min_confidence: float | None, alternatives: int | None) -> None:
    """Check options, of which None stands for a default.

    Raises TypeError for anything but numbers, and ValueError if `min_confidence` is outside 0..1 or `alternatives`
    outside 0..`MAX_ALTERNATIVES`.
    """
    if min_confidence is not None:
        if isinstance(min_confidence, bool) or not isinstance(min_confidence, Real):
            raise TypeError(f"min_confidence is {_describe(min_confidence)}: give a number from 0 to 1")
        if not 0 <= min_confidence <= 1:
            raise ValueError(f"min_confidence is {min_confidence}: give a number from 0 to 1")
    if alternatives is not None:
        if isinstance(alternatives, bool) or not isinstance(alternatives, Integral):
            raise TypeError(f"alternatives is {_describe(alternatives)}: give a whole number")
        if not 0 <= alternatives <= MAX_ALTERNATIVES:
            raise ValueError(f"alternatives is {alternatives}: give a number from 0 to {MAX_ALTERNATIVES}")


def _is_iterable(value: Any) -> bool:
    try:
        iter(value)  # also of a data set that has indexes but no __iter__
    except TypeError:
        return False
    return True


def _describe(value: object) -> str:
    return f"{short_repr(value)} (a {type(value).__name__})"


def _advice(value: object) -> str:
    if isinstance(value, (bytes, bytearray)):
        return ": decode it, or read it with unspin.infer.documents.formats.decode_document"
    if isinstance(value, PurePath):
        return ": read it with unspin.infer.documents.formats.read_document"
    if isinstance(value, Mapping):
        return ": give the column of the texts"
    return ""
