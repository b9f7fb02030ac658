"""The configurations of training and evaluation, checked before anything heavy is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from unspin.data.config import Config


class LoraSettings(Config):
    """A low-rank adapter on all linear layers (Hu et al. 2021, arXiv 2106.09685)."""

    rank: int = Field(16, ge=1)
    alpha: float = Field(32, gt=0, description="the update is scaled by alpha / rank")
    dropout: float = Field(0.0, ge=0, lt=1)


class TrainConfig(Config):
    """What `unspin train` runs."""

    backbone: str = Field("default", description="'default' (the packaged Gemma 3 270M), a folder, or a hub name of a Gemma 3 model")
    adapter: Path | None = Field(None, description="adapter folder to go on from; left out: a fresh adapter")
    data: Path = Field(description="folder written by `unspin build`")
    output: Path = Field(description="run folder: checkpoints, logs, and the finished adapter")
    seed: int = 20
    lora: LoraSettings = Field(default_factory=lambda: LoraSettings.model_validate({}))
    learning_rate: float = Field(3e-4, gt=0)
    warmup_steps: int = Field(30, ge=0)
    steps: int = Field(gt=0, description="optimizer steps; the learning rate falls linearly to 0 at the last")
    tokens_per_batch: int = Field(2048, gt=0, description="padded tokens of source and target that one batch may hold")
    accumulate: int = Field(1, ge=1, description="batches an optimizer step sums")
    longest: int = Field(256, gt=8, description="rows of more tokens are dropped, and counted")
    passage: int = Field(0, ge=0, description="restoring shows the model neighbouring sentences of up to so many words: as the data's `passage`")
    precision: Literal["bf16", "fp32"] = "bf16"
    vocabulary: Literal["seen", "full"] = Field(
        "seen", description="'seen': the loss's softmax runs over the ids the data set uses (twice as fast); 'full': over all"
    )
    save_every: int = Field(100, gt=0, description="steps between resumable checkpoints")


class EvalConfig(Config):
    """What `unspin evaluate` runs."""

    checkpoint: str = Field("default", description="'default' (the adapter that ships) or a folder")
    engine: Literal["draft", "ctranslate2", "transformers"] = "draft"
    min_confidence: float | None = Field(None, ge=0, le=1, description="edits below it are not made; left out: the checkpoint's own")
    data: Path = Field(description="folder written by `unspin build`")
    split: Literal["train", "validation", "test"] = "test"
    limit: int = Field(300, gt=0, description="rows scored, from the first on")
    output: Path | None = Field(None, description="JSON file for the figures and every output")
