"""Builds a data set of spun/original pairs: read, remove near-duplicates, split, spin, write.

The same config gives the same bytes, whatever the number of workers and however often a build was killed and
restarted; finished tasks are not redone. Articles are split before spinning. The output folder appears complete, by
one rename, or not at all. Costs: every article is read from disk four times; memory holds one task's batch and the
hashes of the held-out articles.
"""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from unspin.checksums import CHECKSUMS, sha256_of, write_checksums
from unspin.data.card import write_card
from unspin.data.config import BuildConfig
from unspin.data.corpora import CorpusError
from unspin.data.rows import SCHEMA, SPLITS
from unspin.data.spinners.mixture import Mixture
from unspin.executors import Call, Slurm, Stage, run
from unspin.locking import sole_writer
from unspin.storage import cache_folder, is_url, storage_errors, upload_folder

CACHE = cache_folder() / "packages"  # downloaded packages and dictionaries
OUTGOING = CACHE.with_name("outgoing")  # unfinished data sets whose output is an object store
PRELOAD = ("unspin.data.blocks", "unspin.data.spinners.tables")  # modules that every worker needs


def stages(config: BuildConfig, work: Path, target: Path, cache: Path) -> list[Stage]:
    """The pipeline for any of datatrove's executors: scratch files under `work`, rows under `target`."""
    from unspin.data.blocks import AlignPairs, IndexHeldOut, Pairs, ReadSources, Spin

    recipe, skip = config.recipe, config.on_error == "skip"
    articles, held_out, skipped = (str((work / name).absolute()) for name in ("articles", "held-out", "skipped"))
    read = ReadSources(list(config.sources), cache, config.sample, config.holdout_share, skip, skipped)
    pairs = Pairs(list(config.pairs), recipe, config.holdout_share, skip)
    spin = Spin(recipe, config.held_out_headwords, config.dictionary_files(cache), held_out)
    unique = _unique_articles(work)
    return [
        Stage("reading", [read, _writer(articles, "${shard}/${rank}.parquet")], config.tasks),
        *_deduplication(work, config.tasks),
        Stage("indexing", [*unique, IndexHeldOut(held_out, recipe, pairs)], config.tasks),
        Stage("spinning", [*unique, spin, _row_writer(target, "")], config.tasks),
        Stage(
            "aligning",
            [AlignPairs(pairs, held_out, skipped), _row_writer(target, "pairs-")],
            config.tasks if config.pairs else 0,
        ),
    ]


def _deduplication(work: Path, tasks: int) -> list[Stage]:
    """MinHash near-duplicate detection by datatrove: marks the articles to remove, without removing them."""
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.utils.hashing import HashConfig
    from unspin.data.blocks import EnglishWords, ReadShard

    minhash = MinhashConfig(hash_config=HashConfig(hash_fc="sha1"))  # datatrove's xxhash fails with xxhash 4
    articles, signatures, duplicates, remove = (
        str((work / name).absolute()) for name in ("articles", "signatures", "duplicates", "remove")
    )
    sign = MinhashDedupSignature(signatures, minhash, EnglishWords())
    return [
        Stage("hashing", [ReadShard(articles), sign], tasks),
        Stage("comparing", [MinhashDedupBuckets(signatures, duplicates, config=minhash)], minhash.num_buckets),
        Stage("grouping", [MinhashDedupCluster(duplicates, remove, minhash)], 1),
    ]


def _unique_articles(work: Path) -> list[Any]:
    """Blocks that read the articles of a shard without near-duplicates."""
    from datatrove.pipeline.dedup import MinhashDedupFilter
    from unspin.data.blocks import ReadShard

    return [
        ReadShard(str((work / "articles").absolute())),
        MinhashDedupFilter(str((work / "remove").absolute())),
    ]


def _writer(folder: str, name: str, **options: Any) -> Any:
    from datatrove.pipeline.writers import ParquetWriter

    return ParquetWriter(folder, name, max_file_size=-1, **options)


def _row_writer(target: Path, prefix: str) -> Any:
    from unspin.data.blocks import row_of

    name = f"${{split}}/{prefix}${{rank}}.parquet"
    return _writer(str(target.absolute()), name, adapter=row_of, schema=SCHEMA)


