"""Clean text as a suite: every edit of it is wrong, so it measures over-correction."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator
from unspin.evaluation.suites.articles import read_articles
from unspin.evaluation.suites.base import Row, SuiteDefinition, interleave_sources
from unspin.evaluation.suites.data import load_rows
from unspin.segment import split_sentences
from unspin.storage import DataSetPath


class CleanSuite(SuiteDefinition):
    """Text that needs no restoring, sentence by sentence: a folder of articles, a data set's originals, or both."""

    kind: Literal["clean"]
    articles: Path | None = Field(None, description="folder of .txt articles")
    data: DataSetPath | None = Field(None, description="folder or address written by `unspin build`")
    build: Path | None = Field(None, description="config that builds the data set if it is missing")
    split: Literal["validation", "test"] = "test"

    @model_validator(mode="after")
    def _has_texts(self) -> CleanSuite:
        if not self.articles and not self.data:
            raise ValueError(f"suite {self.name!r} names no texts: give `articles` or `data`")
        return self

    def rows(self) -> Iterator[Row]:
        yield from interleave_sources(Row(article, text, (text,)) for article, text in self._texts())

    def _texts(self) -> Iterator[tuple[str, str]]:
        """(article, text): sentences of the folder first, then originals of the data set."""
        if self.articles:
            for name, article in read_articles(self.articles):
                yield from ((name, sentence) for sentence in split_sentences(article))
        if self.data:
            for row in load_rows(self.data, self.build, self.split):
                yield row["article_id"], row["original"]
