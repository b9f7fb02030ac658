"""Restoring speed: ``python -m benchmarks.restoring`` times each way of decoding against the one it replaces.

Both sides restore the same sentences of the hand-spun benchmark articles with the same checkpoint. Several batch sizes
are tried on each side, and the fastest is timed. `timing` explains how runs are compared. Run it from the root of a
clone of the repository, with nothing else running.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from unspin.infer.engines import check_device, load_engine
from unspin.infer.engines.base import Engine, Rewriting
from unspin.infer.engines.decoding import TOKENS_PER_BATCH, CopyDecoder
from unspin.infer.engines.transformers import TransformersEngine
from unspin.infer.models.base import fast_dtype, int8_pays
from unspin.infer.models.checkpoint import Checkpoint
from unspin.infer.models.gemma3 import Gemma3
from unspin.infer.models.prompt import Prompt
from unspin.infer.restorer import Restorer
from unspin.segment import split_paragraphs, split_sentences

from benchmarks.timing import MIN_RUNS, interval, race, ratios

ARTICLES = Path("data/benchmark")
REGISTERS = ("world", "business", "science", "sport")
SENTENCES = 32
DRAFT_TOKENS = (1536, 3072, 6144)  # tokens per batch to try with copy-draft decoding
BATCH_SIZES = (8, 16, 32)  # sentences per batch to try with `generate`


@dataclass(frozen=True)
class Variant:
    """One way of decoding all sentences, and its settings in words."""

    settings: str
    run: Callable[[], object]


@dataclass(frozen=True)
class Comparison:
    """A row of the table: the seconds of both sides in each run, for `work` sentences or articles."""

    subject: str
    ours: str
    theirs: str
    work: int
    seconds: tuple[list[float], list[float]]


def spun_sentences(count: int) -> list[str]:
    """Up to `count` sentences spread over the hand-spun articles, at most two per paragraph."""
    found: list[str] = []
    for file in sorted((ARTICLES / "hand").rglob("*.txt")):
        for paragraph in split_paragraphs(file.read_text(encoding="utf-8")):
            found += split_sentences(paragraph)[:2]
    return found[:: max(len(found) // count, 1)][:count]


class DecodingBenchmark:
    """One checkpoint, decoded in every way on one device."""

    def __init__(self, checkpoint: Checkpoint, runs: int, device: str = "cpu") -> None:
        self._checkpoint, self._runs, self._device = checkpoint, runs, device
        self._folder = checkpoint.merged_folder()
        self._prompt = Prompt.from_folder(self._folder)
        self._texts = spun_sentences(SENTENCES)
        self._sources = [self._prompt.source(text) for text in self._texts]
        self._whole: Sequence[int] = range(self._prompt.tokenizer.get_vocab_size())
        trimmed = checkpoint.vocabulary()
        self._trimmed: Sequence[int] = self._whole if trimmed is None else trimmed

    def count_identical(self) -> int:
        """How many outputs equal those of `generate`, both in fp32 and over the whole vocabulary."""
        decoder = CopyDecoder(Gemma3(self._folder, torch.float32, device=self._device), self._prompt.eos, self._whole)
        ours = [self._prompt.decode(output.ids) for output in decoder.decode(self._sources)]
        theirs = [output.text for output in self._generating_engine(torch.float32, 16).rewrite(self._texts)]
        return sum(one == other for one, other in zip(ours, theirs, strict=True))

    def comparisons(self) -> list[Comparison]:
        """Time all pairs of ways. The rows "CTranslate2 int8" and "int8 layers" are measured on a CPU only."""
        dtype = fast_dtype(self._device)
        name = _name_of(dtype)
        whole = self._fastest([self._draft(dtype, self._whole, tokens) for tokens in DRAFT_TOKENS])
        trimmed = self._fastest([self._draft(dtype, self._trimmed, tokens) for tokens in DRAFT_TOKENS])
        same_dtype = self._fastest([self._generate(dtype, size) for size in BATCH_SIZES])
        fp32 = self._fastest([self._generate(torch.float32, size) for size in BATCH_SIZES])
        default = self._default_engine(dtype)
        generate = Variant(f"generate, {name}, {same_dtype.settings}", same_dtype.run)
        generate_fp32 = Variant(f"generate, fp32, {fp32.settings}", fp32.run)
        rows = [
            self._compare(
                "copy-draft decoding, whole vocabulary", Variant(f"{name}, {whole.settings}", whole.run), generate
            ),
            self._compare("trimmed vocabulary", trimmed, Variant(f"whole, {whole.settings}", whole.run)),
            self._compare("both", Variant(f"{name}, {trimmed.settings}", trimmed.run), generate),
            self._compare("default engine", default, generate_fp32),
            self._compare_clean_with_spun(),
        ]
        return [*rows, *self._int8_comparisons(generate_fp32)] if self._device == "cpu" else rows

    def _int8_comparisons(self, generate_fp32: Variant) -> list[Comparison]:
        ctranslate2 = load_engine("ctranslate2", self._checkpoint)
        int8, fp32 = (self._draft(torch.float32, self._trimmed, 3072, int8=int8).run for int8 in (True, False))
        return [
            self._compare(
                "CTranslate2 int8", Variant("batch 16", lambda: ctranslate2.rewrite(self._texts)), generate_fp32
            ),
            self._compare("int8 layers", Variant("3072 tokens", int8), Variant("fp32, 3072 tokens", fp32)),
        ]

    def _compare_clean_with_spun(self) -> Comparison:
        """Complete restoration of the original articles against that of the same articles spun."""
        restorer = Restorer.from_pretrained(str(self._checkpoint.folder), device=self._device)

        def restore_all(kind: str) -> Callable[[], object]:
            files = [ARTICLES / kind / register / "03.txt" for register in REGISTERS]
            texts = [file.read_text(encoding="utf-8") for file in files]
            return lambda: [restorer.restore(text) for text in texts]

        seconds = race(restore_all("articles"), restore_all("hand"), self._runs)
        return Comparison("clean article", "original", "spun (heavily)", len(REGISTERS), seconds)

    def _compare(self, subject: str, ours: Variant, theirs: Variant) -> Comparison:
        seconds = race(ours.run, theirs.run, self._runs)
        return Comparison(subject, ours.settings, theirs.settings, len(self._texts), seconds)

    def _default_engine(self, dtype: torch.dtype) -> Variant:
        int8 = self._device == "cpu" and int8_pays()
        way = self._draft(dtype, self._trimmed, TOKENS_PER_BATCH, int8=int8)
        return Variant(f"{'int8' if int8 else _name_of(dtype)}, {way.settings}", way.run)

    def _draft(self, dtype: torch.dtype, vocabulary: Sequence[int], tokens: int, *, int8: bool = False) -> Variant:
        decoder = CopyDecoder(Gemma3(self._folder, dtype, int8, self._device), self._prompt.eos, vocabulary, tokens)
        return Variant(f"{tokens} tokens", lambda: decoder.decode(self._sources))

    def _generate(self, dtype: torch.dtype, batch_size: int) -> Variant:
        engine = self._generating_engine(dtype, batch_size)
        return Variant(f"batch {batch_size}", lambda: engine.rewrite(self._texts))

    def _generating_engine(self, dtype: torch.dtype, batch_size: int) -> Engine:
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(self._folder, dtype=dtype, use_safetensors=True)
        engine = TransformersEngine(model.to(self._device).eval(), self._prompt)
        engine.batch_size = batch_size
        return engine

    def _fastest(self, ways: Sequence[Variant]) -> Variant:
        """The fastest way, each run once to warm up and once timed."""

        def seconds(way: Variant) -> float:
            way.run()
            start = time.perf_counter()
            way.run()
            return time.perf_counter() - start

        return min(ways, key=seconds)


class TimedEngine(Engine):
    """Wraps an engine and counts the seconds that it spends on rewriting."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.seconds = engine, 0.0

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        start = time.perf_counter()
        outputs = self.engine.rewrite(sentences)
        self.seconds += time.perf_counter() - start
        return outputs

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        return self.engine.variants(sentence, opening, count)

    def copies(self, sentences: Sequence[str]) -> list[Rewriting]:
        return self.engine.copies(sentences)

    def log_ratios(self, sentences: Sequence[str], texts: Sequence[str]) -> list[float]:
        return self.engine.log_ratios(sentences, texts)


