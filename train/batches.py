"""Batches of tokenized pairs by token budget, in an order that is a pure function of (seed, epoch).

Epoch e reads variant e mod K of each sentence. The make-up of a batch is fixed by the longest variant, so each
epoch has equally many batches and only their order changes. Cost: padding to the longest row of a batch, a few per cent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from datasets import Dataset, load_dataset
from numpy.typing import NDArray
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import Sampler
from unspin.data.errors import UnspinError
from unspin.data.guard import DamagedError, verify
from unspin.data.rows import SCHEMA
from unspin.data.stores import here

IGNORED = -100
COLUMNS = ("article_id", "paragraph", "sentence", "variant", "spun", "original", "edits", "strength")  # that training and scoring read
Floats = NDArray[np.floating]


class DataError(UnspinError):
    """A data set that cannot be trained on; the message names what it lacks."""


def load_split(folder: Path, split: str) -> Dataset:
    """One split as the builder wrote it. Raises `DataError` if files, columns or rows are missing, `DamagedError` if a file is another."""
    return load_dataset("parquet", data_files=[str(file) for file in split_files(folder, split)], split="train")


def split_files(folder: Path, split: str) -> list[Path]:
    """The files of one split, found whole and with columns that can be trained on and scored; raises as `load_split`."""
    folder = here(folder)
    files = sorted((folder / split).glob("*.parquet"))
    if not files:
        raise DataError(f"{folder / split} holds no rows: make the data set with `unspin build`")
    verify(folder, f"{split}/")
    for file in files:
        try:
            opened = pq.ParquetFile(file)
        except pa.ArrowInvalid as error:
            raise DamagedError(f"{file} is no Parquet file ({error}): make the data set again") from None
        with opened:
            if wrong := list(_wrong_with(opened)):
                raise DataError(f"{file}: {'; '.join(wrong)}")
    if not sum(pq.read_metadata(file).num_rows for file in files):
        raise DataError(f"{folder / split}: no rows")
    return files


def _wrong_with(file: pq.ParquetFile) -> Iterator[str]:
    types = {field.name: field.type for field in file.schema_arrow}
    if missing := [name for name in COLUMNS if name not in types]:
        yield f"no column {', '.join(missing)}"
    for name in COLUMNS:
        wanted = SCHEMA.field(name).type
        if name in types and not _alike(types[name], wanted):
            yield f"column {name} holds {types[name]}, where {wanted} is needed"
        elif name in types and name != "edits" and (empty := _first_null(file, name)) is not None:  # a row without a list of edits has none
            yield f"column {name} has no value in row {empty:,}, counted from 0"


def _alike(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether values of one type can be read as the other, sizes aside."""
    if pa.types.is_list(wanted):
        return (pa.types.is_list(found) or pa.types.is_large_list(found)) and _alike(found.value_type, wanted.value_type)
    if pa.types.is_struct(wanted):
        fields = {field.name: field.type for field in found} if pa.types.is_struct(found) else {}
        return all(field.name in fields and _alike(fields[field.name], field.type) for field in wanted)
    if pa.types.is_string(wanted):
        return pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_string_view(found)
    return pa.types.is_integer(found) or (pa.types.is_floating(wanted) and pa.types.is_floating(found))


def _first_null(file: pq.ParquetFile, name: str) -> int | None:
    """The first row without a value in a column. A file that counts them itself is not read."""
    before = 0
    for i in range(file.num_row_groups):
        group = file.metadata.row_group(i)
        counted = [group.column(c).statistics for c in range(group.num_columns) if group.column(c).path_in_schema == name]
        if not (counted and counted[0] and counted[0].has_null_count and not counted[0].null_count):
            nulls = np.flatnonzero(file.read_row_group(i, columns=[name])[name].is_null().to_numpy())
            if len(nulls):
                return before + int(nulls[0])
        before += group.num_rows
    return None


