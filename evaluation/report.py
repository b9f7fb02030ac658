"""Shows results: a table for the terminal, a table for the README, and a self-contained HTML page with plots.

``python -m unspin.evaluation.report RESULTS README`` writes the table into the README, between its two marks.
Results of earlier versions can be shown too: names of suites, systems and breakdown dimensions are taken as they
are in the file.
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unspin.edits import align
from unspin.logs import counted

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.table import Table

FIGURES = {  # key in results.json -> title, number format
    "restoration": ("restoration", ".3f"),
    "precision": ("edit precision", ".3f"),
    "recall": ("edit recall", ".3f"),
    "f0.5": ("edit F0.5", ".3f"),
    "damage": ("damage", ".1f"),
    "over_correction": ("over-correction", ".2f"),
    "violations": ("violations", ".1f"),
    "exact": ("exact", ".3f"),
    "chrf": ("chrF", ".1f"),
    "words_per_second": ("words/s", ",.0f"),
    "peak_mb": ("peak MB", ",.0f"),
}
TERMINAL_FIGURES = ("restoration", "precision", "recall", "f0.5", "damage", "over_correction", "violations")
README_SPUN_FIGURES = ("restoration", "precision", "recall")  # left blank for clean suites
README_FIGURES = (*README_SPUN_FIGURES, "over_correction", "violations")
MIN_TOOL_ROWS = 8  # tools with fewer rows are left out of the README
FILE_WIDTH = 150  # columns of the tables where standard output is not a terminal
BEGIN, END = "<!-- results: made by python -m unspin.evaluation.report -->", "<!-- end of results -->"
# Okabe and Ito's palette, which readers of all kinds of colour vision can tell apart (https://jfly.uni-koeln.de/color/)
_COLOURS = ("#0072B2", "#56B4E9", "#999999", "#E69F00", "#D55E00", "#CC79A7", "#009E73")
_BLUE, _GREY, _ORANGE, _VERMILION, _GREEN = (_COLOURS[i] for i in (0, 2, 3, 4, 6))


def show(results: dict[str, Any]) -> None:
    """Print one table per suite, with a line per system. The tables fit 80 columns."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console = Console(width=FILE_WIDTH)
    for suite, scores in results["scores"].items():
        table = Table(
            title=escape(f"{suite}: {counted(results['suites'][suite]['rows'], 'row')}"), box=SIMPLE_HEAD, padding=0
        )
        table.add_column("system", overflow="fold")
        for key in TERMINAL_FIGURES:
            title = re.sub(r"(?<=-)| ", "\n", FIGURES[key][0])
            table.add_column(title, justify="right", vertical="bottom", overflow="fold")
        for system, figures in scores.items():
            table.add_row(system, *(_format(figures, key) for key in TERMINAL_FIGURES))
        console.print(table)
    if results.get("comparison"):
        console.print(_comparison_table(results))


