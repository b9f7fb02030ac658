"""Builds a data set of spun/original pairs: read, remove near-duplicates, split, spin, write, card.

The same config gives the same bytes, whatever the number of workers and however often a build was killed and started again: finished
tasks are not redone. The split is by article and made before spinning. The output folder appears whole, by one rename, or not at
all. Cost: every article is read from disk four times; memory holds one task's batch and the hashes of the held-back articles.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from functools import partial as partial_of
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow.parquet as pq
from pydantic import Field, model_validator
from unspin.data.card import write_card
from unspin.data.config import Config
from unspin.data.corpora import CorpusError, Dictionary, PairsFile, Source
from unspin.data.executors import Executor, Local, Slurm, Stage, run
from unspin.data.guard import SUMS, seal, sole_writer, sum_of
from unspin.data.rows import SCHEMA, SPLITS, Recipe
from unspin.data.spinners.mixture import HeldOut, Mixture
from unspin.data.spinners.persona import Tools
from unspin.data.spinners.registry import engine_names, is_held_out
from unspin.data.stores import Place, is_address, reaching, send

CACHE = Path.home() / ".cache" / "unspin" / "packages"
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
OUTGOING = CACHE.with_name("outgoing")


class BuildConfig(Config):
    """What `unspin build` makes."""

    output: Place = Field(description="folder to write, relative to where the command runs, or an address; it must not exist")
    seed: int = 20
    variants: int = Field(4, ge=1, description="how many times each training sentence is spun, anew each time")
    clean_share: float = Field(0.25, ge=0, lt=1, description="share of rows left clean, so that clean text stays clean")
    hard_negatives: bool = Field(False, description="prefer to leave clean what is rich in words that spinners put in, so that context decides")
    held_back: float = Field(0.03, gt=0, le=0.5, description="share of articles in validation, and again in test; 0.5 leaves none for training")
    shortest: int = Field(4, ge=1, description="sentences of fewer words are left out")
    longest: int = Field(60, ge=2, description="sentences of more words are left out")
    passage: int = Field(0, ge=0, description="join neighbouring sentences to rows of up to so many words, to show context; 0: one sentence a row")
    context: bool = Field(False, description="give each row the spun text before it, for models that are shown it")
    engines: dict[str, Weight] = Field(description="engine name -> weight: the greater, the more tools use it, and the more of them before others")
    tools: Tools = Field(Tools(), description="what the sampled tools are like")
    dictionaries: dict[str, Dictionary] = Field(default_factory=dict, description="files that engines read, by the engine's name")
    held_out_heads: HeldOut = Field("exclude", description="lexicon heads kept from every model: 'exclude' to train, 'only' to measure unseen ones")
    corpora: Path | None = Field(None, description="folder that `{corpora}` in a source's path stands for, relative to where the command runs")
    sources: list[Source] = Field(default_factory=list, description="where clean articles come from")
    sample: float = Field(1.0, gt=0, le=1, description="share of every source's articles that is used: a small data set of the same mix")
    pairs: list[PairsFile] = Field(default_factory=list, description="pairs that another spinner made, taken as they are")
    on_error: Literal["stop", "skip"] = Field("stop", description="what a line or file that cannot be read does; what was skipped is counted")
    tasks: int = Field(8, ge=1, description="parts the work is cut into, each finished or not at all; the output depends on it")
    workers: int = Field(1, ge=1, description="tasks at a time; the output does not depend on it")
    executor: Executor = Field(Local(), description="what runs the tasks: {kind: local}, or a Ray or Slurm cluster (docs/clusters.md)")

    @model_validator(mode="before")
    @classmethod
    def _in_corpora(cls, raw: Any) -> Any:
        """Put the folder of the corpora into the paths of the sources that lie in it."""
        sources = raw.get("sources") if isinstance(raw, dict) else None
        if not isinstance(sources, list):
            return raw
        return raw | {"sources": [_placed(source, raw.get("corpora")) for source in sources]}

    def model_post_init(self, _: Any) -> None:
        if not (self.sources or self.pairs):
            raise ValueError("sources: give at least one source, or pairs")
        known = engine_names()
        unknown = sorted(name for name in self.engines if name.partition(":")[0] not in known)
        if unknown:
            raise ValueError(f"engines: unknown {', '.join(unknown)}; there are {', '.join(known)}")
        if not any(self.engines.values()):
            raise ValueError("engines: give at least one a weight above 0")
        strange = sorted(self.dictionaries.keys() - self.engines.keys())
        if strange:
            raise ValueError(f"dictionaries: {strange[0]!r} is none of the engines: {', '.join(self.engines)}")
        measuring = [name for name in self.engines if is_held_out(name)]
        if self.held_out_heads != "exclude":
            measuring.append(f"held_out_heads={self.held_out_heads}")
        if measuring and self.held_back < 0.5:
            raise ValueError(f"{measuring[0]} is kept from every model, to measure unseen spinners: set held_back=0.5, so that no row is trained on")

    @property
    def recipe(self) -> Recipe:
        fields = self.model_dump(mode="json", include={name for name in Recipe.__dataclass_fields__ if name != "name"})
        key = json.dumps({**fields, "held_out_heads": self.held_out_heads}, sort_keys=True)
        return Recipe(hashlib.sha256(key.encode()).hexdigest()[:12], **fields | {"tools": self.tools})

    def dictionary_files(self, cache: Path) -> dict[str, Path]:
        """The files that engines read, fetched if they are not there yet. Raises `CorpusError`."""
        return {name: dictionary.file(name, cache).absolute() for name, dictionary in self.dictionaries.items()}


def _placed(source: Any, corpora: Any) -> Any:
    if not isinstance(source, dict) or "{corpora}" not in str(source.get("path", "")):
        return source
    if not corpora:
        raise ValueError(f"source {source.get('name')} reads {source['path']}: set corpora=FOLDER, the folder that holds this file")
    return source | {"path": str(source["path"]).replace("{corpora}", str(Path(str(corpora)).expanduser().absolute()))}


def stages(config: BuildConfig, work: Path, target: Path, cache: Path) -> list[Stage]:
    """The pipeline, for any of datatrove's executors: scratch files under `work`, rows under `target`."""
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.writers import ParquetWriter
    from datatrove.utils.hashing import HashConfig
    from unspin.data.blocks import AlignPairs, EnglishWords, IndexHeldBack, Pairs, ReadShard, ReadSources, Spin, as_row

    recipe = config.recipe
    minhash = MinhashConfig(hash_config=HashConfig(hash_fc="sha1"))  # its xxhash does not work with xxhash 4

    def at(name: str) -> str:
        return str((work / name).absolute())

    read = ReadSources(list(config.sources), cache, config.sample, config.held_back, config.on_error == "skip", at("skipped"))
    kept = [ReadShard(at("articles")), MinhashDedupFilter(at("remove"))]
    pairs = Pairs(list(config.pairs), recipe, config.held_back, config.on_error == "skip")

    def rows(prefix: str) -> ParquetWriter:
        return ParquetWriter(str(target.absolute()), f"${{split}}/{prefix}${{rank}}.parquet", adapter=as_row, schema=SCHEMA, max_file_size=-1)

    return [
        Stage("reading", [read, ParquetWriter(at("articles"), "${shard}/${rank}.parquet", max_file_size=-1)], config.tasks),
        Stage("hashing", [ReadShard(at("articles")), MinhashDedupSignature(at("signatures"), minhash, EnglishWords())], config.tasks),
        Stage("comparing", [MinhashDedupBuckets(at("signatures"), at("duplicates"), config=minhash)], minhash.num_buckets),
        Stage("grouping", [MinhashDedupCluster(at("duplicates"), at("remove"), minhash)], 1),
        Stage("holding back", [*kept, IndexHeldBack(at("held-back"), recipe, pairs)], config.tasks),
        Stage("spinning", [*kept, Spin(recipe, config.held_out_heads, config.dictionary_files(cache), at("held-back")), rows("")], config.tasks),
        Stage("aligning", [AlignPairs(pairs, at("held-back"), at("skipped")), rows("pairs-")], config.tasks if config.pairs else 0),
    ]


