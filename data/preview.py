"""Pairs on the terminal, before any are built: what spinning put there in red and struck out, what stood there before in green."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from unspin.data.corpora import Article, CorpusError
from unspin.data.rows import article_rows, clean_sentences
from unspin.data.spinners.mixture import Mixture
from unspin.data.spinners.persona import draw

if TYPE_CHECKING:
    from pathlib import Path

    from unspin.data.build import BuildConfig


def show(config: BuildConfig, count: int, cache: Path) -> None:
    """Print so many rows, one an article, and write nothing. Raises `CorpusError` if a source cannot be read."""
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False)
    for row in islice(_rows(config, cache), count):
        console.print(_marked(row))


def _rows(config: BuildConfig, cache: Path) -> Iterator[dict[str, Any]]:
    mixture = Mixture(config.engines, config.held_out_heads, config.dictionary_files(cache))
    for article in sorted(_articles(config, cache), key=lambda it: draw(config.seed, "preview", it.id)):
        pieces = list(clean_sentences(article.text, config.recipe))
        spun = (row for row in article_rows(article.id, pieces, "test", config.recipe, mixture) if row["edits"])
        yield from islice(spun, 1)


def _articles(config: BuildConfig, cache: Path) -> Iterator[Article]:
    for source in config.sources:
        for found in source.articles(cache, 0, 1):
            if isinstance(found, CorpusError):
                raise found
            if draw("share", found.id) < source.share * config.sample:
                yield found


def _marked(row: dict[str, Any]) -> Any:
    from rich.text import Text

    text, position = Text(f"{row['article_id']} ", "dim"), 0
    for edit in row["edits"]:
        text.append(row["spun"][position : edit["start"]], "default not dim")
        text.append(row["spun"][edit["start"] : edit["end"]], "red strike not dim").append(" ")
        text.append(edit["replacement"], "bold green not dim").append(f" [{edit['engine']}]")
        position = edit["end"]
    return text.append(row["spun"][position:], "default not dim")
