"""Batches of tokenized pairs by token budget, in an order that is a pure function of (seed, epoch).

Epoch e reads variant e mod K of each sentence. The make-up of a batch is fixed by the longest variant, so each
epoch has equally many batches and only their order changes. Cost: padding to the longest row of a batch, a few per cent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset, load_dataset
from torch.utils.data import Sampler
from unspin.data.errors import UnspinError
from unspin.data.guard import verify
from unspin.data.segment import sentences
from unspin.data.stores import here
from unspin.infer.prompt import Prompt

IGNORED = -100


class DataError(UnspinError):
    """A data set that cannot be trained on; the message names what it lacks."""


def load_split(folder: Path, split: str) -> Dataset:
    """One split as the builder wrote it. Raises `DataError` if files, columns or rows are missing, `DamagedError` if a file is another."""
    folder = here(folder)
    files = [str(file) for file in sorted((folder / split).glob("*.parquet"))]
    if not files:
        raise DataError(f"{folder / split} holds no rows: make the data set with `unspin build`")
    verify(folder, f"{split}/")
    data = load_dataset("parquet", data_files=files, split="train")
    missing = {"article_id", "sentence", "paragraph", "variant", "spun", "original", "edits", "strength"} - set(data.column_names)
    if missing or not len(data):
        raise DataError(f"{folder / split}: " + (f"no column {', '.join(sorted(missing))}" if missing else "no rows"))
    return data


def articles(rows: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Rows grouped by article, in the order they came."""
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        grouped[row["article_id"]].append(row)
    return list(grouped.values())


@dataclass(frozen=True)
class Encoded:
    """A tokenized split, and how many of its rows were left out or cut for their length."""

    rows: Dataset
    dropped: int = 0
    cut: int = 0


def tokenize_pairs(data: Dataset, prompt: Prompt, longest: int, over_long: str = "drop") -> Encoded:
    """Add `source` and `target` ids and their common `length`. Rows of more than `longest` tokens are dropped, or cut to the sentences that fit."""

    def fits(spun: str, original: str) -> bool:
        return len(prompt.source_ids(spun)) + len(prompt.target_ids(original)) <= longest

    def encode(row: dict[str, Any]) -> dict[str, Any]:
        spun, original, cut = row["spun"], row["original"], False
        while not fits(spun, original) and over_long == "cut":
            spun, original = _without_last_sentence(spun, original)
            cut = True
            if not spun:
                break
        source, target = prompt.source_ids(spun), prompt.target_ids(original)
        return {"source": source, "target": target, "length": len(source) + len(target), "cut": cut, "kept": bool(spun) and fits(spun, original)}

    encoded = data.map(encode, desc="tokenizing")
    kept = encoded.filter(lambda kept: kept, input_columns="kept", desc="dropping long rows")
    if not len(kept):
        raise DataError(f"none of {len(encoded)} rows has {longest} tokens or fewer: raise `longest`")
    return Encoded(kept.remove_columns(["kept", "cut"]), len(encoded) - len(kept), sum(kept["cut"]))


def _without_last_sentence(spun: str, original: str) -> tuple[str, str]:
    """Both texts without their last sentence; nothing where they have not equally many."""
    ends = [[span.end for span in sentences(text)] for text in (spun, original)]
    if len(ends[0]) != len(ends[1]) or len(ends[0]) < 2:
        return "", ""
    return spun[: ends[0][-2]], original[: ends[1][-2]]


def vocabulary_of(data: Dataset) -> list[int]:
    """The ids that occur in a tokenized data set, ascending."""
    seen: set[int] = set()
    for batch in data.select_columns(["source", "target"]).iter(1000):
        for rows in batch.values():
            seen.update(*rows)
    return sorted(seen)


class TokenBudgetSampler(Sampler[list[int]]):
    """Yields lists of row numbers whose padded tokens stay within a budget.

    `weights` says how often each row is drawn in an epoch; what is more than whole numbers is drawn once, by the seed, so that each epoch has
    as many batches. With `strengths`, the first epoch goes from light to heavy spinning, roughly.
    """

    def __init__(
        self, data: Dataset, tokens_per_batch: int, seed: int, weights: Sequence[float] | None = None, strengths: Sequence[float] | None = None
    ) -> None:
        self._seed, self._epoch = seed, 0
        lengths = data["length"]
        self._groups = _group_variants(data)
        if weights is not None:
            random = np.random.default_rng((seed, 1)).random(len(self._groups))
            shares = [float(np.mean([weights[i] for i in group])) for group in self._groups]
            self._groups = [g for g, share, die in zip(self._groups, shares, random, strict=True) for _ in range(int(share + die))]
            if not self._groups:
                raise DataError("the weights leave no row: raise one")
        longest = [max(lengths[i] for i in group) for group in self._groups]
        self._batches = _fill(longest, tokens_per_batch, np.random.default_rng(seed))
        self._hardness = None
        if strengths is not None:
            means = [np.mean([strengths[self._groups[g][0]] for g in batch]) for batch in self._batches]
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
            yield [group[self._epoch % len(group)] for group in map(self._groups.__getitem__, self._batches[i])]


def row_weights(data: Dataset, sources: dict[str, float], engines: dict[str, float]) -> list[float] | None:
    """The weight of each row: its source's, times the mean of its edits' engines'; 1 where nothing is said. None if no weights are given."""
    if not sources and not engines:
        return None
    weights = []
    for article, edits in zip(data["article_id"], data["edits"], strict=True):
        by_engine = [engines.get(edit["engine"], 1.0) for edit in edits]
        weights.append(sources.get(article.split("/")[0], 1.0) * (sum(by_engine) / len(by_engine) if by_engine else 1.0))
    return weights


def _group_variants(data: Dataset) -> list[list[int]]:
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for i, key in enumerate(zip(data["article_id"], data["paragraph"], data["sentence"], strict=True)):
        groups[key].append(i)
    return list(groups.values())


def _fill(lengths: Sequence[int], budget: int, rng: np.random.Generator) -> list[list[int]]:
    """Neighbours by length (ties shuffled) fill a batch until its padded size would pass the budget."""
    tie = rng.permutation(len(lengths))
    order = sorted(range(len(lengths)), key=lambda i: (lengths[i], tie[i]))
    batches: list[list[int]] = [[]]
    for i in order:
        if batches[-1] and lengths[i] * (len(batches[-1]) + 1) > budget:
            batches.append([])
        batches[-1].append(i)
    return batches


@dataclass(frozen=True)
class OneSidedCollator:
    """For decoder-only models: source and target joined, padded on the right; labels are -100 everywhere but on the target."""

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        width = max(len(row["source"]) + len(row["target"]) for row in rows)
        joined = [row["source"] + row["target"] for row in rows]
        labels = [[IGNORED] * len(row["source"]) + row["target"] for row in rows]
        return {"input_ids": _padded(joined, width, 0), "attention_mask": _mask(joined, width), "labels": _padded(labels, width, IGNORED)}


@dataclass(frozen=True)
class TwoSidedCollator:
    """For encoder-decoder models: source and target apart, each padded on the right."""

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        sources, targets = [row["source"] for row in rows], [row["target"] for row in rows]
        width = max(map(len, sources))
        labels = _padded(targets, max(map(len, targets)), IGNORED)
        return {"input_ids": _padded(sources, width, 0), "attention_mask": _mask(sources, width), "labels": labels}


def _padded(rows: Sequence[list[int]], width: int, value: int) -> torch.Tensor:
    return torch.tensor([row + [value] * (width - len(row)) for row in rows])


def _mask(rows: Sequence[list[int]], width: int) -> torch.Tensor:
    return torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
