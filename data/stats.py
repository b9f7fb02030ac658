"""Statistics of a built data set, read from its Parquet files and printed as tables; `stats_plot.py` draws them.

Memory stays flat whatever the size: rows are streamed into sums and histograms of about a hundred bins, so quartiles
of strength are exact to a hundredth. Costs one pass in one process, at some 25,000 rows a second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from unspin.data.corpora import CorpusError
from unspin.data.rows import SPLITS, upgrade_batch, upgrade_type
from unspin.edits import count_touched_words
from unspin.english.lexicons import function_words
from unspin.parquet import ParquetFile
from unspin.segment import words

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("spun", "original", "edits", "edits.start", "edits.end", "edits.replacement", "edits.spinner", "strength")
BINS = 10  # of the histogram of touched words, over 0 to 1


@dataclass
class SplitFigures:
    """Sums over the rows of one split, and shares derived from them.

    `words` are those of the spun texts and `touched` those among them that an edit replaces. `touched_shares` counts
    spun rows by the tenth of their words touched (0 to 9), `strengths` rows by strength in hundredths, without rows
    of strength 0.
    """

    rows: int = 0
    clean: int = 0
    words: int = 0
    touched: int = 0
    edits: int = 0
    multi_word: int = 0
    function_word: int = 0
    spinners: Counter[str] = field(default_factory=Counter)
    touched_shares: Counter[int] = field(default_factory=Counter)
    strengths: Counter[int] = field(default_factory=Counter)

    @property
    def clean_share(self) -> float:
        """Share of rows whose spun text equals the original."""
        return share(self.clean, self.rows)

    @property
    def touched_share(self) -> float:
        """Share of the words of all spun texts, clean ones included, that an edit replaces."""
        return share(self.touched, self.words)

    @property
    def edits_per_spun_row(self) -> float:
        """Mean number of edits of the rows that are not clean."""
        return share(self.edits, self.rows - self.clean)

    @property
    def multi_word_share(self) -> float:
        """Share of edits with several words on either side."""
        return share(self.multi_word, self.edits)

    @property
    def function_word_share(self) -> float:
        """Share of edits with a single function word on either side."""
        return share(self.function_word, self.edits)

    @property
    def strength_quartiles(self) -> tuple[float, float, float]:
        """Quartiles of strength over the rows with any, to a hundredth; zeros if there are none."""
        return _quantile(self.strengths, 0.25), _quantile(self.strengths, 0.5), _quantile(self.strengths, 0.75)

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one row; it needs spun, original, edits and strength."""
        edits = row["edits"] or []
        touched, total = count_touched_words(row["spun"], [(edit["start"], edit["end"]) for edit in edits])
        self.rows += 1
        self.words += total
        self.touched += touched
        self.edits += len(edits)
        if row["spun"] == row["original"]:
            self.clean += 1
        else:
            self.touched_shares[min(touched * BINS // max(total, 1), BINS - 1)] += 1
        if row["strength"]:
            self.strengths[round(row["strength"] * 100)] += 1
        for edit in edits:
            self.spinners[edit["spinner"]] += 1
            sides = words(row["spun"][edit["start"] : edit["end"]]), words(edit["replacement"])
            self.multi_word += any(len(side) > 1 for side in sides)
            self.function_word += any(len(side) == 1 and _is_function_word(side[0]) for side in sides)


@dataclass(frozen=True)
class Stats:
    """The figures of a data set by split, in the order train, validation, test."""

    folder: Path
    splits: Mapping[str, SplitFigures]

    def spinners(self) -> list[str]:
        """The spinners of all splits, those with the most edits first."""
        total: Counter[str] = sum((split.spinners for split in self.splits.values()), Counter())
        return [spinner for spinner, _ in total.most_common()]


def read_stats(folder: Path) -> Stats:
    """Read a data set with the files ``train.parquet`` or ``train/*.parquet``, and so on; a split may be absent.

    Raises `CorpusError` if there is no Parquet file, one cannot be read, or columns are missing.
    """
    found = {split: paths for split in SPLITS if (paths := _files(folder, split))}
    if not found:
        what = f"{folder}: no Parquet files of a split (train.parquet or train/*.parquet)"
        raise CorpusError(f"{what}: give a folder that `unspin build` wrote")
    return Stats(folder, {split: _split_figures(paths) for split, paths in found.items()})


def stream(files: Iterable[Path], columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of Parquet files, one at a time."""
    for file in files:
        for batch in ParquetFile(file).batches(columns):
            yield from upgrade_batch(batch).to_pylist()


def _is_function_word(word: str) -> bool:
    return word.lower().replace("’", "'").lstrip("'") in function_words()


def _files(folder: Path, split: str) -> list[Path]:
    single = folder / f"{split}.parquet"
    return [*([single] if single.is_file() else []), *sorted((folder / split).glob("*.parquet"))]


def _split_figures(paths: Sequence[Path]) -> SplitFigures:
    result = SplitFigures()
    for path in paths:
        try:
            for row in _rows(path):
                result.add(row)
        except (pa.ArrowException, OSError) as error:
            what = f"{path}: cannot be read as Parquet ({' '.join(str(error).split())})"
            raise CorpusError(f"{what}: build the data set again") from None
    return result


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    schema = pq.read_schema(path)
    names = _names(schema)
    if missing := [column for column in COLUMNS if column not in names]:
        raise CorpusError(f"{path}: no column {', '.join(missing)}; it has {', '.join(schema.names)}")
    yield from stream([path], ["spun", "original", "edits", "strength"])


def _names(schema: pa.Schema) -> set[str]:
    """The columns, and ``column.field`` for the fields of columns that are lists of structs."""
    types = {column.name: upgrade_type(column.type) for column in schema}
    nested = {
        name: kind for name, kind in types.items() if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type)
    }
    return {*types, *(f"{name}.{inner.name}" for name, kind in nested.items() for inner in kind.value_type)}


def share(part: float, whole: float) -> float:
    """``part / whole``, or 0 if there is nothing to divide by."""
    return part / whole if whole else 0.0


def _quantile(strengths: Counter[int], level: float) -> float:
    """The smallest strength that at least a share `level` of the rows does not exceed."""
    seen = 0
    for hundredth, rows in sorted(strengths.items()):
        seen += rows
        if seen >= level * strengths.total():
            return hundredth / 100
    return 0.0


# Tables


def print_stats(stats: Stats) -> None:
    """Print two tables: what each split holds, and which spinners made its edits."""
    from rich.console import Console

    console = Console(soft_wrap=True)
    console.print(_overview_table(stats))
    console.print(_spinner_table(stats))


def _overview_table(stats: Stats) -> Table:
    lines: dict[str, Callable[[SplitFigures], str]] = {
        "rows": lambda s: f"{s.rows:,}",
        "clean rows": lambda s: f"{s.clean_share:.1%}",
        "words in spun texts": lambda s: f"{s.words:,}",
        "touched words": lambda s: f"{s.touched_share:.1%}",
        "edits": lambda s: f"{s.edits:,}",
        "edits per spun row": lambda s: f"{s.edits_per_spun_row:.2f}",
        "edits of several words": lambda s: f"{s.multi_word_share:.1%}",
        "edits of a function word": lambda s: f"{s.function_word_share:.1%}",
        "strength, quartiles": lambda s: " ".join(f"{q:.2f}" for q in s.strength_quartiles),
    }
    table = _table(stats, "", title=str(stats.folder))
    for name, cell in lines.items():
        table.add_row(name, *map(cell, stats.splits.values()))
    return table


def _spinner_table(stats: Stats) -> Table:
    table = _table(stats, "edits by spinner")
    for spinner in stats.spinners():
        cells = (f"{share(s.spinners[spinner], s.edits):.1%}" for s in stats.splits.values())
        table.add_row(spinner or "(none named)", *cells)
    return table


def _table(stats: Stats, corner: str, title: str | None = None) -> Table:
    """An empty table with a right-aligned column for each split."""
    from rich.table import Table

    table = Table(corner, *stats.splits, title=title, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    return table
