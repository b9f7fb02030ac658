"""Batches of tokenized pairs under a token budget, in an order that depends only on (seed, epoch).

Epoch e reads variant e mod K of each passage that has K variants. Batches are composed once, by the longest variant,
so every epoch has the same number of batches and only their order changes. Cost: padding to the longest row of a
batch, a few per cent of the tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from datasets import Dataset
from numpy.typing import NDArray
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import Sampler
from unspin.data.load import DataError

IGNORE_INDEX = -100
Floats = NDArray[np.floating]
Ints = NDArray[np.int64]


class Variants(NamedTuple):
    """Row numbers grouped by passage: group g is ``rows[starts[g] : starts[g] + sizes[g]]``, one row per variant."""

    rows: Ints
    starts: Ints
    sizes: Ints

    def reduce(self, fold: np.ufunc, values: NDArray[Any]) -> NDArray[Any]:
        """Fold one value per row into one value per group, with `np.add` or `np.maximum`."""
        folded: NDArray[Any] = fold.reduceat(values[self.rows], self.starts)
        return folded


class TokenBudgetSampler(Sampler[list[int]]):
    """Yields batches, as lists of row numbers, whose padded tokens stay within a budget.

    A row longer than the budget is a batch of its own. In an epoch, a row is drawn as often as the integer part of its
    weight says, and once more with the probability of the fraction. The seed decides this once, so all epochs have the
    same number of batches. With `strengths` (one per row), the first epoch runs approximately from light to heavy
    spinning. Raises `DataError` if the weights leave no row.
    """

    def __init__(
        self,
        data: Dataset,
        tokens_per_batch: int,
        seed: int,
        weights: Floats | None = None,
        strengths: Floats | None = None,
    ) -> None:
        self._seed, self._epoch = seed, 0
        table = data.with_format("arrow")[:]
        self._variants = _group_variants(table)
        groups = self._draw(weights)
        longest = self._variants.reduce(np.maximum, table["length"].to_numpy())[groups]
        self._batches = [groups[batch] for batch in _fill(longest, tokens_per_batch, np.random.default_rng(seed))]
        self._difficulty = None if strengths is None else self._difficulty_of_batches(strengths)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration yields; the trainer calls this."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._batches)

    @property
    def rows(self) -> int:
        """The number of rows in an epoch."""
        return sum(map(len, self._batches))

    def __iter__(self) -> Iterator[list[int]]:
        order = np.random.default_rng((self._seed, self._epoch)).permutation(len(self._batches))
        if self._difficulty is not None and self._epoch == 0:
            order = np.argsort(self._difficulty, kind="stable")
        rows, starts, sizes = self._variants
        for i in order:
            groups = self._batches[i]
            yield rows[starts[groups] + self._epoch % sizes[groups]].tolist()

    def _draw(self, weights: Floats | None) -> Ints:
        """Group numbers, each as often as its mean weight says."""
        groups = np.arange(len(self._variants.starts))
        if weights is None:
            return groups
        uniform = np.random.default_rng((self._seed, 1)).random(len(groups))
        means = self._variants.reduce(np.add, weights) / self._variants.sizes
        groups = np.repeat(groups, (means + uniform).astype(np.int64))
        if not len(groups):
            raise DataError("source_weights and spinner_weights leave no row: raise one")
        return groups

    def _difficulty_of_batches(self, strengths: Floats) -> Floats:
        """Mean strength of each batch's first variants, with a little noise that shuffles batches of equal strength."""
        first = strengths[self._variants.rows[self._variants.starts]]
        means = np.array([first[batch].mean() for batch in self._batches])
        return means + np.random.default_rng((self._seed, 2)).uniform(0, 0.1, len(means))


def row_weights(data: Dataset, sources: dict[str, float], spinners: dict[str, float]) -> Floats | None:
    """The weight of each row, or None if no weights are given.

    A row's weight is its source's weight times the mean weight of the spinners of its edits; names that are not listed
    weigh 1. Raises `DataError` for a source or spinner that does not occur in the data.
    """
    if not sources and not spinners:
        return None
    table = data.select_columns(["article_id", "spinners"]).with_format("arrow")[:]
    lists = table["spinners"].combine_chunks()
    _check_names("source", sources, {source_of(article) for article in pc.unique(table["article_id"]).to_pylist()})
    _check_names("spinner", spinners, set(pc.unique(lists.flatten().drop_null()).to_pylist()))
    weights = _look_up(table["article_id"], lambda article: sources.get(source_of(article), 1.0))
    counts = lists.value_lengths().to_numpy()
    edited = np.flatnonzero(counts)
    if len(edited):
        names = pa.chunked_array([lists.flatten().fill_null("")])
        weights_of_edits = _look_up(names, lambda spinner: spinners.get(spinner, 1.0))
        starts = np.cumsum(counts) - counts
        weights[edited] *= np.add.reduceat(weights_of_edits, starts[edited]) / counts[edited]
    return weights


def source_of(article_id: str) -> str:
    """The name of the source that an article of a data set comes from."""
    return article_id.split("/")[0]


def _check_names(kind: str, weights: dict[str, float], present: set[str]) -> None:
    if unknown := sorted(weights.keys() - present):
        raise DataError(
            f"{kind}_weights: the data have no {kind} {', '.join(unknown)}; they have {', '.join(sorted(present))}"
        )


