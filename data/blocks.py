"""The builder's blocks for datatrove: each is a `PipelineStep`, so that the same pipeline runs under any of its executors.

Articles travel as datatrove documents. They are dealt into shards by the hash of their id, and a shard is one task of every later
stage: output depends on the number of tasks, which the config sets, never on the number of workers. Near-duplicates are found and
removed by datatrove's own MinHash blocks.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from datatrove.data import Document
from datatrove.io import get_datafolder
from datatrove.pipeline.base import PipelineStep
from datatrove.utils.word_tokenizers import WordTokenizer
from unspin.data.corpora import Article, CorpusError, PairsFile, Source
from unspin.data.pairs import cut, pair_rows, scan
from unspin.data.rows import Recipe, article_rows, clean_sentences, split_of
from unspin.data.segment import words
from unspin.data.spinners.mixture import HeldOut, Mixture
from unspin.data.spinners.persona import draw

SHINGLE = 12  # words: a training sentence that shares so many in a row with a held-back article is dropped


class EnglishWords(WordTokenizer):
    """The project's own tokenizer, as MinHash takes it."""

    def word_tokenize(self, text: str) -> list[str]:
        return words(text)

    def sent_tokenize(self, text: str) -> list[str]:
        return [text]

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))]


class ReadSources(PipelineStep):
    """Articles of all sources, each task its part, with the shard and the split they belong to.

    Where `skip` is set, what a source cannot read is written to ``skipped/<rank>.txt`` and left out; else it raises `CorpusError`.
    """

    name, type = "read", "unspin"

    def __init__(self, sources: list[Source], cache: Path, sample: float, held_back: float, skip: bool, skipped: str) -> None:
        super().__init__()
        self.sources, self.cache, self.sample = sources, cache, sample
        self.held_back, self.skip, self.skipped = held_back, skip, skipped

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        complaints: list[str] = []
        for source in self.sources:
            for found in source.articles(self.cache, rank, world_size):
                if isinstance(found, CorpusError):
                    if not self.skip:
                        raise found
                    complaints.append(str(found))
                elif found.text.strip() and draw("share", found.id) < source.share * self.sample:
                    yield self._document(found, world_size)
        _complain(self.skipped, f"{rank:05d}.txt", complaints)

    def _document(self, article: Article, shards: int) -> Document:
        shard = int(draw("shard", article.id) * shards)
        return Document(article.text, article.id, metadata={"shard": f"{shard:05d}", "split": split_of(article.id, self.held_back)})


class Call(PipelineStep):
    """A step that is one call, for what comes before or after the data."""

    name, type = "call", "unspin"

    def __init__(self, function: Callable[[], object]) -> None:
        super().__init__()
        self.function = function

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> None:
        self.function()


class ReadShard(PipelineStep):
    """The articles of one shard, in the same order each time."""

    name, type = "shard", "unspin"

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        folder = get_datafolder(self.folder)
        for file in sorted(folder.list_files(f"{rank:05d}")) if folder.exists(f"{rank:05d}") else []:
            with folder.open(file, "rb") as opened:
                for batch in pq.ParquetFile(opened).iter_batches(batch_size=500):
                    for row in batch.to_pylist():
                        yield Document(row["text"], row["id"], metadata=row["metadata"])


class IndexHeldBack(PipelineStep):
    """Hashes of every twelve words in a row of the held-back articles of a shard, sorted, as ``<rank>.npy``."""

    name, type = "index", "unspin"

    def __init__(self, folder: str, recipe: Recipe, pairs: Pairs) -> None:
        super().__init__()
        self.folder, self.recipe, self.pairs = folder, recipe, pairs

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> None:
        articles = (document.text for document in data if document.metadata["split"] != "train")
        texts = chain(
            (piece.text for text in articles for piece in clean_sentences(text, self.recipe)),
            (row["original"] for row in self.pairs.rows(rank, world_size) if row["split"] != "train"),
        )
        found = {shingle for text in texts for shingle in shingles(text)}
        with get_datafolder(self.folder).open(f"{rank:05d}.npy", "wb") as file:
            buffer = io.BytesIO()
            np.save(buffer, np.array(sorted(found), dtype=np.uint64), allow_pickle=False)
            file.write(buffer.getvalue())


