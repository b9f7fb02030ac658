"""Single training steps outside a run, for timing them and for estimating a run's memory and time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from unspin.train.backbones import resolve_precision
from unspin.train.batches import Batch

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


class Stepper:
    """A model with the optimizer of a run: fused AdamW over the trained weights, on the GPU if there is one."""

    def __init__(self, model: nn.Module, precision: str) -> None:
        """`precision` is that of a `TrainConfig`. The model is moved to the device; `run` changes its weights."""
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._dtype = DTYPES[resolve_precision(precision)]
        self.model: Any = model.train().to(self._device)
        trained = [weights for weights in self.model.parameters() if weights.requires_grad]
        self._optimizer = torch.optim.AdamW(trained, lr=1e-5, fused=True)

    def run(self, batches: Sequence[Batch]) -> None:
        """Make one optimizer step per batch, and wait until the device has finished."""
        for batch in batches:
            self.loss(batch).backward()
            self._optimizer.step()
            self._optimizer.zero_grad()
        if self._device == "cuda":
            torch.cuda.synchronize()

    def loss(self, batch: Batch) -> Tensor:
        """The mean loss of a batch, with a graph for its backward pass."""
        inputs = {name: tensor.to(self._device, non_blocking=True) for name, tensor in batch.items()}
        with torch.autocast(self._device, self._dtype, enabled=self._dtype != torch.float32):
            loss: Tensor = self.model(**inputs).loss
        return loss
