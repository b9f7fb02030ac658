"""Runs the builder's stages under datatrove's executors, with one progress bar a stage instead of their logs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import multiprocess
from datatrove.executor import LocalPipelineExecutor
from loguru import logger
from rich.console import Console
from rich.progress import Progress

PRELOADED = ["unspin.data.blocks", "unspin.data.spinners.tables"]  # imported once, not by each worker of each stage


@dataclass(frozen=True)
class Stage:
    """Blocks that run one after the other in each of `tasks` tasks; a stage starts when the one before it is finished."""

    name: str
    blocks: list[Any]
    tasks: int


class QuietExecutor(LocalPipelineExecutor):
    """The Local executor without its log: errors are raised, and the completion markers say what is done."""

    def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> Any:
        logger.disable("datatrove")
        return super()._run_for_rank(rank, local_rank, node_rank)


def run_local(stage: Stage, log: Path, workers: int) -> None:
    """Run the unfinished tasks of a stage on this machine. Raises what a task raised, and RuntimeError if one is left undone."""
    logger.disable("datatrove")
    multiprocess.get_context("forkserver").set_forkserver_preload(PRELOADED)
    executor = QuietExecutor(stage.blocks, tasks=stage.tasks, workers=min(workers, stage.tasks), logging_dir=str(log))
    with _progress(stage, log / "completions"):
        executor.run()
    undone = executor.get_incomplete_ranks()
    if undone:
        raise RuntimeError(f"{stage.name}: tasks {', '.join(map(str, undone))} did not finish; run the same command again")


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
