"""Builds a data set of spun/original pairs: read, remove near-duplicates, split, spin, write.

The same config gives the same bytes, whatever the number of workers and however often a build was killed and
restarted; finished tasks are not redone. Articles are split before spinning. The output folder appears complete, by
one rename, or not at all. Costs: every article is read from disk five times; memory holds batches of one task, its
MinHash signatures (136 bytes an article, so more `tasks` need less) and, in one process, 140 bytes for each article
that has a near-duplicate.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from unspin.checksums import CHECKSUMS, write_checksums
from unspin.data.card import write_card
from unspin.data.config import BuildConfig
from unspin.data.corpora import CorpusError
from unspin.data.origin import ORIGIN, Origin, differences, origin_of, read_origin, write_origin
from unspin.data.rows import SCHEMA, SPLITS
from unspin.data.spinners.mixture import Mixture
from unspin.errors import UnspinError
from unspin.executors import Call, Slurm, Stage, run
from unspin.hub import Repository
from unspin.locking import sole_writer
from unspin.storage import cache_folder, is_url, storage_errors, upload_folder

CACHE = cache_folder() / "packages"  # downloaded packages and dictionaries
OUTGOING = CACHE.with_name("outgoing")  # unfinished data sets whose output is an object store
logger = logging.getLogger(__name__)
PAIR_FILES = "pairs-"  # the beginning of the names of files with rows from pairs
PRELOAD = ("unspin.data.blocks", "unspin.data.spinners.tables")  # modules that every worker needs


class OtherDataError(UnspinError):
    """The output holds another data set, or something that is none; nothing was changed. `what` is found there."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: remove it, or set output=… to another folder")
        self.what = what


def stages(config: BuildConfig, work: Path, target: Path, cache: Path) -> list[Stage]:
    """The pipeline for any of datatrove's executors: scratch files under `work`, rows under `target`."""
    from unspin.data.blocks import AlignPairs, IndexHeldOut, MergeHeldOut, PairRows, ReadPairs, ReadSources, Spin

    recipe, skip, tasks = config.recipe, config.on_error == "skip", config.tasks
    names = ("articles", "pairs", "held-out", "skipped")
    articles, pairs, held_out, skipped = (str((work / name).absolute()) for name in names)
    pair_rows = PairRows(pairs, recipe, config.holdout_share)
    read_pairs = ReadPairs(list(config.pairs), recipe, tasks, skip, skipped)
    read = ReadSources(list(config.sources), cache, config.sample, config.holdout_share, skip, skipped)
    spin = Spin(recipe, config.held_out_headwords, config.dictionary_files(cache), held_out)
    made: list[Stage] = []
    if config.pairs:  # first, because they are the user's own and may be faulty
        made.append(Stage("checking pairs", [read_pairs, _writer(pairs, "${shard}/${rank}.parquet")], 1))
    if config.sources:
        made.append(Stage("reading", [read, _article_writer(articles)], tasks))
        made += _deduplication(work, tasks)
    unique = _unique_articles(work) if config.sources else []
    made.append(Stage("indexing", [*unique, IndexHeldOut(held_out, recipe, pair_rows)], tasks))
    made.append(Stage("merging", [MergeHeldOut(held_out)], 1))
    if config.sources:
        made.append(Stage("spinning", [*unique, spin, _row_writer(target, "")], tasks))
    if config.pairs:
        made.append(Stage("aligning", [AlignPairs(pair_rows, held_out), _row_writer(target, PAIR_FILES)], tasks))
    return made


