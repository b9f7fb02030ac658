"""T5 for copy-draft decoding: the encoder, and a decoder whose key-value cache gives every row its own position.

Runs T5, Flan-T5, T5 1.1, mT5 and ByT5 (Raffel et al. 2020, arXiv 1910.10683). Gives the hidden states of
`T5ForConditionalGeneration`; the tests compare them. Imports torch and safetensors, not transformers.
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
    KeyValueCache,
    PackedTokens,
    attend,
    check_sizes,
    fast_dtype,
    load_weights,
    round_up,
)

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "gelu": F.gelu,
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
}


class T5(DecodingModel):
    """The weights and forward passes of a folder that `T5ForConditionalGeneration.save_pretrained` wrote."""

    def __init__(self, folder: Path, dtype: torch.dtype, device: str = "cpu") -> None:
        """Load the weights as `dtype`. Raises `ModelError` for an unknown activation function."""
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self._weights = {name: weight.to(dtype) for name, weight in load_weights(folder, device).items()}
        self.dtype, self.device = dtype, device
        self.embeddings = self._weights["shared.weight"]
        self.start_ids: list[int] = [config["decoder_start_token_id"]]
        self._heads, self._head_size = config["num_heads"], config["d_kv"]
        self._layer_counts = {"encoder": config["num_layers"], "decoder": config["num_decoder_layers"]}
        self._epsilon = config["layer_norm_epsilon"]
        self._buckets = config["relative_attention_num_buckets"]
        self._max_distance = config["relative_attention_max_distance"]
        activation = config["feed_forward_proj"].removeprefix("gated-")
        self._gated = activation != config["feed_forward_proj"]
        if self._gated and activation == "gelu":
            activation = "gelu_new"  # as transformers reads it
        if activation not in ACTIVATIONS:
            known = ", ".join(ACTIVATIONS)
            raise ModelError(
                f"{folder} uses the activation {activation}, and the draft engine knows {known}; "
                "use --engine transformers"
            )
        self._activation = ACTIVATIONS[activation]
        scaled = config.get("scale_decoder_outputs", config.get("tie_word_embeddings") is not False)
        next_layers = tuple(f"{side}.block.{count}." for side, count in self._layer_counts.items())
        surplus = any(name.startswith(next_layers) for name in self._weights)
        check_sizes(folder, self.embeddings, config["vocab_size"], config["d_model"], surplus)
        self._scale = config["d_model"] ** -0.5 if scaled and config["model_type"] == "t5" else 1.0

    @classmethod
    def load(cls, folder: Path, device: str) -> T5:
        return cls(folder, fast_dtype(device), device)

    def head(self, ids: Tensor) -> Tensor:
        return self._weights.get("lm_head.weight", self.embeddings)[ids] * self._scale

    @torch.inference_mode()
    def cache(self, encoded: Sequence[Sequence[int]], positions: int) -> KeyValueCache:
        """Run the encoder, and make room for `positions` decoder positions per row.

        Each layer holds the decoder's keys and values [rows, heads, positions, size], those of the encoder
        [rows, heads, span, size], and the bias [rows, 1, 1, span] that hides the encoder's padding.
        """
        tokens = PackedTokens.of([(ids, 0) for ids in encoded], self.device)
        lengths = torch.tensor([len(ids) for ids in encoded], device=self.device)
        padding = torch.arange(tokens.span, device=self.device) >= lengths[:, None]
        bias = torch.zeros(padding.shape, device=self.device).masked_fill_(padding, -math.inf)[:, None, None]
        hidden = self._encode(tokens, bias)
        empty = partial(self._empty, len(encoded), round_up(positions, SUM_BLOCK))
        layers: list[tuple[Tensor, ...]] = []
        for layer in range(self._layer_counts["decoder"]):
            encoder_cache = self._empty(len(encoded), tokens.span), self._empty(len(encoded), tokens.span)
            self._store(f"decoder.block.{layer}.layer.1.EncDecAttention", hidden, tokens, *encoder_cache)
            layers.append((empty(), empty(), *encoder_cache, bias))
        return KeyValueCache(layers)

    @torch.inference_mode()
    def forward(self, tokens: PackedTokens, cache: KeyValueCache) -> Tensor:
        distances = tokens.distances
        bias = self._bias("decoder", self._bucket(distances.clamp(min=0), self._buckets))
        bias = bias.masked_fill(distances[:, None] < 0, -math.inf)
        hidden = self.embeddings[tokens.ids]
        for layer, (keys, values, encoder_keys, encoder_values, encoder_bias) in enumerate(cache.layers):
            prefix = f"decoder.block.{layer}.layer"
            x = self._rms(hidden, f"{prefix}.0.layer_norm")
            self._store(f"{prefix}.0.SelfAttention", x, tokens, keys, values)
            hidden = hidden + self._attend(f"{prefix}.0.SelfAttention", x, tokens, keys, values, bias)
            x = self._rms(hidden, f"{prefix}.1.layer_norm")
            name = f"{prefix}.1.EncDecAttention"
            hidden = hidden + self._attend(name, x, tokens, encoder_keys, encoder_values, encoder_bias)
            hidden = hidden + self._feed_forward(f"{prefix}.2", hidden)
        return self._rms(hidden, "decoder.final_layer_norm")

    def _encode(self, tokens: PackedTokens, padding: Tensor) -> Tensor:
        """The encoder's hidden states [tokens, hidden]; `padding` is the bias that hides padding."""
        half = self._buckets // 2  # one half for keys before the query, one for those after it
        buckets = self._bucket(tokens.distances.abs(), half) + (tokens.distances < 0) * half
        bias = self._bias("encoder", buckets) + padding
        hidden = self.embeddings[tokens.ids]
        keys, values = self._empty(len(tokens.starts), tokens.span), self._empty(len(tokens.starts), tokens.span)
        for layer in range(self._layer_counts["encoder"]):
            prefix = f"encoder.block.{layer}.layer"
            x = self._rms(hidden, f"{prefix}.0.layer_norm")
            self._store(f"{prefix}.0.SelfAttention", x, tokens, keys, values)
            hidden = hidden + self._attend(f"{prefix}.0.SelfAttention", x, tokens, keys, values, bias)
            hidden = hidden + self._feed_forward(f"{prefix}.1", hidden)
        return self._rms(hidden, "encoder.final_layer_norm")

    def _empty(self, rows: int, positions: int) -> Tensor:
        """Room for keys or values."""
        return torch.zeros(rows, self._heads, positions, self._head_size, dtype=self.dtype, device=self.device)

    def _store(self, name: str, x: Tensor, tokens: PackedTokens, keys: Tensor, values: Tensor) -> None:
        """Store the keys and values of tokens at their positions in [rows, heads, positions, size]."""
        keys[tokens.rows, :, tokens.positions] = self._split_heads(self._linear(f"{name}.k", x))
        values[tokens.rows, :, tokens.positions] = self._split_heads(self._linear(f"{name}.v", x))

    def _attend(self, name: str, x: Tensor, tokens: PackedTokens, keys: Tensor, values: Tensor, bias: Tensor) -> Tensor:
        """Attention to as many keys as `bias` has: [tokens, hidden]."""
        span = bias.shape[-1]
        query = tokens.to_grid(self._split_heads(self._linear(f"{name}.q", x)))
        attended = attend(query, keys[:, :, :span], values[:, :, :span], bias, scale=1.0)
        return self._linear(f"{name}.o", tokens.from_grid(attended))

    def _split_heads(self, x: Tensor) -> Tensor:
        """Split [tokens, heads * size] into heads: [tokens, heads, size]."""
        return x.unflatten(1, (self._heads, self._head_size))

    def _feed_forward(self, prefix: str, hidden: Tensor) -> Tensor:
        x = self._rms(hidden, f"{prefix}.layer_norm")
        name = f"{prefix}.DenseReluDense"
        if self._gated:
            inner = self._activation(self._linear(f"{name}.wi_0", x)) * self._linear(f"{name}.wi_1", x)
        else:
            inner = self._activation(self._linear(f"{name}.wi", x))
        return self._linear(f"{name}.wo", inner)

    def _linear(self, name: str, x: Tensor) -> Tensor:
        return F.linear(x, self._weights[f"{name}.weight"])

    def _rms(self, x: Tensor, name: str) -> Tensor:
        gain = self._weights[f"{name}.weight"]
        return F.rms_norm(x.float(), gain.shape, gain.float(), self._epsilon).to(x.dtype)

    def _bias(self, side: str, buckets: Tensor) -> Tensor:
        """The learned bias [rows, heads, width, span] for each bucket of distance [rows, width, span]."""
        table = self._weights[f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"]
        return table[buckets].permute(0, 3, 1, 2)

    def _bucket(self, distance: Tensor, buckets: int) -> Tensor:
        """The bucket of a distance in tokens: one for each near distance, logarithmically wider ones beyond."""
        near = buckets // 2
        position = torch.log(distance.clamp(min=1).float() / near) / math.log(self._max_distance / near)  # 0..1
        far = near + (position * (buckets - near)).long()
        return torch.where(distance < near, distance, far.clamp(max=buckets - 1))
