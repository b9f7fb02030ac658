"""Time spinning: ``python -m unspin.data.bench`` sets this project's mixture against a spinner that others wrote (``make peers``).

One process each, the same sentences of `data/articles`; left out are start-up, loading, and the filling of caches by as many other
sentences. The peer works at its own defaults, so the shares of words changed are printed beside the speeds. How runs are set against one
another: `timing.py`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rapidfuzz.distance import Indel
from unspin.data.errors import UnspinError
from unspin.data.peers import PEERS, Peer
from unspin.data.rows import SECTION
from unspin.data.segment import paragraphs, sentences, words
from unspin.data.spinners.mixture import Mixture
from unspin.data.spinners.persona import Persona, draw
from unspin.data.timing import FEWEST, interval, race, ratios

ARTICLES = Path(__file__).with_name("articles")
ENGINES = {"phrases": 1.0, "thesaurus": 0.8, "surface": 0.5}  # as in configs/data/quickstart.yaml
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


def run(ours: Spin, theirs: Spin, name: str, text: Sequence[str], runs: int) -> tuple[Side, Side]:
    """Time both on the same text."""
    spun: tuple[list[list[str]], list[list[str]]] = ([], [])
    seconds = race(lambda: spun[0].append(ours(text)), lambda: spun[1].append(theirs(text)), runs)
    shares = [sum(_changed(text, found) for found in outputs) / len(outputs) for outputs in spun]
    first, second = (Side(n, len(text), tuple(s), share) for n, s, share in zip(("unspin", name), seconds, shares, strict=True))
    return first, second


def show(ours: Side, theirs: Side) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("spinner", "sentences/s", "changed", "ratio")
    speedup = interval(ratios(ours.seconds, theirs.seconds), ".2f")
    for side, compared in ((ours, speedup), (theirs, "1")):
        table.add_row(side.name, interval(side.rates, ",.0f"), f"{side.changed:.1%}", compared)
    console = Console()
    console.print(table)
    console.print(
        f"{ours.count} sentences, {len(ours.seconds)} runs: median (least–greatest); changed: share of words; ratio: times as fast as the peer"
    )


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
            show(*run(ours.spin, peer.spin, f"{peer.name} {peer.version}", found[: asked.sentences], asked.runs))
    except UnspinError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
