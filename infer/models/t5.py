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
from unspin.infer.models.base import DecodingModel, KeyValueCache, fast_dtype, load_weights

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
        [rows, heads, width, size], and the mask of the encoder's padding [rows, 1, 1, width].
        """
        hidden, mask = self._encode(encoded)
        shape = (len(encoded), self._heads, positions, self._head_size)
        empty = partial(torch.zeros, shape, dtype=self.dtype, device=self.device)
        names = [f"decoder.block.{layer}.layer.1.EncDecAttention" for layer in range(self._layer_counts["decoder"])]
        return KeyValueCache([(empty(), empty(), *self._keys_and_values(name, hidden), mask) for name in names])

    @torch.inference_mode()
    def forward(self, ids: Tensor, positions: Tensor, cache: KeyValueCache) -> Tensor:
        span = int(positions.max()) + 1
        distance = positions[:, :, None] - torch.arange(span, device=self.device)  # query position - key position
        bias = self._bias("decoder", self._bucket(distance.clamp(min=0), self._buckets))
        bias = bias.masked_fill(distance[:, None] < 0, -math.inf)
        rows = torch.arange(len(ids), device=self.device)[:, None]
        hidden = self.embeddings[ids]
        for layer, (keys, values, encoded_keys, encoded_values, mask) in enumerate(cache.layers):
            prefix = f"decoder.block.{layer}.layer"
            x = self._rms(hidden, f"{prefix}.0.layer_norm")
            key, value = self._keys_and_values(f"{prefix}.0.SelfAttention", x)
            keys[rows, :, positions], values[rows, :, positions] = key.transpose(1, 2), value.transpose(1, 2)
            hidden = hidden + self._attend(f"{prefix}.0.SelfAttention", x, keys[:, :, :span], values[:, :, :span], bias)
            x = self._rms(hidden, f"{prefix}.1.layer_norm")
            hidden = hidden + self._attend(f"{prefix}.1.EncDecAttention", x, encoded_keys, encoded_values, mask)
            hidden = hidden + self._feed_forward(f"{prefix}.2", hidden)
        return self._rms(hidden, "decoder.final_layer_norm")

    def _encode(self, encoded: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """The encoder's hidden states [rows, width, hidden], and the mask of its padding [rows, 1, 1, width]."""
        width = max(map(len, encoded))
        ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in encoded], device=self.device)
        slots = torch.arange(width, device=self.device)
        mask = (slots < torch.tensor([len(row) for row in encoded], device=self.device)[:, None])[:, None, None, :]
        distances = slots - slots[:, None]
        half = self._buckets // 2  # one half for keys before the query, one for those after it
        buckets = self._bucket(distances.abs(), half) + (distances > 0) * half
        bias = torch.where(mask, self._bias("encoder", buckets[None]), -math.inf)
        hidden = self.embeddings[ids]
        for layer in range(self._layer_counts["encoder"]):
            prefix = f"encoder.block.{layer}.layer"
            x = self._rms(hidden, f"{prefix}.0.layer_norm")
            keys, values = self._keys_and_values(f"{prefix}.0.SelfAttention", x)
            hidden = hidden + self._attend(f"{prefix}.0.SelfAttention", x, keys, values, bias)
            hidden = hidden + self._feed_forward(f"{prefix}.1", hidden)
        return self._rms(hidden, "encoder.final_layer_norm"), mask

    def _keys_and_values(self, name: str, x: Tensor) -> tuple[Tensor, Tensor]:
        """The keys and values [rows, heads, width, size] of an attention layer."""
        return self._split_heads(self._linear(f"{name}.k", x)), self._split_heads(self._linear(f"{name}.v", x))

    def _attend(self, name: str, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """Attention without scaling, under a boolean mask or a bias added to the logits: [rows, width, hidden]."""
        query = self._split_heads(self._linear(f"{name}.q", x))
        attended = F.scaled_dot_product_attention(query, keys, values, attn_mask=mask, scale=1.0)
        return self._linear(f"{name}.o", attended.transpose(1, 2).flatten(2))

    def _split_heads(self, x: Tensor) -> Tensor:
        """Split [rows, width, heads * size] into heads: [rows, heads, width, size]."""
        return x.unflatten(2, (self._heads, self._head_size)).transpose(1, 2)

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
