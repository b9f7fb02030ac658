"""Log messages and progress on the terminal. Both go to standard error; standard output is for results.

Every module logs with ``logging.getLogger(__name__)``; only a command decides where the messages go.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
# All but tabs and line feeds, and the marks that reverse what follows them.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def without_controls(text: str) -> str:
    """A text without control characters: what a document holds must not command the terminal."""
    return _CONTROLS.sub("", text)


def counted(number: int, noun: str) -> str:
    """A number with its noun, which is in the plural unless there is one: "1 edit", "2,000 edits"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def log_to_terminal() -> None:
    """Print unspin's messages of level INFO and above on standard error; all but INFO are prefixed with their level."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter())
    logger = logging.getLogger("unspin")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


def track(items: Iterable[T], description: str) -> Iterable[T]:
    """Iterate over `items` and show a progress bar."""
    from rich import progress
    from rich.console import Console

    return progress.track(items, description, console=Console(stderr=True))


@contextmanager
def working(description: str) -> Iterator[None]:
    """Show on a terminal what is being done, for as long as it takes. Nothing in it may draw a progress bar."""
    from rich.console import Console

    with Console(stderr=True).status(description):
        yield


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        message = without_controls(super().format(record))
        return message if record.levelno == logging.INFO else f"{record.levelname.lower()}: {message}"
