"""What a built data set holds, in figures: read from its Parquet files, printed as tables, drawn as a PNG.

Memory stays flat whatever the size: rows are streamed, and what is kept of them is sums and histograms of about a hundred bins.
So quartiles of strength are exact to a hundredth. Cost: one pass in one process, some 25,000 rows a second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds
from unspin.data.corpora import CorpusError
from unspin.data.edits import touched
from unspin.data.lexicons import read_lexicon
from unspin.data.rows import SPLITS
from unspin.data.segment import words
from unspin.data.spinners.tables import IMMUTABLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = ("spun", "original", "edits", "edits.start", "edits.end", "edits.replacement", "edits.engine", "strength")
BINS = 10  # of the histograms, over 0 to 1
_BATCH = 2000
_CONTENT = frozenset(  # what IMMUTABLE and the function lexicon hold besides closed classes: numbers, names, titles, adverbs
    """one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
    twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion first second third fourth fifth sixth
    seventh eighth ninth tenth monday tuesday wednesday thursday friday saturday sunday january february march april june july august
    september october november december mr mrs ms dr abroad ahead alone altogether apart away back barely completely directly downstairs
    downward entire entirely exactly fairly far forward hardly indoors largely long longer mainly merely mostly nearby outdoors overseas
    partly pretty quite really regardless right simply somewhat together upstairs upward whole""".split()
)
# Okabe and Ito's palette for all kinds of colour vision (https://jfly.uni-koeln.de/color/), without its yellow.
_COLOURS = {"train": "#0072B2", "validation": "#E69F00", "test": "#009E73"}
_MARKS = {"train": "^-", "validation": "o-", "test": "s-"}


@dataclass
class SplitFigures:
    """Sums over the rows of one split; the shares are derived."""

    rows: int = 0
    clean: int = 0
    words: int = 0
    touched: int = 0
    edits: int = 0
    multi_word: int = 0
    function_word: int = 0
    engines: Counter[str] = field(default_factory=Counter)
    touched_shares: Counter[int] = field(default_factory=Counter)
    strengths: Counter[int] = field(default_factory=Counter)

    @property
    def clean_share(self) -> float:
        """Rows whose spun text is the original, of all rows."""
        return _share(self.clean, self.rows)

    @property
    def touched_share(self) -> float:
        """Words of the spun texts, clean ones included, that an edit replaces."""
        return _share(self.touched, self.words)

    @property
    def edits_a_row(self) -> float:
        """Mean over the rows that are not clean."""
        return _share(self.edits, self.rows - self.clean)

    @property
    def multi_word_share(self) -> float:
        """Edits with several words on either side, of all edits."""
        return _share(self.multi_word, self.edits)

    @property
    def function_word_share(self) -> float:
        """Edits with a function word alone on either side, of all edits."""
        return _share(self.function_word, self.edits)

    @property
    def strength_quartiles(self) -> tuple[float, float, float]:
        """Of the rows that were meant to be spun, to a hundredth; zeros if there are none."""
        return _quantile(self.strengths, 0.25), _quantile(self.strengths, 0.5), _quantile(self.strengths, 0.75)


@dataclass(frozen=True)
class Stats:
    """The figures of a data set, by split, in the order train, validation, test."""

    folder: Path
    splits: Mapping[str, SplitFigures]


def figures(folder: Path) -> Stats:
    """Read a data set: ``train.parquet`` or ``train/*.parquet``, and so on; a split may be absent.

    Raises `CorpusError` if there is no Parquet file, if one cannot be read, or if columns are missing.
    """
    found = {split: paths for split in SPLITS if (paths := _files(folder, split))}
    if not found:
        raise CorpusError(f"{folder}: no Parquet files of a split (train.parquet or train/*.parquet): give a folder that `unspin build` wrote")
    return Stats(folder, {split: _split_figures(paths) for split, paths in found.items()})


@cache
def function_words() -> frozenset[str]:
    """Articles, pronouns, prepositions, conjunctions and auxiliaries, lower-cased."""
    rows = read_lexicon(Path(str(files("unspin.data.lexicons"))) / "function.tsv")
    listed = {row.head for row in rows if row.kind in ("function", "auxiliary") and " " not in row.head}
    return (IMMUTABLE | listed) - _CONTENT


def show(stats: Stats) -> None:
    """Print the figures as two tables: what each split holds, and whose edits they are."""
    from rich.console import Console

    console = Console(soft_wrap=True)
    console.print(_overview(stats))
    console.print(_engines(stats))


def plot(stats: Stats, file: Path) -> None:
    """Draw edits by engine, the share of words touched a row, and strength, as a PNG. Makes its folder; overwrites."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    left, middle, right = figure.subplots(1, 3)
    _draw_engines(left, stats)
    shares = {name: split.touched_shares for name, split in stats.splits.items()}
    _draw_histogram(middle, shares, "How much of a row is garbled", "% of the row's words that an edit replaces")
    strengths = {name: _coarser(split.strengths) for name, split in stats.splits.items()}
    _draw_histogram(right, strengths, "How hard the spinners tried", "strength: % of words a spinner aims to replace")
    rows = sum(split.rows for split in stats.splits.values())
    clean = _share(sum(split.clean for split in stats.splits.values()), rows)
    name = stats.folder.resolve().name
    figure.suptitle(f"{name}: {rows:,} pairs of a spun text and its original, {clean:.0%} of them left clean", fontsize=14)
    figure.legend(loc="outside lower center", ncols=len(stats.splits), frameon=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, format="png")


def _files(folder: Path, split: str) -> list[Path]:
    single = folder / f"{split}.parquet"
    return [*([single] if single.is_file() else []), *sorted((folder / split).glob("*.parquet"))]


def _split_figures(paths: Sequence[Path]) -> SplitFigures:
    found = SplitFigures()
    for path in paths:
        try:
            for row in _rows(path):
                _add(found, row)
        except (pa.ArrowException, OSError) as error:
            raise CorpusError(f"{path}: not to be read as Parquet ({' '.join(str(error).split())}): build it anew") from None
    return found


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    data = ds.dataset(path, format="parquet")
    missing = [column for column in COLUMNS if column not in _names(data.schema)]
    if missing:
        raise CorpusError(f"{path}: no column {', '.join(missing)}; it has {', '.join(data.schema.names)}")
    yield from stream(data, ["spun", "original", "edits", "strength"])


def stream(data: ds.Dataset, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of a data set one after the other. pyarrow left to itself reads ahead: at a million rows hundreds of megabytes."""
    for batch in data.to_batches(columns=list(columns), batch_size=_BATCH, batch_readahead=1, fragment_readahead=1, use_threads=False):
        yield from batch.to_pylist()


def _names(schema: Any) -> set[str]:
    """Columns, and ``column.field`` for the fields of lists of structs."""
    nested = (column for column in schema if pa.types.is_list(column.type) and pa.types.is_struct(column.type.value_type))
    return {*schema.names, *(f"{column.name}.{inner.name}" for column in nested for inner in column.type.value_type)}


def _add(found: SplitFigures, row: dict[str, Any]) -> None:
    edits = row["edits"] or []
    hit, count = touched(row["spun"], [(edit["start"], edit["end"]) for edit in edits])
    found.rows += 1
    found.words += count
    found.touched += hit
    found.edits += len(edits)
    if row["spun"] == row["original"]:
        found.clean += 1
    else:
        found.touched_shares[min(hit * BINS // max(count, 1), BINS - 1)] += 1
    if row["strength"]:
        found.strengths[round(row["strength"] * 100)] += 1
    for edit in edits:
        found.engines[edit["engine"]] += 1
        sides = words(row["spun"][edit["start"] : edit["end"]]), words(edit["replacement"])
        found.multi_word += any(len(side) > 1 for side in sides)
        found.function_word += any(len(side) == 1 and _is_function_word(side[0]) for side in sides)


def _is_function_word(word: str) -> bool:
    return word.lower().replace("’", "'").lstrip("'") in function_words()


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _quantile(strengths: Counter[int], share: float) -> float:
    """The smallest strength that so many of the rows do not exceed."""
    seen = 0
    for hundredth, rows in sorted(strengths.items()):
        seen += rows
        if seen >= share * strengths.total():
            return hundredth / 100
    return 0.0


def _coarser(strengths: Counter[int]) -> Counter[int]:
    bins: Counter[int] = Counter()
    for hundredth, rows in strengths.items():
        bins[min(hundredth * BINS // 100, BINS - 1)] += rows
    return bins


def _overview(stats: Stats) -> Any:
    from rich.table import Table

    table = Table("", *stats.splits, title=str(stats.folder), title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    lines = {
        "rows": [f"{s.rows:,}" for s in stats.splits.values()],
        "of them clean": [f"{s.clean_share:.1%}" for s in stats.splits.values()],
        "words in spun texts": [f"{s.words:,}" for s in stats.splits.values()],
        "of them touched": [f"{s.touched_share:.1%}" for s in stats.splits.values()],
        "edits": [f"{s.edits:,}" for s in stats.splits.values()],
        "edits a spun row": [f"{s.edits_a_row:.2f}" for s in stats.splits.values()],
        "edits of several words": [f"{s.multi_word_share:.1%}" for s in stats.splits.values()],
        "edits of a function word": [f"{s.function_word_share:.1%}" for s in stats.splits.values()],
        "strength, quartiles": [" ".join(f"{q:.2f}" for q in s.strength_quartiles) for s in stats.splits.values()],
    }
    for name, cells in lines.items():
        table.add_row(name, *cells)
    return table


def _engines(stats: Stats) -> Any:
    from rich.table import Table

    table = Table("edits by engine", *stats.splits)
    for column in table.columns[1:]:
        column.justify = "right"
    for engine in _by_size(stats):
        table.add_row(engine or "(none named)", *(f"{_share(s.engines[engine], s.edits):.1%}" for s in stats.splits.values()))
    return table


def _by_size(stats: Stats) -> list[str]:
    total: Counter[str] = sum((split.engines for split in stats.splits.values()), Counter())
    return [engine for engine, _ in total.most_common()]


def _draw_engines(axes: Axes, stats: Stats) -> None:
    """A bar an engine and split, its share of the split's edits written beside it."""
    engines, splits = _by_size(stats), list(stats.splits)
    thick = 0.8 / len(splits)
    for n, name in enumerate(splits):
        split = stats.splits[name]
        shares = [100 * _share(split.engines[engine], split.edits) for engine in engines]
        places = [i + (n - (len(splits) - 1) / 2) * thick for i in range(len(engines))]
        bars = axes.barh(places, shares, thick * 0.9, color=_COLOURS[name], label=f"{name} ({split.rows:,} rows)")
        axes.bar_label(bars, labels=[f"{share:.1f}%" for share in shares], padding=3, fontsize=9)
    axes.set_yticks(range(len(engines)), [engine or "(none)" for engine in engines])
    axes.invert_yaxis()
    axes.margins(x=0.18)
    _dress(axes, "Which engine made the edits", "% of the split's edits", "")


def _draw_histogram(axes: Axes, histograms: Mapping[str, Counter[int]], title: str, label: str) -> None:
    """In % of each split's rows, so that small splits compare with large ones: the first split filled, the others as marks over it."""
    from matplotlib.ticker import MaxNLocator

    width = 100 / BINS
    last = max((n for bins in histograms.values() for n in bins), default=BINS - 1)
    edges = [width * n for n in range(last + 2)]
    for number, (name, bins) in enumerate(histograms.items()):
        heights = [100 * _share(bins[n], bins.total()) for n in range(last + 1)]
        if number == 0:
            axes.stairs(heights, edges, color=_COLOURS[name], fill=True, alpha=0.35)
            axes.stairs(heights, edges, color=_COLOURS[name], linewidth=1.2)
        else:
            middles = [edge + width / 2 for edge in edges[:-1]]
            axes.plot(middles, heights, _MARKS[name], color=_COLOURS[name], linewidth=1.2, markersize=6, clip_on=False, zorder=3)
    axes.set_xticks(edges)
    axes.set_xlim(0, edges[-1])
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    _dress(axes, title, label, "% of spun rows")


def _dress(axes: Axes, title: str, x_label: str, y_label: str) -> None:
    axes.set_title(title, loc="left", fontsize=12, pad=10)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.spines[["top", "right"]].set_visible(False)
