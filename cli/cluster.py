"""Commands with ``--executor``: they work on files in datatrove tasks, a share of the files in each.

Files that are finished are skipped, so running the command again does only what is missing. Each worker process loads
the model once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from datatrove.pipeline.base import PipelineStep
from unspin.cli.job import Job
from unspin.cli.stopping import advice_when_stopped
from unspin.executors import Stage, load_executor, run
from unspin.infer.documents.base import DocumentError
from unspin.storage import cache_folder, is_url

TASKS_PER_WORKER = 4  # so that one slow file does not leave the other workers idle


class FileWork(Protocol):
    """What is done with each file, and which files it is done with already. It must be picklable."""

    def __call__(self, job: Job) -> None:
        """Do it and record it. Raises `DocumentError` if the file cannot be read."""
        ...

    def unfinished(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """The files that it has not been done with."""
        ...


class EachFile(PipelineStep):
    """Works on every `world_size`-th file. An unreadable file fails its task once the task's other files are done."""

    name, type = "files", "unspin"

    def __init__(self, jobs: Sequence[Job], work: FileWork) -> None:
        super().__init__()
        self.jobs, self.work = jobs, work

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> None:
        """Work on the files of one task; an earlier run of it may have been killed."""
        errors = []
        for job in self.work.unfinished(self.jobs[rank::world_size]):
            try:
                self.work(job)
            except DocumentError as error:
                errors.append(str(error))
        if errors:
            raise DocumentError("; ".join(errors))


def work_on_cluster(
    executor: Path, title: str, jobs: Sequence[Job], work: FileWork, output: Path, processes: int
) -> None:
    """Work on files on the cluster that the YAML file `executor` describes; logs go below the folder `output`.

    Raises `ConfigError` if the YAML file is wrong, `ExecutorError` if the cluster fails, and whatever a task raised.
    """
    cluster = load_executor(executor)
    tasks = min(len(jobs), TASKS_PER_WORKER * processes)
    # Completion markers are valid for one division of the files into tasks, so each run has its own folder.
    run_name = f"{datetime.now(tz=UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:6]}"
    log = cache_folder() / "log" if is_url(output) else output / ".log"
    stage = Stage(title, [EachFile(jobs, work)], tasks, keep_going=True)
    with advice_when_stopped("finished files are kept: run the same command again to go on after them"):
        run([stage], log / run_name, processes, cluster, preload=[type(work).__module__])
