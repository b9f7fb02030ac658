"""The progress bar of a command that works on documents: documents done, and words read per second.

A long document moves the bar too. It is drawn on terminals only.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text
from unspin.cli.files import STDIN
from unspin.cli.job import Job
from unspin.infer.article import CHARACTERS_PER_WORD


class DocumentProgress:
    """A progress bar on a console, from the start of a ``with`` block to its end."""

    def __init__(self, console: Console, description: str, jobs: Sequence[Job]) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[documents]}/{task.fields[count]} documents"),
            _WordsPerSecond(),
            TimeElapsedColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
        )
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._sizes = {job: _size(job) for job in jobs}
        total = sum(self._sizes.values()) or 1
        self._task = self._progress.add_task(description, total=total, documents=0, count=len(jobs), words=0)
        self._done = 0

    def __enter__(self) -> DocumentProgress:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def read(self, count: int) -> None:
        """Note that the model has read so many words; the bar stops short of documents that are not done."""
        task = self._progress.tasks[0]
        ahead = min(task.completed + count * CHARACTERS_PER_WORD, max(self._done, task.total or 0) - 1)
        self._progress.update(self._task, completed=ahead, words=task.fields["words"] + count)

    def finish(self, job: Job) -> None:
        """Note that a document is done."""
        self._done += self._sizes[job]
        task = self._progress.tasks[0]
        documents = task.fields["documents"] + 1
        completed = max(self._done, task.completed) if documents < task.fields["count"] else self._done
        self._progress.update(self._task, completed=completed, documents=documents)


class _WordsPerSecond(ProgressColumn):
    """Words that the model has read, over the whole time: an average of the last seconds would jump with each batch."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.fields['words'] / task.elapsed:,.0f} words/s" if task.elapsed else "")


def _size(job: Job) -> int:
    """The size of a file in bytes, which stands for its number of characters; 1 if it is not known."""
    try:
        return 1 if job.path == STDIN or job.error else max(job.path.stat().st_size, 1)
    except OSError:
        return 1
