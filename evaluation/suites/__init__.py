"""Suites: texts to restore, article by article, with their references.

A suite's rows come from a data set that `unspin build` wrote, from articles spun by another tool, or from
hand-written files. No model is trained on any of them. One overlap exists: calibration uses ten of the benchmark's
articles, spun with unseen headwords (configs/calibrate/default.yaml).

To add a kind of suite, write a module with a subclass of `SuiteDefinition` and add that class to `SuiteConfig`
below.
"""

from __future__ import annotations

from itertools import islice
from typing import Annotated

from pydantic import Field
from unspin.evaluation.suites.articles import ArticlesSuite
from unspin.evaluation.suites.base import Suite, SuiteDefinition, SuiteError, group_rows
from unspin.evaluation.suites.clean import CleanSuite
from unspin.evaluation.suites.data import DataSuite
from unspin.evaluation.suites.items import ItemsSuite
from unspin.evaluation.suites.pairs import PairsSuite
from unspin.evaluation.suites.peer import PeerSuite

SuiteConfig = Annotated[
    PairsSuite | DataSuite | CleanSuite | PeerSuite | ArticlesSuite | ItemsSuite, Field(discriminator="kind")
]


def make_suite(definition: SuiteDefinition, limit: int) -> Suite:
    """Read the first `limit` rows of a suite and place rows that are restored together side by side.

    Raises `SuiteError` if there are no rows.
    """
    rows = list(islice(definition.rows(), limit))
    if not rows:
        raise SuiteError(f"suite {definition.name!r} has no rows: check the files that it names")
    return Suite(definition.name, tuple(row for group in group_rows(rows) for row in group))
