"""Draws the statistics of a data set as one picture with three panels: spinners, touched words, strength."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unspin.data.stats import BINS, Stats, share

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# From Okabe and Ito's palette for all kinds of colour vision (https://jfly.uni-koeln.de/color/).
_COLOURS = {"train": "#0072B2", "validation": "#E69F00", "test": "#009E73"}
_MARKERS = {"train": "^-", "validation": "o-", "test": "s-"}


def plot_stats(stats: Stats, file: Path) -> None:
    """Draw the statistics as a PNG. Creates the file's folder and overwrites the file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    left, middle, right = figure.subplots(1, 3)
    _draw_spinners(left, stats)
    touched = {name: split.touched_shares for name, split in stats.splits.items()}
    _draw_histogram(middle, touched, "How much of a row is garbled", "% of the row's words that an edit replaces")
    strengths = {name: _in_bins(split.strengths) for name, split in stats.splits.items()}
    _draw_histogram(right, strengths, "How hard the spinners tried", "strength: % of words a spinner aims to replace")
    rows = sum(split.rows for split in stats.splits.values())
    clean = share(sum(split.clean for split in stats.splits.values()), rows)
    name = stats.folder.resolve().name
    figure.suptitle(f"{name}: {rows:,} pairs of a spun text and its original, {clean:.0%} left clean", fontsize=14)
    figure.legend(loc="outside lower center", ncols=len(stats.splits), frameon=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, format="png")


def _draw_spinners(axes: Axes, stats: Stats) -> None:
    """One bar for each spinner and split, labelled with its share of the split's edits."""
    spinners, splits = stats.spinners(), list(stats.splits)
    height = 0.8 / len(splits)
    for n, name in enumerate(splits):
        split = stats.splits[name]
        shares = [100 * share(split.spinners[spinner], split.edits) for spinner in spinners]
        positions = [i + (n - (len(splits) - 1) / 2) * height for i in range(len(spinners))]
        bars = axes.barh(positions, shares, height * 0.9, color=_COLOURS[name], label=f"{name} ({split.rows:,} rows)")
        axes.bar_label(bars, labels=[f"{percent:.1f}%" for percent in shares], padding=3, fontsize=9)
    axes.set_yticks(range(len(spinners)), [spinner or "(none)" for spinner in spinners])
    axes.invert_yaxis()
    axes.margins(x=0.18)
    _finish_axes(axes, "Which spinner made the edits", "% of the split's edits", "")


def _draw_histogram(axes: Axes, histograms: Mapping[str, Counter[int]], title: str, label: str) -> None:
    """Histograms in % of each split's spun rows, so that splits of any size can be compared.

    The first split is drawn as a filled area and the others as markers over it.
    """
    from matplotlib.ticker import MaxNLocator

    width = 100 / BINS
    last = max((n for bins in histograms.values() for n in bins), default=BINS - 1)
    edges = [width * n for n in range(last + 2)]
    centres = [edge + width / 2 for edge in edges[:-1]]
    for number, (name, bins) in enumerate(histograms.items()):
        heights = [100 * share(bins[n], bins.total()) for n in range(last + 1)]
        style: dict[str, Any] = {"color": _COLOURS[name], "linewidth": 1.2}
        if number == 0:
            axes.stairs(heights, edges, color=_COLOURS[name], fill=True, alpha=0.35)
            axes.stairs(heights, edges, **style)
        else:
            axes.plot(centres, heights, _MARKERS[name], markersize=6, clip_on=False, zorder=3, **style)
    axes.set_xticks(edges)
    axes.set_xlim(0, edges[-1])
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    _finish_axes(axes, title, label, "% of spun rows")


def _in_bins(hundredths: Counter[int]) -> Counter[int]:
    """A histogram with a hundred bins, reduced to `BINS` bins."""
    bins: Counter[int] = Counter()
    for hundredth, rows in hundredths.items():
        bins[min(hundredth * BINS // 100, BINS - 1)] += rows
    return bins


def _finish_axes(axes: Axes, title: str, x_label: str, y_label: str) -> None:
    axes.set_title(title, loc="left", fontsize=12, pad=10)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.spines[["top", "right"]].set_visible(False)
