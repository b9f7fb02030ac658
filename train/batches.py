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
from unspin.infer.prompt import Prompt

IGNORED = -100


class DataError(UnspinError):
    """A data set that cannot be trained on; the message names what it lacks."""


def load_split(folder: Path, split: str) -> Dataset:
    """One split as the builder wrote it. Raises `DataError` if files, columns or rows are missing."""
    files = [str(file) for file in sorted((folder / split).glob("*.parquet"))]
    if not files:
        raise DataError(f"{folder / split} holds no rows: make the data set with `unspin build`")
    data = load_dataset("parquet", data_files=files, split="train")
    missing = {"article_id", "sentence", "paragraph", "variant", "spun", "original"} - set(data.column_names)
    if missing or not len(data):
        raise DataError(f"{folder / split}: " + (f"no column {', '.join(sorted(missing))}" if missing else "no rows"))
    return data


def articles(rows: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Rows grouped by article, in the order they came."""
    grouped: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        grouped[row["article_id"]].append(row)
    return list(grouped.values())


def tokenize_pairs(data: Dataset, prompt: Prompt, longest: int) -> tuple[Dataset, int]:
    """Add `source` and `target` ids; drop rows longer than `longest` tokens. Returns the rows kept and the count dropped."""

    def encode(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        sources, targets = map(prompt.source_ids, batch["spun"]), map(prompt.target_ids, batch["original"])
        return {"source": list(sources), "target": list(targets)}

    columns = ["article_id", "paragraph", "sentence", "variant", "spun", "original"]
    tokenized = data.select_columns(columns).map(encode, batched=True, remove_columns=["spun", "original"], desc="tokenizing")
    kept = tokenized.filter(lambda row: len(row["source"]) + len(row["target"]) <= longest, desc="dropping long rows")
    return kept, len(tokenized) - len(kept)


def vocabulary_of(data: Dataset) -> list[int]:
    """The ids that occur in a tokenized data set, ascending."""
    seen: set[int] = set()
    for batch in data.select_columns(["source", "target"]).iter(1000):
        for rows in batch.values():
            seen.update(*rows)
    return sorted(seen)


class TokenBudgetSampler(Sampler[list[int]]):
    """Yields lists of row numbers whose padded tokens stay within a budget."""

    def __init__(self, data: Dataset, tokens_per_batch: int, seed: int) -> None:
        self._seed, self._epoch = seed, 0
        lengths = [len(s) + len(t) for s, t in zip(data["source"], data["target"], strict=True)]
        self._groups = _group_variants(data)
        longest = [max(lengths[i] for i in group) for group in self._groups]
        self._batches = _fill(longest, tokens_per_batch, np.random.default_rng(seed))

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[list[int]]:
        for i in np.random.default_rng((self._seed, self._epoch)).permutation(len(self._batches)):
            yield [group[self._epoch % len(group)] for group in map(self._groups.__getitem__, self._batches[i])]


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
class Collator:
    """Pads source and target, joined, on the right; labels are -100 everywhere but on the target."""

    pad: int

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        width = max(len(row["source"]) + len(row["target"]) for row in rows)
        ids = torch.full((len(rows), width), self.pad)
        labels = torch.full((len(rows), width), IGNORED)
        mask = torch.zeros((len(rows), width), dtype=torch.long)
        for i, row in enumerate(rows):
            start, end = len(row["source"]), len(row["source"]) + len(row["target"])
            ids[i, :end] = torch.tensor(row["source"] + row["target"])
            labels[i, start:end] = torch.tensor(row["target"])
            mask[i, :end] = 1
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}
