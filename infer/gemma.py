"""Gemma 3 for decoding: the forward pass alone, over a key-value cache in which every row has a cursor of its own.

`Gemma.forward` writes a row's keys and values at the positions it is given and lets a query see the positions up to its own. So a
rejected draft needs no clean-up: the next tokens overwrite it. Imports torch and safetensors, not transformers (seconds at
start-up); same numbers as `Gemma3ForCausalLM` (Gemma 3 Technical Report, arXiv 2503.19786), which the tests compare.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F
from unspin.infer.checkpoint import weight_files
from unspin.infer.default_model import ModelError


def load_weights(folder: Path, device: str) -> dict[str, Tensor]:
    return {name: weight for file in weight_files(folder) for name, weight in load_file(file, device=device).items()}


def fast_dtype(device: str = "cpu") -> torch.dtype:
    """bf16 where the processor or GPU multiplies it natively, else fp32."""
    if device != "cpu":
        return torch.bfloat16 if torch.device(device).type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported() else torch.float32


def int8_pays() -> bool:
    """Whether integers of eight bits are multiplied faster than floats.

    That takes an x86 processor with VNNI and without bf16. Without VNNI, torch's product of integers is 20 times slower than that of floats.
    """
    return torch.cpu._is_vnni_supported() and torch.backends.mkldnn.is_available() and fast_dtype() == torch.float32


@dataclass
class Cache:
    """Per layer, rows first: keys and values [rows, heads, positions, head size]; an encoder-decoder model has more."""

    layers: list[tuple[Tensor, ...]]

    def part(self, rows: slice) -> Cache:
        """Some neighbouring rows, as a cache that shares their memory."""
        return Cache([tuple(kept[rows] for kept in layer) for layer in self.layers])

    def keep(self, rows: Tensor) -> None:
        """Drop all rows but these."""
        self.layers = [tuple(kept[rows] for kept in layer) for layer in self.layers]


class Gemma:
    """Weights and forward pass of a folder that `Gemma3ForCausalLM.save_pretrained` wrote."""

    opening: Sequence[int] = ()

    def __init__(self, folder: Path, dtype: torch.dtype, int8: bool = False, device: str = "cpu") -> None:
        """With `int8`, for a CPU, the layers' weights are integers of eight bits, and so is what they are multiplied with; `dtype` is of the rest."""
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if config.get("model_type") != "gemma3_text":
            raise ModelError(f"{folder} holds a {config.get('model_type')} model: the draft engine decodes Gemma 3 and T5; use --engine transformers")
        weights = load_weights(folder, device)
        self.dtype, self.device = dtype, device
        self.embeddings = weights["model.embed_tokens.weight"]
        self.hidden_size: int = config["hidden_size"]
        self.heads: int = config["num_attention_heads"]
        self.kv_heads: int = config["num_key_value_heads"]
        self.head_size: int = config["head_dim"]
        self._epsilon: float = config["rms_norm_eps"]
        self._scale: float = config["query_pre_attn_scalar"] ** -0.5
        self._window: int = config["sliding_window"]
        self._bases = {kind: rope["rope_theta"] for kind, rope in config["rope_parameters"].items()}
        self.layers = [_Layer(weights, f"model.layers.{i}.", kind, dtype, int8) for i, kind in enumerate(config["layer_types"])]
        self._norm = _gain(weights, "model.norm.weight")

    def head(self, ids: Tensor) -> Tensor:
        """The rows of the output embedding for some ids: [ids, hidden]."""
        return self.embeddings[ids].to(self.dtype)

    def cache(self, encoded: Sequence[Sequence[int]], positions: int) -> Cache:
        """Room for so many positions a row."""
        shape = (len(encoded), self.kv_heads, positions, self.head_size)
        room = partial(torch.zeros, shape, dtype=self.dtype, device=self.device)
        return Cache([(room(), room()) for _ in self.layers])

    @torch.inference_mode()
    def forward(self, ids: Tensor, positions: Tensor, cache: Cache) -> Tensor:
        """Last hidden states [rows, width, hidden] of tokens [rows, width] at `positions`; their keys and values enter the cache.

        Each row's positions are consecutive. What a row holds beyond its own tokens must be overwritten before it is looked at.
        """
        span = int(positions.max()) + 1
        behind = positions[:, :, None] - torch.arange(span, device=self.device)
        masks = {"full_attention": behind >= 0, "sliding_attention": (behind >= 0) & (behind < self._window)}
        rotations = {kind: self._rotation(positions, base) for kind, base in self._bases.items()}
        rows = torch.arange(len(ids), device=self.device)[:, None]
        hidden = self.embeddings[ids].to(self.dtype) * torch.tensor(self.hidden_size**0.5, dtype=self.dtype, device=self.device)
        for layer, (keys, values) in zip(self.layers, cache.layers, strict=True):
            query, key, value = self._project(layer, self._rms(hidden, layer.norms[0]), rotations[layer.kind])
            keys[rows, :, positions], values[rows, :, positions] = key, value
            seen = self._attend(query, keys[:, :, :span], values[:, :, :span], masks[layer.kind])
            hidden = hidden + self._rms(layer.out(seen), layer.norms[1])
            gate, up = layer.gate_up(self._rms(hidden, layer.norms[2])).chunk(2, dim=-1)
            hidden = hidden + self._rms(layer.down(F.gelu(gate, approximate="tanh") * up), layer.norms[3])
        return self._rms(hidden, self._norm)

    def _project(self, layer: _Layer, x: Tensor, rotation: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Query [rows, heads, width, size]; key and value [rows, width, kv heads, size]."""
        rows, width, _ = x.shape
        query, key, value = layer.qkv(x).view(rows, width, -1, self.head_size).split([self.heads, self.kv_heads, self.kv_heads], dim=2)
        query = _rotate(self._rms(query, layer.query_norm), rotation)
        return query.transpose(1, 2), _rotate(self._rms(key, layer.key_norm), rotation), value

    def _attend(self, query: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """Attention with the queries that share a key head laid side by side: [rows, width, heads * size]."""
        rows, _, width, size = query.shape
        shared = self.heads // self.kv_heads
        grouped = query.reshape(rows, self.kv_heads, shared * width, size)
        seen = F.scaled_dot_product_attention(grouped, keys, values, attn_mask=mask.repeat(1, shared, 1)[:, None], scale=self._scale)
        return seen.view(rows, self.heads, width, size).transpose(1, 2).reshape(rows, width, self.heads * size)

    def _rms(self, x: Tensor, gain: Tensor) -> Tensor:
        return F.rms_norm(x.float(), gain.shape, gain, self._epsilon).to(x.dtype)

    def _rotation(self, positions: Tensor, base: float) -> tuple[Tensor, Tensor]:
        """Cosine and sine [rows, width, 1, size] (Su et al. 2021, arXiv 2104.09864)."""
        frequencies = base ** -(torch.arange(0, self.head_size, 2, dtype=torch.float32, device=self.device) / self.head_size)
        angles = positions[:, :, None, None].float() * torch.cat([frequencies, frequencies])
        return angles.cos().to(self.dtype), angles.sin().to(self.dtype)


class Int8:
    """A linear layer in integers of eight bits: one scale for each output of the weights, one for each token of the input (Dettmers et al. 2022,
    arXiv 2208.07339, without its outliers). A product of integers is exact, so a token's result does not depend on its batch.
    """

    def __init__(self, weight: Tensor) -> None:
        self._scale = weight.float().abs().amax(1) / 127
        self._weight = (weight.float() / self._scale[:, None]).round().to(torch.int8).t()

    def __call__(self, x: Tensor) -> Tensor:
        tokens = x.flatten(0, -2)
        scale = (tokens.abs().amax(1, keepdim=True) / 127).clamp_(min=1e-8)
        product = torch._int_mm((tokens / scale).round_().to(torch.int8), self._weight)
        return product.to(x.dtype).mul_(scale).mul_(self._scale).view(*x.shape[:-1], -1)


class _Layer:
    """The weights of one layer, projections that share their input joined."""

    def __init__(self, weights: dict[str, Tensor], at: str, kind: str, dtype: torch.dtype, int8: bool) -> None:
        def joined(*names: str) -> Callable[[Tensor], Tensor]:
            weight = torch.cat([weights[f"{at}{name}.weight"] for name in names])
            return Int8(weight) if int8 else partial(F.linear, weight=weight.to(dtype))

        self.kind = kind
        self.qkv = joined("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
        self.out = joined("self_attn.o_proj")
        self.gate_up = joined("mlp.gate_proj", "mlp.up_proj")
        self.down = joined("mlp.down_proj")
        norms: Sequence[str] = ("input", "post_attention", "pre_feedforward", "post_feedforward")
        self.norms = [_gain(weights, f"{at}{name}_layernorm.weight") for name in norms]
        self.query_norm = _gain(weights, f"{at}self_attn.q_norm.weight")
        self.key_norm = _gain(weights, f"{at}self_attn.k_norm.weight")


def _gain(weights: dict[str, Any], name: str) -> Tensor:
    return 1 + weights[name].float()


def _rotate(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    cosine, sine = rotation
    left, right = x.chunk(2, dim=-1)
    return x * cosine + torch.cat([-right, left], dim=-1) * sine
