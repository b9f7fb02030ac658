"""Spun rows of a data set as a suite. A missing data set is built first, which takes minutes to hours."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from unspin.config import load_config
from unspin.edits import Edit
from unspin.evaluation.suites.base import Row, SuiteDefinition, interleave_sources

logger = logging.getLogger(__name__)


class DataSuite(SuiteDefinition):
    """Spun rows of a data set, which is built first if it is missing."""

    kind: Literal["data"]
    data: Path = Field(description="folder written by `unspin build`")
    build: Path | None = Field(None, description="config that builds the data set if it is missing")
    split: Literal["validation", "test"] = "test"

    def rows(self) -> Iterator[Row]:
        rows = load_rows(self.data, self.build, self.split)
        yield from interleave_sources(_spun_row(row) for row in rows if row["edits"])


def load_rows(data: Path, build_config: Path | None, split: str) -> list[dict[str, Any]]:
    """All rows of a split. If the folder is missing and a build config is given, the data set is built first.

    Raises `DataError` or `ChecksumError` if the data set is incomplete or damaged.
    """
    from unspin.data.load import load_split

    if not data.is_dir() and build_config:
        _build(data, build_config)
    return load_split(data, split).to_list()


def _build(data: Path, build_config: Path) -> None:
    from unspin.data.build import build
    from unspin.data.config import BuildConfig

    override = f"output={data}"
    logger.info("%s is missing: building it from %s", data, build_config)
    build(load_config(build_config, BuildConfig, [override]), f"unspin build {build_config} {override}")


def _spun_row(row: dict[str, Any]) -> Row:
    edits = tuple(Edit(e["start"], e["end"], e["replacement"], e["spinner"], e["rule"]) for e in row["edits"])
    return Row(row["article_id"], row["spun"], (row["original"],), edits, strength=row["strength"])
