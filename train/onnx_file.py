"""Writes a merged decoder-only model as an ONNX file, which ONNX Runtime runs on many devices and in browsers.

The graph reads the ids of one text and returns the logits of the token after them. It keeps no cache: each token costs
a pass over everything before it, which is affordable for a sentence. torch's own exporter makes it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from torch import Tensor, nn
from unspin.infer.models.checkpoint import TOKENIZER_FILES
from unspin.infer.models.loading import load_model

FILE = "model.onnx"


class _NextToken(nn.Module):
    """Ids (1, length) -> logits of the next token (1, vocabulary)."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self._model = model

    def forward(self, input_ids: Tensor) -> Tensor:
        logits: Tensor = self._model(input_ids=input_ids, use_cache=False, logits_to_keep=1).logits
        return logits[:, -1]


def write_onnx(merged: Path, folder: Path) -> None:
    """Write ``model.onnx`` in fp32, with its weights in a file beside it, and the tokenizer into a new folder."""
    import onnxscript  # noqa: F401 - torch's exporter needs it; imported here, the command can name the missing extra

    # Other implementations of attention choose by the length of the example.
    model = load_model(merged, is_encoder_decoder=False, dtype=torch.float32, attn_implementation="eager")
    program = torch.onnx.export(
        _NextToken(model).eval(),
        (torch.zeros((1, 8), dtype=torch.long),),
        dynamo=True,
        verbose=False,
        dynamic_shapes={"input_ids": {1: torch.export.Dim("length", min=2)}},
        input_names=["input_ids"],
        output_names=["logits"],
    )
    assert program is not None  # None is returned only by the older exporter
    folder.mkdir()
    program.save(folder / FILE, external_data=True)
    for file in TOKENIZER_FILES:
        shutil.copyfile(merged / file, folder / file)
