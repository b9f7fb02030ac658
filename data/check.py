"""What a build will make, before it makes it: articles, rows, disk and time, and what speaks against it. Nothing is written."""

from __future__ import annotations

import heapq
import io
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from unspin.data.build import BuildConfig, output_is_there
from unspin.data.corpora import Article, CorpusError
from unspin.data.errors import UnspinError
from unspin.data.rows import SCHEMA, article_rows, clean_sentences, split_of
from unspin.data.segment import words
from unspin.data.spinners.mixture import Mixture
from unspin.data.spinners.persona import draw
from unspin.data.stores import is_address

SPUN = 40  # articles that are spun to see how long it takes and how many rows come of it
TOLD = 5  # things that cannot be read, by name; the rest are counted
AN_ARTICLE = 2500  # bytes of its signatures and its place among them, while near-duplicates are looked for
GB = 1e9


class CheckError(UnspinError):
    """A build that would fail; the message lists all that speaks against it."""


@dataclass(frozen=True)
class Plan:
    """What a build will make, near-duplicates not yet removed. Sizes are bytes, times seconds."""

    articles: dict[str, int]
    words: int
    rows: int
    size: float
    work: float
    free: float | None
    seconds: float
    unreadable: int


def check(config: BuildConfig, cache: Path) -> Plan:
    """Read all sources, spin some articles, and reckon from them. Raises `CheckError` with everything that was found against the build."""
    against: list[str] = []
    if output_is_there(config):
        against.append(f"{config.output} exists: remove it, or set output=… to another folder")
    try:
        mixture = Mixture(config.engines, config.held_out_heads, config.dictionary_files(cache))
    except UnspinError as error:
        raise CheckError("; ".join([*against, str(error)])) from None
    against += [f"pairs: {pairs.path} is missing" for pairs in config.pairs if not is_address(pairs.path) and not pairs.path.exists()]
    began = time.perf_counter()
    articles, total, size, sample, unreadable = _read(config, cache, against)
    reading = time.perf_counter() - began
    if unreadable and config.on_error == "stop":
        more = f" (and {len(unreadable) - TOLD} more)" if len(unreadable) > TOLD else ""
        against.append("; ".join(unreadable[:TOLD]) + more)
    if not sum(articles.values()) and not config.pairs:
        against.append("no article in any of the sources")
    if against:
        raise CheckError("; ".join(against))

    began = time.perf_counter()
    rows = [row for article in sample for row in _rows(article, config, mixture)]
    spinning = time.perf_counter() - began
    times = total / max(sum(len(words(article.text)) for article in sample), 1)
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), buffer)
    room = None if is_address(config.output) else shutil.disk_usage(nearest_folder(config.output)).free
    made, work = buffer.tell() * times, size + AN_ARTICLE * sum(articles.values())
    if room is not None and made + work > room:
        raise CheckError(f"the build takes about {(made + work) / GB:.2g} GB and {room / GB:.2g} are free at {config.output}: give another output")
    return Plan(
        articles=articles,
        words=total,
        rows=round(len(rows) * times),
        size=made,
        work=work,
        free=room,
        seconds=(reading + spinning * times) / config.workers,
        unreadable=len(unreadable),
    )


def _read(config: BuildConfig, cache: Path, against: list[str]) -> tuple[dict[str, int], int, int, list[Article], list[str]]:
    """(articles of each source that are used, their words, their bytes, some of them drawn by chance, what cannot be read)."""
    counts: dict[str, int] = {}
    total = size = 0
    drawn: list[tuple[float, str, Article]] = []
    unreadable: list[str] = []
    for source in config.sources:
        counts[source.name] = 0
        try:
            for found in source.articles(cache, 0, 1):
                if isinstance(found, CorpusError):
                    unreadable.append(str(found))
                elif found.text.strip() and draw("share", found.id) < source.share * config.sample:
                    counts[source.name] += 1
                    total, size = total + len(words(found.text)), size + len(found.text)
                    entry = (-draw(config.seed, "check", found.id), found.id, found)
                    heapq.heappushpop(drawn, entry) if len(drawn) == SPUN else heapq.heappush(drawn, entry)
        except CorpusError as error:  # a whole source; it ends a build that would skip single lines
            against.append(str(error))
    return counts, total, size, [article for _, _, article in drawn], unreadable


def _rows(article: Article, config: BuildConfig, mixture: Mixture) -> Iterator[dict[str, object]]:
    pieces = list(clean_sentences(article.text, config.recipe))
    return article_rows(article.id, pieces, split_of(article.id, config.held_back), config.recipe, mixture)


def nearest_folder(folder: Path) -> Path:
    """The nearest folder above that exists."""
    return next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.is_dir())


def lines(config: BuildConfig, plan: Plan) -> Iterator[tuple[str, str]]:
    """The plan as (what, in words)."""
    sources = ", ".join(f"{count:,} {name}" for name, count in plan.articles.items())
    yield "articles", f"{sum(plan.articles.values()):,} of {plan.words:,} words ({sources})"
    if plan.unreadable:
        yield "skipped", f"{plan.unreadable:,} lines or files that cannot be read"
    yield "rows", f"about {plan.rows:,}, before near-duplicates are left out"
    if config.pairs:
        yield "pairs", f"those of {', '.join(pairs.name for pairs in config.pairs)}, not counted here"
    free = "" if plan.free is None else f" ({plan.free / GB:,.0f} GB are free)"
    yield "disk", f"about {plan.size / GB:.2g} GB, and {plan.work / GB:.2g} while it is made{free}"
    yield "time", f"about {duration(plan.seconds)} with workers={config.workers}"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    minutes = round(seconds / 60)
    return f"{seconds:.0f} seconds" if seconds < 90 else f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours {minutes % 60} minutes"