def articles(rows: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Rows grouped by article, in the order they came."""
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        grouped[row["article_id"]].append(row)
    return list(grouped.values())


class TokenBudgetSampler(Sampler[list[int]]):
    """Yields lists of row numbers whose padded tokens stay within a budget.

    `weights` says how often each row is drawn in an epoch; what is more than whole numbers is drawn once, by the seed, so that each epoch has
    as many batches. With `strengths`, the first epoch goes from light to heavy spinning, roughly.
    """

    def __init__(self, data: Dataset, tokens_per_batch: int, seed: int, weights: Floats | None = None, strengths: Floats | None = None) -> None:
        self._seed, self._epoch = seed, 0
        table = data.with_format("arrow")[:]
        self._members, self._starts, self._sizes = _group_variants(table)
        groups = np.arange(len(self._starts))
        if weights is not None:
            dice = np.random.default_rng((seed, 1)).random(len(groups))
            groups = np.repeat(groups, (self._of_groups(np.add, weights) / self._sizes + dice).astype(np.int64))
            if not len(groups):
                raise DataError("the weights leave no row: raise one")
        longest = self._of_groups(np.maximum, table["length"].to_numpy())[groups]
        self._batches = [groups[batch] for batch in _fill(longest, tokens_per_batch, np.random.default_rng(seed))]
        self._hardness = None
        if strengths is not None:
            first = strengths[self._members[self._starts]]
            means = [first[batch].mean() for batch in self._batches]
            self._hardness = np.array(means) + np.random.default_rng((seed, 2)).uniform(0, 0.1, len(means))

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[list[int]]:
        order = np.random.default_rng((self._seed, self._epoch)).permutation(len(self._batches))
        if self._hardness is not None and self._epoch == 0:
            order = np.argsort(self._hardness, kind="stable")
        for i in order:
            groups = self._batches[i]
            yield self._members[self._starts[groups] + self._epoch % self._sizes[groups]].tolist()

    def _of_groups(self, fold: np.ufunc, values: NDArray[Any]) -> NDArray[Any]:
        """A figure of each row folded to one of each group."""
        folded: NDArray[Any] = fold.reduceat(values[self._members], self._starts)
        return folded


def row_weights(data: Dataset, sources: dict[str, float], engines: dict[str, float]) -> Floats | None:
    """The weight of each row: its source's, times the mean of its edits' engines'; 1 where nothing is said. None if no weights are given.

    Raises `DataError` for a source or an engine that the data do not have.
    """
    if not sources and not engines:
        return None
    table = data.select_columns(["article_id", "engines"]).with_format("arrow")[:]
    lists = table["engines"].combine_chunks()
    there = {
        "source": {article.split("/")[0] for article in pc.unique(table["article_id"]).to_pylist()},
        "engine": set(pc.unique(lists.flatten().drop_null()).to_pylist()),
    }
    for kind, asked in (("source", sources), ("engine", engines)):
        if unknown := sorted(asked.keys() - there[kind]):
            raise DataError(f"{kind}_weights: the data have no {kind} {', '.join(unknown)}, but {', '.join(sorted(there[kind]))}")
    weights = _looked_up(table["article_id"], lambda article: sources.get(article.split("/")[0], 1.0))
    counts = lists.value_lengths().to_numpy()
    some = np.flatnonzero(counts)
    if len(some):
        of_edits = _looked_up(pa.chunked_array([lists.flatten().fill_null("")]), lambda engine: engines.get(engine, 1.0))
        weights[some] *= np.add.reduceat(of_edits, (np.cumsum(counts) - counts)[some]) / counts[some]
    return weights


def _looked_up(names: pa.ChunkedArray, weight: Callable[[str], float]) -> Floats:
    coded = names.combine_chunks().dictionary_encode()
    return np.array([weight(name) for name in coded.dictionary.to_pylist()], dtype=np.float64)[coded.indices.to_numpy()]


def _group_variants(table: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(row numbers, those of one sentence side by side; where each sentence begins; how many variants it has), sentences as they first come."""
    article = table["article_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    places = np.stack([article, table["paragraph"].to_numpy(), table["sentence"].to_numpy()], axis=1).astype(np.int64)
    spans = places.max(axis=0) + 1
    codes = (places[:, 0] * spans[1] + places[:, 1]) * spans[2] + places[:, 2]
    _, first, group, sizes = np.unique(codes, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first)
    members = np.argsort(first[group], kind="stable")
    sizes = sizes[order]
    return members, np.cumsum(sizes) - sizes, sizes


def _fill(lengths: NDArray[np.integer], budget: int, rng: np.random.Generator) -> list[list[int]]:
    """Neighbours by length (ties shuffled) fill a batch until its padded size would pass the budget."""
    batches: list[list[int]] = [[]]
    for i in np.lexsort((rng.permutation(len(lengths)), lengths)).tolist():
        if batches[-1] and lengths[i] * (len(batches[-1]) + 1) > budget:
            batches.append([])
        batches[-1].append(i)
    return batches


class Rows(TorchDataset[Any]):
    """Tokenized rows for a `DataLoader`, a batch at a time: an Arrow table of their sources and targets."""

    def __init__(self, data: Dataset) -> None:
        self._data = data.select_columns(["source", "target"]).with_format("arrow")

    def __len__(self) -> int:
        return len(self._data)

    def __getitems__(self, indices: list[int]) -> pa.Table:
        return self._data[indices]


Batch = dict[str, torch.Tensor]


@dataclass(frozen=True)
class OneSidedCollator:
    """For decoder-only models: source and target joined, padded on the right to a width that `multiple` divides.

    `labels` are -100 everywhere but on the target. `positions` are those of the flattened batch after which a target token comes. There is no
    attention mask: what a token sees lies to its left, and no padding does, so that attention takes its fastest kernel and is exact.
    """

    multiple: int = 1

    def __call__(self, rows: pa.Table) -> Batch:
        (sources, source_lengths), (targets, target_lengths) = _flat(rows["source"]), _flat(rows["target"])
        width = _rounded((source_lengths + target_lengths).max(), self.multiple)
        ids, labels = (np.full((len(rows), width), value) for value in (0, IGNORED))
        ids[_cells(source_lengths)] = sources
        row, column = _cells(target_lengths, source_lengths)
        ids[row, column] = labels[row, column] = targets
        tensors = {"input_ids": ids, "labels": labels, "positions": row * width + column - 1}
        return {name: torch.from_numpy(array) for name, array in tensors.items()}


@dataclass(frozen=True)
class TwoSidedCollator:
    """For encoder-decoder models: source and target apart, each padded on the right to a width that `multiple` divides."""

    multiple: int = 1

    def __call__(self, rows: pa.Table) -> Batch:
        (sources, source_lengths), (targets, target_lengths) = _flat(rows["source"]), _flat(rows["target"])
        ids, mask = (np.zeros((len(rows), _rounded(source_lengths.max(), self.multiple)), dtype=np.int64) for _ in range(2))
        labels = np.full((len(rows), _rounded(target_lengths.max(), self.multiple)), IGNORED)
        cells = _cells(source_lengths)
        ids[cells], mask[cells] = sources, 1
        labels[_cells(target_lengths)] = targets
        return {name: torch.from_numpy(array) for name, array in {"input_ids": ids, "attention_mask": mask, "labels": labels}.items()}


def _flat(lists: pa.ChunkedArray) -> tuple[NDArray[np.integer], NDArray[np.int64]]:
    """(the ids of all rows one after the other, how many each row has)."""
    whole = lists.combine_chunks()
    return whole.flatten().to_numpy(), whole.value_lengths().to_numpy().astype(np.int64)


def _cells(lengths: NDArray[np.int64], after: NDArray[np.int64] | None = None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(row, column) of each id of rows that lie one after the other; each row's begin in the column `after`, or the first."""
    row = np.repeat(np.arange(len(lengths)), lengths)
    column = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return row, column if after is None else column + after[row]


def _rounded(width: int, multiple: int) -> int:
    return int(-(-width // multiple) * multiple)
