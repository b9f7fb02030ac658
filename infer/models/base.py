"""The protocol of a model for copy-draft decoding, and what such models share: weights, dtypes, the key-value cache.

Imports torch and safetensors, not transformers, which takes seconds to import.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from safetensors.torch import load_file
from torch import Tensor
from unspin.infer.models.checkpoint import weight_files


@dataclass
class KeyValueCache:
    """The attention state of a batch: per layer a tuple of tensors, whose first dimension is the row.

    Keys and values are [rows, heads, positions, head size]. An encoder-decoder model adds tensors of its own.
    """

    layers: list[tuple[Tensor, ...]]

    def view_rows(self, rows: slice) -> KeyValueCache:
        """The cache of a range of rows; it shares memory with this one."""
        return KeyValueCache([tuple(tensor[rows] for tensor in layer) for layer in self.layers])

    def keep_rows(self, rows: Tensor) -> None:
        """Keep only the rows with these indices, in the order given."""
        self.layers = [tuple(tensor[rows] for tensor in layer) for layer in self.layers]


class DecodingModel(Protocol):
    """A model that `unspin.infer.engines.decoding.CopyDecoder` can run.

    `forward` must write each row's keys and values at the positions given for that row, and must let a token attend
    only to positions up to its own. Then a rejected draft needs no clean-up: the next tokens overwrite it. Hidden
    states must equal those of the transformers model of the same folder; the tests compare them.

    `embeddings` are [vocabulary, hidden]. `start_ids` are the ids that every decoder input begins with, before the
    prompt. All tensors are on `device`.
    """

    device: str
    embeddings: Tensor
    start_ids: Sequence[int]

    @classmethod
    def load(cls, folder: Path, device: str) -> DecodingModel:
        """Load a folder that transformers' `save_pretrained` wrote, in the number format that is fastest on the device.

        Raises `ModelError` if the folder holds a model that this class cannot run.
        """
        ...

    def head(self, ids: Tensor) -> Tensor:
        """The output embeddings of some ids: [ids, hidden]. Their product with a hidden state is a logit."""
        ...

    def cache(self, encoded: Sequence[Sequence[int]], positions: int) -> KeyValueCache:
        """A cache with room for `positions` decoder positions per row.

        `encoded` holds, per row, the ids that an encoder reads; a decoder-only model uses only the number of rows.
        """
        ...

    def forward(self, ids: Tensor, positions: Tensor, cache: KeyValueCache) -> Tensor:
        """The last hidden states [rows, width, hidden] of tokens [rows, width] at `positions` [rows, width].

        The positions of a row are consecutive. Keys and values of the tokens enter the cache.
        """
        ...


def load_weights(folder: Path, device: str) -> dict[str, Tensor]:
    """All weights of a transformers folder, by name. Raises `ModelError` for a damaged index."""
    return {name: weight for file in weight_files(folder) for name, weight in load_file(file, device=device).items()}


def fast_dtype(device: str = "cpu") -> torch.dtype:
    """bf16 if the CPU or CUDA device multiplies it natively, else fp32; bf16 on devices of any other type."""
    if device == "cpu":
        native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    else:
        is_cuda = torch.device(device).type == "cuda"
        native = not is_cuda or torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if native else torch.float32


def int8_pays() -> bool:
    """Whether this CPU multiplies 8-bit integers faster than floats: an x86 processor with VNNI and without bf16.

    Without VNNI, torch's integer product is 20 times slower than its float product.
    """
    return torch.cpu._is_vnni_supported() and torch.backends.mkldnn.is_available() and fast_dtype() == torch.float32


class Int8Linear:
    """A linear layer in 8-bit integers, with one scale per output of the weights and one per token of the input.

    See Dettmers et al. 2022 (arXiv 2208.07339), here without the treatment of outliers. An integer product is exact, so
    a token's result does not depend on its batch.
    """

    def __init__(self, weight: Tensor) -> None:
        """Quantize a weight [outputs, inputs]."""
        self._scale = weight.float().abs().amax(1) / 127
        self._weight = (weight.float() / self._scale[:, None]).round().to(torch.int8).t()

    def __call__(self, x: Tensor) -> Tensor:
        """Apply the layer to [..., inputs]."""
        tokens = x.flatten(0, -2)
        scale = (tokens.abs().amax(1, keepdim=True) / 127).clamp_(min=1e-8)
        product = torch._int_mm((tokens / scale).round_().to(torch.int8), self._weight)
        return product.to(x.dtype).mul_(scale).mul_(self._scale).view(*x.shape[:-1], -1)
