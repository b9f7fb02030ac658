"""The protocol of a model for copy-draft decoding, and what such models share: weights, dtypes, batches, attention.

A token's hidden state must not depend, in any bit, on the other rows of its batch, on how many of its own row's tokens
are read in one pass, or on the number of threads. Floating-point sums depend on their order, which a kernel chooses by
the shape of its operands. Measured with oneDNN and MKL on a processor with AVX-512, a row of a product is always the
same if the number of rows is a multiple of `ROW_BLOCK`; torch's own attention is not if the number of keys varies. So
tokens come in multiples of `ROW_BLOCK`, and `attend` sums over keys in blocks of `SUM_BLOCK`.
`python -m benchmarks.invariance` restores documents in many ways and compares them.

Two cases remain. If the number of threads is not a power of two, torch may divide a tensor among them at an index that
is not a multiple of its vectors; it computes the rest of each part with scalars, for which its GELU rounds otherwise.
And products of 4,096 multiplications or fewer, which only toy models have, use another kernel in bf16.

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
from unspin.infer.models.backbone import ModelError
from unspin.infer.models.loading import ADVICE, loading, weight_files
from unspin.lazy import cached_property

ROW_BLOCK = 4  # matrix products compute their rows in blocks of this many, and those left over in another order
SUM_BLOCK = 64  # terms summed at a time, where their number depends on the batch; added zeros change nothing


def round_up(number: int, multiple: int) -> int:
    """The smallest multiple that is not below a number."""
    return -(-number // multiple) * multiple


@dataclass(frozen=True)
class PackedTokens:
    """Consecutive tokens of the rows of a batch, packed one row after the other.

    `ids` and `rows` are [tokens]. Row `i` has its first token at position ``starts[i]``, and ``slots`` [tokens] count
    from there. The last token is repeated until there is a multiple of `ROW_BLOCK`.

    For attention, queries are laid out in a grid with a row of `width` for each row of the batch. Their keys are at
    positions below `span`.
    """

    ids: Tensor
    rows: Tensor
    slots: Tensor
    starts: Tensor
    width: int
    span: int

    @classmethod
    def of(cls, inputs: Sequence[tuple[Sequence[int], int]], device: str) -> PackedTokens:
        """Pack, for each row, its ids and the position of the first."""
        tokens = [(token, row, slot) for row, (ids, _) in enumerate(inputs) for slot, token in enumerate(ids)]
        tokens += tokens[-1:] * (round_up(len(tokens), ROW_BLOCK) - len(tokens))
        ids, rows, slots = torch.tensor(tokens, device=device).T
        starts = torch.tensor([start for _, start in inputs], device=device)
        width = round_up(max(len(ids) for ids, _ in inputs), ROW_BLOCK)
        span = round_up(max(start + len(ids) for ids, start in inputs), SUM_BLOCK)
        return cls(ids, rows, slots, starts, width, span)

    @cached_property
    def positions(self) -> Tensor:
        """The position of each token: [tokens]."""
        return self.starts[self.rows] + self.slots

    @cached_property
    def distances(self) -> Tensor:
        """How far each key is before each query of the grid: [rows, width, span]; negative for keys after it."""
        slots, keys = (torch.arange(size, device=self.ids.device) for size in (self.width, self.span))
        return (self.starts[:, None] + slots)[:, :, None] - keys

    def to_grid(self, x: Tensor) -> Tensor:
        """Lay out [tokens, heads, size] as [rows, heads, width, size]; the rest of each row is 0."""
        _, heads, size = x.shape
        grid = x.new_zeros(len(self.starts), heads, self.width, size)
        grid[self.rows, :, self.slots] = x
        return grid

    def from_grid(self, grid: Tensor) -> Tensor:
        """The inverse of `to_grid`, with heads side by side: [tokens, heads * size]."""
        return grid[self.rows, :, self.slots].flatten(1)


def attend(query: Tensor, keys: Tensor, values: Tensor, bias: Tensor, scale: float) -> Tensor:
    """Attention: [rows, heads, width, size].

    `query` is [rows, heads, width, size], `keys` and `values` are [rows, key heads, span, size]; neighbouring heads
    share a key head. `bias` [rows, 1 or heads, width, span] is added to the scores.
    """
    rows, heads, width, _ = query.shape
    key_heads, span = keys.shape[1:3]
    grouped = (query.float() * scale).view(rows, key_heads, heads // key_heads * width, -1)
    scores = (grouped @ keys.float().transpose(2, 3)).view(rows, heads, width, span)
    weights = scores.add_(bias).softmax(-1).to(values.dtype).view(rows, key_heads, -1, span)
    blocks = zip(weights.split(SUM_BLOCK, -1), values.split(SUM_BLOCK, 2), strict=True)
    first, *others = (weight @ value for weight, value in blocks)
    return sum(others, first).view(rows, heads, width, -1)


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
    states must equal those of the transformers model of the same folder, and must not depend on other rows; the tests
    compare them.

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
        """A cache with room for at least `positions` decoder positions per row.

        `encoded` holds, per row, the ids that an encoder reads; a decoder-only model uses only the number of rows.
        """
        ...

    def forward(self, tokens: PackedTokens, cache: KeyValueCache) -> Tensor:
        """The last hidden states [tokens, hidden] of packed tokens, whose keys and values enter the cache."""
        ...


def load_weights(folder: Path, device: str) -> dict[str, Tensor]:
    """All weights of a transformers folder, by name. Raises `ModelError` if they are damaged or no floating point."""
    with loading(folder):
        files = [load_file(file, device=device) for file in weight_files(folder)]
    weights = {name: weight for file in files for name, weight in file.items()}
    for name, weight in weights.items():
        if not weight.is_floating_point():
            raise ModelError(f"{folder} holds {name} as {weight.dtype}, which is no floating-point number: {ADVICE}")
    return weights


def check_sizes(folder: Path, embeddings: Tensor, vocabulary: int, hidden: int, surplus_layers: bool) -> None:
    """Raise `ModelError` if config.json names other sizes, or fewer layers, than the weights have.

    Most other contradictions stop the first forward pass; these would only change its result.
    """
    if embeddings.shape != (vocabulary, hidden):
        raise ModelError(
            f"{folder}: config.json names {vocabulary} tokens of size {hidden}, and the weights have "
            f"{' × '.join(map(str, embeddings.shape))}: {ADVICE}"
        )
    if surplus_layers:
        raise ModelError(f"{folder} has the weights of more layers than its config.json names: {ADVICE}")


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
