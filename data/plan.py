"""Estimates what a build will produce and cost, and finds what would make it fail.

Writes nothing but the cache of downloads. Costs reading every source once and spinning a sample of 40 articles.
Near-duplicates are not removed, so the number of rows is an upper estimate.
"""

from __future__ import annotations

import heapq
import io
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from unspin.data.build import OtherDataError, check_output, check_upload, no_rows, output_exists
from unspin.data.config import BuildConfig
from unspin.data.corpora import Article, CorpusError
from unspin.data.origin import origin_of
from unspin.data.pair_files import PairError
from unspin.data.pairs import usable_pairs
from unspin.data.rows import SCHEMA, article_rows, clean_sentences, split_of
from unspin.data.spinners.mixture import Mixture
from unspin.errors import UnspinError
from unspin.hashing import hash_uniform
from unspin.segment import words
from unspin.storage import is_url

SAMPLED_ARTICLES = 40  # spun to measure rows and time per word
LISTED_ERRORS = 5  # unreadable lines and files that a message names; the rest are counted
DEDUPLICATION_BYTES = 2500  # scratch space per article for MinHash signatures and their index
GB = 1e9


class PlanError(UnspinError):
    """A build would fail; the message lists every reason found."""


@dataclass(frozen=True)
class BuildPlan:
    """What a build will produce, before near-duplicates are removed.

    `articles` counts the articles used from each source, `words` their words. `pairs` counts the pairs of each source;
    `rows`, `row_bytes` and `seconds` are without them. `free_bytes` is the space left on the output's disk, None for an
    object store. `unreadable` counts lines and files.
    """

    articles: dict[str, int]
    pairs: dict[str, int]
    words: int
    rows: int
    row_bytes: float
    scratch_bytes: float
    free_bytes: float | None
    seconds: float
    unreadable: int


@dataclass
class _Survey:
    """What one pass over the sources finds. `unreadable` (lines, files) and `failed` (sources) are error messages."""

    articles: dict[str, int] = field(default_factory=dict)
    pairs: dict[str, int] = field(default_factory=dict)
    words: int = 0
    characters: int = 0
    sample: list[Article] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    dropped: int = 0  # pairs whose sentences are all too short or too long
    seconds: float = 0.0


def plan_build(config: BuildConfig, cache: Path) -> BuildPlan:
    """Read all sources, spin a sample of the articles and extrapolate.

    Raises `PlanError` if the output exists, a spinner cannot be loaded, a source cannot be read, there is no article,
    or the disk is too small.
    """
    problems: list[str] = []
    try:
        dictionaries = config.dictionary_files(cache)
        mixture = Mixture(config.spinners, config.held_out_headwords, dictionaries)
        check_upload(config)
        if output_exists(config):
            check_output(config, origin_of(config, dictionaries))
    except OtherDataError as error:
        problems.append(str(error))
    except UnspinError as error:
        raise PlanError(str(error)) from None
    survey = _survey(config, cache)
    problems += [*survey.failed, *_reading_problems(survey, config)]
    if problems:
        raise PlanError("; ".join(problems))
    plan = _extrapolate(survey, config, mixture)
    needed = plan.row_bytes + plan.scratch_bytes
    if plan.free_bytes is not None and needed > plan.free_bytes:
        what = f"the build needs about {needed / GB:.2g} GB, and {plan.free_bytes / GB:.2g} GB"
        raise PlanError(f"{what} are free at {config.output}: give another output")
    return plan


def _reading_problems(survey: _Survey, config: BuildConfig) -> Iterator[str]:
    errors = survey.unreadable
    if errors and config.on_error == "stop":
        more = f" (and {len(errors) - LISTED_ERRORS} more)" if len(errors) > LISTED_ERRORS else ""
        yield f"{'; '.join(errors[:LISTED_ERRORS])}{more}; or set on_error=skip"
    if not sum(survey.articles.values()) + sum(survey.pairs.values()):
        yield no_rows(config)


