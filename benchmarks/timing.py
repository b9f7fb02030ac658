"""Times two ways of doing the same work against each other, in one process, with alternating order.

The result is a ratio per run, because seconds depend on the machine and on its other work. With six runs, the interval
from the smallest to the largest ratio contains the median with a confidence of 97 % (sign test).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median

MIN_RUNS = 5


def race(first: Callable[[], object], second: Callable[[], object], runs: int) -> tuple[list[float], list[float]]:
    """The seconds of each run of both functions, after one run of each that is not counted."""
    functions = (first, second)
    seconds: tuple[list[float], list[float]] = ([], [])
    for function in functions:
        function()
    for run in range(runs):
        for i in (0, 1) if run % 2 == 0 else (1, 0):
            start = time.perf_counter()
            functions[i]()
            seconds[i].append(time.perf_counter() - start)
    return seconds


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """How many times as fast as theirs ours was, run by run, from the seconds of both."""
    return [b / a for a, b in zip(ours, theirs, strict=True)]


def interval(values: Sequence[float], form: str) -> str:
    """``median (smallest–largest)``, each formatted with `form`."""
    return f"{median(values):{form}} ({min(values):{form}}–{max(values):{form}})"