def _comparison_table(results: Mapping[str, Any]) -> Table:
    """The two checkpoints: the difference in the main figure of each suite, and how many edits only one makes."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    names = {side: results["config"][side] for side in ("checkpoint", "compare")}
    table = Table(title=escape(f"{names['checkpoint']} compared with {names['compare']}"), box=SIMPLE_HEAD, padding=0)
    table.add_column("suite", overflow="fold")
    for title in ("difference", "95 %\ninterval", "p", "only first:\nright, wrong", "only second:\nright, wrong"):
        table.add_column(title, justify="right", vertical="bottom", overflow="fold")
    for suite, found in results["comparison"].items():
        title, form = FIGURES[found["figure"]]
        value, low, high = (f"{number:+{form}}" for number in _value_and_interval(found))
        counts = (f"{found['edits'][side]['correct']}, {found['edits'][side]['wrong']}" for side in names)
        table.add_row(suite, f"{title.removeprefix('edit ')} {value}", f"{low} to {high}", f"{found['p']:.3f}", *counts)
    return table


def _value_and_interval(found: Mapping[str, Any]) -> tuple[float, float, float]:
    """The difference in the main figure of a comparison, and its interval."""
    change = found["difference"][found["figure"]]
    low, high = change["interval"]
    return change["value"], low, high


def readme_table(results: dict[str, Any]) -> str:
    """A Markdown table with a line per suite: F0.5 of each system, then further figures of the first system.

    A cell is empty if the system was not run on the suite. Tools with fewer than `MIN_TOOL_ROWS` rows have no line.
    """
    systems: list[str] = max((list(scores) for scores in results["scores"].values()), key=len)
    titles = ["suite", *(f"F0.5 {system}" for system in systems), *(FIGURES[key][0] for key in README_FIGURES)]
    lines = ["| " + " | ".join(titles) + " |", "| --- |" + " ---: |" * (len(titles) - 1)]
    for suite, scores in results["scores"].items():
        size = results["suites"][suite]
        if "part_of" in size and size["rows"] < MIN_TOOL_ROWS:
            continue
        spun = _is_spun(scores)
        cells = [f"{scores[system]['f0.5']:.3f}" if spun and system in scores else "" for system in systems]
        for key in README_FIGURES:
            cells.append(_format(scores[systems[0]], key) if spun or key not in README_SPUN_FIGURES else "")
        lines.append(f"| {suite} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def update_readme(readme: Path, results: dict[str, Any]) -> None:
    """Replace the table between the README's marks. Raises ValueError if a mark is missing."""
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    readme.write_text(f"{before}{BEGIN}\n\n{readme_table(results)}\n\n{END}{after}", encoding="utf-8")


def html_report(results: dict[str, Any]) -> str:
    """A self-contained HTML page; the same results give the same bytes."""
    from jinja2 import Environment

    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        (files("unspin.evaluation") / "report.html").read_text(encoding="utf-8")
    )
    return template.render(results=results, figures=FIGURES, plots=dict(_plots(results)), diff_pieces=diff_pieces)


def diff_pieces(before: str, after: str) -> Iterator[tuple[str, str, str]]:
    """A word diff as (unchanged, removed, inserted) for each edit, in order; the rest of the text comes last."""
    position = 0
    for edit in align(before, after):
        yield before[position : edit.start], before[edit.start : edit.end], edit.replacement
        position = edit.end
    yield before[position:], "", ""


def _format(figures: Mapping[str, Any], key: str) -> str:
    return f"{figures[key]:{FIGURES[key][1]}}"


def _is_spun(scores: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a suite has anything to restore: in clean text the recall of every system is 1."""
    return any(figures["recall"] < 1 for figures in scores.values())


def _plots(results: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(title, SVG element) of each plot that the results have data for."""
    if any(map(_is_spun, results["scores"].values())):
        yield "F0.5 by suite and system, with 95 % intervals", _svg(_plot_systems(results["scores"]))
        yield "Restored spans by kind", _svg(_plot_breakdown(results["breakdown"]))
    if "calibration" in results:
        yield "Calibration", _svg(_plot_calibration(results["calibration"]))
    if results["curve"]:
        yield "Learning curve", _svg(_plot_curve(results["curve"]))


def _svg(figure: Figure) -> str:
    """A figure as an inline SVG element; fixed ids and no date make the bytes reproducible."""
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": "unspin", "svg.fonttype": "none"}):
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None}, bbox_inches="tight")
    text = out.getvalue()
    return text[text.index("<svg") :]