def _look_up(names: pa.ChunkedArray, weight: Callable[[str], float]) -> Floats:
    """The weight of each name, computed once per distinct name."""
    coded = names.dictionary_encode().combine_chunks()  # in this order: a chunk holds at most 2 GB of text
    return np.array([weight(name) for name in coded.dictionary.to_pylist()], dtype=np.float64)[coded.indices.to_numpy()]


def _group_variants(table: pa.Table) -> Variants:
    """Group the rows of a table by (article, paragraph, sentence); groups are in the order of their first rows."""
    article = table["article_id"].dictionary_encode().combine_chunks().indices.to_numpy()
    positions = np.stack([article, table["paragraph"].to_numpy(), table["sentence"].to_numpy()], axis=1)
    positions = positions.astype(np.int64)
    sizes = positions.max(axis=0) + 1
    codes = (positions[:, 0] * sizes[1] + positions[:, 1]) * sizes[2] + positions[:, 2]
    _, first, group, counts = np.unique(codes, return_index=True, return_inverse=True, return_counts=True)
    counts = counts[np.argsort(first)]
    return Variants(np.argsort(first[group], kind="stable"), np.cumsum(counts) - counts, counts)


def _fill(lengths: NDArray[np.integer], budget: int, rng: np.random.Generator) -> list[list[int]]:
    """Put rows into batches by ascending length, with ties shuffled.

    The padded size of a batch stays within the budget, unless it is a single row.
    """
    batches: list[list[int]] = [[]]
    for i in np.lexsort((rng.permutation(len(lengths)), lengths)).tolist():
        if batches[-1] and lengths[i] * (len(batches[-1]) + 1) > budget:
            batches.append([])
        batches[-1].append(i)
    return batches


class Rows(TorchDataset[Any]):
    """Tokenized rows for a `DataLoader`, fetched a whole batch at a time as an Arrow table of sources and targets."""

    def __init__(self, data: Dataset) -> None:
        self._data = data.select_columns(["source", "target"]).with_format("arrow")

    def __len__(self) -> int:
        return len(self._data)

    def __getitems__(self, indices: list[int]) -> pa.Table:
        return self._data[indices]


Batch = dict[str, torch.Tensor]


@dataclass(frozen=True)
class CausalCollator:
    """Batches for decoder-only models: source and target joined, padded on the right to a multiple of `multiple`.

    `input_ids` and `labels` are (rows, width); labels are -100 except on the target. `positions` (one per target
    token) index the flattened batch: the token after each is a target. There is no attention mask: a token attends only
    to tokens on its left, which are never padding. So attention is exact and can use its fastest kernel.
    """

    multiple: int = 1

    def __call__(self, rows: pa.Table) -> Batch:
        (sources, source_lengths), (targets, target_lengths) = _flat(rows["source"]), _flat(rows["target"])
        width = _round_up((source_lengths + target_lengths).max(), self.multiple)
        ids, labels = (np.full((len(rows), width), value) for value in (0, IGNORE_INDEX))
        ids[_cells(source_lengths)] = sources
        row, column = _cells(target_lengths, first_columns=source_lengths)
        ids[row, column] = labels[row, column] = targets
        return _tensors({"input_ids": ids, "labels": labels, "positions": row * width + column - 1})


@dataclass(frozen=True)
class Seq2SeqCollator:
    """Batches for encoder-decoder models: source and target apart, each padded on the right.

    `input_ids` and `attention_mask` are (rows, source width), `labels` (rows, target width) with -100 on padding. Both
    widths are multiples of `multiple`.
    """

    multiple: int = 1

    def __call__(self, rows: pa.Table) -> Batch:
        (sources, source_lengths), (targets, target_lengths) = _flat(rows["source"]), _flat(rows["target"])
        source_width, target_width = (
            _round_up(lengths.max(), self.multiple) for lengths in (source_lengths, target_lengths)
        )
        ids, mask = (np.zeros((len(rows), source_width), dtype=np.int64) for _ in range(2))
        labels = np.full((len(rows), target_width), IGNORE_INDEX)
        cells = _cells(source_lengths)
        ids[cells], mask[cells] = sources, 1
        labels[_cells(target_lengths)] = targets
        return _tensors({"input_ids": ids, "attention_mask": mask, "labels": labels})


def _tensors(arrays: dict[str, NDArray[Any]]) -> Batch:
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _flat(lists: pa.ChunkedArray) -> tuple[NDArray[np.integer], Ints]:
    """The ids of all rows, concatenated, and the number of ids of each row."""
    whole = lists.combine_chunks()
    return whole.flatten().to_numpy(), whole.value_lengths().to_numpy().astype(np.int64)


def _cells(lengths: Ints, first_columns: Ints | None = None) -> tuple[Ints, Ints]:
    """The row and column of each of the concatenated ids; rows start in column 0, or in their `first_columns`."""
    row = np.repeat(np.arange(len(lengths)), lengths)
    column = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return row, column if first_columns is None else column + first_columns[row]


def _round_up(width: int, multiple: int) -> int:
    return int(-(-width // multiple) * multiple)
