"""The builder's blocks for datatrove, which run under any of its executors.

Each is a `PipelineStep` whose ``run(data, rank, world_size)`` does the work of one of `world_size` tasks:

==================  ============================================  ==================================================
block               reads                                         writes
==================  ============================================  ==================================================
`ReadPairs`         every source of pairs                         documents of pairs; ``<skipped>/pairs.txt``
`ReadSources`       a part of each source                         documents of articles; ``<skipped>/<rank>.txt``
`ReadShard`         ``<folder>/<rank>/*.parquet``                 documents of articles or pairs
`IndexHeldOut`      documents of articles and pairs               ``<folder>/<rank>-<number>.npy``
`MergeHeldOut`      ``<folder>/*.npy``                            ``<folder>/hashes``
`Spin`              documents of articles; ``<held_out>/hashes``  documents of rows
`AlignPairs`        documents of pairs; ``<held_out>/hashes``     documents of rows
==================  ============================================  ==================================================

A document of an article holds its text and id, with shard and split as metadata. A document of a pair holds the spun
text, with the original, its source and line as metadata. A document of a row holds the row as metadata (`row_of`). The
hash of an article's id, or the line of a pair, assigns it to a shard, and a shard is one task of every later stage: the
output depends on the number of tasks, which the config sets, never on the number of workers. datatrove's own MinHash
blocks remove near-duplicates. The hashes of held-out text are sorted in runs of bounded length and looked up in a
memory-mapped file, so they take no memory that grows with the data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr
from io import StringIO
from itertools import chain, count, islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from datatrove.data import Document
from datatrove.io import get_datafolder
from datatrove.pipeline.base import PipelineStep
from datatrove.utils.word_tokenizers import WordTokenizer
from unspin.data.corpora import Article, CorpusError, Source
from unspin.data.pair_files import Pair, PairsSource
from unspin.data.pairs import pair_rows, split_pair, usable_pairs
from unspin.data.rows import Recipe, article_rows, clean_sentences, split_of
from unspin.data.spinners.mixture import HeldOut, Mixture
from unspin.hashing import hash_uniform
from unspin.parquet import ParquetFile
from unspin.segment import words

SHINGLE_WORDS = 12  # training texts that share this many consecutive words with a held-out article are dropped
RUN_LENGTH = 1 << 20  # shingle hashes in memory at a time
MERGED = "hashes"

Hashes = np.ndarray[Any, np.dtype[np.uint64]]
_NO_HASHES: Hashes = np.empty(0, dtype=np.uint64)


class EnglishWords(WordTokenizer):
    """This project's tokenizer for datatrove's MinHash, which uses `word_tokenize` only."""

    def word_tokenize(self, text: str) -> list[str]:
        return words(text)

    def sent_tokenize(self, text: str) -> list[str]:
        return [text]

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))]


class Quiet(PipelineStep):
    """Runs a block of datatrove that draws a progress bar of its own, without that bar: a stage has one already."""

    name, type = "quiet", "unspin"

    def __init__(self, block: PipelineStep) -> None:
        super().__init__()
        self.block = block

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Any:
        """Run the block, whose bar has no other switch than where standard error leads."""
        with redirect_stderr(StringIO()):
            return self.block.run(data, rank, world_size)


class ReadSources(PipelineStep):
    """Reads the task's part of every source and assigns each article its shard and split.

    Unreadable lines and files raise `CorpusError`; with `skip`, their messages are written to the `skipped` folder
    instead.
    """

    name, type = "read", "unspin"

    def __init__(
        self, sources: list[Source], cache: Path, sample: float, holdout_share: float, skip: bool, skipped: str
    ) -> None:
        super().__init__()
        self.sources, self.cache, self.sample = sources, cache, sample
        self.holdout_share, self.skip, self.skipped = holdout_share, skip, skipped

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        messages: list[str] = []
        for source in self.sources:
            for article in source.articles(self.cache, rank, world_size):
                if isinstance(article, CorpusError):
                    if not self.skip:
                        raise _with_skip_advice(article)
                    messages.append(str(article))
                elif article.text.strip() and hash_uniform("share", article.id) < source.share * self.sample:
                    yield self._document(article, world_size)
        _write_messages(self.skipped, f"{rank:05d}.txt", messages)

    def _document(self, article: Article, shards: int) -> Document:
        shard = int(hash_uniform("shard", article.id) * shards)
        metadata = {"shard": f"{shard:05d}", "split": split_of(article.id, self.holdout_share)}
        return Document(article.text, article.id, metadata=metadata)


class ReadShard(PipelineStep):
    """Reads the articles or pairs of one shard, always in the same order."""

    name, type = "shard", "unspin"

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        folder = get_datafolder(self.folder)
        for file in sorted(folder.list_files(f"{rank:05d}")) if folder.exists(f"{rank:05d}") else []:
            with folder.open(file, "rb") as opened:
                for batch in ParquetFile(opened).iter_batches(batch_size=500):
                    for row in batch.to_pylist():
                        yield Document(row["text"], row["id"], metadata=row["metadata"])


class ReadPairs(PipelineStep):
    """Reads all pairs, checks each of them and assigns it its shard, so that faults show before anything is spun.

    A single task reads them. Unusable lines raise `CorpusError`; with `skip`, their messages are written to the
    `skipped` folder instead. There are always those of pairs whose sentences are all too short or too long.
    """

    name, type = "read pairs", "unspin"

    def __init__(self, sources: list[PairsSource], recipe: Recipe, shards: int, skip: bool, skipped: str) -> None:
        super().__init__()
        self.sources, self.recipe, self.shards = sources, recipe, shards
        self.skip, self.skipped = skip, skipped

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        messages: list[str] = []
        for source in self.sources:
            for pair in usable_pairs(source, self.recipe):
                if isinstance(pair, Pair):
                    yield self._document(pair, source.name)
                elif self.skip or pair.kind == "length":
                    messages.append(str(pair))
                else:
                    raise _with_skip_advice(pair)
        _write_messages(self.skipped, "pairs.txt", messages)

    def _document(self, pair: Pair, name: str) -> Document:
        metadata = {
            "shard": f"{pair.line % self.shards:05d}",
            "original": pair.original,
            "line": pair.line,
            "source": name,
        }
        return Document(pair.spun, f"{name}/{pair.line}", metadata=metadata)


class PairRows:
    """The rows of the pairs in a shard that `ReadPairs` made."""

    def __init__(self, folder: str, recipe: Recipe, holdout_share: float) -> None:
        self.shards = ReadShard(folder)
        self.recipe, self.holdout_share = recipe, holdout_share

    def rows(self, rank: int) -> Iterator[dict[str, Any]]:
        """The rows of one shard, in the order of its pairs."""
        for document in self.shards.run(rank=rank):
            pair = Pair(document.text, document.metadata["original"], line=document.metadata["line"])
            yield from pair_rows(split_pair(pair), document.metadata["source"], self.holdout_share, self.recipe)


def _with_skip_advice(error: CorpusError) -> CorpusError:
    """The error with the advice to skip the line or file. It ends the build."""
    return CorpusError(f"{error}, or set on_error=skip")


class IndexHeldOut(PipelineStep):
    """Writes the shingle hashes of a task's validation and test articles and pairs, in sorted runs of `RUN_LENGTH`."""

    name, type = "index", "unspin"

    def __init__(self, folder: str, recipe: Recipe, pairs: PairRows) -> None:
        super().__init__()
        self.folder, self.recipe, self.pairs = folder, recipe, pairs

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        articles = (document.text for document in data or () if document.metadata["split"] != "train")
        rows = self.pairs.rows(rank)
        texts = chain(
            (piece.text for text in articles for piece in clean_sentences(text, self.recipe)),
            (row["original"] for row in rows if row["split"] != "train"),
        )
        hashes = (shingle for text in texts for shingle in shingles(text))
        folder = Path(self.folder)
        folder.mkdir(parents=True, exist_ok=True)
        for number in count():
            run = np.fromiter(islice(hashes, RUN_LENGTH), dtype=np.uint64)
            if not len(run):
                return
            np.save(folder / f"{rank:05d}-{number}.npy", np.unique(run), allow_pickle=False)


