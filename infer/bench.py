"""Time restoring: ``python -m unspin.infer.bench`` sets each way of decoding against the one it replaces, on the hand-spun benchmark articles.

Same checkpoint, same sentences; batch sizes are swept for both sides and the best of either goes into the race. How runs are set against
one another: `unspin.data.timing`. Run it in a clone of the repository, with nothing else at work.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from unspin.data.segment import paragraphs, sentences
from unspin.data.timing import FEWEST, interval, race, ratios
from unspin.infer.checkpoint import Checkpoint
from unspin.infer.decoding import TOKENS_PER_BATCH, CopyDecoder
from unspin.infer.engines import Engine, Rewriting, check_device, load_engine
from unspin.infer.gemma import Gemma, fast_dtype, int8_pays
from unspin.infer.generating import TransformersEngine
from unspin.infer.prompt import Prompt
from unspin.infer.restorer import Restorer

ARTICLES = Path("data/benchmark")
SENTENCES = 32


@dataclass(frozen=True)
class Line:
    """A row of the table."""

    what: str
    ours: str
    theirs: str
    work: int
    seconds: tuple[list[float], list[float]]


def spun_sentences(count: int) -> list[str]:
    found: list[str] = []
    for file in sorted((ARTICLES / "hand").rglob("*.txt")):
        text = file.read_text(encoding="utf-8")
        for paragraph in (text[span.start : span.end] for span in paragraphs(text)):
            found += [paragraph[span.start : span.end] for span in sentences(paragraph)][:2]
    return found[:: max(len(found) // count, 1)][:count]


class Bench:
    """One model in every form."""

    def __init__(self, checkpoint: Checkpoint, runs: int, device: str = "cpu") -> None:
        self._checkpoint, self._runs, self._device = checkpoint, runs, device
        self._folder = checkpoint.merged(print)
        self._prompt = Prompt.from_folder(self._folder)
        self._texts = spun_sentences(SENTENCES)
        self._sources = [self._prompt.source(text) for text in self._texts]
        ids = checkpoint.vocabulary()
        self._all = range(self._prompt.tokenizer.get_vocab_size())
        self._seen: Sequence[int] = self._all if ids is None else ids

    def alike(self) -> int:
        """How many of the texts come out the same as from `generate`, both in fp32 and over the whole vocabulary."""
        decoder = CopyDecoder(Gemma(self._folder, torch.float32, device=self._device), self._prompt.eos, self._all)
        ours = [self._prompt.decode(output.ids) for output in decoder.decode(self._sources)]
        theirs = [output.text for output in self._engine(torch.float32, 16).rewrite(self._texts)]
        return sum(one == other for one, other in zip(ours, theirs, strict=True))

    def lines(self) -> list[Line]:
        bf16 = fast_dtype(self._device)
        full, full_size = self._best({f"{n} tokens": self._draft(bf16, self._all, n) for n in (1536, 3072, 6144)})
        trimmed, trimmed_size = self._best({f"{n} tokens": self._draft(bf16, self._seen, n) for n in (1536, 3072, 6144)})
        same, same_size = self._best({f"batch {n}": self._generate(bf16, n) for n in (8, 16, 32)})
        plain, plain_size = self._best({f"batch {n}": self._generate(torch.float32, n) for n in (8, 16, 32)})
        name = str(bf16).removeprefix("torch.")
        in_int8 = self._device == "cpu" and int8_pays()
        precision = "int8" if in_int8 else name
        default = self._draft(bf16, self._seen, TOKENS_PER_BATCH, in_int8)
        lines = [
            self._race("copy-draft decoding, whole vocabulary", f"{name}, {full_size}", f"generate, {name}, {same_size}", full, same),
            self._race("trimmed vocabulary", trimmed_size, f"whole, {full_size}", trimmed, full),
            self._race("both", f"{name}, {trimmed_size}", f"generate, {name}, {same_size}", trimmed, same),
            self._race("default engine", f"{precision}, {TOKENS_PER_BATCH} tokens", f"generate, fp32, {plain_size}", default, plain),
            self._clean(),
        ]
        if self._device == "cpu":
            int8 = load_engine("ctranslate2", self._checkpoint, print)
            sides = [self._draft(torch.float32, self._seen, 3072, layers) for layers in (True, False)]
            lines += [
                self._race("CTranslate2 int8", "batch 16", f"generate, fp32, {plain_size}", lambda: int8.rewrite(self._texts), plain),
                self._race("int8 layers", "3072 tokens", "fp32, 3072 tokens", *sides),
            ]
        return lines

    def _race(self, what: str, ours: str, theirs: str, first: Callable[[], object], second: Callable[[], object]) -> Line:
        return Line(what, ours, theirs, len(self._texts), race(first, second, self._runs))

    def _clean(self) -> Line:
        """A clean article against the same one spun, all that restoring takes."""
        restorer = Restorer.from_pretrained(str(self._checkpoint.folder), device=self._device)
        clean, spun = (
            [(ARTICLES / kind / register / "03.txt").read_text(encoding="utf-8") for register in ("world", "business", "science", "sport")]
            for kind in ("articles", "hand")
        )

        def all_of(texts: Sequence[str]) -> Callable[[], object]:
            return lambda: [restorer.restore(text) for text in texts]

        return Line("clean article", "original", "spun (heavily)", 4, race(all_of(clean), all_of(spun), self._runs))

    def _draft(self, dtype: torch.dtype, vocabulary: Sequence[int], tokens: int, int8: bool = False) -> Callable[[], object]:
        decoder = CopyDecoder(Gemma(self._folder, dtype, int8, self._device), self._prompt.eos, vocabulary, tokens)
        return lambda: decoder.decode(self._sources)

    def _generate(self, dtype: torch.dtype, batch: int) -> Callable[[], object]:
        engine = self._engine(dtype, batch)
        return lambda: engine.rewrite(self._texts)

    def _engine(self, dtype: torch.dtype, batch: int) -> Engine:
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(self._folder, dtype=dtype, use_safetensors=True).to(self._device).eval()
        engine = TransformersEngine(model, self._prompt)
        engine.batch_size = batch
        return engine

    def _best(self, ways: dict[str, Callable[[], object]]) -> tuple[Callable[[], object], str]:
        """The fastest of several ways and its name."""

        def seconds(name: str) -> float:
            ways[name]()
            start = time.perf_counter()
            ways[name]()
            return time.perf_counter() - start

        name = min(ways, key=seconds)
        return ways[name], name


class Timed:
    """An engine that counts the seconds it works."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.seconds = engine, 0.0

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        start = time.perf_counter()
        outputs = self.engine.rewrite(sentences)
        self.seconds += time.perf_counter() - start
        return outputs

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        return self.engine.variants(sentence, opening, count)


