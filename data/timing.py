"""Timing two ways of doing one thing against each other, in one run, either first in turn.

The figure is a ratio, run by run, and its interval is from the least to the greatest: six runs hold the median ratio with a confidence of
97 % (sign test). Seconds by themselves depend on the machine and on what else it does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median

FEWEST = 5  # runs


def race(first: Callable[[], object], second: Callable[[], object], runs: int) -> tuple[list[float], list[float]]:
    """Seconds of each run of both, after one run of each that is not counted."""
    sides = (first, second)
    seconds: tuple[list[float], list[float]] = ([], [])
    for side in sides:
        side()
    for run in range(runs):
        for i in (0, 1) if run % 2 == 0 else (1, 0):
            start = time.perf_counter()
            sides[i]()
            seconds[i].append(time.perf_counter() - start)
    return seconds


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """How many times as fast the first was, run by run."""
    return [b / a for a, b in zip(ours, theirs, strict=True)]


def interval(values: Sequence[float], form: str) -> str:
    return f"{median(values):{form}} ({min(values):{form}}–{max(values):{form}})"
