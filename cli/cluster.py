"""`unspin restore --executor`: restores files in datatrove tasks, a share of the files in each.

Finished files are skipped by their records, so running the command again restores only what is missing. Each worker
process loads the model once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from datatrove.pipeline.base import PipelineStep
from unspin.cli.jobs import Job, RestoreOptions
from unspin.cli.records import unfinished
from unspin.cli.restore_file import LazyRestorer, restore_file
from unspin.executors import Stage, load_executor, run
from unspin.infer.documents.base import DocumentError
from unspin.storage import cache_folder, is_url

TASKS_PER_WORKER = 4  # so that one slow file does not leave the other workers idle


class RestoreFiles(PipelineStep):
    """Restores every `world_size`-th file. An unreadable file fails its task once the task's other files are done."""

    name, type = "restore", "unspin"

    def __init__(self, jobs: Sequence[Job], options: RestoreOptions, settings: str) -> None:
        """`settings` is the digest of all settings."""
        super().__init__()
        self.jobs, self.options, self.settings = jobs, options, settings

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> None:
        errors = []
        # An earlier run of this task may have been killed.
        for job in unfinished(self.jobs[rank::world_size], self.options, self.settings):
            try:
                restore_file(job, self.options, _restorer_of_process(self.options), self.settings)
            except DocumentError as error:
                errors.append(str(error))
        if errors:
            raise DocumentError("; ".join(errors))


@cache
def _restorer_of_process(options: RestoreOptions) -> LazyRestorer:
    return LazyRestorer(options)


def restore_on(executor: Path, jobs: Sequence[Job], options: RestoreOptions, settings: str) -> None:
    """Restore files on the cluster that the YAML file `executor` describes.

    Raises `ConfigError` if the YAML file is wrong, `ExecutorError` if the cluster fails, and whatever a task raised.
    """
    assert options.output is not None, "find_jobs requires an output folder"
    cluster = load_executor(executor)
    tasks = min(len(jobs), TASKS_PER_WORKER * options.jobs)
    # Completion markers are valid for one division of the files into tasks, so each run has its own folder.
    run_name = f"{datetime.now(tz=UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:6]}"
    log = cache_folder() / "log" if is_url(options.output) else options.output / ".log"
    stage = Stage("restoring", [RestoreFiles(jobs, options, settings)], tasks)
    run([stage], log / run_name, options.jobs, cluster, preload=[__name__])
