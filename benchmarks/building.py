"""How building scales: ``python -m benchmarks.building`` compares one worker with two and measures memory by size.

The articles are made of random words of `data/articles`, so any number of sentences can be made; one in twenty is a
near-duplicate of the one before. Each build runs in its own process. Memory is the anonymous memory of the largest
process, sampled ten times a second: without the pages of mapped files and shared libraries, which the system takes back
when it needs memory. Linux only.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
from unspin.logs import log_to_terminal
from unspin.segment import words

ARTICLES = Path(__file__).parents[1] / "data" / "articles"
FILES = 8
SENTENCES_PER_ARTICLE = 20
DUPLICATE_EVERY = 20  # articles
SAMPLING_INTERVAL = 0.1  # seconds
CONFIG = """output: {output}
variants: 1
spinners: {{phrases: 1.0, thesaurus: 0.8, surface: 0.5}}
tasks: {files}
sources: [{{kind: jsonl, name: scale, path: {texts}, licence: made up}}]
"""


logger = logging.getLogger("unspin.benchmarks.building")


@dataclass(frozen=True)
class StageCost:
    """The time that a stage took, and the peak anonymous memory of the largest process that ran then."""

    seconds: float
    megabytes: float


@dataclass(frozen=True)
class Measurement:
    """The cost of one build, in all and by stage."""

    sentences: int
    workers: int
    seconds: float
    stages: dict[str, StageCost]


def write_articles(folder: Path, sentences: int) -> None:
    """Write articles as JSON Lines: `sentences` sentences in all, of 8 to 30 words. Equal numbers give equal files."""
    rng = random.Random(sentences)  # noqa: S311
    files = sorted(ARTICLES.rglob("*.txt"))
    vocabulary = [word.lower() for file in files for word in words(file.read_text(encoding="utf-8"))]
    article: list[str] = []
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        outputs = [stack.enter_context((folder / f"{i}.jsonl").open("w", encoding="utf-8")) for i in range(FILES)]
        for number in range(sentences // SENTENCES_PER_ARTICLE):
            if (number + 1) % DUPLICATE_EVERY:
                article = [_random_sentence(vocabulary, rng) for _ in range(SENTENCES_PER_ARTICLE)]
            else:  # of the article before, with another first sentence
                article = [_random_sentence(vocabulary, rng), *article[1:]]
            outputs[number % FILES].write(json.dumps({"text": " ".join(article)}) + "\n")


def _random_sentence(vocabulary: Sequence[str], rng: random.Random) -> str:
    return " ".join(rng.choices(vocabulary, k=rng.randint(8, 30))).capitalize() + "."


def measure(sentences: int, workers: int, settings: Sequence[str], scratch: Path) -> Measurement:
    """Build a data set in a process of its own, with `settings` such as ``clean_share=0.9``.

    Raises CalledProcessError if the build fails.
    """
    folder = scratch / f"{sentences}-{workers}"
    write_articles(folder / "texts", sentences)
    config = CONFIG.format(output=folder / "out", texts=folder / "texts", files=FILES)
    (folder / "run.yaml").write_text(config, encoding="utf-8")
    settings = [f"workers={workers}", *settings]
    command = [sys.executable, "-m", "benchmarks.building", "--child", str(folder / "run.yaml"), *settings]
    start = time.perf_counter()
    child = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    stages = {name: StageCost(**cost) for name, cost in json.loads(child.stdout).items()}
    return Measurement(sentences, workers, time.perf_counter() - start, stages)


def build_and_report_memory(config: Path, settings: Sequence[str]) -> None:
    """Build in this process, and print each stage's cost as JSON."""
    from unspin.config import load_config
    from unspin.data import build
    from unspin.data.config import BuildConfig
    from unspin.executors import Stage, run

    costs: dict[str, StageCost] = {}

    def run_one_by_one(stages: Sequence[Stage], *arguments: Any) -> None:
        for stage in stages:
            with _measured(stage.name, costs):
                run([stage], *arguments)

    finish = build._finish

    def finish_measured(*arguments: Any) -> Any:
        with _measured("finishing", costs):
            return finish(*arguments)

    with mock.patch.multiple(build, run=run_one_by_one, _finish=finish_measured), _measured("whole build", costs):
        build.build(load_config(config, BuildConfig, settings), "scale")
    print(json.dumps({name: asdict(cost) for name, cost in costs.items()}))


@contextmanager
def _measured(name: str, costs: dict[str, StageCost]) -> Iterator[None]:
    """Add the cost of what runs inside to `costs`."""
    finished, peaks = threading.Event(), [0.0]

    def sample() -> None:
        while not finished.wait(SAMPLING_INTERVAL):
            peaks.append(max(map(_anonymous_megabytes, _processes())))

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    start = time.perf_counter()
    yield
    finished.set()
    sampler.join()
    costs[name] = StageCost(time.perf_counter() - start, max(peaks))


def _processes() -> list[psutil.Process]:
    return [psutil.Process(), *psutil.Process().children(recursive=True)]


def _anonymous_megabytes(process: psutil.Process) -> float:
    """The memory of a process that belongs to no file; 0 if the process has ended."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    kilobytes = [int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon:")]
    return sum(kilobytes) / 1024  # an ended process that nobody has waited for has no such line


def show(measurements: Sequence[Measurement]) -> None:
    """Print a table of the builds, one row each, and tables of the time and memory of their stages."""
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=True)
    table = Table("sentences", "workers", "seconds", "sentences/s")
    for m in measurements:
        rate = m.sentences / m.seconds
        table.add_row(f"{m.sentences:,}", str(m.workers), f"{m.seconds:.0f}", f"{rate:,.0f}")
    console.print(table)
    columns = [f"{m.sentences:,} ({m.workers})" for m in measurements]
    seconds, megabytes = (Table(title, *columns) for title in ("seconds", "anonymous MB of the largest process"))
    for stage in measurements[0].stages:
        seconds.add_row(stage, *(f"{m.stages[stage].seconds:.0f}" for m in measurements))
        megabytes.add_row(stage, *(f"{m.stages[stage].megabytes:.0f}" for m in measurements))
    console.print(seconds, megabytes)


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.building", description="Time and memory of building, by size and workers."
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="sentences")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="worker counts to time at each size")
    parser.add_argument("--settings", nargs="+", default=[], metavar="KEY=VALUE", help="further settings of the builds")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        build_and_report_memory(Path(options.child[0]), options.child[1:])
        return
    log_to_terminal()
    measurements = []
    for size in options.sizes:
        for workers in options.workers:
            with tempfile.TemporaryDirectory() as scratch:
                measurements.append(measure(size, workers, options.settings, Path(scratch)))
            logger.info("%s", measurements[-1])
    show(measurements)


if __name__ == "__main__":
    main()
