"""Gemma 3 for copy-draft decoding: the forward pass, over a key-value cache in which every row has its own position.

Gives the hidden states of `Gemma3ForCausalLM` (Gemma 3 Technical Report, arXiv 2503.19786); the tests compare them.
Imports torch and safetensors, not transformers, which takes seconds to import.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F
from unspin.infer.models.backbone import ModelError
from unspin.infer.models.base import (
    SUM_BLOCK,
    DecodingModel,
    Int8Linear,
    KeyValueCache,
    PackedTokens,
    attend,
    check_sizes,
    fast_dtype,
    int8_pays,
    load_weights,
    round_up,
)


class Gemma3(DecodingModel):
    """The weights and forward pass of a folder that `Gemma3ForCausalLM.save_pretrained` wrote."""

    start_ids: Sequence[int] = ()

    def __init__(self, folder: Path, dtype: torch.dtype, int8: bool = False, device: str = "cpu") -> None:
        """Load the weights as `dtype`. With `int8` (on a CPU), the linear layers compute in 8-bit integers instead.

        Raises `ModelError` if the folder holds no text-only Gemma 3.
        """
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        model_type = config.get("model_type")
        if model_type != "gemma3_text":
            raise ModelError(f"{folder} holds a {model_type} model, and a text-only Gemma 3 (gemma3_text) is needed")
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
        self.layers = [
            _Layer(weights, f"model.layers.{i}.", kind, dtype, int8) for i, kind in enumerate(config["layer_types"])
        ]
        self._norm = _gain(weights, "model.norm.weight")
        surplus = any(name.startswith(f"model.layers.{len(self.layers)}.") for name in weights)
        check_sizes(folder, self.embeddings, config["vocab_size"], self.hidden_size, surplus)

    @classmethod
    def load(cls, folder: Path, device: str) -> Gemma3:
        return cls(folder, fast_dtype(device), device == "cpu" and int8_pays(), device)

    def head(self, ids: Tensor) -> Tensor:
        return self.embeddings[ids].to(self.dtype)

    def cache(self, encoded: Sequence[Sequence[int]], positions: int) -> KeyValueCache:
        shape = (len(encoded), self.kv_heads, round_up(positions, SUM_BLOCK), self.head_size)
        empty = partial(torch.zeros, shape, dtype=self.dtype, device=self.device)
        return KeyValueCache([(empty(), empty()) for _ in self.layers])

    @torch.inference_mode()
    def forward(self, tokens: PackedTokens, cache: KeyValueCache) -> Tensor:
        biases = {kind: self._bias(tokens.distances, kind) for kind in self._bases}
        rotations = {kind: self._rotation(tokens.positions, base) for kind, base in self._bases.items()}
        scale = torch.tensor(self.hidden_size**0.5, dtype=self.dtype, device=self.device)  # rounded, as in transformers
        hidden = self.embeddings[tokens.ids].to(self.dtype) * scale
        for layer, (keys, values) in zip(self.layers, cache.layers, strict=True):
            query, key, value = self._project(layer, self._rms(hidden, layer.norms[0]), rotations[layer.kind])
            keys[tokens.rows, :, tokens.positions], values[tokens.rows, :, tokens.positions] = key, value
            read = (keys[:, :, : tokens.span], values[:, :, : tokens.span])
            attended = attend(tokens.to_grid(query), *read, biases[layer.kind], self._scale)
            hidden = hidden + self._rms(layer.out(tokens.from_grid(attended)), layer.norms[1])
            gate, up = layer.gate_up(self._rms(hidden, layer.norms[2])).chunk(2, dim=-1)
            hidden = hidden + self._rms(layer.down(F.gelu(gate, approximate="tanh") * up), layer.norms[3])
        return self._rms(hidden, self._norm)

    def _bias(self, distances: Tensor, kind: str) -> Tensor:
        """The bias [rows, 1, width, span] that hides keys after the query and, in sliding layers, far before it."""
        hidden = (distances < 0) | (distances >= self._window) if kind == "sliding_attention" else distances < 0
        return torch.zeros(hidden.shape, device=self.device).masked_fill_(hidden, -math.inf)[:, None]

    def _project(self, layer: _Layer, x: Tensor, rotation: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """The query [tokens, heads, size], key and value [tokens, key heads, size] of each token."""
        heads = layer.qkv(x).view(len(x), -1, self.head_size)
        query, key, value = heads.split([self.heads, self.kv_heads, self.kv_heads], dim=1)
        query = _rotate(self._rms(query, layer.query_norm), rotation)
        return query, _rotate(self._rms(key, layer.key_norm), rotation), value

    def _rms(self, x: Tensor, gain: Tensor) -> Tensor:
        return F.rms_norm(x.float(), gain.shape, gain, self._epsilon).to(x.dtype)

    def _rotation(self, positions: Tensor, base: float) -> tuple[Tensor, Tensor]:
        """Cosine and sine of the rotary embeddings, [tokens, 1, size] (Su et al. 2021, arXiv 2104.09864)."""
        even = torch.arange(0, self.head_size, 2, dtype=torch.float32, device=self.device)
        frequencies = base ** -(even / self.head_size)
        angles = positions[:, None, None].float() * torch.cat([frequencies, frequencies])
        return angles.cos().to(self.dtype), angles.sin().to(self.dtype)


class _Layer:
    """The weights of one layer; projections with the same input are joined into one."""

    def __init__(self, weights: dict[str, Tensor], prefix: str, kind: str, dtype: torch.dtype, int8: bool) -> None:
        def joined(*names: str) -> Callable[[Tensor], Tensor]:
            weight = torch.cat([weights[f"{prefix}{name}.weight"] for name in names])
            return Int8Linear(weight) if int8 else partial(F.linear, weight=weight.to(dtype))

        self.kind = kind
        self.qkv = joined("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
        self.out = joined("self_attn.o_proj")
        self.gate_up = joined("mlp.gate_proj", "mlp.up_proj")
        self.down = joined("mlp.down_proj")
        norms: Sequence[str] = ("input", "post_attention", "pre_feedforward", "post_feedforward")
        self.norms = [_gain(weights, f"{prefix}{name}_layernorm.weight") for name in norms]
        self.query_norm = _gain(weights, f"{prefix}self_attn.q_norm.weight")
        self.key_norm = _gain(weights, f"{prefix}self_attn.k_norm.weight")


def _gain(weights: dict[str, Tensor], name: str) -> Tensor:
    """The factor of an RMS norm, which Gemma stores minus 1."""
    return 1 + weights[name].float()


def _rotate(x: Tensor, rotation: tuple[Tensor, Tensor]) -> Tensor:
    cosine, sine = rotation
    left, right = x.chunk(2, dim=-1)
    return x * cosine + torch.cat([-right, left], dim=-1) * sine
