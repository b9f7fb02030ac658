"""A long run: ``python -m benchmarks.soak`` restores 10, 30, 100 and 300 articles, one after another, in one process.

Time and memory are sampled after each article. Neither the time per article nor the memory of the process should grow
with the number of articles. The articles are the first paragraphs, about `WORDS` words, of the project's own
articles, each spun with a different persona. Takes twelve minutes if nothing else is running.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from unspin.data.spinners.mixture import Mixture
from unspin.data.spinners.persona import Persona
from unspin.infer.restorer import Restorer
from unspin.segment import split_paragraphs, words

ARTICLES = Path(__file__).parents[1] / "data" / "articles"
SIZES = (10, 30, 100, 300)
WORDS = 250
SPINNERS = {"phrases": 1.0, "thesaurus": 0.8, "surface": 0.5}


@dataclass(frozen=True)
class Sample:
    """Totals of a run so far, taken after an article; `run` is the number of articles in the whole run."""

    run: int
    articles: int
    words: int
    seconds: float
    megabytes: float


def spun_articles(count: int) -> Iterator[str]:
    """Spin the project's articles, shortened; beyond their number, spin them again with other personas."""
    mixture = Mixture(SPINNERS)
    files = sorted(ARTICLES.rglob("*.txt"))
    for i in range(count):
        persona = Persona.sample("soak", i, spinners=SPINNERS)
        opening = _first_paragraphs(files[i % len(files)].read_text(encoding="utf-8"))
        yield "\n\n".join(mixture.spin(paragraph, persona).text for paragraph in opening)


def _first_paragraphs(text: str) -> Iterator[str]:
    """Paragraphs up to the one in which word number `WORDS` falls."""
    remaining = WORDS
    for paragraph in split_paragraphs(text):
        if remaining <= 0:
            return
        yield paragraph
        remaining -= len(words(paragraph))


def soak(restorer: Restorer, sizes: Sequence[int]) -> list[Sample]:
    """Restore articles in runs of the given sizes; one sample per article of each run."""
    texts = list(spun_articles(max(sizes)))
    lengths = [len(words(text)) for text in texts]
    process, samples = psutil.Process(), []
    for size in sizes:
        start = time.perf_counter()
        for count, _ in enumerate(restorer.restore_all(texts[:size]), 1):
            megabytes = process.memory_info().rss / 1e6
            samples.append(Sample(size, count, sum(lengths[:count]), time.perf_counter() - start, megabytes))
    return samples


def last_samples(samples: Sequence[Sample]) -> list[Sample]:
    """The last sample of each run."""
    return [sample for sample in samples if sample.articles == sample.run]


def show(samples: Sequence[Sample]) -> None:
    """Print a table, one row per run."""
    from rich.console import Console
    from rich.table import Table

    table = Table("articles", "words", "seconds", "seconds/article", "words/s", "peak MB")
    for last in last_samples(samples):
        peak = max(sample.megabytes for sample in samples if sample.run == last.run)
        rates = f"{last.seconds / last.articles:.2f}", f"{last.words / last.seconds:.0f}"
        table.add_row(str(last.articles), f"{last.words:,}", f"{last.seconds:.0f}", *rates, f"{peak:.0f}")
    Console(soft_wrap=True).print(table)


def plot(samples: Sequence[Sample], file: Path) -> None:
    """Plot seconds per article by size of run, and memory over the longest run, as a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    cost, memory = figure.subplots(1, 2)
    runs = last_samples(samples)
    cost.plot([last.articles for last in runs], [last.seconds / last.articles for last in runs], marker="o")
    cost.set(title="seconds per article", xlabel="articles in one run", xscale="log")
    cost.set_xticks([last.articles for last in runs], [str(last.articles) for last in runs])
    longest = [sample for sample in samples if sample.run == samples[-1].run]
    memory.plot([sample.articles for sample in longest], [sample.megabytes for sample in longest])
    memory.set(title="memory of the process, MB", xlabel=f"articles restored, of {samples[-1].run}")
    for axes in (cost, memory):
        axes.set_ylim(0, 1.15 * axes.dataLim.y1)
        axes.minorticks_off()
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=110)


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak",
        description="Restore hundreds of articles in one process; sample time and memory.",
    )
    parser.add_argument("--checkpoint", default="default")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="number of articles in each run")
    parser.add_argument("--output", type=Path, default=Path("runs/soak"))
    options = parser.parse_args()
    samples = soak(Restorer.from_pretrained(options.checkpoint), options.sizes)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "soak.json").write_text(json.dumps([asdict(sample) for sample in samples]), encoding="utf-8")
    plot(samples, options.output / "soak.png")
    show(samples)
    print(f"plot: {options.output / 'soak.png'}")


if __name__ == "__main__":
    main()
