"""How building scales: ``python -m benchmarks.building`` compares one worker with two and measures peak memory by size.

The articles are made of random words of `data/articles`, so all differ and any number of sentences can be made. Each
build runs in its own process. Its memory is the peak of the largest process, as reported by the system.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from unspin.segment import words

ARTICLES = Path(__file__).parents[1] / "data" / "articles"
FILES = 8
SENTENCES_PER_ARTICLE = 20
CONFIG = """output: {output}
variants: 1
holdout_share: 0.01
spinners: {{phrases: 1.0, thesaurus: 0.8, surface: 0.5}}
tasks: {files}
sources: [{{kind: jsonl, name: scale, path: {texts}, licence: made up}}]
"""


@dataclass(frozen=True)
class Measurement:
    """The cost of one build; `megabytes` is the peak memory of its largest process."""

    sentences: int
    workers: int
    seconds: float
    megabytes: float


def write_articles(folder: Path, sentences: int) -> None:
    """Write articles as JSON Lines: `sentences` sentences in all, of 8 to 30 words. Equal numbers give equal files."""
    rng = random.Random(sentences)  # noqa: S311
    files = sorted(ARTICLES.rglob("*.txt"))
    vocabulary = [word.lower() for file in files for word in words(file.read_text(encoding="utf-8"))]
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        outputs = [stack.enter_context((folder / f"{i}.jsonl").open("w", encoding="utf-8")) for i in range(FILES)]
        for number in range(sentences // SENTENCES_PER_ARTICLE):
            article = " ".join(_random_sentence(vocabulary, rng) for _ in range(SENTENCES_PER_ARTICLE))
            outputs[number % FILES].write(json.dumps({"text": article}) + "\n")


def _random_sentence(vocabulary: Sequence[str], rng: random.Random) -> str:
    return " ".join(rng.choices(vocabulary, k=rng.randint(8, 30))).capitalize() + "."


def measure(sentences: int, workers: int, scratch: Path) -> Measurement:
    """Build a data set in a process of its own. Raises CalledProcessError if the build fails."""
    folder = scratch / f"{sentences}-{workers}"
    write_articles(folder / "texts", sentences)
    config = CONFIG.format(output=folder / "out", texts=folder / "texts", files=FILES)
    (folder / "run.yaml").write_text(config, encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.building", "--child", str(folder / "run.yaml"), str(workers)]
    start = time.perf_counter()
    child = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return Measurement(sentences, workers, time.perf_counter() - start, float(child.stdout))


def build_and_report_memory(config: Path, workers: int) -> None:
    """Build in this process; print the peak memory, in MB, of the largest among this process and its workers."""
    from unspin.config import load_config
    from unspin.data.build import build
    from unspin.data.config import BuildConfig

    build(load_config(config, BuildConfig, [f"workers={workers}"]), "scale")
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(peak / 1024)


def show(measurements: Sequence[Measurement]) -> None:
    """Print a table, one row per build."""
    from rich.console import Console
    from rich.table import Table

    table = Table("sentences", "workers", "seconds", "sentences/s", "peak MB of the largest process")
    for m in measurements:
        rate = m.sentences / m.seconds
        table.add_row(f"{m.sentences:,}", str(m.workers), f"{m.seconds:.0f}", f"{rate:,.0f}", f"{m.megabytes:.0f}")
    Console(soft_wrap=True).print(table)


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.building", description="Time and memory of building, by size and workers."
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="sentences")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="worker counts to time at each size")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        build_and_report_memory(Path(options.child[0]), int(options.child[1]))
        return
    with tempfile.TemporaryDirectory() as scratch:
        show([measure(size, workers, Path(scratch)) for size in options.sizes for workers in options.workers])


if __name__ == "__main__":
    main()