def _subplots(width: float, height: float, columns: int = 1) -> tuple[Figure, list[Any]]:
    """A figure of that size in inches and its axes, side by side, without a frame at the top and right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = list(figure.subplots(1, columns, squeeze=False)[0])
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _plot_systems(scores: Mapping[str, Mapping[str, Any]]) -> Figure:
    """F0.5 of every system on every spun suite as bars, with intervals."""
    spun = {suite: by_system for suite, by_system in scores.items() if _is_spun(by_system)}
    systems = list(next(iter(spun.values()), {}))
    figure, (axes,) = _subplots(11, 1 + 0.16 * len(spun) * (len(systems) + 1))
    width = 1 / (len(systems) + 1)
    for i, system in enumerate(systems):
        figures = [by_system[system] for by_system in spun.values()]
        values = [found["f0.5"] for found in figures]
        lows, highs = (list(edges) for edges in zip(*(found["interval"]["f0.5"] for found in figures), strict=True))
        axes.barh(
            [row + (i - (len(systems) - 1) / 2) * width for row in range(len(spun))],
            values,
            0.9 * width,
            xerr=[
                [max(value - low, 0) for value, low in zip(values, lows, strict=True)],
                [max(high - value, 0) for value, high in zip(values, highs, strict=True)],
            ],
            color=_COLOURS[i % len(_COLOURS)],
            label=system,
            error_kw={"lw": 0.8},
        )
    axes.set_yticks(range(len(spun)), list(spun))
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="edit F0.5")
    axes.margins(y=0.01)
    axes.legend(frameon=False, loc="lower right")
    return figure


def _plot_breakdown(breakdown: Mapping[str, Mapping[str, Any]]) -> Figure:
    """The share of restored spans for each value of each dimension, summed over suites."""
    sums: dict[str, dict[str, list[int]]] = {}
    for table in breakdown.values():
        for dimension, values in table.items():
            for value, (restored, total) in values.items():
                cell = sums.setdefault(dimension, {}).setdefault(value, [0, 0])
                cell[0] += restored
                cell[1] += total
    bars = [
        (f"{dimension}: {value} ({total:,})", restored / total)
        for dimension, values in sorted(sums.items())
        for value, (restored, total) in values.items()
    ]
    figure, (axes,) = _subplots(8, 0.6 + 0.28 * len(bars))
    axes.barh([name for name, _ in bars], [share for _, share in bars], color=_BLUE)
    axes.margins(y=0.02)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="share of garbled spans restored, over all suites")
    return figure


def _plot_calibration(calibration: Mapping[str, Any]) -> Figure:
    """Left, confidence against the share of correct edits; right, the figures at each threshold."""
    figure, (left, right) = _subplots(11, 4, columns=2)
    table, sweep = calibration["reliability"], calibration["sweep"]
    left.plot([0, 1], [0, 1], color=_GREY, lw=1)
    left.plot([row["confidence"] for row in table], [row["right"] for row in table], "o-", color=_BLUE)
    error = calibration["expected_calibration_error"]
    left.set(xlabel="confidence", ylabel="share of correct edits", title=f"expected calibration error {error:.3f}")
    thresholds = [row["threshold"] for row in sweep]
    for key, colour in (("precision", _BLUE), ("recall", _ORANGE), ("f0.5", _GREEN)):
        right.plot(thresholds, [row[key] for row in sweep], color=colour, label=FIGURES[key][0])
    right.axvline(calibration["threshold"], color=_GREY, lw=1)
    right.set(xlabel="minimum confidence (line: default)", ylim=(0, 1))
    changed = right.twinx()
    over_correction = [row["over_correction"] for row in sweep]
    changed.plot(thresholds, over_correction, "--", color=_VERMILION, label="over-correction (right axis)")
    changed.set_ylabel("words changed per 1,000 clean words")
    right.legend(frameon=False, loc="lower left")
    changed.legend(frameon=False, loc="upper right")
    return figure


def _plot_curve(points: list[dict[str, Any]]) -> Figure:
    """F0.5 and restoration against the number of training pairs, with intervals."""
    figure, (axes,) = _subplots(7, 4)
    pairs = [point["pairs"] for point in points]
    for key, colour in (("f0.5", _GREEN), ("restoration", _BLUE)):
        axes.plot(pairs, [point[key] for point in points], "o-", color=colour, label=FIGURES[key][0])
        lows, highs = zip(*(point["interval"][key] for point in points), strict=True)
        axes.fill_between(pairs, lows, highs, color=colour, alpha=0.15)
    axes.set(xlabel="training pairs seen", ylim=(0, None))
    axes.legend(frameon=False)
    return figure


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m unspin.evaluation.report RESULTS README")
    update_readme(Path(sys.argv[2]), json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