def overhead_share(checkpoint: Checkpoint, device: str) -> float:
    """The share of restoring time spent outside the engine: segmentation, alignment, fidelity checks, assembly."""
    engine = TimedEngine(load_engine("draft", checkpoint, device))
    restorer = Restorer(engine, checkpoint.calibration, max_passage_words=checkpoint.max_passage_words)
    texts = [file.read_text(encoding="utf-8") for file in sorted((ARTICLES / "hand").rglob("*.txt"))]
    restorer.restore(texts[0])
    engine.seconds, start = 0.0, time.perf_counter()
    for text in texts:
        restorer.restore(text)
    return 1 - engine.seconds / (time.perf_counter() - start)


def peak_rates(device: str = "cpu") -> dict[str, float]:
    """The peak rates of the device: products of square matrices (GFLOP/s) and reading memory (GB/s).

    A multiply-add counts as two operations. Half precision is measured only if the device supports it natively; one
    product takes a minute otherwise.
    """

    def seconds(work: Callable[[], object]) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            work()
            if device != "cpu":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - start)
        return min(times)

    rates = {}
    size = 2048 if device == "cpu" else 8192
    for dtype in dict.fromkeys((torch.float32, fast_dtype(device))):
        matrix = torch.rand(size, size, device=device).to(dtype)
        rates[f"{_name_of(dtype)} GFLOP/s"] = 2 * size**3 / seconds(lambda a=matrix: a @ a) / 1e9  # type: ignore[misc]
    gigabyte = torch.rand(1 << 28, device=device)  # larger than every cache
    return {**rates, "memory GB/s": gigabyte.nbytes / seconds(gigabyte.sum) / 1e9}


