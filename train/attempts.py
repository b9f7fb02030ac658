"""Records what each attempt at a run took, in `attempts.json` in the run folder: steps, time, tokens, energy, machine.

A killed run that is started again adds an attempt, so that the model card can add them up. The record is written at
the start, at every log entry with a loss and at the end: a killed attempt lacks only what followed its last log entry.
Nothing here influences training.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
import torch
from unspin.checksums import ChecksumError
from unspin.storage import write_atomic
from unspin.train.progress import GB

FILE = "attempts.json"
# Assumed, since a CPU's own counters can usually be read by the administrator only. Servers, desktops and laptops range
# from about 4 to 15 watts per core with its share of memory and power supply.
WATTS_PER_CORE = 10.0
JOULES_PER_KWH = 3.6e6


@dataclass(frozen=True)
class Machine:
    """What an attempt ran on. `gpu` is the name of the first process's GPU, or None."""

    cpu: str
    cores: int  # logical ones
    threads: int  # of one process
    memory: float  # GB
    gpu: str | None
    processes: int
    system: str

    @classmethod
    def current(cls, processes: int) -> Machine:
        """This machine, for a run of so many processes."""
        return cls(
            cpu=_cpu_name(),
            cores=os.cpu_count() or 1,
            threads=torch.get_num_threads(),
            memory=round(psutil.virtual_memory().total / GB, 1),
            gpu=torch.cuda.get_device_name() if torch.cuda.is_available() else None,
            processes=processes,
            system=f"{platform.system()} {platform.machine()}",
        )

    def __str__(self) -> str:
        threads = f"{self.threads} thread{'s' * (self.threads != 1)}"
        gpus = f"{self.processes} × {self.gpu}, " if self.gpu else ""
        each = f"{self.processes} processes with {threads} each" if self.processes > 1 else threads
        return f"{gpus}{self.cpu} ({self.cores} logical cores), {each}, {self.memory:.0f} GB of memory, {self.system}"


@dataclass
class Attempt:
    """One attempt at a run: its command, where it began and ended, and what it took.

    `tokens` are those of all processes, padding included. `core_seconds` and `gpu_joules` are those of the first
    process; `gpu_joules` is None without a GPU whose energy can be read.
    """

    command: str
    began: str  # UTC
    machine: Machine
    first_step: int
    last_step: int
    seconds: float
    tokens: int
    core_seconds: float
    gpu_joules: float | None

    @property
    def kilowatt_hours(self) -> float:
        """The estimated energy: core time at `WATTS_PER_CORE`, and what the GPU's counter says."""
        joules = WATTS_PER_CORE * self.core_seconds + (self.gpu_joules or 0.0)
        return joules * self.machine.processes / JOULES_PER_KWH


class Recorder:
    """Keeps the record of the attempt in progress. Only a run's first process writes it."""

    def __init__(self, output: Path, command: str, started: float) -> None:
        """`started` is `time.monotonic()` at the start of the attempt. Core time counts from now."""
        self._output, self._command, self._started = output, command, started
        self._core_seconds_before = _core_seconds()
        self._earlier: list[Attempt] = []
        self._attempt: Attempt | None = None
        self._joules_before: float | None = None

    def begin(self, step: int, processes: int) -> None:
        """Record that an attempt begins to train after `step` steps. Raises as `read_attempts`."""
        self._earlier = read_attempts(self._output)
        self._joules_before = gpu_joules()
        began = datetime.now(UTC).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
        machine = Machine.current(processes)
        self._attempt = Attempt(self._command, began, machine, step, step, 0.0, 0, 0.0, None)
        self.update(step, 0)

    def update(self, step: int, tokens: int) -> None:
        """Record that the attempt has reached a step, after this many tokens."""
        attempt = self._attempt
        assert attempt is not None
        attempt.last_step, attempt.tokens = step, tokens
        attempt.seconds = round(time.monotonic() - self._started, 1)
        attempt.core_seconds = round(_core_seconds() - self._core_seconds_before, 1)
        if self._joules_before is not None and (joules := gpu_joules()) is not None:
            attempt.gpu_joules = round(joules - self._joules_before, 1)
        record = [asdict(each) for each in (*self._earlier, attempt)]
        write_atomic(self._output / FILE, (json.dumps(record, indent=1) + "\n").encode())


def read_attempts(output: Path) -> list[Attempt]:
    """The attempts at the run in a folder, in their order; none if an earlier version trained it.

    Raises `ChecksumError` if the record is damaged.
    """
    file = output / FILE
    if not file.is_file():
        return []
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        return [Attempt(**entry | {"machine": Machine(**entry["machine"])}) for entry in record]
    except (ValueError, KeyError, TypeError):
        raise ChecksumError(f"{file} is damaged: remove it; the model card then lacks earlier attempts") from None


def kilowatt_hours(attempts: Sequence[Attempt]) -> float | None:
    """The estimated energy of a run; None if a GPU took part whose energy could not be read."""
    if any(attempt.machine.gpu and attempt.gpu_joules is None for attempt in attempts):
        return None
    return sum(attempt.kilowatt_hours for attempt in attempts)


def gpu_joules() -> float | None:
    """The energy that this process's GPU has used since its driver was loaded; None if no counter can be read.

    The counter (NVML, NVIDIA cards since Volta) includes other processes on the same card.
    """
    if not torch.cuda.is_available():
        return None
    import pynvml

    try:
        pynvml.nvmlInit()
        card = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties().uuid}")
        return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(card)) / 1000
    except pynvml.NVMLError:  # a card of another maker, or a part of a card
        return None


def _core_seconds() -> float:
    """The time that cores have spent on this process and on its finished children, since it started."""
    return sum(os.times()[:4])


def _cpu_name() -> str:
    """The CPU's model; Linux tells it in a file, other systems through `platform`."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()
