"""The configurations of training and evaluation, checked before anything heavy is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from unspin.data.config import Config
from unspin.train.benchmark.suites import SuiteConfig


class LoraSettings(Config):
    """A low-rank adapter (Hu et al. 2021, arXiv 2106.09685)."""

    rank: int = Field(16, ge=1)
    alpha: float = Field(32, gt=0, description="the update is scaled by alpha / rank")
    dropout: float = Field(0.0, ge=0, lt=1)
    targets: str = Field("all-linear", description="'all-linear', or a regular expression that the adapted modules' full names match")


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


class Stage(Config):
    """A point of the learning curve: a checkpoint and how many pairs it was trained on."""

    checkpoint: str
    pairs: int = Field(ge=0)


class EvalConfig(Config):
    """What `unspin evaluate` runs: systems over suites."""

    checkpoint: str = Field("default", description="'default' (the adapter that ships) or a folder, for the systems called unspin")
    min_confidence: float | None = Field(None, ge=0, le=1, description="edits below it are not made; left out: the checkpoint's own")
    systems: tuple[Literal["unspin", "unspin int8", "copy the input", "reverse lexicon", "noisy channel", "few-shot", "harper"], ...] = (
        "unspin",
        "copy the input",
    )
    suites: tuple[SuiteConfig, ...]
    limit: int = Field(300, gt=0, description="rows of a suite, from the first on")
    lexicon_data: Path = Field(Path("build/data/measure"), description="data set whose clean text the lexicon baselines count")
    curve: tuple[Stage, ...] = Field((), description="checkpoints scored on the first suite, every edit made, for the learning curve")
    output: Path = Field(description="folder for results.json, report.html and kept outputs")
    resamples: int = Field(1000, ge=100, description="of the bootstrap and of the paired test")
    seed: int = 20

    @field_validator("suites")
    @classmethod
    def _names_differ(cls, suites: tuple[SuiteConfig, ...]) -> tuple[SuiteConfig, ...]:
        names = [suite.name for suite in suites]
        if not suites or len(set(names)) < len(names):
            raise ValueError("give at least one suite, each with a name of its own")
        return suites


class CalibrateConfig(Config):
    """What `unspin calibrate` runs."""

    checkpoint: str = Field(description="the adapter folder to calibrate")
    engine: Literal["draft", "ctranslate2", "transformers"] = "draft"
    data: Path = Field(description="folder written by `unspin build`")
    split: Literal["validation", "test"] = Field("validation", description="articles that neither training nor a reported score sees")
    limit: int = Field(600, gt=0, description="rows, from the first on")
