"""The configs of `unspin evaluate` and `unspin calibrate`, checked completely before any model is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator
from unspin.config import Config
from unspin.evaluation.suites import SuiteConfig
from unspin.evaluation.suites.pairs import PairsSuite
from unspin.evaluation.systems import SYSTEMS
from unspin.evaluation.systems.base import SystemSettings

_LIMIT = "rows per suite; data sets and clean text take turns between sources, up to ten rows of an article per turn"


class CurvePoint(Config):
    """A point of the learning curve: a checkpoint and the number of pairs it was trained on."""

    checkpoint: str
    pairs: int = Field(ge=0)


class EvalConfig(Config):
    """What `unspin evaluate` runs: every system on every suite."""

    checkpoint: str = Field(
        "default", description="'default' (the released adapter) or a checkpoint folder, for unspin and unspin int8"
    )
    compare: str | None = Field(
        None,
        description="another checkpoint ('default' or a folder), compared with `checkpoint` on every suite: a paired "
        "test, and the edits that differ",
    )
    min_confidence: float | None = Field(
        None,
        ge=0,
        le=1,
        description=(
            "edits below it are not made; if left out, the checkpoint's threshold applies and calibration is measured"
        ),
    )
    systems: tuple[str, ...] = Field(("unspin", "copy the input"), min_length=1)
    real: Path | None = Field(
        None,
        description=(
            "texts of real spinners with their originals, a file of pairs with the columns tool, spun and original; "
            "scored first, over all rows and per tool"
        ),
    )
    suites: tuple[SuiteConfig, ...] = Field((), validate_default=True)
    limit: int = Field(300, gt=0, description=_LIMIT)
    phrases: Path | None = Field(
        None, description="list of garbled phrases for unspin and unspin int8, as `unspin restore --phrases` takes it"
    )
    protect: tuple[Annotated[str, Field(pattern=r"\w")], ...] = Field(
        (), description="names and terms that unspin and unspin int8 never touch"
    )
    lexicon_data: Path | None = Field(
        None,
        description="data set in whose clean text 'reverse lexicon' and 'noisy channel' count words; both require it",
    )
    curve: tuple[CurvePoint, ...] = Field(
        (),
        description=(
            "checkpoints of a learning curve, scored with min_confidence 0 on the first suite other than `real`"
        ),
    )
    curve_run: Path | None = Field(
        None,
        description="run folder of `unspin train` whose checkpoints are further points of the learning curve; train "
        "with a save_total_limit that keeps enough of them",
    )
    output: Path = Field(description="folder for results.json, report.html and the stored outputs of systems")
    resamples: int = Field(
        1000, ge=100, le=100_000, description="resamples of the bootstrap and of the significance test"
    )
    seed: int = Field(20, ge=0)

    @model_validator(mode="after")
    def _compares_checkpoints(self) -> EvalConfig:
        if self.compare is not None and "unspin" not in self.systems:
            raise ValueError("compare names another checkpoint for the system unspin: add unspin to systems")
        return self

    @property
    def system_settings(self) -> SystemSettings:
        """The part of this config that systems see."""
        return SystemSettings(self.checkpoint, self.min_confidence, self.phrases, self.protect, self.lexicon_data)

    @field_validator("systems")
    @classmethod
    def _check_systems(cls, systems: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in systems if name not in SYSTEMS]:
            raise ValueError(f"unknown system {', '.join(unknown)}: choose from {', '.join(SYSTEMS)}")
        return systems

    @field_validator("suites")
    @classmethod
    def _add_real_suite(cls, suites: tuple[SuiteConfig, ...], info: ValidationInfo) -> tuple[SuiteConfig, ...]:
        """Put the texts of `real` first, unless they are there already, as in a config read back from results.json."""
        real = PairsSuite(kind="pairs", name="real", path=info.data["real"]) if info.data.get("real") else None
        if real and real not in suites:
            suites = (real, *suites)
        if not suites:
            raise ValueError("there is nothing to evaluate: give at least one suite, or real=FILE")
        return _with_unique_names(suites)


class CalibrateConfig(Config):
    """What `unspin calibrate` runs."""

    checkpoint: str = Field(description="the adapter folder to calibrate")
    engine: Literal["draft", "ctranslate2", "transformers"] = "draft"
    suites: tuple[SuiteConfig, ...] = Field(
        description="texts that neither training nor a reported score uses; some of them must be clean"
    )
    unseen: tuple[str, ...] = Field(
        min_length=1,
        description=(
            "names of the suites whose spinners no model is trained on; the share of garbled words is fitted on them"
        ),
    )
    limit: int = Field(300, gt=0, description=_LIMIT)

    @field_validator("suites")
    @classmethod
    def _check_suites(cls, suites: tuple[SuiteConfig, ...]) -> tuple[SuiteConfig, ...]:
        if not suites:
            raise ValueError("there is nothing to calibrate on: give at least one suite")
        return _with_unique_names(suites)

    @field_validator("unseen")
    @classmethod
    def _check_unseen(cls, unseen: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        names = [suite.name for suite in info.data.get("suites", ())]
        if names and (unknown := [name for name in unseen if name not in names]):
            raise ValueError(f"unknown suite {', '.join(unknown)}: choose from {', '.join(names)}")
        return unseen


def _with_unique_names(suites: tuple[SuiteConfig, ...]) -> tuple[SuiteConfig, ...]:
    names = [suite.name for suite in suites]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"several suites are called {', '.join(repeated)}: give each a name of its own")
    return suites