def _deduplication(work: Path, tasks: int) -> list[Stage]:
    """MinHash near-duplicate detection by datatrove: marks the articles to remove, without removing them."""
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.utils.hashing import HashConfig
    from unspin.data.blocks import EnglishWords, Quiet, ReadShard

    minhash = MinhashConfig(hash_config=HashConfig(hash_fc="sha1"))  # datatrove's xxhash fails with xxhash 4
    articles, signatures, duplicates, remove = (
        str((work / name).absolute()) for name in ("articles", "signatures", "duplicates", "remove")
    )
    sign = MinhashDedupSignature(signatures, minhash, EnglishWords())
    return [
        Stage("hashing", [ReadShard(articles), sign], tasks),
        Stage("comparing", [MinhashDedupBuckets(signatures, duplicates, config=minhash)], minhash.num_buckets),
        Stage("grouping", [Quiet(MinhashDedupCluster(duplicates, remove, minhash))], 1),
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


def _article_writer(folder: str) -> Any:
    # A task writes to every shard at the same time and holds a batch for each.
    return _writer(folder, "${shard}/${rank}.parquet", batch_size=100)


def _row_writer(target: Path, prefix: str) -> Any:
    from unspin.data.blocks import row_of

    name = f"${{split}}/{prefix}${{rank}}.parquet"
    return _writer(str(target.absolute()), name, adapter=row_of, schema=SCHEMA)


def build(config: BuildConfig, command: str, cache: Path = CACHE) -> Counter[str]:
    """Build the data set and its card, which shows `command`.

    Returns the number of rows of each split, and under "skipped" the number of lines and files that could not be
    read. Under Slurm the counter is empty, because the jobs are only submitted. After a kill, the same config continues
    from the finished tasks. A finished data set of the same inputs is left as it is.

    Raises `OtherDataError` if the output holds something else, `CorpusError` if a source cannot be read or there are no
    articles, `SpinnerError` if a spinner cannot be loaded, `HubError` if the output is a repository that cannot be
    written, and OSError. A failure leaves no output folder.
    """
    dictionaries = config.dictionary_files(cache)
    origin = origin_of(config, dictionaries)
    check_upload(config)
    if output_exists(config):
        check_output(config, origin)
        shutil.rmtree(_scratch_to_remove(_partial_folder(config)), ignore_errors=True)  # left if a build was killed
        logger.info("%s holds this data set already: nothing to do", config.output)
        return _count_rows(config.output)
    # Whatever can fail does so now, not after hours of reading.
    Mixture(config.spinners, config.held_out_headwords, dictionaries)
    with sole_writer(_partial_folder(config)):
        return _build(config, origin, command, cache)


def output_exists(config: BuildConfig) -> bool:
    """Whether the output exists; in an object store, whether its checksums do, which are uploaded last.

    A repository of the hub exists if it holds anything but a README.
    """
    if repository := Repository.at(config.output):
        return bool(repository.files())
    with storage_errors(config.output):
        if is_url(config.output):
            return (config.output / CHECKSUMS).exists()
        return config.output.exists() or config.output.is_symlink()  # also a link that leads nowhere


def check_upload(config: BuildConfig) -> None:
    """Raise `HubError` if the output is a repository of the hub that could not be written."""
    if repository := Repository.at(config.output):
        repository.check_upload()


def check_output(config: BuildConfig, origin: Origin) -> None:
    """Raise `OtherDataError` unless the output holds the data set that is to be built."""
    found = read_origin(config.output)
    if found is None:
        raise OtherDataError(f"{config.output} exists and has no {ORIGIN} that says what it was built from")
    if others := differences(found, origin):
        raise OtherDataError(f"{config.output} exists and was built from other inputs ({', '.join(others)})")


def _partial_folder(config: BuildConfig) -> Path:
    """The unfinished data set: beside the output, or in the user's cache if the output is an object store."""
    if is_url(config.output):
        return OUTGOING / f"{hashlib.sha256(str(config.output).encode()).hexdigest()[:16]}.partial"
    return config.output.with_name(config.output.name + ".partial")


def _build(config: BuildConfig, origin: Origin, command: str, cache: Path) -> Counter[str]:
    partial = _partial_folder(config)
    work = partial / "work"
    submitting = isinstance(config.executor, Slurm)
    log = partial.with_suffix(".log") if submitting else work / "log"
    _prepare(partial, log, origin)
    pipeline = stages(config, work, partial, cache)
    if submitting:  # the jobs outlive this command, so the last of them finishes the data set
        finish = Call(functools.partial(_finish, config, command))
        pipeline.append(Stage("finishing", [finish], 1, ignore_completions=True))
    run(pipeline, log, config.workers, config.executor, PRELOAD)
    return Counter() if submitting else _finish(config, command)


def _prepare(partial: Path, log: Path, origin: Origin) -> None:
    """Create the unfinished data set, or keep that of an earlier run with the same inputs."""
    if partial.exists() and not partial.is_dir():
        raise OtherDataError(f"{partial}, where the unfinished data set would be, is a file")
    if partial.exists():
        found = read_origin(partial)
        others = ["a damaged record"] if found is None else differences(found, origin)
        if not others:
            logger.info("continuing the build in %s", partial)
            return
        logger.info("starting over: the build in %s had other inputs (%s)", partial, ", ".join(others))
    for old in (partial, log, _scratch_to_remove(partial)):
        shutil.rmtree(old, ignore_errors=True)
    (partial / "work").mkdir(parents=True)
    write_origin(partial, origin)


def _count_rows(folder: Path) -> Counter[str]:
    """The number of rows of each split. Costs reading the end of each file."""
    counts = Counter(dict.fromkeys(SPLITS, 0))
    with storage_errors(folder):
        for split in SPLITS:
            for file in folder.glob(f"{split}/*.parquet"):
                with file.open("rb") as opened:
                    counts[split] += pq.read_metadata(opened).num_rows
    return counts


def no_rows(config: BuildConfig) -> str:
    """The message for a build without any row."""
    nouns = " and no ".join([*(["article"] if config.sources else []), *(["pair"] if config.pairs else [])])
    what = f"no {nouns} in any of the sources: {', '.join(s.name for s in (*config.sources, *config.pairs))}"
    return f"{what}; sample={config.sample} may have left none" if config.sample < 1 else what


def _finish(config: BuildConfig, command: str) -> Counter[str]:
    """Count the rows, write card and checksums, and move the folder to its place."""
    partial = _partial_folder(config)
    work = partial / "work"
    counts = _count_rows(partial)
    skipped = [
        line for file in sorted(work.glob("skipped/*.txt")) for line in file.read_text(encoding="utf-8").splitlines()
    ]
    if not counts.total():
        shutil.rmtree(partial)
        raise CorpusError(
            f"{no_rows(config)}; skipped {len(skipped)}, the first: {skipped[0]}" if skipped else no_rows(config)
        )
    counts["skipped"] = len(skipped)
    for split in ("validation", "test"):
        if config.pairs and not any(partial.glob(f"{split}/{PAIR_FILES}*")):
            what = "no pair is in the %s split, so no model can be scored on them: raise holdout_share=%g"
            logger.warning(what, split, config.holdout_share)
    write_card(partial, config, command, skipped)
    write_checksums(partial, (file for split in SPLITS for file in partial.glob(f"{split}/*.parquet")))
    if is_url(config.output):
        upload_folder(partial, config.output, exclude=work)
        shutil.rmtree(partial)
    else:
        # One rename takes the scratch folder away, so that a kill leaves it whole or absent, never half removed.
        scratch = _scratch_to_remove(partial)
        shutil.rmtree(scratch, ignore_errors=True)
        work.rename(scratch)
        partial.rename(config.output)
        shutil.rmtree(scratch)
    return counts


def _scratch_to_remove(partial: Path) -> Path:
    return partial.with_suffix(".scratch")
