"""Properties that are computed once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

T = TypeVar("T")


class cached_property(functools.cached_property[T]):
    """`functools.cached_property` without the lock that Python 3.11 holds while it computes a value.

    A process that is forked while another thread computes one would wait for that lock forever. Two threads may compute
    a value at the same time instead.
    """

    lock: AbstractContextManager[None]

    def __init__(self, compute: Callable[..., T]) -> None:
        super().__init__(compute)
        self.lock = nullcontext()
