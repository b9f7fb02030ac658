"""The configuration of a training run, checked before anything heavy is loaded.

Keys are named as in transformers' `TrainingArguments` where it has the same setting; each field's description is its
documentation. Keys that contradict one another are refused here. `unspin.train.plan` checks what depends on data,
model or machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator
from unspin.config import Config
from unspin.data.corpora import Source
from unspin.storage import DataSetPath


def _parse_duration(value: object) -> object:
    """Seconds of a duration such as 90s, 20m or 1h30m. Numbers pass unchanged; any other text raises ValueError."""
    parts = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", str(value).replace(" ", ""))
    if parts and parts[0]:
        return sum(int(part or 0) * unit for part, unit in zip(parts.groups(), (3600, 60, 1), strict=True))
    if isinstance(value, (str, bool)):
        raise ValueError("give a time such as 90s, 20m or 1h30m")
    return value


Weight = Annotated[float, Field(ge=0, le=100)]
Duration = Annotated[
    float, Field(gt=0, allow_inf_nan=False), BeforeValidator(_parse_duration, json_schema_input_type=str)
]


class LoraSettings(Config):
    """A low-rank adapter (Hu et al. 2021, arXiv 2106.09685)."""

    renamed: ClassVar = {"targets": "target_modules", "four_bit": "load_in_4bit"}

    rank: int = Field(16, ge=1, le=4096, description="rank of the update matrices")
    alpha: float = Field(32, gt=0, description="the update is scaled by alpha / rank")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout on the adapter's input")
    target_modules: str = Field(
        "all-linear",
        description="'all-linear', or a regular expression matched against the full names of the modules to adapt",
    )
    load_in_4bit: bool = Field(
        False,
        description="QLoRA (Dettmers et al. 2023, arXiv 2305.14314): load the base model in 4-bit NormalFloat; "
        "needs a GPU",
    )

    @field_validator("target_modules")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"not a regular expression ({error})") from None
        return pattern


class TrainConfig(Config):
    """Settings of `unspin train`."""

    renamed: ClassVar = {
        "trained": "trainable",
        "schedule": "lr_scheduler_type",
        "steps": "max_steps",
        "label_smoothing": "label_smoothing_factor",
        "accumulate": "gradient_accumulation_steps",
        "longest": "max_tokens",
        "over_long": "overlong",
        "passage": "max_passage_words",
        "engine_weights": "spinner_weights",
        "compile": "torch_compile",
        "save_every": "save_steps",
        "evaluate_every": "eval_steps",
        "evaluate_rows": "eval_rows",
        "patience": "early_stopping_patience",
        "loggers": "report_to",
    }

    backbone: str = Field(
        "default",
        description="base model: 'default' (the packaged Gemma 3 270M), a folder, or a name on the Hugging Face hub; "
        "decoder-only or encoder-decoder",
    )
    adapter: str | None = Field(
        None,
        description="adapter to continue training: 'default' (the released one), a folder or address; if left out, "
        "training starts from a new adapter",
    )
    data: DataSetPath = Field(description="data set: a folder or address written by `unspin build`")
    output: Path = Field(description="run folder for checkpoints, logs and the finished checkpoint")
    seed: int = Field(20, ge=0, lt=2**32, description="seeds the adapter's weights, dropout and the order of batches")
    trainable: Literal["adapter", "layers", "everything"] = Field(
        "adapter",
        description="what is trained: 'adapter' (LoRA), 'layers' (all weights except the embeddings), or 'everything'",
    )
    lora: LoraSettings = Field(
        LoraSettings.model_validate({}), description="settings of the adapter; used if trainable is 'adapter'"
    )
    learning_rate: float = Field(3e-4, gt=0, description="peak learning rate")
    lr_scheduler_type: Literal["linear", "cosine", "constant_with_warmup"] = Field(
        "linear", description="shape of the learning rate after warm-up; 'linear' and 'cosine' decay to 0"
    )
    warmup_steps: int = Field(30, ge=0, description="steps over which the learning rate rises to its peak")
    max_steps: int | None = Field(
        None, gt=0, description="number of optimizer steps; may be left out if time_limit is set"
    )
    time_limit: Duration | None = Field(
        None,
        description="such as 20m or 1h30m: train as many steps as fit (at most max_steps); "
        "the learning rate reaches 0 when the time is up",
    )
    label_smoothing_factor: float = Field(0.0, ge=0, lt=1, description="label smoothing of the cross entropy")
    tokens_per_batch: int = Field(
        2048, gt=0, description="maximum number of source and target tokens in a batch, padding included"
    )
    gradient_accumulation_steps: int = Field(1, ge=1, description="batches summed in one optimizer step")
    max_tokens: int = Field(256, gt=8, description="maximum number of source and target tokens in a row")
    overlong: Literal["drop", "cut"] = Field(
        "drop",
        description="what to do with rows longer than max_tokens: drop them, or cut them to the sentences that fit",
    )
    max_passage_words: int | None = Field(
        None,
        ge=0,
        description="restoring shows the model neighbouring sentences together, up to this many words; if left out, "
        "as many as the rows of the data set have",
    )
    curriculum: bool = Field(
        False, description="order the first epoch from lightly spun to heavily spun batches (approximately)"
    )
    source_weights: dict[str, Weight] = Field(
        default_factory=dict, description="source name -> how often its rows are drawn in an epoch; 1 if left out"
    )
    spinner_weights: dict[str, Weight] = Field(
        default_factory=dict,
        description="spinner name -> how often rows with its edits are drawn; 1 if left out; "
        "a row's weight is the mean over its edits",
    )
    precision: Literal["auto", "bf16", "fp16", "fp32"] = Field(
        "auto", description="number format of matrix products; 'auto': bf16 if the hardware supports it, otherwise fp32"
    )
    gradient_checkpointing: bool = Field(
        False, description="recompute activations in the backward pass: less memory, about a third more time"
    )
    torch_compile: bool = Field(
        False,
        description="compile the layers: takes about a minute, then steps take a fifth less time on a CPU; "
        "needs a C++ compiler",
    )
    vocabulary: Literal["seen", "full"] = Field(
        "seen",
        description="token ids that a decoder-only model's loss runs over: "
        "'seen' (those in the data set; twice as fast) or 'full'",
    )
    save_steps: int = Field(100, gt=0, description="steps between resumable checkpoints")
    save_total_limit: int = Field(
        2, ge=1, description="resumable checkpoints that are kept; keep more to draw a learning curve from them"
    )
    eval_steps: int = Field(0, ge=0, description="steps between evaluations on validation rows; 0: no evaluation")
    eval_rows: int = Field(96, gt=0, description="validation rows restored at each evaluation")
    early_stopping_patience: int = Field(
        0, ge=0, description="stop after this many evaluations without a better edit F0.5; 0: never"
    )
    report_to: tuple[Literal["tensorboard", "trackio", "wandb", "mlflow"], ...] = Field(
        ("tensorboard",), description="experiment trackers that receive the training log"
    )

    @model_validator(mode="after")
    def _consistent(self) -> TrainConfig:
        """Refuse keys that contradict one another."""
        for complaint in self._contradictions():
            raise ValueError(complaint)
        return self

    def _contradictions(self) -> Iterator[str]:
        if self.precision == "fp16" and self._overflows_in_fp16():
            yield (
                "fp16 overflows in the feed-forward layers of T5 and Gemma models (values beyond 65,504): "
                "set precision to bf16 or fp32"
            )
        if self.adapter is not None and self.trainable != "adapter":
            yield "adapter continues the training of LoRA weights: set trainable to adapter, or leave adapter out"
        if self.eval_steps > 0 and self.save_steps % self.eval_steps != 0:
            yield "save_steps must be a multiple of eval_steps, so that every saved checkpoint has a score"
        if self.early_stopping_patience > 0 and self.eval_steps == 0:
            yield "early_stopping_patience counts evaluations: set eval_steps, or leave early_stopping_patience out"
        if self.max_steps is None and self.time_limit is None:
            yield "give max_steps, or a time_limit such as 20m"
        if self.time_limit is not None and self.lr_scheduler_type == "constant_with_warmup":
            yield "a run with a time_limit ends with a learning rate of 0: set lr_scheduler_type to linear or cosine"

    def _overflows_in_fp16(self) -> bool:
        return self.backbone == "default" or any(name in _model_type(self.backbone) for name in ("t5", "gemma"))


class SelfTrainConfig(Config):
    """Settings of `unspin self-train`."""

    spun: list[Source] = Field(description="the spun texts: sources as in a build config")
    checkpoint: str = Field("default", description="the checkpoint that is adapted: 'default', or a folder")
    rounds: int = Field(1, ge=1, le=1000, description="how often to restore, learn, spin and train")
    min_confidence: float = Field(
        0.6, ge=0, le=1, description="learn from restorations of at least this confidence: higher is purer, lower more"
    )
    build: Path = Field(
        description="build config of the clean text, which names the spinner 'learned'; each round gives it the list"
    )
    train: Path = Field(description="training config; each round gives it the data and the checkpoint to continue")
    output: Path = Field(description="folder for the list, the data set and the training run of each round")

    def model_post_init(self, _: object) -> None:
        """Refuse a config without texts. Raises ValueError, which pydantic reports."""
        if not self.spun:
            raise ValueError("spun: give at least one source of spun texts")


def _model_type(backbone: str) -> str:
    """The `model_type` in a backbone folder's config.json; for a model on the hub, its name in lower case."""
    settings = Path(backbone) / "config.json"
    if not settings.is_file():
        return backbone.lower()
    try:
        return str(dict(json.loads(settings.read_text(encoding="utf-8"))).get("model_type", ""))
    except (ValueError, TypeError):
        raise ValueError(f"backbone: {settings} is not a JSON object: copy the model again") from None