class Spin(PipelineStep):
    """Articles into rows. Sentences for training that share twelve words in a row with a held-back article are dropped."""

    name, type = "spin", "unspin"

    def __init__(self, recipe: Recipe, held_out_heads: HeldOut, dictionaries: dict[str, Path], held_back: str) -> None:
        super().__init__()
        self.recipe, self.held_out_heads, self.dictionaries, self.held_back = recipe, held_out_heads, dictionaries, held_back

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        mixture = Mixture(self.recipe.engines, self.held_out_heads, self.dictionaries)
        known = _known(self.held_back)
        for document in data:
            split = document.metadata["split"]
            pieces = [p for p in clean_sentences(document.text, self.recipe) if split != "train" or not _meets(known, p.text)]
            for row in article_rows(document.id, pieces, split, self.recipe, mixture):
                yield Document(row["original"], document.id, metadata=row)


@dataclass(frozen=True)
class Pairs:
    """The rows of files of real pairs; a line of a file is one task's."""

    sources: list[PairsFile]
    recipe: Recipe
    held_back: float
    skip: bool
    complaints: list[str] = field(default_factory=list)

    def rows(self, rank: int, world_size: int) -> Iterator[dict[str, Any]]:
        """Raises `CorpusError` at a line that makes no pair, or where `skip` is set adds it to `complaints`."""
        self.complaints.clear()
        for source in self.sources:
            for found in scan(source.path, source.spun, source.original):
                try:
                    if isinstance(found, CorpusError):
                        raise found
                    if found.line % world_size == rank:
                        yield from pair_rows(cut(found), source.name, self.held_back, self.recipe)
                except CorpusError as error:
                    if not self.skip:
                        raise
                    if rank == 0 or not isinstance(found, CorpusError):
                        self.complaints.append(str(error))


class AlignPairs(PipelineStep):
    """Rows of real pairs, those for training that share twelve words in a row with a held-back article left out."""

    name, type = "align", "unspin"

    def __init__(self, pairs: Pairs, held_back: str, skipped: str) -> None:
        super().__init__()
        self.pairs, self.held_back, self.skipped = pairs, held_back, skipped

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        known = _known(self.held_back)
        for row in self.pairs.rows(rank, world_size):
            if row["split"] != "train" or not _meets(known, row["original"]):
                yield Document(row["original"], row["article_id"], metadata=row)
        _complain(self.skipped, f"pairs-{rank:05d}.txt", self.pairs.complaints)


def shingles(text: str) -> Iterator[int]:
    """Hashes of every `SHINGLE` words in a row."""
    lowers = [word.lower() for word in words(text)]
    for i in range(len(lowers) - SHINGLE + 1):
        yield int(draw(*lowers[i : i + SHINGLE]) * 2**53)


def _known(held_back: str) -> np.ndarray[Any, Any]:
    """What `IndexHeldBack` left, of all tasks."""
    folder = get_datafolder(held_back)
    parts = [np.load(io.BytesIO(folder.open(file, "rb").read()), allow_pickle=False) for file in sorted(folder.list_files())]
    return np.unique(np.concatenate(parts))


def _complain(folder: str, file: str, complaints: list[str]) -> None:
    if complaints:
        with get_datafolder(folder).open(file, "w") as opened:
            opened.write("\n".join(complaints))


def _meets(known: np.ndarray[Any, Any], text: str) -> bool:
    own = np.fromiter(shingles(text), dtype=np.uint64)
    if not len(known) or not len(own):
        return False
    return bool((known[np.minimum(np.searchsorted(known, own), len(known) - 1)] == own).any())


def as_row(_: Any, document: Document) -> dict[str, Any]:
    """A document of `Spin` as its writer puts it down."""
    return document.metadata