def _name_of(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def show(comparisons: Sequence[Comparison]) -> None:
    """Print a table, one row per comparison."""
    from rich.console import Console
    from rich.table import Table

    table = Table("subject", "ours", "theirs", "ours/s", "theirs/s", "ratio")
    for row in comparisons:
        rates = [interval([row.work / seconds for seconds in side], ".2f") for side in row.seconds]
        table.add_row(row.subject, row.ours, row.theirs, *rates, interval(ratios(*row.seconds), ".2f"))
    Console(width=150).print(table)
    runs = len(comparisons[0].seconds[0])
    print(
        f"{SENTENCES} spun sentences ({len(REGISTERS)} articles in the row 'clean article'); "
        f"median (smallest–largest) of {runs} alternating runs"
    )


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.restoring", description="Time each way of decoding against the one it replaces."
    )
    parser.add_argument("--checkpoint", default="default")
    parser.add_argument("--runs", type=int, default=MIN_RUNS)
    parser.add_argument("--device", default="cpu", help="cpu, or cuda for a GPU")
    options = parser.parse_args()
    if options.runs < MIN_RUNS:
        parser.error(f"at least {MIN_RUNS} runs")
    check_device(options.device)
    print(torch.cuda.get_device_name() if options.device != "cpu" else f"{torch.get_num_threads()} threads")
    print(", ".join(f"{value:,.0f} {unit}" for unit, value in peak_rates(options.device).items()))
    checkpoint = Checkpoint.open(options.checkpoint)
    print(f"{overhead_share(checkpoint, options.device):.1%} of restoring is spent outside the model")
    benchmark = DecodingBenchmark(checkpoint, options.runs, options.device)
    print(f"{benchmark.count_identical()} of {SENTENCES} outputs are identical to those of generate, both in fp32")
    show(benchmark.comparisons())


if __name__ == "__main__":
    main()
