"""T5 for decoding: the encoder, and a decoder over a key-value cache in which every row has a cursor of its own.

As `unspin.infer.gemma`, for encoder-decoder models: T5, Flan-T5, T5 1.1, mT5 and ByT5 (Raffel et al. 2020, arXiv 1910.10683). Same numbers as
`T5ForConditionalGeneration`, which the tests compare; imports no transformers.
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
from unspin.infer.default_model import ModelError
from unspin.infer.gemma import Cache, load_weights

KINDS = ("t5", "mt5")
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "gelu": F.gelu,
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
}


class T5:
    """Weights and forward passes of a folder that `T5ForConditionalGeneration.save_pretrained` wrote."""

    def __init__(self, folder: Path, dtype: torch.dtype, device: str = "cpu") -> None:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self._weights = {name: weight.to(dtype) for name, weight in load_weights(folder, device).items()}
        self.dtype, self.device = dtype, device
        self.embeddings = self._weights["shared.weight"]
        self.opening: list[int] = [config["decoder_start_token_id"]]
        self._heads, self._size = config["num_heads"], config["d_kv"]
        self._layers = {"encoder": config["num_layers"], "decoder": config["num_decoder_layers"]}
        self._epsilon = config["layer_norm_epsilon"]
        self._buckets, self._farthest = config["relative_attention_num_buckets"], config["relative_attention_max_distance"]
        kind = config["feed_forward_proj"].removeprefix("gated-")
        self._gated = kind != config["feed_forward_proj"]
        kind = "gelu_new" if self._gated and kind == "gelu" else kind  # as transformers reads it
        if kind not in ACTIVATIONS:
            raise ModelError(f"{folder} has the activation {kind}: the draft engine knows {', '.join(ACTIVATIONS)}; use --engine transformers")
        self._activation = ACTIVATIONS[kind]
        scaled = config.get("scale_decoder_outputs", config.get("tie_word_embeddings") is not False)
        self._scale = config["d_model"] ** -0.5 if scaled and config["model_type"] == "t5" else 1.0

    def head(self, ids: Tensor) -> Tensor:
        """The rows of the output embedding for some ids: [ids, hidden]."""
        return self._weights.get("lm_head.weight", self.embeddings)[ids] * self._scale

    @torch.inference_mode()
    def cache(self, encoded: Sequence[Sequence[int]], positions: int) -> Cache:
        """Room for so many positions a row beside what the decoder looks at of the encoded texts.

        Per layer: keys and values [rows, heads, positions, size], those of the encoder [rows, heads, width, size], and a mask of its padding.
        """
        width = max(map(len, encoded))
        ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in encoded], device=self.device)
        slots = torch.arange(width, device=self.device)
        mask = (slots < torch.tensor([len(row) for row in encoded], device=self.device)[:, None])[:, None, None, :]
        distances = slots - slots[:, None]
        buckets = self._bucket(distances.abs(), self._buckets // 2) + (distances > 0) * (self._buckets // 2)
        bias = torch.where(mask, self._bias("encoder", buckets[None]), -math.inf)
        hidden = self.embeddings[ids]
        for layer in range(self._layers["encoder"]):
            at = f"encoder.block.{layer}.layer"
            x = self._rms(hidden, f"{at}.0.layer_norm")
            hidden = hidden + self._attend(f"{at}.0.SelfAttention", x, *self._keys(f"{at}.0.SelfAttention", x), bias)
            hidden = hidden + self._feed_forward(f"{at}.1", hidden)
        hidden = self._rms(hidden, "encoder.final_layer_norm")
        room = partial(torch.zeros, (len(encoded), self._heads, positions, self._size), dtype=self.dtype, device=self.device)
        names = [f"decoder.block.{layer}.layer.1.EncDecAttention" for layer in range(self._layers["decoder"])]
        return Cache([(room(), room(), *self._keys(name, hidden), mask) for name in names])

    @torch.inference_mode()
    def forward(self, ids: Tensor, positions: Tensor, cache: Cache) -> Tensor:
        """The decoder's last hidden states [rows, width, hidden] of tokens [rows, width] at `positions`; see `Gemma.forward`."""
        span = int(positions.max()) + 1
        behind = positions[:, :, None] - torch.arange(span, device=self.device)
        bias = self._bias("decoder", self._bucket(behind.clamp(min=0), self._buckets)).masked_fill(behind[:, None] < 0, -math.inf)
        rows = torch.arange(len(ids), device=self.device)[:, None]
        hidden = self.embeddings[ids]
        for layer, (keys, values, encoded_keys, encoded_values, mask) in enumerate(cache.layers):
            at = f"decoder.block.{layer}.layer"
            x = self._rms(hidden, f"{at}.0.layer_norm")
            key, value = self._keys(f"{at}.0.SelfAttention", x)
            keys[rows, :, positions], values[rows, :, positions] = key.transpose(1, 2), value.transpose(1, 2)
            hidden = hidden + self._attend(f"{at}.0.SelfAttention", x, keys[:, :, :span], values[:, :, :span], bias)
            x = self._rms(hidden, f"{at}.1.layer_norm")
            hidden = hidden + self._attend(f"{at}.1.EncDecAttention", x, encoded_keys, encoded_values, mask)
            hidden = hidden + self._feed_forward(f"{at}.2", hidden)
        return self._rms(hidden, "decoder.final_layer_norm")

    def _keys(self, name: str, x: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values [rows, heads, width, size]."""
        return self._split(self._linear(f"{name}.k", x)), self._split(self._linear(f"{name}.v", x))

    def _attend(self, name: str, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """Attention to keys and values, not scaled, with a mask or a bias in logits: [rows, width, hidden]."""
        seen = F.scaled_dot_product_attention(self._split(self._linear(f"{name}.q", x)), keys, values, attn_mask=mask, scale=1.0)
        return self._linear(f"{name}.o", seen.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self._heads, self._size)).transpose(1, 2)

    def _feed_forward(self, at: str, hidden: Tensor) -> Tensor:
        x = self._rms(hidden, f"{at}.layer_norm")
        name = f"{at}.DenseReluDense"
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
        """The learned bias of a query for a key in each bucket [rows, width, span] of distance: [rows, heads, width, span]."""
        return self._weights[f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"][buckets].permute(0, 3, 1, 2)

    def _bucket(self, distance: Tensor, buckets: int) -> Tensor:
        """The bucket of a distance in tokens: near ones have their own, farther ones share it, on a logarithmic scale."""
        near = buckets // 2
        far = near + (torch.log(distance.clamp(min=1).float() / near) / math.log(self._farthest / near) * (buckets - near)).long()
        return torch.where(distance < near, distance, far.clamp(max=buckets - 1))
