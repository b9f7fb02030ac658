"""Runs the stages of a pipeline on datatrove's executors: local processes, a Ray cluster, or dependent Slurm jobs.

The pipeline fixes the number of tasks of each stage, so every executor gives the same output. Each finished task
leaves a completion marker, and a pipeline that is started again runs only the unfinished tasks. On several machines
the folders of the pipeline must lie on a file system that all of them share.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import dill
from datatrove.executor import LocalPipelineExecutor, SlurmPipelineExecutor
from datatrove.executor.base import PipelineExecutor
from datatrove.pipeline.base import PipelineStep
from loguru import logger as datatrove_logger
from pydantic import Field
from rich.console import Console
from rich.progress import Progress
from unspin.config import Config, load_config
from unspin.errors import UnspinError
from unspin.logs import counted
from unspin.processes import worker_processes

logger = logging.getLogger(__name__)


class ExecutorError(UnspinError):
    """A pipeline could not be run or submitted; the same command run again continues from the finished tasks."""


class Local(Config):
    """Processes on this machine."""

    kind: Literal["local"] = "local"


class Ray(Config):
    """A Ray cluster. Needs `pip install 'unspin[ray]'`."""

    kind: Literal["ray"]
    address: str | None = Field(
        None, description="address of a running cluster, or 'auto'; if left out, one is started on this machine"
    )
    memory: float = Field(2, gt=0, description="GB of memory that a task reserves")


class Slurm(Config):
    """Slurm: one job array per stage, each waiting for the one before. The command submits the jobs and ends."""

    kind: Literal["slurm"]
    partition: str
    time: str = Field("04:00:00", description="time limit of a task, in Slurm's notation")
    memory: int = Field(4, gt=0, description="GB of memory per CPU that a task reserves")
    qos: str = "normal"
    activate: str = Field(
        "", description="shell command that makes `unspin` available in a job, such as 'source venv/bin/activate'"
    )
    arguments: dict[str, str] = Field(default_factory=dict, description="further options of sbatch, such as account")


Executor = Annotated[Local | Ray | Slurm, Field(discriminator="kind")]


class _ExecutorFile(Config):
    executor: Executor


def load_executor(path: Path) -> Executor:
    """Read the settings of an executor from a YAML file (configs/executors). Raises `ConfigError` or OSError."""
    return load_config(path, _ExecutorFile).executor


@dataclass(frozen=True)
class Stage:
    """Pipeline blocks, which each of `tasks` tasks runs in order. A stage starts when the one before it is complete."""

    name: str
    blocks: list[Any]
    tasks: int
    ignore_completions: bool = False  # run the tasks even if they were completed before
    keep_going: bool = False  # local: run the other tasks too if one raises an `UnspinError`, and raise it then


class Call(PipelineStep):
    """A pipeline block that calls a function once per task and passes no data on."""

    name, type = "call", "unspin"

    def __init__(self, function: Callable[[], object]) -> None:
        super().__init__()
        self.function = function

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> None:
        """Call the function; the arguments are those of every block of datatrove and are not used."""
        self.function()


class _LocalExecutor(LocalPipelineExecutor):
    """datatrove's local executor, made safe against killed processes.

    Workers end when this process ends, and a killed worker raises `ExecutorError` instead of blocking the run. No log
    is written: errors are raised, and the completion markers record what is finished.
    """

    preload: Sequence[str] = ()  # modules that are imported once in the fork server, not by every worker
    keep_going: bool = False

    def run(self) -> None:
        ranks = self.get_incomplete_ranks()
        if self.workers == 1:
            self._finish(partial(deepcopy(self)._run_for_rank, rank) for rank in ranks)
            return
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(self.preload))
        pipeline = dill.dumps(self)  # the writers hold methods, which pickle refuses
        try:
            with worker_processes(self.workers, context) as pool:
                tasks = as_completed([pool.submit(_run_task, pipeline, rank) for rank in ranks])
                self._finish(task.result for task in tasks)
        except BrokenProcessPool:
            message = "a worker was killed, perhaps for lack of memory"
            raise ExecutorError(f"{message}; run the same command again, with fewer workers") from None

    def _finish(self, tasks: Iterable[Callable[[], object]]) -> None:
        """Finish tasks. If it is to keep going, errors of single tasks are raised together at the end."""
        errors: list[UnspinError] = []
        for finish in tasks:
            try:
                finish()
            except UnspinError as error:
                errors.append(error)
                if not self.keep_going:
                    break
        if len(errors) > 1:
            raise type(errors[0])("\n".join(map(str, errors)))
        if errors:
            raise errors[0]

    def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> None:
        datatrove_logger.disable("datatrove")
        super()._run_for_rank(rank, local_rank, node_rank)


def _run_task(pipeline: bytes, rank: int) -> None:
    dill.loads(pipeline)._run_for_rank(rank)  # noqa: S301 (from the process that started this one)


class _SlurmExecutor(SlurmPipelineExecutor):
    """datatrove's Slurm executor without its job for merging statistics; a build has removed their folder by then."""

    def launch_merge_stats(self) -> None:
        pass