def build(config: BuildConfig, command: str, cache: Path = CACHE) -> Counter[str]:
    """Write the data set and its card; returns the rows of each split, and under "skipped" what could not be read (under Slurm, which only
    takes the jobs, nothing).

    A build that was killed goes on from its finished tasks if the config is the same. Raises FileExistsError, `CorpusError`,
    `EngineError`, OSError; a failure leaves no output folder.
    """
    if output_is_there(config):
        raise FileExistsError(f"{config.output} exists: remove it, or set output=… to another folder")
    with sole_writer(_partial(config)):
        return _build(config, command, cache)


def output_is_there(config: BuildConfig) -> bool:
    with reaching(config.output):
        return (config.output / SUMS if is_address(config.output) else config.output).exists()


def _partial(config: BuildConfig) -> Path:
    """The folder in the making: beside the output, or for an object store on this machine."""
    if is_address(config.output):
        return OUTGOING / f"{hashlib.sha256(str(config.output).encode()).hexdigest()[:16]}.partial"
    return config.output.with_name(config.output.name + ".partial")


def _build(config: BuildConfig, command: str, cache: Path) -> Counter[str]:
    dictionaries = config.dictionary_files(cache)
    Mixture(config.engines, config.held_out_heads, dictionaries)  # what an engine lacks is said before hours of reading
    partial = _partial(config)
    work = partial / "work"
    submitting = isinstance(config.executor, Slurm)
    log = partial.with_suffix(".log") if submitting else work / "log"
    _open(partial, log, config, {name: sum_of(file) for name, file in dictionaries.items()})
    todo = [stage for stage in stages(config, work, partial, cache) if stage.tasks]
    if submitting:  # the jobs outlive the command: the last of them does what the command does otherwise
        from unspin.data.blocks import Call

        run([*todo, Stage("finishing", [Call(partial_of(_finish, config, command))], 1, again=True)], log, config.workers, config.executor)
        return Counter()
    run(todo, log, config.workers, config.executor)
    return _finish(config, command)


