"""The configuration of `unspin build`, checked completely before any article is read."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator
from unspin.config import Config
from unspin.data.corpora import Dictionary, Source
from unspin.data.pair_files import PairsSource
from unspin.data.rows import Recipe
from unspin.data.spinners.mixture import HeldOut
from unspin.data.spinners.persona import Tools
from unspin.data.spinners.registry import is_held_out_spinner, spinner_names
from unspin.executors import Executor, Local
from unspin.storage import DataSetPath

Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class BuildConfig(Config):
    """Settings of a data set. The output depends on all of them except `workers` and `executor`."""

    renamed: ClassVar = {
        "held_back": "holdout_share",
        "shortest": "min_words",
        "longest": "max_words",
        "passage": "max_passage_words",
        "engines": "spinners",
        "held_out_heads": "held_out_headwords",
    }

    output: DataSetPath = Field(
        description="folder to write, or an address: s3://bucket/folder, or hf://datasets/owner/name for the Hugging "
        "Face hub; it must not exist yet"
    )
    seed: int = Field(
        20, description="seed of the spinning; which articles are used, and their splits, depend on their ids only"
    )
    variants: int = Field(
        4, ge=1, le=1000, description="how often each training sentence is spun, each time differently"
    )
    clean_share: float = Field(
        0.25, ge=0, lt=1, description="share of rows left unspun, so that a model learns to leave clean text alone"
    )
    hard_negatives: bool = Field(
        False,
        description="prefer rows rich in words that spinners insert when choosing the rows to leave unspun, "
        "so that a model must judge by context",
    )
    holdout_share: float = Field(
        0.03,
        gt=0,
        le=0.5,
        description="share of articles in the validation split, and again in the test split; "
        "0.5 leaves none for training",
    )
    min_words: int = Field(4, ge=1, description="shorter sentences are dropped")
    max_words: int = Field(60, ge=2, description="longer sentences are dropped")
    max_passage_words: int = Field(
        0,
        ge=0,
        description="join neighbouring sentences into rows of up to this many words, to provide context; "
        "0: one sentence a row",
    )
    spinners: dict[str, Weight] = Field(
        default_factory=dict,
        description="spinner name -> weight; a heavier spinner is used by more tools and takes precedence more often. "
        "Required if there are sources",
    )
    tools: Tools = Field(Tools(), description="the habits of the sampled tools")
    dictionaries: dict[str, Dictionary] = Field(
        default_factory=dict, description="spinner name -> the file that it reads"
    )
    held_out_headwords: HeldOut = Field(
        "exclude",
        description="what to do with the dictionary entries that no model is trained on: 'exclude' them (to train), "
        "use 'only' them (to measure), or 'include' them (to measure)",
    )
    corpora: Path | None = Field(None, description="folder that replaces `{corpora}` in the paths of sources")
    sources: list[Source] = Field(default_factory=list, description="where clean articles come from")
    sample: float = Field(
        1.0, gt=0, le=1, description="share of every source's articles that is used: a smaller data set of the same mix"
    )
    pairs: list[PairsSource] = Field(
        default_factory=list,
        description="spun/original pairs of another spinner; their texts are not spun again. Without sources, the data "
        "set holds these pairs alone",
    )
    on_error: Literal["stop", "skip"] = Field(
        "stop", description="what to do about a line or file that cannot be read; skipped ones are counted and listed"
    )
    tasks: int = Field(
        8,
        ge=1,
        le=100_000,
        description="parts the work is divided into; an interrupted part starts over; the output depends on it",
    )
    workers: int = Field(
        1, ge=1, le=1000, description="tasks that run at the same time; the output does not depend on it"
    )
    executor: Executor = Field(
        Local(), description="what runs the tasks: {kind: local}, or a Ray or Slurm cluster (docs/clusters.md)"
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in_corpora(cls, raw: Any) -> Any:
        """Replace `{corpora}` in the paths of sources."""
        sources = raw.get("sources") if isinstance(raw, dict) else None
        if not isinstance(sources, list):
            return raw
        return raw | {"sources": [_with_corpora(source, raw.get("corpora")) for source in sources]}

    def model_post_init(self, _: Any) -> None:
        """Check constraints between keys. Raises ValueError, which pydantic reports."""
        if not (self.sources or self.pairs):
            raise ValueError("sources: give at least one source, or pairs")
        names = [source.name for source in (*self.sources, *self.pairs)]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"sources and pairs: several are called {', '.join(repeated)}: give each its own name")
        if self.min_words > self.max_words:
            raise ValueError(f"min_words is {self.min_words} and max_words {self.max_words}: no sentence would be left")
        self._check_spinners()
        self._check_held_out()

    def _check_spinners(self) -> None:
        known = spinner_names()
        unknown = sorted(name for name in self.spinners if name.partition(":")[0] not in known)
        if unknown:
            raise ValueError(f"spinners: unknown {', '.join(unknown)}; there are {', '.join(known)}")
        if self.sources and not any(self.spinners.values()):
            raise ValueError("spinners: give at least one a weight above 0")
        unused = sorted(self.dictionaries.keys() - self.spinners.keys())
        if unused:
            raise ValueError(f"dictionaries: {unused[0]!r} is not among the spinners: {', '.join(self.spinners)}")

    def _check_held_out(self) -> None:
        held_out = [name for name, weight in self.spinners.items() if weight and is_held_out_spinner(name)]
        if self.held_out_headwords != "exclude":
            held_out.append(f"held_out_headwords={self.held_out_headwords}")
        if held_out and self.holdout_share < 0.5:
            what = f"{held_out[0]} is for measuring only, no model is trained on it"
            raise ValueError(f"{what}: set holdout_share=0.5, which leaves no training split")

    @property
    def recipe(self) -> Recipe:
        """The settings that decide what a row says; their hash is the recipe's name."""
        fields = self.model_dump(mode="json", include={name for name in Recipe.__dataclass_fields__ if name != "name"})
        key = json.dumps({**fields, "held_out_headwords": self.held_out_headwords}, sort_keys=True)
        return Recipe(hashlib.sha256(key.encode()).hexdigest()[:12], **fields | {"tools": self.tools})

    def dictionary_files(self, cache: Path) -> dict[str, Path]:
        """The files that spinners read, downloaded to `cache` if necessary. Raises `CorpusError`."""
        return {name: dictionary.file(name, cache).absolute() for name, dictionary in self.dictionaries.items()}


def _with_corpora(source: Any, corpora: Any) -> Any:
    """A raw source with its path filled in. Raises ValueError if the path needs `corpora` and it is not set."""
    if not isinstance(source, dict) or "{corpora}" not in str(source.get("path", "")):
        return source
    if not corpora:
        what = f"source {source.get('name')} reads {source['path']}"
        raise ValueError(f"{what}: set corpora=FOLDER, the folder that holds this file")
    return source | {"path": str(source["path"]).replace("{corpora}", str(Path(str(corpora)).expanduser().absolute()))}