def build(config: BuildConfig, command: str, cache: Path = CACHE) -> Counter[str]:
    """Build the data set and its card, which shows `command`.

    Returns the number of rows of each split, and under "skipped" the number of lines and files that could not be
    read. Under Slurm the counter is empty, because the jobs are only submitted. After a kill, the same config continues
    from the finished tasks.

    Raises FileExistsError if the output exists, `CorpusError` if a source cannot be read or there are no articles,
    `SpinnerError` if a spinner cannot be loaded, and OSError. A failure leaves no output folder.
    """
    if output_exists(config):
        raise FileExistsError(f"{config.output} exists: remove it, or set output=… to another folder")
    with sole_writer(_partial_folder(config)):
        return _build(config, command, cache)


def output_exists(config: BuildConfig) -> bool:
    """Whether the output exists; in an object store, whether its checksums do, which are uploaded last."""
    with storage_errors(config.output):
        return (config.output / CHECKSUMS if is_url(config.output) else config.output).exists()


def _partial_folder(config: BuildConfig) -> Path:
    """The unfinished data set: beside the output, or in the user's cache if the output is an object store."""
    if is_url(config.output):
        return OUTGOING / f"{hashlib.sha256(str(config.output).encode()).hexdigest()[:16]}.partial"
    return config.output.with_name(config.output.name + ".partial")


def _build(config: BuildConfig, command: str, cache: Path) -> Counter[str]:
    dictionaries = config.dictionary_files(cache)
    Mixture(config.spinners, config.held_out_headwords, dictionaries)  # fails before hours of reading, not after
    partial = _partial_folder(config)
    work = partial / "work"
    submitting = isinstance(config.executor, Slurm)
    log = partial.with_suffix(".log") if submitting else work / "log"
    _prepare(partial, log, config, {name: sha256_of(file) for name, file in dictionaries.items()})
    pipeline = [stage for stage in stages(config, work, partial, cache) if stage.tasks]
    if submitting:  # the jobs outlive this command, so the last of them finishes the data set
        finish = Call(functools.partial(_finish, config, command))
        pipeline.append(Stage("finishing", [finish], 1, ignore_completions=True))
    run(pipeline, log, config.workers, config.executor, PRELOAD)
    return Counter() if submitting else _finish(config, command)


def _prepare(partial: Path, log: Path, config: BuildConfig, checksums: dict[str, str]) -> None:
    """Create the scratch folder, or keep that of an earlier run with the same config and dictionary checksums."""
    settings = config.model_dump_json(exclude={"workers", "executor"}) + json.dumps(checksums)
    record = partial / "work" / "config.json"
    if not record.is_file() or record.read_text(encoding="utf-8") != settings:
        for old in (partial, log):
            shutil.rmtree(old, ignore_errors=True)
        record.parent.mkdir(parents=True)
        record.write_text(settings, encoding="utf-8")


def _finish(config: BuildConfig, command: str) -> Counter[str]:
    """Count the rows, write card and checksums, and move the folder to its place."""
    partial = _partial_folder(config)
    work = partial / "work"
    counts = Counter(
        {split: sum(pq.read_metadata(file).num_rows for file in partial.glob(f"{split}/*.parquet")) for split in SPLITS}
    )
    if not counts.total():
        shutil.rmtree(partial)
        what = f"no article in any of the sources: {', '.join(s.name for s in (*config.sources, *config.pairs))}"
        raise CorpusError(f"{what}; sample={config.sample} may have left none" if config.sample < 1 else what)
    skipped = [
        line for file in sorted(work.glob("skipped/*.txt")) for line in file.read_text(encoding="utf-8").splitlines()
    ]
    counts["skipped"] = len(skipped)
    write_card(partial, config, command, skipped)
    write_checksums(partial, (file for split in SPLITS for file in partial.glob(f"{split}/*.parquet")))
    if is_url(config.output):
        upload_folder(partial, config.output, exclude=work)
        shutil.rmtree(partial)
    else:
        shutil.rmtree(work)
        partial.rename(config.output)
    return counts
