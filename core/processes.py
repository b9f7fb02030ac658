"""Worker processes that never outlive their work: they end when it is broken off, and when their parent is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, parent_process
from multiprocessing.context import BaseContext
from threading import Thread
from typing import Any


@contextmanager
def worker_processes(
    count: int, context: BaseContext, initializer: Callable[..., object] | None = None, *arguments: Any
) -> Iterator[ProcessPoolExecutor]:
    """Processes for the length of a ``with`` block; an error in it, or Ctrl-C, ends them in the middle of their work.

    Each begins with a call of the initializer. A pool alone would wait until all work is done.
    """
    others = set(active_children())
    with ProcessPoolExecutor(count, context, _start, (initializer, arguments)) as pool:
        try:
            yield pool
        except BaseException:
            for process in set(active_children()) - others:
                process.terminate()
            raise


def _start(initializer: Callable[..., object] | None, arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one ends the others
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    Thread(target=_end_with_parent, daemon=True).start()
    if initializer is not None:
        initializer(*arguments)


def _end_with_parent() -> None:
    """End this process once its parent has ended, however that was."""
    parent = parent_process()
    assert parent is not None, "a worker has a parent"
    parent.join()
    os._exit(1)
