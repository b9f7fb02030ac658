"""Shows on the terminal what a build would spin: substitutes in red and struck out, the original words in green.

Without colours, they are marked as in the word diffs of git: ``[-warfare-]{+war+}``.

Reads all sources into memory, to draw articles at random. Writes nothing but the cache of downloads.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, zip_longest
from typing import TYPE_CHECKING, Any

from unspin.data.corpora import Article, CorpusError
from unspin.data.pair_files import Pair
from unspin.data.pairs import pair_rows, split_pair, usable_pairs
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
    is_plain = not console.is_terminal or console.no_color
    for row in islice(_rows(config, cache), count):
        console.print(_shown(row, is_plain))


def _rows(config: BuildConfig, cache: Path) -> Iterator[dict[str, Any]]:
    """The first spun row of each pair and of each article, pairs and articles in turn, articles in random order."""
    for turn in zip_longest(_pair_rows(config), _article_rows(config, cache)):
        yield from filter(None, turn)


def _article_rows(config: BuildConfig, cache: Path) -> Iterator[dict[str, Any]]:
    mixture = Mixture(config.spinners, config.held_out_headwords, config.dictionary_files(cache))
    for article in sorted(_articles(config, cache), key=lambda it: hash_uniform(config.seed, "preview", it.id)):
        pieces = list(clean_sentences(article.text, config.recipe))
        spun = (row for row in article_rows(article.id, pieces, "test", config.recipe, mixture) if row["edits"])
        yield from islice(spun, 1)


def _pair_rows(config: BuildConfig) -> Iterator[dict[str, Any]]:
    for source in config.pairs:
        for pair in usable_pairs(source, config.recipe):
            if isinstance(pair, Pair):
                rows = pair_rows(split_pair(pair), source.name, config.holdout_share, config.recipe)
                yield from islice((row for row in rows if row["edits"]), 1)
            elif pair.kind != "length":
                raise pair


def _articles(config: BuildConfig, cache: Path) -> Iterator[Article]:
    for source in config.sources:
        for article in source.articles(cache, 0, 1):
            if isinstance(article, CorpusError):
                raise article
            if hash_uniform("share", article.id) < source.share * config.sample:
                yield article


def _shown(row: dict[str, Any], is_plain: bool) -> Text:
    from rich.text import Text

    text, position = Text(f"{row['article_id']} ", "dim"), 0
    for edit in row["edits"]:
        text.append(row["spun"][position : edit["start"]], "default not dim")
        spun = row["spun"][edit["start"] : edit["end"]]
        if is_plain:
            text.append(f"[-{spun}-]{{+{edit['replacement']}+}}")
        else:
            text.append(spun, "red strike not dim").append(" ")
            text.append(edit["replacement"], "bold green not dim")
        text.append(f" [{edit['spinner']}]", "default not dim")
        position = edit["end"]
    return text.append(row["spun"][position:], "default not dim")
