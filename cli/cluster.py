"""`unspin restore --executor`: restores files in datatrove tasks, a share of the files in each.

Finished tasks (by their completion markers) and finished files are skipped, so running the command again restores only
what is missing. Each worker process loads the model once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from datatrove.pipeline.base import PipelineStep
from unspin.cli.jobs import Job, RestoreOptions
from unspin.cli.restore_file import LazyRestorer, restore_file
from unspin.executors import Stage, load_executor, run
from unspin.infer.documents.base import DocumentError
from unspin.storage import cache_folder, is_url

TASKS_PER_WORKER = 4  # so that one slow file does not leave the other workers idle


class RestoreFiles(PipelineStep):
    """Restores every `world_size`-th file. An unreadable file fails its task once the task's other files are done."""

    name, type = "restore", "unspin"

    def __init__(self, jobs: Sequence[Job], options: RestoreOptions) -> None:
        super().__init__()
        self.jobs, self.options = jobs, options

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> None:
        errors = []
        for job in self.jobs[rank::world_size]:
            if job.target is None or job.target.exists():  # an earlier run of this task may have been killed
                continue
            try:
                restore_file(job, self.options, _restorer_of_process(self.options))
            except DocumentError as error:
                errors.append(str(error))
        if errors:
            raise DocumentError("; ".join(errors))


@cache
def _restorer_of_process(options: RestoreOptions) -> LazyRestorer:
    return LazyRestorer(options)


def restore_on(executor: Path, jobs: Sequence[Job], options: RestoreOptions) -> None:
    """Restore files on the cluster that the YAML file `executor` describes.

    Raises `ConfigError` if the YAML file is wrong, `ExecutorError` if the cluster fails, and whatever a task raised.
    """
    assert options.output is not None, "find_jobs requires an output folder"
    if not jobs:
        return
    settings = load_executor(executor)
    tasks = min(len(jobs), TASKS_PER_WORKER * options.jobs)
    # Completion markers are valid for one division of the files into tasks, so each division has its own folder.
    division = hashlib.sha256(repr((tasks, sorted(map(str, jobs)))).encode()).hexdigest()[:12]
    log = cache_folder() / "log" if is_url(options.output) else options.output / ".log"
    stage = Stage("restoring", [RestoreFiles(jobs, options)], tasks)
    run([stage], log / division, options.jobs, settings, preload=[__name__])
