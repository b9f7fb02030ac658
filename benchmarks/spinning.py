"""Spinning speed: ``python -m benchmarks.spinning`` times this project's mixture against someone else's spinner.

Each runs in its own process (``make peers`` installs the other one) on the same sentences of `data/articles`. Start-up
and loading are not counted; as many other sentences fill the caches first. The other spinner runs with its defaults,
so the shares of changed words are printed beside the speeds. `timing` explains how runs are compared.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rapidfuzz.distance import Indel
from unspin.data.rows import ROWS_PER_TOOL
from unspin.data.spinners.mixture import Mixture
from unspin.data.spinners.persona import Persona
from unspin.errors import UnspinError
from unspin.evaluation.external import PEERS, Peer
from unspin.hashing import hash_uniform
from unspin.segment import split_sentences, words

from benchmarks.timing import MIN_RUNS, interval, race, ratios

ARTICLES = Path(__file__).parents[1] / "data" / "articles"
SPINNERS = {"phrases": 1.0, "thesaurus": 0.8, "surface": 0.5}  # as in configs/data/quickstart.yaml
Spin = Callable[[Sequence[str]], list[str]]


@dataclass(frozen=True)
class Side:
    """One spinner: its seconds for `count` sentences in each run, and the share of words that it changed, 0..1."""

    name: str
    count: int
    seconds: tuple[float, ...]
    changed: float

    @property
    def rates(self) -> list[float]:
        """Sentences per second, run by run."""
        return [self.count / seconds for seconds in self.seconds]


def sample_sentences(count: int, folder: Path = ARTICLES) -> list[str]:
    """Sentences from articles across the folder, the same each time. Raises `UnspinError` if there are too few."""
    found: list[str] = []
    for file in sorted(folder.rglob("*.txt"), key=lambda it: hash_uniform("bench", it.relative_to(folder).as_posix())):
        found += split_sentences(file.read_text(encoding="utf-8"))
        if len(found) >= count:
            return found[:count]
    raise UnspinError(
        f"{folder}: {count} sentences requested, {len(found)} found: "
        "request fewer, or run from the root of a clone of the repository"
    )


class Ours:
    """This project's mixture with its default spinners; a new persona every `ROWS_PER_TOOL` sentences and each call."""

    def __init__(self) -> None:
        self._mixture = Mixture(SPINNERS)
        self._calls = 0

    def spin(self, sentences: Sequence[str]) -> list[str]:
        """Spin each sentence."""
        self._calls += 1
        spun = []
        for number, sentence in enumerate(sentences):
            if number % ROWS_PER_TOOL == 0:
                persona = Persona.sample("bench", self._calls, number, spinners=SPINNERS)
            spun.append(self._mixture.spin(sentence, persona).text)
        return spun


def run(ours: Spin, theirs: Spin, name: str, sentences: Sequence[str], runs: int) -> tuple[Side, Side]:
    """Time both spinners on the same sentences; `name` is that of the other one."""
    spun: tuple[list[list[str]], list[list[str]]] = ([], [])
    seconds = race(lambda: spun[0].append(ours(sentences)), lambda: spun[1].append(theirs(sentences)), runs)
    shares = [sum(_changed(sentences, output) for output in outputs) / len(outputs) for outputs in spun]
    first, second = (
        Side(side, len(sentences), tuple(times), share)
        for side, times, share in zip(("unspin", name), seconds, shares, strict=True)
    )
    return first, second


def show(ours: Side, theirs: Side) -> None:
    """Print a table, one row per spinner."""
    from rich.console import Console
    from rich.table import Table

    table = Table("spinner", "sentences/s", "changed", "ratio")
    speedup = interval(ratios(ours.seconds, theirs.seconds), ".2f")
    for side, ratio in ((ours, speedup), (theirs, "1")):
        table.add_row(side.name, interval(side.rates, ",.0f"), f"{side.changed:.1%}", ratio)
    console = Console()
    console.print(table)
    console.print(
        f"{ours.count} sentences, {len(ours.seconds)} runs: median (smallest–largest); "
        "changed: share of words; ratio: times as fast as the other spinner"
    )


def _changed(sentences: Sequence[str], spun: Sequence[str]) -> float:
    """The share of words that the spun sentences lack, compared in order and ignoring case."""
    lost = total = 0
    for before, after in zip(sentences, spun, strict=True):
        a, b = ([word.lower() for word in words(it)] for it in (before, after))
        total += len(a)
        lost += len(a) - Indel.similarity(a, b) // 2
    return lost / total if total else 0.0


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.spinning", description="Time this project's spinners against someone else's."
    )
    parser.add_argument("--peer", choices=PEERS, default="textattack", help="the other spinner")
    parser.add_argument("--sentences", type=int, default=300)
    parser.add_argument("--runs", type=int, default=6)
    options = parser.parse_args()
    if options.runs < MIN_RUNS or options.sentences < 1:
        parser.error(f"at least {MIN_RUNS} runs and one sentence")
    try:
        sentences = sample_sentences(2 * options.sentences)
        timed, warm_up = sentences[: options.sentences], sentences[options.sentences :]
        ours = Ours()
        with Peer(options.peer) as peer:
            ours.spin(warm_up)
            peer.spin(warm_up)
            show(*run(ours.spin, peer.spin, f"{peer.name} {peer.version}", timed, options.runs))
    except UnspinError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
