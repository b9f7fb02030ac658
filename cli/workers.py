"""Worker processes, each of which loads the model once and works on many documents."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from typing import Any, TypeVar

from unspin.cli.files import STDIN, is_open_here
from unspin.cli.job import Job
from unspin.errors import UnspinError
from unspin.logs import log_to_terminal
from unspin.processes import worker_processes

DOCUMENTS_PER_TASK = 16  # documents that a worker process takes at a time

ResultT = TypeVar("ResultT")
Work = Callable[[Sequence[Job]], Iterable[ResultT]]


def work_in_processes(jobs: Sequence[Job], make_work: Callable[[], Work[ResultT]], count: int) -> Iterator[ResultT]:
    """What `count` processes make of documents, in order. Each calls `make_work` once, which must be picklable.

    This process works on stdin and on files that it has open, before the others start: they have none of these. Raises
    `WorkerError` if a process is killed.
    """
    own = [job for job in jobs if job.path == STDIN or is_open_here(job.path)]
    if own:
        yield from make_work()(own)
    jobs = [job for job in jobs if job not in own]
    chunks = iter([jobs[i : i + DOCUMENTS_PER_TASK] for i in range(0, len(jobs), DOCUMENTS_PER_TASK)])
    with worker_processes(count, get_context("spawn"), _start, make_work, count) as workers:
        # Two chunks per worker are in flight: enough to keep all of them busy, and memory stays flat.
        waiting = deque(workers.submit(_work_on, chunk) for chunk in islice(chunks, 2 * count))
        while waiting:
            try:
                results = waiting.popleft().result()
                waiting.extend(workers.submit(_work_on, chunk) for chunk in islice(chunks, 1))
            except BrokenProcessPool:
                raise WorkerError(
                    "a worker process was killed, perhaps for lack of memory: try fewer --jobs; documents that are "
                    "done are kept, and --resume goes on after them"
                ) from None
            yield from results


class WorkerError(UnspinError):
    """A worker process has ended before its work was done."""


_work_of_process: list[Work[Any]] = []


def _start(make_work: Callable[[], Work[Any]], count: int) -> None:
    """Limit a worker's threads before any library counts the cores, and give it one model for all its chunks."""
    os.environ["OMP_NUM_THREADS"] = str(max((os.cpu_count() or 1) // count, 1))
    log_to_terminal()
    _work_of_process.append(make_work())


def _work_on(jobs: Sequence[Job]) -> list[Any]:
    return list(_work_of_process[0](jobs))
