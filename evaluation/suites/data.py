"""Spun rows of a data set as a suite.

With a build config, a missing data set is built first, which takes minutes to hours, and one that was built from other
inputs is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from unspin.config import load_config
from unspin.edits import Edit
from unspin.evaluation.suites.base import Row, SuiteDefinition, SuiteError, interleave_sources
from unspin.storage import DataSetPath

logger = logging.getLogger(__name__)


class DataSuite(SuiteDefinition):
    """Spun rows of a data set, which is built first if it is missing and refused if the build has changed."""

    kind: Literal["data"]
    data: DataSetPath = Field(description="folder or address written by `unspin build`")
    build: Path | None = Field(
        None,
        description="config that builds the data set if it is missing; one that was built from other inputs is refused",
    )
    split: Literal["validation", "test"] = "test"
    source: str = Field("", description="only the rows of this source of the data set")

    def rows(self) -> Iterator[Row]:
        rows = [row for row in load_rows(self.data, self.build, self.split) if row["edits"]]
        if self.source:
            sources = {row["article_id"].partition("/")[0] for row in rows}
            if self.source not in sources:
                what = f"suite {self.name}: {self.data} has no spun {self.split} rows of a source {self.source!r}"
                found = ", ".join(sorted(sources)) or "none"
                raise SuiteError(f"{what}; there are {found}: correct source, or build with a larger holdout_share")
            rows = [row for row in rows if row["article_id"].startswith(f"{self.source}/")]
        yield from interleave_sources(map(_spun_row, rows))


def load_rows(data: Path, build_config: Path | None, split: str) -> list[dict[str, Any]]:
    """All rows of a split. With a build config, a missing data set is built first.

    Raises `SuiteError` if the data set is not what the build config makes now, and `DataError` or `ChecksumError`
    if it is incomplete or damaged.
    """
    from unspin.data.load import load_split

    if build_config:
        _build(data, build_config)
    return load_split(data, split).to_list()


def _build(data: Path, build_config: Path) -> None:
    from unspin.data.build import OtherDataError, build
    from unspin.data.config import BuildConfig

    override = f"output={data}"
    if not data.exists():
        logger.info("%s is missing: building it from %s", data, build_config)
    try:
        build(load_config(build_config, BuildConfig, [override]), f"unspin build {build_config} {override}")
    except OtherDataError as error:
        raise SuiteError(
            f"{error.what}: remove it to have it built again, or set the suite's data to another folder"
        ) from None


def _spun_row(row: dict[str, Any]) -> Row:
    edits = tuple(Edit(e["start"], e["end"], e["replacement"], e["spinner"], e["rule"]) for e in row["edits"])
    return Row(row["article_id"], row["spun"], (row["original"],), edits, strength=row["strength"])
