"""What a run shows while it trains.

The progress bar gives the loss, tokens per second, the share of time spent outside steps, memory, and the time left.
Measuring never makes a step wait for the device.
"""

from __future__ import annotations

import ctypes
import sys
import time
from datetime import timedelta
from typing import Any

import psutil
import torch
from transformers import ProgressCallback, TrainerCallback
from unspin.train.schedule import Clock

GB = 1e9


class Stopwatch(TrainerCallback):
    """Measures the share of time spent outside steps: loading, logging, saving.

    On a GPU it records events in the device's own queue, and reads them only where the loss is read anyway.
    """

    def __init__(self) -> None:
        self._steps: list[tuple[Any, Any]] = []
        self._since: Any = None

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        began = _mark()
        self._since = began if self._since is None else self._since
        self._steps.append((began, None))

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._steps[-1] = (self._steps[-1][0], _mark())

    def outside(self) -> float:
        """The share of time (0..1) outside steps, from the last call to the end of the last step."""
        last = self._steps[-1][1]
        if not isinstance(last, float):
            last.synchronize()
        inside = sum(_between(began, ended) for began, ended in self._steps)
        whole = _between(self._since, last)
        self._steps, self._since = [], last
        return max(1 - inside / whole, 0.0) if whole else 0.0


def _mark() -> Any:
    """A point in time: seconds on a CPU, an event in the queue of a GPU."""
    if not torch.cuda.is_available():
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def _between(first: Any, second: Any) -> float:
    """The time between two marks: seconds on a CPU, milliseconds on a GPU."""
    return float(second - first if isinstance(first, float) else first.elapsed_time(second))


def memory() -> float:
    """Bytes of memory in use by this process; on a GPU, the peak of what it allocated there."""
    return float(torch.cuda.max_memory_allocated() if torch.cuda.is_available() else psutil.Process().memory_info().rss)


def return_free_memory() -> None:
    """Give the system back what was freed. glibc alone keeps it: after ten steps on a CPU, 1 GB of 3, in pieces between
    those in use, which batches of other shapes may not fit.
    """
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


class Bar(ProgressCallback):
    """A progress bar that shows the run's figures, instead of printing a line at each logging step."""

    def __init__(self, clock: Clock | None) -> None:
        super().__init__()
        self._clock = clock

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        super().on_train_begin(args, state, control, **kwargs)
        if self._clock and self.training_bar is not None:
            self.training_bar.total = None  # with a time limit, the number of steps is unknown
            self.training_bar.refresh()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **kwargs: Any) -> None:
        if logs and "loss" in logs and self.training_bar is not None:
            figures = [
                f"loss {logs['loss']:.3f}",
                f"{logs['tokens_per_second']:,.0f} tokens/s",
                f"{logs['outside']:.0%} outside",
                f"{logs['gigabytes']:.1f} GB",
            ]
            if self._clock:
                figures.append(f"{timedelta(seconds=round(max(self._clock.left, 0)))} left")
            self.training_bar.set_postfix_str(", ".join(figures))
