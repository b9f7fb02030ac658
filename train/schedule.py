"""Ends a run within `time_limit`: as many steps as fit, with a learning rate that reaches zero when the time is up.

The learning rate depends on the time that has passed, not on the number of steps, so it adapts to the speed of the
machine. Time spent by earlier attempts at the same run counts: it is kept in `clock.json` in the run folder. A
checkpoint is saved in each tenth of the time, so a killed run loses at most a tenth. Such runs are the only ones
whose result depends on the machine.
"""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import broadcast
from transformers import TrainerCallback
from unspin.checksums import ChecksumError
from unspin.errors import UnspinError
from unspin.storage import write_atomic
from unspin.train.config import TrainConfig

FILE = "clock.json"
now = time.monotonic
RESERVE = 0.02  # minimum share of the limit reserved for the last checkpoint
RECENT_STEPS = 10  # the mean of so many steps predicts the duration of the next


class OutOfTimeError(UnspinError):
    """The time limit was over before the first step."""


def earlier_attempts(output: Path) -> tuple[float, float | None]:
    """Seconds spent by earlier attempts at a run, and how many of them preceded its first step.

    The second value is None if no attempt has begun to train. Raises `ChecksumError` if `clock.json` is damaged.
    """
    file = output / FILE
    if not file.is_file():
        return 0.0, None
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        return float(record["seconds"]), float(record["began"])
    except (ValueError, KeyError, TypeError):
        raise ChecksumError(f"{file} is damaged: remove it; the time limit then counts from now") from None


class Clock(TrainerCallback):
    """Measures how much of a run's time has passed, and ends the run. All processes follow the clock of the first."""

    def __init__(self, config: TrainConfig, started: float) -> None:
        """`started` is `now()` at the start of the process, so that loading and tokenizing count."""
        assert config.time_limit
        self._file, self._limit, self._steps = config.output / FILE, config.time_limit, config.max_steps
        self._warmup, self._cosine = config.warmup_steps, config.lr_scheduler_type == "cosine"
        seconds, self._began = earlier_attempts(config.output)
        self._started = started - seconds
        # End times of recent steps, shifted by the time spent on saving and evaluating, so differences are step times.
        self._ends: deque[float] = deque(maxlen=RECENT_STEPS)
        self._slowest = {"saving": 0.0, "evaluating": 0.0}  # seconds
        self._tenth: int | None = None  # the tenth of the run, 0..10, that the last step was in
        self.progress = 0.0

    @property
    def seconds(self) -> float:
        """Seconds that this run has taken, including earlier attempts."""
        return now() - self._started

    @property
    def left(self) -> float:
        """Seconds left for steps, less a reserve for the last evaluation, the last checkpoint and the final weights."""
        reserve = max(2 * self._slowest["saving"] + self._slowest["evaluating"], RESERVE * self._limit)
        return self._limit - reserve - self.seconds

    def over(self) -> bool:
        """Whether no time is left; all processes get the same answer."""
        return self._of_first_process(float(self.left <= 0)) > 0

    def rate(self, step: int) -> float:
        """The learning rate of a step, as a share of the peak."""
        shape = (1 + math.cos(math.pi * self.progress)) / 2 if self._cosine else 1 - self.progress
        return shape * min(1.0, step / self._warmup if self._warmup else 1.0)

    @contextmanager
    def interruption(self, kind: str) -> Iterator[None]:
        """Time "saving" or "evaluating": it counts for the run but not for the duration of a step."""
        began = now()
        yield
        took = now() - began
        self._slowest[kind] = max(self._slowest[kind], took)
        self._ends = deque((end + took for end in self._ends), maxlen=RECENT_STEPS)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._began = self.seconds if self._began is None else self._began
        if self.left <= 0 and not state.global_step:
            including = " including earlier attempts" if self._file.is_file() else ""
            raise OutOfTimeError(
                f"time_limit, {self._limit:.0f} seconds, was over before the first step: preparation took "
                f"{self.seconds:.0f} seconds{including}; raise time_limit, and remove {self._file.parent} if it exists"
            )
        self._write(state)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._ends.append(now())
        by_steps = (state.global_step + 1) / self._steps if self._steps else 0.0
        self.progress = self._of_first_process(max(self._progress_by_time(), by_steps))

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        tenth = int(10 * self.progress)
        if self._tenth is not None and tenth > self._tenth:
            control.should_save = True
        self._tenth = tenth
        if self.progress >= 1:
            control.should_training_stop = control.should_save = control.should_log = True
            # If earlier weights were scored, the last ones must be too.
            control.should_evaluate |= self._slowest["evaluating"] > 0

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._write(state)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._write(state)

    def _write(self, state: Any) -> None:
        if state.is_world_process_zero:
            write_atomic(self._file, json.dumps({"seconds": round(self.seconds, 1), "began": self._began}).encode())

    @staticmethod
    def _of_first_process(value: float) -> float:
        """The first process's value, in all processes."""
        if PartialState().num_processes == 1:
            return value
        return float(broadcast(torch.tensor(value, dtype=torch.float64, device=PartialState().device)))

    def _progress_by_time(self) -> float:
        """The share of the training time that has passed; 1 if there is no time for another step."""
        left, trained = self.left, self.seconds - (self._began or 0.0)
        step = (self._ends[-1] - self._ends[0]) / (len(self._ends) - 1) if len(self._ends) > 1 else 0.0
        return 1.0 if left <= step else trained / (trained + left)