def _survey(config: BuildConfig, cache: Path) -> _Survey:
    """Count the articles and pairs that the build uses, and draw a sample of the articles by their hashes."""
    started = time.perf_counter()
    survey = _Survey()
    drawn: list[tuple[float, str, Article]] = []
    for source in config.sources:
        survey.articles[source.name] = 0
        try:
            for article in source.articles(cache, 0, 1):
                if isinstance(article, CorpusError):
                    survey.unreadable.append(str(article))
                elif article.text.strip() and hash_uniform("share", article.id) < source.share * config.sample:
                    survey.articles[source.name] += 1
                    survey.words += len(words(article.text))
                    survey.characters += len(article.text)
                    heapq.heappush(drawn, (-hash_uniform(config.seed, "check", article.id), article.id, article))
                    if len(drawn) > SAMPLED_ARTICLES:
                        heapq.heappop(drawn)
        except CorpusError as error:  # the whole source, which on_error=skip does not skip
            survey.failed.append(str(error))
    _survey_pairs(config, survey)
    survey.sample = [article for _, _, article in drawn]
    survey.seconds = time.perf_counter() - started
    return survey


def _survey_pairs(config: BuildConfig, survey: _Survey) -> None:
    for source in config.pairs:
        survey.pairs[source.name] = 0
        try:
            for pair in usable_pairs(source, config.recipe):
                if isinstance(pair, PairError) and pair.kind == "length":
                    survey.dropped += 1
                elif isinstance(pair, PairError):
                    survey.unreadable.append(str(pair))
                else:
                    survey.pairs[source.name] += 1
        except CorpusError as error:
            survey.failed.append(str(error))


def _extrapolate(survey: _Survey, config: BuildConfig, mixture: Mixture) -> BuildPlan:
    """Spin the sample and scale rows, bytes and seconds by the number of words."""
    started = time.perf_counter()
    rows = [row for article in survey.sample for row in _rows(article, config, mixture)]
    spinning = time.perf_counter() - started
    factor = survey.words / max(sum(len(words(article.text)) for article in survey.sample), 1)
    return BuildPlan(
        articles=survey.articles,
        pairs=survey.pairs,
        words=survey.words,
        rows=round(len(rows) * factor),
        row_bytes=_parquet_bytes(rows) * factor,
        scratch_bytes=survey.characters + DEDUPLICATION_BYTES * sum(survey.articles.values()),
        free_bytes=None if is_url(config.output) else shutil.disk_usage(nearest_folder(config.output)).free,
        seconds=(survey.seconds + spinning * factor) / config.workers,
        unreadable=len(survey.unreadable) + survey.dropped,
    )


def _rows(article: Article, config: BuildConfig, mixture: Mixture) -> Iterator[dict[str, object]]:
    pieces = list(clean_sentences(article.text, config.recipe))
    return article_rows(article.id, pieces, split_of(article.id, config.holdout_share), config.recipe, mixture)


def _parquet_bytes(rows: Sequence[dict[str, object]]) -> int:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), buffer)
    return buffer.tell()


def nearest_folder(folder: Path) -> Path:
    """The folder itself if it exists, otherwise the nearest one above it that does."""
    return next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.is_dir())


def describe(config: BuildConfig, plan: BuildPlan) -> Iterator[tuple[str, str]]:
    """The plan as (label, text) lines to print."""
    if config.sources:
        counts = ", ".join(f"{count:,} {name}" for name, count in plan.articles.items())
        yield "articles", f"{sum(plan.articles.values()):,} with {plan.words:,} words ({counts})"
    if plan.unreadable:
        yield "skipped", f"{plan.unreadable:,} lines or files that cannot be used (the data card will list them)"
    if config.sources:
        yield "rows", f"about {plan.rows:,}, before near-duplicates are removed"
    if config.pairs:
        counts = ", ".join(f"{count:,} {name}" for name, count in plan.pairs.items())
        yield "pairs", f"{sum(plan.pairs.values()):,} ({counts}); their rows, disk space and time come on top"
    free = "" if plan.free_bytes is None else f" ({plan.free_bytes / GB:,.0f} GB are free)"
    rows, scratch = plan.row_bytes / GB, plan.scratch_bytes / GB
    yield "disk", f"about {rows:.2g} GB, and {scratch:.2g} GB of scratch files during the build{free}"
    yield "time", f"about {format_duration(plan.seconds)} with workers={config.workers}"


def format_duration(seconds: float) -> str:
    """A duration in words: seconds below 90 seconds, minutes below two hours, otherwise hours and minutes."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours {minutes % 60} minutes"