class MergeHeldOut(PipelineStep):
    """Merges the runs that all tasks of `IndexHeldOut` wrote into one file of sorted, unique hashes.

    Hashes are spread evenly, so a range of them that holds about `RUN_LENGTH` is taken from all runs at a time.
    """

    name, type = "merge", "unspin"

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> None:
        runs = sorted(Path(self.folder).glob("*.npy"))
        ranges = 1 + sum(len(np.load(run, mmap_mode="r")) for run in runs) // RUN_LENGTH
        bounds = [number * 2**53 // ranges for number in range(ranges)] + [2**53 + 1]
        with Path(self.folder, MERGED).open("wb") as file:
            for low, high in pairwise(bounds):
                parts = [_hashes_between(run, low, high) for run in runs]
                np.unique(np.concatenate([_NO_HASHES, *parts])).tofile(file)


class Spin(PipelineStep):
    """Turns articles into rows. Training sentences that share a shingle with a held-out article are dropped."""

    name, type = "spin", "unspin"

    def __init__(
        self, recipe: Recipe, held_out_headwords: HeldOut, dictionaries: dict[str, Path], held_out: str
    ) -> None:
        super().__init__()
        self.recipe, self.held_out_headwords = recipe, held_out_headwords
        self.dictionaries, self.held_out = dictionaries, held_out

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        mixture = Mixture(self.recipe.spinners, self.held_out_headwords, self.dictionaries)
        known = _merged_hashes(self.held_out)
        for document in data:
            split = document.metadata["split"]
            pieces = list(clean_sentences(document.text, self.recipe))
            if split == "train":
                pieces = [piece for piece in pieces if not _shares_shingle(known, piece.text)]
            for row in article_rows(document.id, pieces, split, self.recipe, mixture):
                yield Document(row["original"], document.id, metadata=row)


class AlignPairs(PipelineStep):
    """Turns real pairs into rows. Training rows that share a shingle with a held-out article are dropped."""

    name, type = "align", "unspin"

    def __init__(self, pairs: PairRows, held_out: str) -> None:
        super().__init__()
        self.pairs, self.held_out = pairs, held_out

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        known = _merged_hashes(self.held_out)
        for row in self.pairs.rows(rank):
            if row["split"] != "train" or not _shares_shingle(known, row["original"]):
                yield Document(row["original"], row["article_id"], metadata=row)


def row_of(_: Any, document: Document) -> dict[str, Any]:
    """The row that a document of `Spin` or `AlignPairs` carries; an adapter for datatrove's writers."""
    return document.metadata


def shingles(text: str) -> Iterator[int]:
    """53-bit hashes of all runs of `SHINGLE_WORDS` consecutive words, ignoring case."""
    lowers = [word.lower() for word in words(text)]
    for i in range(len(lowers) - SHINGLE_WORDS + 1):
        yield int(hash_uniform(*lowers[i : i + SHINGLE_WORDS]) * 2**53)


def _hashes_between(run: Path, low: int, high: int) -> Hashes:
    """The hashes of a run from `low` to below `high`. The run is mapped anew each time, so that few files are open."""
    hashes = np.load(run, mmap_mode="r")
    start, end = np.searchsorted(hashes, np.array([low, high], dtype=np.uint64))
    return np.array(hashes[start:end])


def _merged_hashes(folder: str) -> Hashes:
    """The hashes that `MergeHeldOut` wrote, memory-mapped."""
    file = Path(folder, MERGED)
    return np.asarray(np.memmap(file, np.uint64, "r")) if file.stat().st_size else _NO_HASHES


def _shares_shingle(known: Hashes, text: str) -> bool:
    own = np.fromiter(shingles(text), dtype=np.uint64)
    if not len(known) or not len(own):
        return False
    return bool((known[np.minimum(np.searchsorted(known, own), len(known) - 1)] == own).any())


def _write_messages(folder: str, file: str, messages: Sequence[str]) -> None:
    if messages:
        with get_datafolder(folder).open(file, "w") as opened:
            opened.write("\n".join(messages))
