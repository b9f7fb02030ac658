"""`unspin restore --executor`: the same restoring under datatrove, each task a share of the files, each worker with a model of its own.

A task that is finished leaves a completion marker, a file that is finished is there; the same command again does what is missing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from datatrove.pipeline.base import PipelineStep
from platformdirs import user_cache_path
from rich.console import Console
from unspin.cli.jobs import Job, RestoreOptions
from unspin.cli.restore import Model, restore_job
from unspin.data.executors import Stage, load_executor, run
from unspin.data.stores import is_address
from unspin.infer.documents import DocumentError

TASKS_PER_WORKER = 4  # so that a slow file does not leave the others idle


class RestoreFiles(PipelineStep):
    """Restores every `world_size`-th of some files. A file that cannot be read fails its task, once the others of the task are done."""

    name, type = "restore", "unspin"

    def __init__(self, jobs: Sequence[Job], options: RestoreOptions) -> None:
        super().__init__()
        self.jobs, self.options = jobs, options

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> None:
        complaints = []
        for job in self.jobs[rank::world_size]:
            if job.target is None or job.target.exists():  # a task that was killed goes on from here
                continue
            try:
                restore_job(job, _model(self.options), self.options, Console(quiet=True))
            except DocumentError as error:
                complaints.append(str(error))
        if complaints:
            raise DocumentError("; ".join(complaints))


@cache
def _model(options: RestoreOptions) -> Model:
    return Model(options, lambda line: None)


def restore_on(executor: Path, jobs: Sequence[Job], options: RestoreOptions) -> None:
    """Restore files on the executor that a YAML file describes. Raises `ConfigError`, `ExecutorError`, and what a task raised."""
    assert options.output is not None
    if not jobs:
        return
    settings = load_executor(executor)
    tasks = min(len(jobs), TASKS_PER_WORKER * options.jobs)
    plan = hashlib.sha256(repr((tasks, sorted(map(str, jobs)))).encode()).hexdigest()[:12]  # another share of work has markers of its own
    stage = Stage("restoring", [RestoreFiles(jobs, options)], tasks)
    log = user_cache_path("unspin") / "log" if is_address(options.output) else options.output / ".log"
    run([stage], log / plan, options.jobs, settings)
