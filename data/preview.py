"""Shows on the terminal what a build would spin: substitutes in red and struck out, the original words in green.

Reads all sources into memory, to draw articles at random. Writes nothing but the cache of downloads.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from unspin.data.corpora import Article, CorpusError
from unspin.data.rows import article_rows, clean_sentences
from unspin.data.spinners.mixture import Mixture
from unspin.hashing import hash_uniform

if TYPE_CHECKING:
    from pathlib import Path

    from rich.text import Text
    from unspin.data.config import BuildConfig


def show_pairs(config: BuildConfig, count: int, cache: Path) -> None:
    """Print `count` spun rows, each from a different article. Raises `CorpusError` if a source cannot be read."""
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False)
    for row in islice(_rows(config, cache), count):
        console.print(_coloured(row))


def _rows(config: BuildConfig, cache: Path) -> Iterator[dict[str, Any]]:
    """The first spun row of each article, articles in random order."""
    mixture = Mixture(config.spinners, config.held_out_headwords, config.dictionary_files(cache))
    for article in sorted(_articles(config, cache), key=lambda it: hash_uniform(config.seed, "preview", it.id)):
        pieces = list(clean_sentences(article.text, config.recipe))
        spun = (row for row in article_rows(article.id, pieces, "test", config.recipe, mixture) if row["edits"])
        yield from islice(spun, 1)


def _articles(config: BuildConfig, cache: Path) -> Iterator[Article]:
    for source in config.sources:
        for article in source.articles(cache, 0, 1):
            if isinstance(article, CorpusError):
                raise article
            if hash_uniform("share", article.id) < source.share * config.sample:
                yield article


def _coloured(row: dict[str, Any]) -> Text:
    from rich.text import Text

    text, position = Text(f"{row['article_id']} ", "dim"), 0
    for edit in row["edits"]:
        text.append(row["spun"][position : edit["start"]], "default not dim")
        text.append(row["spun"][edit["start"] : edit["end"]], "red strike not dim").append(" ")
        text.append(edit["replacement"], "bold green not dim").append(f" [{edit['spinner']}]")
        position = edit["end"]
    return text.append(row["spun"][position:], "default not dim")
