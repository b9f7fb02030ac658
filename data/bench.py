"""Time spinning: ``python -m unspin.data.bench`` sets this project's mixture against a spinner that others wrote (``make peers``).

One process each, the same sentences of `data/articles`, runs alternating which side goes first; left out are start-up, loading, and the
filling of caches by as many other sentences. The peer works at its own defaults, so the shares of words changed are printed beside the
speeds. The interval is from the least to the greatest ratio of a run: six runs hold the median ratio with a confidence of 97 % (sign test).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rapidfuzz.distance import Indel
from unspin.data.errors import UnspinError
from unspin.data.peers import PEERS, Peer
from unspin.data.rows import SECTION
from unspin.data.segment import paragraphs, sentences, words
from unspin.data.spinners.mixture import Mixture
from unspin.data.spinners.persona import Persona, draw

ARTICLES = Path(__file__).with_name("articles")
ENGINES = {"phrases": 1.0, "thesaurus": 0.8, "surface": 0.5}  # as in configs/data/quickstart.yaml
FEWEST = 5  # runs
Spin = Callable[[Sequence[str]], list[str]]


@dataclass(frozen=True)
class Side:
    """One spinner's seconds for each run, and the share of words that it changed."""

    name: str
    count: int
    seconds: tuple[float, ...]
    changed: float

    @property
    def rates(self) -> list[float]:
        """Sentences a second, run by run."""
        return [self.count / seconds for seconds in self.seconds]


def text(count: int, folder: Path = ARTICLES) -> list[str]:
    """So many sentences from articles all over the folder, and the same each time. Raises `UnspinError` where there are fewer."""
    found: list[str] = []
    for file in sorted(folder.rglob("*.txt"), key=lambda it: draw("bench", it.relative_to(folder).as_posix())):
        article = file.read_text(encoding="utf-8")
        for paragraph in (article[span.start : span.end] for span in paragraphs(article)):
            found += [paragraph[span.start : span.end] for span in sentences(paragraph)]
        if len(found) >= count:
            return found[:count]
    raise UnspinError(f"{folder}: {len(found)} sentences, {count} asked for: ask for fewer, or run in a clone of the repository")


class Ours:
    """The mixture with its default engines, another persona every 25 sentences; no two calls share a persona."""

    def __init__(self) -> None:
        self._mixture = Mixture(ENGINES)
        self._calls = 0

    def spin(self, text: Sequence[str]) -> list[str]:
        self._calls += 1
        spun = []
        for number, sentence in enumerate(text):
            if number % SECTION == 0:
                persona = Persona.sample("bench", self._calls, number, engines=ENGINES)
            spun.append(self._mixture.spin(sentence, persona).text)
        return spun


def race(ours: Spin, theirs: Spin, name: str, text: Sequence[str], runs: int) -> tuple[Side, Side]:
    """Time both on the same text, `runs` times, either first in turn."""
    seconds: tuple[list[float], list[float]] = ([], [])
    changed: tuple[list[float], list[float]] = ([], [])
    for run in range(runs):
        for side in (0, 1) if run % 2 == 0 else (1, 0):
            start = time.perf_counter()
            spun = (ours, theirs)[side](text)
            seconds[side].append(time.perf_counter() - start)
            changed[side].append(_changed(text, spun))
    first, second = (Side(n, len(text), tuple(s), sum(c) / runs) for n, s, c in zip(("unspin", name), seconds, changed, strict=True))
    return first, second


def ratios(ours: Side, theirs: Side) -> list[float]:
    """How many times as fast as the peer this project was, run by run."""
    return [b / a for a, b in zip(ours.seconds, theirs.seconds, strict=True)]


def show(ours: Side, theirs: Side) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("spinner", "sentences/s", "changed", "ratio")
    speedup = _interval(ratios(ours, theirs), ".2f")
    for side, compared in ((ours, speedup), (theirs, "1")):
        table.add_row(side.name, _interval(side.rates, ",.0f"), f"{side.changed:.1%}", compared)
    console = Console()
    console.print(table)
    console.print(
        f"{ours.count} sentences, {len(ours.seconds)} runs: median (least–greatest); changed: share of words; ratio: times as fast as the peer"
    )


def _interval(values: Sequence[float], form: str) -> str:
    return f"{median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


def _changed(text: Sequence[str], spun: Sequence[str]) -> float:
    """The share of words that are not in the spun sentence, in their order and apart from case."""
    lost = total = 0
    for before, after in zip(text, spun, strict=True):
        a, b = ([word.lower() for word in words(it)] for it in (before, after))
        total += len(a)
        lost += len(a) - Indel.similarity(a, b) // 2
    return lost / total if total else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m unspin.data.bench", description="Time this project's spinning against a peer's.")
    parser.add_argument("--peer", choices=PEERS, default="textattack")
    parser.add_argument("--sentences", type=int, default=300)
    parser.add_argument("--runs", type=int, default=6)
    asked = parser.parse_args()
    if asked.runs < FEWEST or asked.sentences < 1:
        parser.error(f"at least {FEWEST} runs and one sentence")
    try:
        found = text(2 * asked.sentences)
        ours = Ours()
        with Peer(asked.peer) as peer:
            ours.spin(found[asked.sentences :])
            peer.spin(found[asked.sentences :])
            show(*race(ours.spin, peer.spin, f"{peer.name} {peer.version}", found[: asked.sentences], asked.runs))
    except UnspinError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
