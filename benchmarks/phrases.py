"""What a long list of phrases costs: ``python -m benchmarks.phrases`` restores articles with and without one.

The list holds random pairs of dictionary words, which no article has. Its automaton is made anew in each run. `timing`
explains how runs are compared.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from unspin.infer.engines import load_engine
from unspin.infer.fidelity.dictionary import words
from unspin.infer.models.checkpoint import Checkpoint
from unspin.infer.phrase_table import PhraseTable
from unspin.infer.restorer import Restorer
from unspin.phrase_lists import PhrasePair

from benchmarks.timing import MIN_RUNS, interval, race

ARTICLES = Path(__file__).parents[1] / "data" / "articles"


def make_pairs(count: int) -> list[PhrasePair]:
    """Pairs of phrases of two words each."""
    draw = random.Random(20)  # noqa: S311
    vocabulary = sorted(word for word in words() if word.isalpha())
    drawn = [" ".join(draw.sample(vocabulary, 2)) for _ in range(2 * count)]
    return [PhrasePair(garbled, (expected,)) for garbled, expected in zip(drawn[::2], drawn[1::2], strict=True)]


def main() -> None:
    """Time both and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phrases", type=int, default=100_000, help="length of the list")
    parser.add_argument("--articles", type=int, default=12, help="number of articles")
    parser.add_argument("--runs", type=int, default=MIN_RUNS)
    arguments = parser.parse_args()
    files = sorted(ARTICLES.rglob("*.txt"), key=lambda file: (file.name, file.parent.name))[: arguments.articles]
    texts = [file.read_text(encoding="utf-8") for file in files]
    checkpoint = Checkpoint.open("default")
    engine, pairs = load_engine("draft", checkpoint), make_pairs(arguments.phrases)

    def restore(table: PhraseTable | None) -> None:
        length = checkpoint.max_passage_words
        Restorer(engine, checkpoint.calibration, max_passage_words=length, phrases=table).restore(texts)

    with_list, without = race(lambda: restore(PhraseTable(pairs)), lambda: restore(None), arguments.runs)
    overhead = [a / b - 1 for a, b in zip(with_list, without, strict=True)]
    print(f"{len(pairs):,} phrases, {len(texts)} articles: {interval(overhead, '.1%')} more time")


if __name__ == "__main__":
    main()