def share_outside(checkpoint: Checkpoint, device: str) -> float:
    """Of the time that restoring articles takes: finding sentences, aligning, judging, assembling; all but the engine."""
    timed = Timed(load_engine("draft", checkpoint, print, device))
    restorer = Restorer(timed, checkpoint.calibration, passage=checkpoint.passage)
    texts = [file.read_text(encoding="utf-8") for file in sorted((ARTICLES / "hand").rglob("*.txt"))]
    restorer.restore(texts[0])
    timed.seconds, start = 0.0, time.perf_counter()
    for text in texts:
        restorer.restore(text)
    return 1 - timed.seconds / (time.perf_counter() - start)


def limits(device: str = "cpu") -> dict[str, float]:
    """What this processor or GPU can do at best: multiply-adds of square matrices, twice counted (GFLOP/s), and reading memory (GB/s).

    bf16 is measured where the processor multiplies it; elsewhere one product takes a minute.
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

    size, found = 2048 if device == "cpu" else 8192, {}
    for dtype in dict.fromkeys((torch.float32, fast_dtype(device))):
        a = torch.rand(size, size, device=device).to(dtype)
        found[f"{str(dtype).removeprefix('torch.')} GFLOP/s"] = 2 * size**3 / seconds(lambda a=a: a @ a) / 1e9  # type: ignore[misc]
    long = torch.rand(1 << 28, device=device)  # 1 GB, beyond every cache
    return {**found, "memory GB/s": long.nbytes / seconds(long.sum) / 1e9}


def show(lines: Sequence[Line]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("what", "ours", "theirs", "ours, a second", "theirs, a second", "ratio")
    for line in lines:
        rates = [interval([line.work / seconds for seconds in side], ".2f") for side in line.seconds]
        table.add_row(line.what, line.ours, line.theirs, *rates, interval(ratios(*line.seconds), ".2f"))
    Console(width=150).print(table)
    print(f"{SENTENCES} spun sentences (articles in the last line); median (least–greatest) of {len(lines[0].seconds[0])} alternating runs")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m unspin.infer.bench", description="Time decoding against what it replaces.")
    parser.add_argument("--checkpoint", default="default")
    parser.add_argument("--runs", type=int, default=FEWEST)
    parser.add_argument("--device", default="cpu", help="cpu, or cuda for a GPU")
    asked = parser.parse_args()
    if asked.runs < FEWEST:
        parser.error(f"at least {FEWEST} runs")
    check_device(asked.device)
    print(torch.cuda.get_device_name() if asked.device != "cpu" else f"{torch.get_num_threads()} threads")
    print(", ".join(f"{value:,.0f} {unit}" for unit, value in limits(asked.device).items()))
    checkpoint = Checkpoint.open(asked.checkpoint)
    print(f"{share_outside(checkpoint, asked.device):.1%} of restoring is spent outside the model")
    bench = Bench(checkpoint, asked.runs, asked.device)
    print(f"{bench.alike()} of {SENTENCES} sentences come out the same as from generate, both in fp32")
    show(bench.lines())


if __name__ == "__main__":
    main()
