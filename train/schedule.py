"""A run that ends in time: as many steps as fit into `time_limit`, with a learning rate that reaches zero when the time is up.

The schedule is a function of the time that has passed instead of the steps that were made, so it follows the speed of the machine, whatever else
that does. What an earlier attempt at the same run took counts: the clock is a file in the run's folder. There is a checkpoint in each tenth of the
time, so a run that is killed loses no more.
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
from unspin.data.errors import UnspinError
from unspin.data.guard import DamagedError
from unspin.data.stores import write_whole
from unspin.train.config import TrainConfig

FILE = "clock.json"
now = time.monotonic
KEPT_BACK = 0.02  # of the limit, for the last checkpoint: more where one has been seen to take longer
RECENT = 10  # steps whose mean tells how long the next takes


class OutOfTimeError(UnspinError):
    """A run whose time is over before it has trained."""


def earlier(output: Path) -> tuple[float, float | None]:
    """(seconds that earlier attempts at a run took, how many of them passed until the first step)."""
    file = output / FILE
    if not file.is_file():
        return 0.0, None
    try:
        noted = json.loads(file.read_text(encoding="utf-8"))
        return float(noted["seconds"]), float(noted["began"])
    except (ValueError, KeyError, TypeError):
        raise DamagedError(f"{file} is damaged: remove it, and the time counts from now on") from None


class Clock(TrainerCallback):
    """Says how far through its time a run is, and ends it. With several processes all go by the clock of the first."""

    def __init__(self, config: TrainConfig, started: float) -> None:
        """`started` is `now()` at the run's start: loading and tokenizing count."""
        assert config.time_limit
        self._file, self._limit, self._steps = config.output / FILE, config.time_limit, config.steps
        self._warmup, self._cosine = config.warmup_steps, config.schedule == "cosine"
        seconds, self._began = earlier(config.output)
        self._started = started - seconds
        self._ends: deque[float] = deque(maxlen=RECENT)  # when the last steps ended, as if nothing but steps had been made since
        self._slowest = {"saving": 0.0, "evaluating": 0.0}  # seconds
        self._tenth: int | None = None  # of the run, that the last step was in
        self.progress = 0.0

    @property
    def seconds(self) -> float:
        """That this run has taken, earlier attempts with it."""
        return now() - self._started

    @property
    def left(self) -> float:
        """Seconds for further steps: what the last evaluation, the last checkpoint and the weights that are shipped will take is kept back."""
        return self._limit - max(2 * self._slowest["saving"] + self._slowest["evaluating"], KEPT_BACK * self._limit) - self.seconds

    def over(self) -> bool:
        """Whether no time is left, for all processes alike."""
        return self._of_the_first(float(self.left <= 0)) > 0

    def rate(self, step: int) -> float:
        """The share of the peak learning rate that step number `step` takes."""
        shape = (1 + math.cos(math.pi * self.progress)) / 2 if self._cosine else 1 - self.progress
        return shape * min(1.0, step / self._warmup if self._warmup else 1.0)

    @contextmanager
    def aside(self, what: str) -> Iterator[None]:
        """Time that is spent on "saving" or "evaluating": seconds of the run, but of none of its steps."""
        began = now()
        yield
        took = now() - began
        self._slowest[what] = max(self._slowest[what], took)
        self._ends = deque((end + took for end in self._ends), maxlen=RECENT)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._began = self.seconds if self._began is None else self._began
        if self.left <= 0 and not state.global_step:
            raise OutOfTimeError(
                f"{self._limit:.0f} seconds of time_limit are over before the first step ({self.seconds:.0f} went into getting ready"
                f"{', earlier attempts with it' if self._file.is_file() else ''}): raise it, and remove {self._file.parent} if it is there"
            )
        self._note(state)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._ends.append(now())
        reached = max(self._of_time(), (state.global_step + 1) / self._steps if self._steps else 0.0)
        self.progress = self._of_the_first(reached)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        tenth = int(10 * self.progress)
        if self._tenth is not None and tenth > self._tenth:
            control.should_save = True
        self._tenth = tenth
        if self.progress >= 1:
            control.should_training_stop = control.should_save = control.should_log = True
            control.should_evaluate |= self._slowest["evaluating"] > 0  # where earlier weights have a score, the last need one

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._note(state)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._note(state)

    def _note(self, state: Any) -> None:
        if state.is_world_process_zero:
            write_whole(self._file, json.dumps({"seconds": round(self.seconds, 1), "began": self._began}).encode())

    @staticmethod
    def _of_the_first(value: float) -> float:
        """A value as the first of several processes has it."""
        if PartialState().num_processes == 1:
            return value
        return float(broadcast(torch.tensor(value, dtype=torch.float64, device=PartialState().device)))

    def _of_time(self) -> float:
        """How far the time is gone: 1 where none is left for another step."""
        left, gone = self.left, self.seconds - (self._began or 0.0)
        a_step = (self._ends[-1] - self._ends[0]) / (len(self._ends) - 1) if len(self._ends) > 1 else 0.0
        return 1.0 if left <= a_step else gone / (gone + left)
