"""The configurations of training and evaluation, checked before anything heavy is loaded."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator
from unspin.data.config import Config
from unspin.data.stores import Place
from unspin.train.benchmark.suites import PairsSuite, SuiteConfig


def _seconds(value: object) -> object:
    """Seconds of a duration such as 90s, 20m or 1h30m; what is none is left for pydantic to refuse."""
    parts = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", str(value).replace(" ", ""))
    if not parts or not parts[0]:
        if isinstance(value, (str, bool)):
            raise ValueError("give a time such as 90s, 20m or 1h30m")
        return value
    return sum(int(part or 0) * unit for part, unit in zip(parts.groups(), (3600, 60, 1), strict=True))


Weight = Annotated[float, Field(ge=0, le=100)]
Duration = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_seconds, json_schema_input_type=str)]


class LoraSettings(Config):
    """A low-rank adapter (Hu et al. 2021, arXiv 2106.09685)."""

    rank: int = Field(16, ge=1)
    alpha: float = Field(32, gt=0, description="the update is scaled by alpha / rank")
    dropout: float = Field(0.0, ge=0, lt=1)
    targets: str = Field("all-linear", description="'all-linear', or a regular expression that the adapted modules' full names match")
    four_bit: bool = Field(False, description="QLoRA: the base model in 4-bit NormalFloat (Dettmers et al. 2023, arXiv 2305.14314); needs a GPU")

    @field_validator("targets")
    @classmethod
    def _compiles(cls, targets: str) -> str:
        try:
            re.compile(targets)
        except re.error as error:
            raise ValueError(f"no regular expression ({error})") from None
        return targets


class TrainConfig(Config):
    """What `unspin train` runs."""

    backbone: str = Field("default", description="'default' (the packaged Gemma 3 270M), a folder, or a hub name; decoder-only or encoder-decoder")
    adapter: Place | None = Field(None, description="adapter folder to go on from; left out: a fresh adapter")
    data: Place = Field(description="folder written by `unspin build`")
    output: Path = Field(description="run folder: checkpoints, logs, and the finished checkpoint")
    seed: int = Field(20, ge=0, lt=2**32)
    trained: Literal["adapter", "layers", "everything"] = Field(
        "adapter", description="a low-rank adapter; or the weights of all layers, embeddings as they are; or every weight"
    )
    lora: LoraSettings = Field(LoraSettings.model_validate({}), description="the adapter, where one is trained")
    learning_rate: float = Field(3e-4, gt=0)
    schedule: Literal["linear", "cosine", "constant_with_warmup"] = "linear"
    warmup_steps: int = Field(30, ge=0)
    steps: int | None = Field(None, gt=0, description="optimizer steps; the learning rate falls to 0 at the last, but where it is constant")
    time_limit: Duration | None = Field(
        None, description="such as 20m or 1h30m: trains as many steps as fit (at most `steps`), and the learning rate reaches 0 in time"
    )
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    tokens_per_batch: int = Field(2048, gt=0, description="padded tokens of source and target that one batch may hold")
    accumulate: int = Field(1, ge=1, description="batches an optimizer step sums")
    longest: int = Field(256, gt=8, description="tokens of source and target that a row may have")
    over_long: Literal["drop", "cut"] = Field("drop", description="rows of more tokens: left out, or cut to the sentences that fit; both are counted")
    passage: int = Field(0, ge=0, description="restoring shows the model neighbouring sentences of up to so many words: as the data's `passage`")
    curriculum: bool = Field(False, description="in the first epoch lightly spun batches come before heavily spun ones")
    source_weights: dict[str, Weight] = Field(default_factory=dict, description="how often rows of a source are drawn, 1 if left out")
    engine_weights: dict[str, Weight] = Field(default_factory=dict, description="the same by the engines of a row's edits, averaged")
    precision: Literal["auto", "bf16", "fp16", "fp32"] = Field("auto", description="'auto': bf16 where the processor or GPU multiplies it natively")
    gradient_checkpointing: bool = Field(False, description="less memory, a third more time")
    compile: bool = Field(False, description="compile the layers: after the first minute a step takes a fifth less time; needs a C++ compiler")
    vocabulary: Literal["seen", "full"] = Field(
        "seen", description="'seen': a decoder-only model's softmax runs over the ids the data set uses (twice as fast); 'full': over all"
    )
    save_every: int = Field(100, gt=0, description="steps between resumable checkpoints")
    evaluate_every: int = Field(0, ge=0, description="steps between restorations of validation rows; 0: none")
    evaluate_rows: int = Field(96, gt=0, description="validation rows restored at each evaluation")
    patience: int = Field(0, ge=0, description="evaluations without a better edit F0.5 after which to stop; 0: never")
    loggers: tuple[Literal["tensorboard", "trackio", "wandb", "mlflow"], ...] = ("tensorboard",)

    @model_validator(mode="after")
    def _consistent(self) -> TrainConfig:
        """Keys that contradict one another, each with the way out."""
        family = _family(self.backbone)
        contradictions = {
            "fp16 overflows in the feed-forward layers of T5 and Gemma models (beyond 65,504): set precision to bf16 or fp32": self.precision
            == "fp16"
            and (self.backbone == "default" or any(name in family for name in ("t5", "gemma"))),
            "adapter goes on with LoRA weights: set trained to adapter, or leave adapter out": self.adapter is not None and self.trained != "adapter",
            "save_every must be a multiple of evaluate_every, so that what is saved has a score": self.evaluate_every > 0
            and self.save_every % self.evaluate_every != 0,
            "patience counts evaluations: set evaluate_every, or leave patience out": self.patience > 0 and self.evaluate_every == 0,
            "give steps, or a time_limit such as 20m": self.steps is None and self.time_limit is None,
            "time_limit ends with a learning rate of 0: set schedule to linear or cosine": self.time_limit is not None
            and self.schedule == "constant_with_warmup",
        }
        for message, holds in contradictions.items():
            if holds:
                raise ValueError(message)
        return self


def _family(backbone: str) -> str:
    """What kind of model a backbone is: as its folder says, and for one of the hub as its name does."""
    settings = Path(backbone) / "config.json"
    if not settings.is_file():
        return backbone.lower()
    try:
        return str(dict(json.loads(settings.read_text(encoding="utf-8"))).get("model_type", ""))
    except (ValueError, TypeError):
        raise ValueError(f"backbone: {settings} is damaged: copy the model again") from None


class Stage(Config):
    """A point of the learning curve: a checkpoint and how many pairs it was trained on."""

    checkpoint: str
    pairs: int = Field(ge=0)


class EvalConfig(Config):
    """What `unspin evaluate` runs: systems over suites."""

    checkpoint: str = Field("default", description="'default' (the adapter that ships) or a folder, for the systems called unspin")
    min_confidence: float | None = Field(
        None, ge=0, le=1, description="edits below it are not made; left out: the checkpoint's own, and calibration is reported"
    )
    systems: tuple[Literal["unspin", "unspin int8", "copy the input", "reverse lexicon", "noisy channel", "few-shot", "harper"], ...] = (
        "unspin",
        "copy the input",
    )
    real: Path | None = Field(
        None, description="texts of real tools with originals, .tsv with a header or .jsonl (tool, spun, original); scored first, per tool too"
    )
    suites: tuple[SuiteConfig, ...] = Field((), validate_default=True)
    limit: int = Field(300, gt=0, description="rows of a suite; of data sets and clean text up to ten rows of an article of each source in turn")
    lexicon_data: Path = Field(Path("build/data/measure"), description="data set whose clean text the lexicon baselines count")
    curve: tuple[Stage, ...] = Field((), description="checkpoints scored on the first suite, every edit made, for the learning curve")
    output: Path = Field(description="folder for results.json, report.html and kept outputs")
    resamples: int = Field(1000, ge=100, description="of the bootstrap and of the paired test")
    seed: int = 20

    @field_validator("suites")
    @classmethod
    def _names_differ(cls, suites: tuple[SuiteConfig, ...], info: ValidationInfo) -> tuple[SuiteConfig, ...]:
        real = PairsSuite(kind="pairs", name="real", path=info.data["real"]) if info.data.get("real") else None
        if real and real not in suites:
            suites = (real, *suites)
        names = [suite.name for suite in suites]
        if not suites or len(set(names)) < len(names):
            raise ValueError("give at least one suite, each with a name of its own, or real=FILE")
        return suites


class CalibrateConfig(Config):
    """What `unspin calibrate` runs."""

    checkpoint: str = Field(description="the adapter folder to calibrate")
    engine: Literal["draft", "ctranslate2", "transformers"] = "draft"
    suites: tuple[SuiteConfig, ...] = Field(description="texts that neither training nor a reported score sees, clean ones among them")
    unseen: tuple[str, ...] = Field(
        min_length=1, description="the suites whose spinners no model is trained on: the estimated share of garbled words is fitted on them"
    )
    limit: int = Field(300, gt=0, description="rows of a suite; of data sets and clean text up to ten rows of an article of each source in turn")

    @field_validator("suites")
    @classmethod
    def _names_differ(cls, suites: tuple[SuiteConfig, ...]) -> tuple[SuiteConfig, ...]:
        names = [suite.name for suite in suites]
        if not suites or len(set(names)) < len(names):
            raise ValueError("give at least one suite, each with a name of its own")
        return suites

    @field_validator("unseen")
    @classmethod
    def _are_suites(cls, unseen: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        names = [suite.name for suite in info.data.get("suites", ())]
        if names and (unknown := [name for name in unseen if name not in names]):
            raise ValueError(f"no suite is called {', '.join(unknown)}: there are {', '.join(names)}")
        return unseen
