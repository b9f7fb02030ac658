"""What a command says when Ctrl-C, SIGTERM or the end of the terminal stops it: what is kept, and how to go on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def advice_when_stopped(advice: str) -> Iterator[None]:
    """Print one line on standard error if what is in the block, or the function that this decorates, is stopped.

    The command line then exits with status 130.
    """
    try:
        yield
    except KeyboardInterrupt:
        print(f"\nstopped: {advice}", file=sys.stderr)  # in a new line: this one may hold a bar, or the terminal's ^C
        raise