def _finish(config: BuildConfig, command: str) -> Counter[str]:
    """Count the rows, write card and checksums, and put the folder in place."""
    partial = _partial(config)
    work = partial / "work"
    counts = Counter({split: sum(pq.read_metadata(file).num_rows for file in partial.glob(f"{split}/*.parquet")) for split in SPLITS})
    if not counts.total():
        shutil.rmtree(partial)
        what = f"no article in any of the sources: {', '.join(s.name for s in (*config.sources, *config.pairs))}"
        raise CorpusError(f"{what}; sample={config.sample} may have left none" if config.sample < 1 else what)
    skipped = [line for file in sorted(work.glob("skipped/*.txt")) for line in file.read_text(encoding="utf-8").splitlines()]
    counts["skipped"] = len(skipped)
    write_card(partial, config, command, skipped)
    seal(partial, (file for split in SPLITS for file in partial.glob(f"{split}/*.parquet")))
    if is_address(config.output):
        send(partial, config.output, leaving_out=work)
        shutil.rmtree(partial)
    else:
        shutil.rmtree(work)
        partial.rename(config.output)
    return counts


def _open(partial: Path, log: Path, config: BuildConfig, sums: dict[str, str]) -> None:
    """Make the scratch folder ready, keeping what an earlier run with the same config and dictionaries finished."""
    settings = config.model_dump_json(exclude={"workers", "executor"}) + json.dumps(sums)
    record = partial / "work" / "config.json"
    if not record.is_file() or record.read_text(encoding="utf-8") != settings:
        for old in (partial, log):
            shutil.rmtree(old, ignore_errors=True)
        record.parent.mkdir(parents=True)
        record.write_text(settings, encoding="utf-8")
