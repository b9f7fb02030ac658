"""Log probabilities of sentences under a Gemma 3 base model, in batches by length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from unspin.infer.gemma import Gemma, fast_dtype
from unspin.infer.prompt import Prompt

TOKENS_PER_BATCH = 4096


class Likelihood:
    """Scores sentences. Probabilities are over `vocabulary` (None: all ids) and the ids of the batch itself."""

    def __init__(self, folder: Path, vocabulary: Sequence[int] | None) -> None:
        self._model = Gemma(folder, fast_dtype())
        self._prompt = Prompt.from_folder(folder)
        self._vocabulary = torch.arange(len(self._model.embeddings)) if vocabulary is None else torch.tensor(vocabulary)

    def __call__(self, texts: Sequence[str]) -> list[float]:
        """The log probability of each text, in order."""
        rows = [[*self._prompt.opening, *self._prompt.text_ids(text)] for text in texts]
        scores = [0.0] * len(rows)
        for batch in _batches(rows):
            for row, score in zip(batch, self._score([rows[row] for row in batch]), strict=True):
                scores[row] = score
        return scores

    @torch.inference_mode()
    def _score(self, rows: list[list[int]]) -> list[float]:
        width = max(map(len, rows))
        ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
        real = torch.arange(1, width) < torch.tensor([len(row) for row in rows])[:, None]
        hidden = self._model.forward(ids, torch.arange(width).expand(len(rows), width), self._model.cache(rows, width))[:, :-1]
        vocabulary = torch.cat([self._vocabulary, ids.flatten()]).unique()
        targets = torch.searchsorted(vocabulary, ids[:, 1:].contiguous())
        logits = torch.nn.functional.linear(hidden[real], self._model.head(vocabulary)).float()
        each = torch.zeros(real.shape)
        each[real] = -torch.nn.functional.cross_entropy(logits, targets[real], reduction="none")
        return each.sum(1).tolist()


def _batches(rows: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    batch: list[int] = []
    for row in sorted(range(len(rows)), key=lambda i: -len(rows[i])):
        if batch and len(rows[batch[0]]) * (len(batch) + 1) > TOKENS_PER_BATCH:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
