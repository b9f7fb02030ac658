"""Equal restorations: ``python -m benchmarks.invariance`` restores the same documents in many ways and compares them.

The ways differ in what a document shares batches with, in the size of batches, and in threads and processes. Two
restorations are equal if all of their values are, confidences included; two outputs of the model, if their texts and
log probabilities are. Each way is compared with restoring all documents together. The documents are openings of 60 to
400 words of the project's own articles; every third one is left as it is, and the others are spun. 200 documents take
an hour.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import torch
from unspin.data.spinners.mixture import Mixture
from unspin.data.spinners.persona import Persona
from unspin.infer import article
from unspin.infer.engines.base import Engine, Rewriting
from unspin.infer.engines.copy_draft import CopyDraftEngine
from unspin.infer.models.checkpoint import Checkpoint
from unspin.infer.restoration import Restoration
from unspin.infer.restorer import Restorer
from unspin.segment import split_paragraphs, words

ARTICLES = Path(__file__).parents[1] / "data" / "articles"
DOCUMENTS = 200
WORDS = (60, 400)
SPINNERS = {"phrases": 1.0, "thesaurus": 0.8, "surface": 0.5}
TOKENS_PER_BATCH = (1024, 20000)
WORDS_PER_WINDOW = (200, 100_000)
THREADS = (1, 2, 4)
PROCESSES = 2


def documents(count: int) -> Iterator[str]:
    """Openings of the project's articles; beyond their number, the same with other lengths and personas."""
    mixture = Mixture(SPINNERS)
    files = sorted(ARTICLES.rglob("*.txt"))
    for i in range(count):
        length = WORDS[0] + 97 * i % (WORDS[1] - WORDS[0] + 1)
        opening = _opening(files[i % len(files)].read_text(encoding="utf-8"), length)
        persona = Persona.sample("invariance", i, spinners=SPINNERS)
        yield "\n\n".join(mixture.spin(text, persona).text if i % 3 else text for text in opening)


def _opening(text: str, length: int) -> Iterator[str]:
    """The first `length` words, as paragraphs."""
    for paragraph in split_paragraphs(text):
        parts = paragraph.split()[:length]
        if parts:
            yield " ".join(parts)
        length -= len(parts)


class RecordingEngine(Engine):
    """Wraps an engine and keeps its outputs by text."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.outputs = engine, dict[str, Rewriting]()

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        outputs = self.engine.rewrite(sentences)
        self.outputs.update(zip(sentences, outputs, strict=True))
        return outputs

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        return self.engine.variants(sentence, opening, count)

    def copies(self, sentences: Sequence[str]) -> list[Rewriting]:
        return self.engine.copies(sentences)

    def log_ratios(self, sentences: Sequence[str], texts: Sequence[str]) -> list[float]:
        return self.engine.log_ratios(sentences, texts)


@dataclass(frozen=True)
class Comparison:
    """A row of the table: restorations and outputs of the model that differ from those of restoring all together."""

    way: str
    documents: int
    outputs: int
    seconds: float


class InvarianceBenchmark:
    """A checkpoint and the documents that it restores in every way."""

    def __init__(self, checkpoint: Checkpoint, texts: Sequence[str]) -> None:
        self._checkpoint, self._texts = checkpoint, texts
        self._draft = CopyDraftEngine.load(checkpoint)

    def comparisons(self) -> Iterator[Comparison]:
        """Restore the documents in every way; the first is compared with itself."""
        expected, outputs, seconds = self._measure(self._together)
        yield Comparison("together", 0, 0, seconds)
        for way, restore in self._ways():
            restorations, others, seconds = self._measure(restore)
            differ = sum(a != b for a, b in zip(expected, restorations, strict=True))
            yield Comparison(way, differ, sum(outputs[text] != output for text, output in others.items()), seconds)

    def _ways(self) -> Iterator[tuple[str, Callable[[Restorer], list[Restoration]]]]:
        yield "alone", lambda restorer: [restorer.restore(text) for text in self._texts]
        yield "in pieces (stream)", lambda restorer: [[*restorer.stream(text)][-1][1] for text in self._texts]
        yield "reversed", lambda restorer: [*restorer.restore_all(self._texts[::-1])][::-1]
        decoder, together = self._draft.decoder, self._together
        for tokens in TOKENS_PER_BATCH:
            with patch.object(decoder, "tokens_per_batch", tokens):
                yield f"{tokens:,} tokens a batch", together
        for count in WORDS_PER_WINDOW:
            with patch.object(article, "WORDS_PER_WINDOW", count):
                yield f"{count:,} words a window", together
        for count in THREADS:
            with _threads(count):
                yield f"{count} threads", together
        yield f"{PROCESSES} processes", self._in_processes

    def _measure(
        self, restore: Callable[[Restorer], list[Restoration]]
    ) -> tuple[list[Restoration], dict[str, Rewriting], float]:
        """The restorations, the outputs of the model by text, and the seconds taken."""
        engine = RecordingEngine(self._draft)
        restorer = Restorer(engine, self._checkpoint.calibration, max_passage_words=self._checkpoint.max_passage_words)
        start = time.perf_counter()
        return restore(restorer), engine.outputs, time.perf_counter() - start

    def _together(self, restorer: Restorer) -> list[Restoration]:
        return [*restorer.restore_all(self._texts)]

    def _in_processes(self, _: Restorer) -> list[Restoration]:
        """Restore in processes with a model each; their outputs are not recorded."""
        shares = [self._texts[i::PROCESSES] for i in range(PROCESSES)]
        restorations: list[Restoration | None] = [None] * len(self._texts)
        with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
            for i, done in enumerate(pool.map(_restore, [str(self._checkpoint.folder)] * PROCESSES, shares)):
                restorations[i::PROCESSES] = done
        return [restoration for restoration in restorations if restoration]


def _restore(checkpoint: str, texts: Sequence[str]) -> list[Restoration]:
    torch.set_num_threads(1)
    return [*Restorer.from_pretrained(checkpoint).restore_all(texts)]


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def show(comparisons: Iterable[Comparison], texts: Sequence[str]) -> int:
    """Print a table, one row per way; returns how many restorations and outputs differ in all."""
    from rich.console import Console
    from rich.table import Table

    total = sum(len(words(text)) for text in texts)
    table = Table("way", "documents that differ", "outputs that differ", "words/s")
    differ = 0
    for row in comparisons:
        table.add_row(row.way, str(row.documents), str(row.outputs), f"{total / row.seconds:.0f}")
        differ += row.documents + row.outputs
    Console(width=100).print(table)
    print(f"{len(texts)} documents, {total:,} words")
    return differ


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.invariance", description="Restore the same documents in many ways and compare."
    )
    parser.add_argument("--checkpoint", default="default")
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    options = parser.parse_args()
    texts = [*documents(options.documents)]
    if show(InvarianceBenchmark(Checkpoint.open(options.checkpoint), texts).comparisons(), texts):
        raise SystemExit("the same document has different restorations")


if __name__ == "__main__":
    main()
