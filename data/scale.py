"""How building scales: ``python -m unspin.data.scale`` times one worker against two and reads peak memory for more and more text.

The text is made up: words of `data/articles` in random order, so that no two articles are alike and as many sentences can be had as
are asked for. Each build is a process of its own; memory is that of its largest process, as the system accounts for it.
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
from dataclasses import dataclass
from pathlib import Path

from unspin.data.segment import words

ARTICLES = Path(__file__).with_name("articles")
FILES = 8
SENTENCES_AN_ARTICLE = 20
CONFIG = """output: {output}
variants: 1
held_back: 0.01
engines: {{phrases: 1.0, thesaurus: 0.8, surface: 0.5}}
tasks: {files}
sources: [{{kind: jsonl, name: scale, path: {texts}, licence: made up}}]
"""


@dataclass(frozen=True)
class Reading:
    """One build: what it cost."""

    sentences: int
    workers: int
    seconds: float
    megabytes: float


def write_texts(folder: Path, sentences: int) -> None:
    """So many sentences of 8 to 30 words in articles, over `FILES` JSON Lines files; the same each time."""
    rng = random.Random(sentences)  # noqa: S311
    vocabulary = [word.lower() for file in sorted(ARTICLES.rglob("*.txt")) for word in words(file.read_text(encoding="utf-8"))]
    folder.mkdir(parents=True)
    files = [(folder / f"{i}.jsonl").open("w", encoding="utf-8") for i in range(FILES)]
    for number in range(sentences // SENTENCES_AN_ARTICLE):
        made = (" ".join(rng.choices(vocabulary, k=rng.randint(8, 30))).capitalize() + "." for _ in range(SENTENCES_AN_ARTICLE))
        files[number % FILES].write(json.dumps({"text": " ".join(made)}) + "\n")
    for file in files:
        file.close()


def measure(sentences: int, workers: int, scratch: Path) -> Reading:
    """Build so many sentences with so many workers, in a process of its own."""
    folder = scratch / f"{sentences}-{workers}"
    write_texts(folder / "texts", sentences)
    (folder / "run.yaml").write_text(CONFIG.format(output=folder / "out", texts=folder / "texts", files=FILES), encoding="utf-8")
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "unspin.data.scale", "--child", str(folder / "run.yaml"), str(workers)], check=True, stdout=subprocess.PIPE
    )
    return Reading(sentences, workers, time.perf_counter() - start, float(done.stdout))


def child(config: Path, workers: int) -> None:
    """Build in this process and print the peak memory, in MB, of the largest of it and its workers."""
    from unspin.data.build import BuildConfig, build
    from unspin.data.config import load_config

    build(load_config(config, BuildConfig, [f"workers={workers}"]), "scale")
    largest = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(largest / 1024)


def show(readings: Sequence[Reading]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("sentences", "workers", "seconds", "sentences/s", "peak MB of the largest process")
    for r in readings:
        table.add_row(f"{r.sentences:,}", str(r.workers), f"{r.seconds:.0f}", f"{r.sentences / r.seconds:,.0f}", f"{r.megabytes:.0f}")
    Console(soft_wrap=True).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m unspin.data.scale", description="Time and memory of building, by size and workers.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000], help="sentences")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="tried in turn at each size")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        child(Path(asked.child[0]), int(asked.child[1]))
        return
    with tempfile.TemporaryDirectory() as scratch:
        show([measure(size, workers, Path(scratch)) for size in asked.sizes for workers in asked.workers])


if __name__ == "__main__":
    main()
