"""Log probabilities of sentences under a Gemma 3 base model, and the forward pass that all such scoring shares.

Sentences are batched by length, so that little is computed for padding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor
from unspin.infer.models.base import PackedTokens, fast_dtype
from unspin.infer.models.gemma3 import Gemma3
from unspin.infer.models.prompt import Prompt

TOKENS_PER_BATCH = 4096


def hidden_states(model: Gemma3, rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Token ids [rows, width], padded with 0 on the right, and their hidden states [rows, width, hidden size]."""
    width = max(map(len, rows))
    ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows])
    tokens = PackedTokens.of([(row, 0) for row in rows], model.device)
    hidden = model.forward(tokens, model.cache(rows, width))
    padded = hidden.new_zeros(len(rows), width, hidden.shape[1])
    padded[tokens.rows, tokens.slots] = hidden
    return ids, padded


class Likelihood:
    """Scores sentences with the model in `folder`.

    Probabilities are normalised over the ids in `vocabulary` and those of the batch itself, or over all ids if
    `vocabulary` is None.
    """

    def __init__(self, folder: Path, vocabulary: Sequence[int] | None) -> None:
        self._model = Gemma3(folder, fast_dtype())
        self._prompt = Prompt.from_folder(folder)
        self._vocabulary = torch.arange(len(self._model.embeddings)) if vocabulary is None else torch.tensor(vocabulary)

    def __call__(self, texts: Sequence[str]) -> list[float]:
        """The log probability of each text (natural logarithm), in order."""
        rows = [[*self._prompt.bos_ids, *self._prompt.text_ids(text)] for text in texts]
        scores = [0.0] * len(rows)
        for batch in _batches(rows):
            for row, score in zip(batch, self._score([rows[row] for row in batch]), strict=True):
                scores[row] = score
        return scores

    @torch.inference_mode()
    def _score(self, rows: list[list[int]]) -> list[float]:
        ids, hidden = hidden_states(self._model, rows)
        width = ids.shape[1]
        is_target = torch.arange(1, width) < torch.tensor([len(row) for row in rows])[:, None]
        vocabulary = torch.cat([self._vocabulary, ids.flatten()]).unique()
        targets = torch.searchsorted(vocabulary, ids[:, 1:].contiguous())
        logits = torch.nn.functional.linear(hidden[:, :-1][is_target], self._model.head(vocabulary)).float()
        log_probabilities = torch.zeros(is_target.shape)
        log_probabilities[is_target] = -torch.nn.functional.cross_entropy(logits, targets[is_target], reduction="none")
        return log_probabilities.sum(1).tolist()


def _batches(rows: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Row numbers, longest rows first, in batches of at most `TOKENS_PER_BATCH` tokens with padding."""
    batch: list[int] = []
    for row in sorted(range(len(rows)), key=lambda i: -len(rows[i])):
        if batch and len(rows[batch[0]]) * (len(batch) + 1) > TOKENS_PER_BATCH:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch
