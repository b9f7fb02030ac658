"""A long run: ``python -m unspin.infer.soak`` restores 10, 30, 100 and 300 articles one after the other in one process.

Time and memory are sampled as articles come back. What a run costs an article, and what the process holds, should not grow with the number of
articles. The articles are the project's own, their first `WORDS` words, spun anew by a tool each; with nothing else at work, twelve minutes.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from unspin.data.segment import paragraphs, words
from unspin.data.spinners.mixture import Mixture
from unspin.data.spinners.persona import Persona
from unspin.infer.restorer import Restorer

ARTICLES = Path(__file__).parents[1] / "data" / "articles"
SIZES = (10, 30, 100, 300)
WORDS = 250
ENGINES = {"phrases": 1.0, "thesaurus": 0.8, "surface": 0.5}


@dataclass(frozen=True)
class Sample:
    """What was there when an article of a run came back."""

    run: int  # articles in all
    articles: int
    words: int
    seconds: float
    megabytes: float


def spun_articles(count: int) -> Iterator[str]:
    """The project's articles, shortened and spun; where there are too few, again by other tools."""
    mixture = Mixture(ENGINES)
    files = sorted(ARTICLES.rglob("*.txt"))
    for i in range(count):
        persona = Persona.sample("soak", i, engines=ENGINES)
        yield "\n\n".join(mixture.spin(paragraph, persona).text for paragraph in _opening(files[i % len(files)].read_text(encoding="utf-8")))


def _opening(text: str) -> Iterator[str]:
    left = WORDS
    for span in paragraphs(text):
        if left > 0:
            yield text[span.start : span.end]
            left -= len(words(text[span.start : span.end]))


def soak(restorer: Restorer, sizes: Sequence[int]) -> list[Sample]:
    texts = list(spun_articles(max(sizes)))
    lengths = [len(words(text)) for text in texts]
    process, samples = psutil.Process(), []
    for size in sizes:
        start = time.perf_counter()
        for done, _ in enumerate(restorer.restore_all((text, None) for text in texts[:size]), 1):
            megabytes = process.memory_info().rss / 1e6
            samples.append(Sample(size, done, sum(lengths[:done]), time.perf_counter() - start, megabytes))
    return samples


def ends(samples: Sequence[Sample]) -> list[Sample]:
    """The last sample of each run."""
    return [sample for sample in samples if sample.articles == sample.run]


def show(samples: Sequence[Sample]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("articles", "words", "seconds", "seconds an article", "words a second", "most MB")
    for end in ends(samples):
        most = max(sample.megabytes for sample in samples if sample.run == end.run)
        rates = f"{end.seconds / end.articles:.2f}", f"{end.words / end.seconds:.0f}"
        table.add_row(str(end.articles), f"{end.words:,}", f"{end.seconds:.0f}", *rates, f"{most:.0f}")
    Console(soft_wrap=True).print(table)


def plot(samples: Sequence[Sample], file: Path) -> None:
    """Cost an article against articles, and memory over the longest run."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    cost, memory = figure.subplots(1, 2)
    cost.plot([end.articles for end in ends(samples)], [end.seconds / end.articles for end in ends(samples)], marker="o")
    cost.set(title="seconds an article", xlabel="articles in one run", xscale="log")
    cost.set_xticks([end.articles for end in ends(samples)], [str(end.articles) for end in ends(samples)])
    longest = [sample for sample in samples if sample.run == samples[-1].run]
    memory.plot([sample.articles for sample in longest], [sample.megabytes for sample in longest])
    memory.set(title="memory of the process, MB", xlabel=f"articles done of {samples[-1].run}")
    for axes in (cost, memory):
        axes.set_ylim(0, 1.15 * axes.dataLim.y1)
        axes.minorticks_off()
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m unspin.infer.soak", description="Restore hundreds of articles in one process; sample time and memory."
    )
    parser.add_argument("--checkpoint", default="default")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="articles of each run")
    parser.add_argument("--output", type=Path, default=Path("build/soak"))
    asked = parser.parse_args()
    samples = soak(Restorer.from_pretrained(asked.checkpoint, report=print), asked.sizes)
    asked.output.mkdir(parents=True, exist_ok=True)
    (asked.output / "soak.json").write_text(json.dumps([asdict(sample) for sample in samples]), encoding="utf-8")
    plot(samples, asked.output / "soak.png")
    show(samples)
    print(f"drawn: {asked.output / 'soak.png'}")


if __name__ == "__main__":
    main()
