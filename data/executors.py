"""Runs pipeline stages under datatrove's executors: processes of this machine, a Ray cluster, or Slurm jobs that wait for one another.

The number of tasks of a stage is the pipeline's, never the executor's: the output is the same under each. What a stage has done is kept in
completion markers, and started again it does the rest. On several machines the folders of a pipeline must be ones that all of them see.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
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
from loguru import logger
from pydantic import Field
from rich.console import Console
from rich.progress import Progress
from unspin.data.config import Config, load_config
from unspin.data.errors import UnspinError

PRELOADED = ["unspin.data.blocks", "unspin.data.spinners.tables"]  # imported once, not by each worker of each stage


class ExecutorError(UnspinError):
    """A pipeline that could not be run or submitted; what is finished stays, and the same command goes on from there."""


class Local(Config):
    """Processes of this machine."""

    kind: Literal["local"] = "local"


class Ray(Config):
    """A Ray cluster. Needs `pip install unspin[ray]`."""

    kind: Literal["ray"]
    address: str | None = Field(None, description="of a running cluster, or 'auto'; left out: one is started on this machine")
    memory: float = Field(2, gt=0, description="GB that a task reserves")


class Slurm(Config):
    """Slurm: one job array a stage, each waiting for the one before; the command submits them and ends."""

    kind: Literal["slurm"]
    partition: str
    time: str = Field("04:00:00", description="limit of a task, as Slurm writes it")
    memory: int = Field(4, gt=0, description="GB of a task")
    qos: str = "normal"
    activate: str = Field("", description="line of the job script that makes `unspin` available, such as 'source venv/bin/activate'")
    arguments: dict[str, str] = Field(default_factory=dict, description="more of sbatch's options, such as account")


Executor = Annotated[Local | Ray | Slurm, Field(discriminator="kind")]


def load_executor(path: Path) -> Executor:
    """Read an executor's settings from a YAML file. Raises `ConfigError`."""

    class File(Config):
        executor: Executor

    return load_config(path, File).executor


@dataclass(frozen=True)
class Stage:
    """Blocks that run one after the other in each of `tasks` tasks; a stage starts when the one before it is finished."""

    name: str
    blocks: list[Any]
    tasks: int
    again: bool = False  # run even where the markers say that it is done

    def log(self, folder: Path) -> str:
        return str((folder / self.name.replace(" ", "-")).absolute())


class _Local(LocalPipelineExecutor):
    """The Local executor with processes that end when this one does, and an error where one of them is killed.

    No log is written: errors are raised, and the completion markers say what is done.
    """

    def run(self) -> None:
        ranks = self.get_incomplete_ranks()
        if self.workers == 1:
            for rank in ranks:
                deepcopy(self)._run_for_rank(rank)
            return
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        others = multiprocessing.active_children()
        with ProcessPoolExecutor(self.workers, context, _end_with_parent) as pool:
            try:
                pipeline = dill.dumps(self)  # datatrove's writers hold methods, which the standard library cannot send
                for task in as_completed([pool.submit(_run_task, pipeline, rank) for rank in ranks]):
                    task.result()
            except BaseException as error:
                for worker in set(multiprocessing.active_children()).difference(others):
                    worker.terminate()
                if isinstance(error, BrokenProcessPool):
                    raise ExecutorError("a worker was killed, perhaps for want of memory; run the same command again, with fewer workers") from None
                raise

    def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> None:
        logger.disable("datatrove")
        super()._run_for_rank(rank, local_rank, node_rank)


def _run_task(pipeline: bytes, rank: int) -> None:
    dill.loads(pipeline)._run_for_rank(rank)  # noqa: S301 (from the process that started this one)


def _end_with_parent() -> None:
    """Ends this process when the one that started it is gone, lest it writes on beside the workers of the next try."""
    threading.Thread(target=_await_parent, daemon=True).start()


def _await_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


class _Job(SlurmPipelineExecutor):
    """A job array without the job behind it that adds up datatrove's statistics: the folder it reads is gone by then."""

    def launch_merge_stats(self) -> None:
        pass


def run(stages: Sequence[Stage], log: Path, workers: int, executor: Executor) -> None:
    """Run the unfinished tasks of each stage in turn, or under Slurm submit them. Raises what a task raised, and `ExecutorError`."""
    logger.disable("datatrove")
    if isinstance(executor, Slurm):
        _submit(stages, log, workers, executor)
        return
    for stage in stages:
        runner = _ray(stage, log, workers, executor) if isinstance(executor, Ray) else _local(stage, log, workers)
        with _progress(stage, Path(stage.log(log)) / "completions"):
            runner.run()
        undone = [rank for rank in range(stage.tasks) if not (Path(stage.log(log)) / "completions" / f"{rank:05d}").is_file()]
        if undone:  # Ray only warns, and a killed worker may leave a task without a word
            raise ExecutorError(
                f"{stage.name}: tasks {', '.join(map(str, undone))} did not finish (see {stage.log(log)}); run the same command again"
            )


def _local(stage: Stage, log: Path, workers: int) -> PipelineExecutor:
    return _Local(stage.blocks, tasks=stage.tasks, workers=min(workers, stage.tasks), logging_dir=stage.log(log), skip_completed=not stage.again)


def _ray(stage: Stage, log: Path, workers: int, settings: Ray) -> PipelineExecutor:
    try:
        import ray
    except ImportError:
        raise ExecutorError("the Ray executor needs ray: pip install unspin[ray]") from None
    from datatrove.executor.ray import RayPipelineExecutor
    from unspin.data.blocks import Call

    if not ray.is_initialized():
        own = {} if settings.address else {"num_cpus": workers, "include_dashboard": False}
        ray.init(settings.address, log_to_driver=False, **own)
    here = Call(partial(os.chdir, Path.cwd()))  # sources are relative to it
    return RayPipelineExecutor(
        [here, *stage.blocks],
        stage.tasks,
        min(workers, stage.tasks),
        skip_completed=not stage.again,
        logging_dir=stage.log(log),
        mem_per_cpu_gb=settings.memory,
    )


def _submit(stages: Sequence[Stage], log: Path, workers: int, settings: Slurm) -> None:
    last: _Job | None = None
    for stage in stages:
        last = _Job(
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
            logging_dir=stage.log(log),
            skip_completed=not stage.again,
        )
    assert last
    try:
        last.launch_job()
    except OSError as error:
        raise ExecutorError(f"sbatch could not be run ({error.strerror}): submit from a machine of the Slurm cluster") from None
    print(f"submitted {len(stages)} stages; the last is job {last.job_id}", file=sys.stderr)


@contextmanager
def _progress(stage: Stage, completions: Path) -> Iterator[None]:
    """A bar that counts a stage's completion markers, which its tasks leave in whatever process they run."""
    over = threading.Event()
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task(stage.name, total=stage.tasks)

        def watch() -> None:
            while not over.wait(0.2):
                bar.update(task, completed=sum(1 for _ in completions.glob("*")))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
            bar.update(task, completed=stage.tasks)
        finally:
            over.set()
            watcher.join()