def run(
    stages: Sequence[Stage], log_folder: Path, workers: int, executor: Executor, preload: Sequence[str] = ()
) -> None:
    """Run the unfinished tasks of each stage in turn; under Slurm, submit them and return.

    `log_folder` receives the completion markers. `preload` names modules that local workers need; they are imported
    once instead of by every worker. Raises `ExecutorError`, and locally whatever a task raises.
    """
    datatrove_logger.disable("datatrove")
    if isinstance(executor, Slurm):
        _submit(stages, log_folder, workers, executor)
        return
    for stage in stages:
        logging_dir = _logging_dir(stage, log_folder)
        if isinstance(executor, Ray):
            runner = _ray(stage, logging_dir, workers, executor)
        else:
            runner = _local(stage, logging_dir, workers, preload)
        completions = logging_dir / "completions"
        with _progress(stage, completions):
            runner.run()
        # Ray only warns about failed tasks, and a killed worker may leave its task unfinished without an error.
        if undone := [str(rank) for rank in range(stage.tasks) if not (completions / f"{rank:05d}").is_file()]:
            message = f"{stage.name}: tasks {', '.join(undone)} did not finish (see {logging_dir})"
            raise ExecutorError(f"{message}; run the same command again")


def _logging_dir(stage: Stage, log_folder: Path) -> Path:
    return (log_folder / stage.name.replace(" ", "-")).absolute()


def _local(stage: Stage, logging_dir: Path, workers: int, preload: Sequence[str]) -> PipelineExecutor:
    runner = _LocalExecutor(
        stage.blocks,
        tasks=stage.tasks,
        workers=min(workers, stage.tasks),
        logging_dir=str(logging_dir),
        skip_completed=not stage.ignore_completions,
    )
    runner.preload, runner.keep_going = preload, stage.keep_going
    return runner


def _ray(stage: Stage, logging_dir: Path, workers: int, settings: Ray) -> PipelineExecutor:
    try:
        import ray
    except ImportError:
        raise ExecutorError("the Ray executor needs ray: pip install 'unspin[ray]'") from None
    from datatrove.executor.ray import RayPipelineExecutor

    if not ray.is_initialized():
        own_cluster = {} if settings.address else {"num_cpus": workers, "include_dashboard": False}
        ray.init(settings.address, log_to_driver=False, **own_cluster)
    change_folder = Call(partial(os.chdir, Path.cwd()))  # the paths of sources may be relative
    return RayPipelineExecutor(
        [change_folder, *stage.blocks],
        stage.tasks,
        min(workers, stage.tasks),
        skip_completed=not stage.ignore_completions,
        logging_dir=str(logging_dir),
        mem_per_cpu_gb=settings.memory,
    )


def _submit(stages: Sequence[Stage], log_folder: Path, workers: int, settings: Slurm) -> None:
    """Submit a chain of job arrays; launching the last one launches those that it depends on."""
    last: _SlurmExecutor | None = None
    for stage in stages:
        last = _SlurmExecutor(
            stage.blocks,
            stage.tasks,
            settings.time,
            settings.partition,
            mem_per_cpu_gb=settings.memory,
            workers=workers if workers > 1 else -1,
            job_name=f"unspin-{stage.name.replace(' ', '-')}",
            qos=settings.qos,
            env_command=settings.activate,
            sbatch_args=settings.arguments,
            depends=last,
            logging_dir=str(_logging_dir(stage, log_folder)),
            skip_completed=not stage.ignore_completions,
        )
    assert last
    try:
        last.launch_job()
    except OSError as error:
        message = f"sbatch could not be run ({error.strerror})"
        raise ExecutorError(f"{message}: run this command on a machine of the Slurm cluster") from None
    logger.info("submitted %s; the last is job %s", counted(len(stages), "stage"), last.job_id)


@contextmanager
def _progress(stage: Stage, completions: Path) -> Iterator[None]:
    """Show a progress bar that counts a stage's completion markers, wherever its tasks run."""
    finished = threading.Event()
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task(stage.name, total=stage.tasks)

        def watch() -> None:
            while not finished.wait(0.2):
                bar.update(task, completed=sum(1 for _ in completions.glob("*")))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
            bar.update(task, completed=stage.tasks)
        finally:
            finished.set()
            watcher.join()
