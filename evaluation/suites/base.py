"""What a suite consists of: `Row`, `Suite`, and `SuiteDefinition`, the base class of every kind of suite in a config.

A definition yields rows one by one and reads no more of its sources than the limit asks for, except that a data set is
loaded whole. `interleave_sources` orders rows so that a limit cuts all sources alike.
"""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, zip_longest

from unspin.config import Config
from unspin.edits import Edit
from unspin.errors import UnspinError

ROWS_PER_TURN = 10  # rows of one article that `interleave_sources` takes before the next source's turn


class SuiteError(UnspinError):
    """The texts of a suite are missing or do not match each other; the message names the file and what to do."""


@dataclass(frozen=True)
class Row:
    """One text to restore: a sentence, a paragraph or a passage of an article.

    `references` are the accepted restorations, the original first. `edits` lead from `spun` to the original and
    name the spinner of each; None if they are unknown. `facts` are as in `metrics.count_row`. `strength` is the
    share of words that the spinner aimed to replace, 0..1, as a data set records it. `tool` names the spinner if scores
    per tool are wanted. Rows with the same `group` are restored together; by default these are the rows of one article.
    """

    article: str
    spun: str
    references: tuple[str, ...]
    edits: tuple[Edit, ...] | None = None
    facts: tuple[tuple[str, ...], ...] = ()
    strength: float | None = None
    tool: str = ""
    group: str = ""


@dataclass(frozen=True)
class Suite:
    """A named list of rows, in which rows that are restored together stand side by side."""

    name: str
    rows: tuple[Row, ...]

    @property
    def digest(self) -> str:
        """Sixteen hex digits that change with the content of any row. Empty `tool` and `group` fields do not count."""
        fields = [
            {name: value for name, value in asdict(row).items() if value or name not in ("tool", "group")}
            for row in self.rows
        ]
        text = json.dumps(fields, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def groups(self) -> list[list[Row]]:
        """The rows that are restored together, group by group; their concatenation is `rows`."""
        return group_rows(self.rows)

    def by_tool(self) -> Iterator[tuple[Suite, list[int]]]:
        """For each tool, its rows as a suite and their indices in this one. Yields nothing for fewer than two tools."""
        tools = dict.fromkeys(row.tool for row in self.rows if row.tool)
        for tool in tools if len(tools) > 1 else ():
            indices = [i for i, row in enumerate(self.rows) if row.tool == tool]
            yield Suite(f"{self.name}: {tool}", tuple(self.rows[i] for i in indices)), indices


class SuiteDefinition(Config):
    """Base class of the suites in a config: where the texts come from.

    A subclass narrows `kind` to one literal, which selects the class in YAML, and implements `rows`.
    """

    kind: str
    name: str

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """Yield the rows in the order in which a limit takes them. Raises `SuiteError` if the sources are unusable."""


def group_rows(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows by `group`, or by `article` if a row has no group, in order of first appearance."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.group or row.article].append(row)
    return list(groups.values())


def interleave_sources(rows: Iterable[Row]) -> Iterator[Row]:
    """Take turns between sources: `ROWS_PER_TURN` rows of one article of each, so that a limit cuts all sources alike.

    An article's source is the first part of its id (``source/…``).
    """
    sources: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        sources[row.article.partition("/")[0]].append(row)
    for turn in zip_longest(*(_portions(source) for source in sources.values()), fillvalue=()):
        yield from chain.from_iterable(turn)


def _portions(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The first `ROWS_PER_TURN` rows of each article, then the next ones of each."""
    articles = group_rows(rows)
    for start in range(0, max(map(len, articles)), ROWS_PER_TURN):
        yield from filter(None, (article[start : start + ROWS_PER_TURN] for article in articles))
