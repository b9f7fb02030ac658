"""Results shown: a table for the terminal, a table for the README, and a page with plots that fetches nothing.

``python -m unspin.train.benchmark.report RESULTS README`` puts the table into the README between its two marks.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES = {
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
_SHOWN = ("restoration", "precision", "recall", "f0.5", "damage", "over_correction", "violations")  # fit 80 columns
FEWEST_ROWS = 8
BEGIN, END = "<!-- results: made by python -m unspin.train.benchmark.report -->", "<!-- end of results -->"
# Okabe and Ito's palette for all kinds of colour vision (https://jfly.uni-koeln.de/color/)
_COLOURS = ("#0072B2", "#56B4E9", "#999999", "#E69F00", "#D55E00", "#CC79A7", "#009E73")


def show(results: dict[str, Any]) -> None:
    """Print a table a suite, a line a system."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console = Console(width=150)  # a file has room
    for suite, scores in results["scores"].items():
        table = Table(title=escape(f"{suite}: {results['suites'][suite]['rows']} rows"), box=SIMPLE_HEAD, padding=0)
        table.add_column("system", overflow="fold")
        for key in _SHOWN:
            table.add_column(re.sub(r"(?<=-)| ", "\n", FIGURES[key][0]), justify="right", vertical="bottom", overflow="fold")
        for system, found in scores.items():
            table.add_row(system, *(f"{found[key]:{FIGURES[key][1]}}" for key in _SHOWN))
        console.print(table)


def readme_table(results: dict[str, Any]) -> str:
    """F0.5 of each system and the released model's own figures, a line a suite, as Markdown.

    A system that a suite was not run on has an empty cell; tools of fewer than `FEWEST_ROWS` rows have no line.
    """
    systems: list[str] = max((list(scores) for scores in results["scores"].values()), key=len)
    own = ("restoration", "precision", "recall", "over_correction", "violations")
    lines = [
        "| suite | " + " | ".join(f"F0.5 {system}" for system in systems) + " | " + " | ".join(FIGURES[key][0] for key in own) + " |",
        "| --- |" + " ---: |" * (len(systems) + len(own)),
    ]
    for suite, scores in results["scores"].items():
        size = results["suites"][suite]
        if "part_of" in size and size["rows"] < FEWEST_ROWS:
            continue
        ours = scores[systems[0]]
        spun = any(found["recall"] < 1 for found in scores.values())
        cells = [f"{scores[system]['f0.5']:.3f}" if spun and system in scores else "" for system in systems]
        cells += [f"{ours[key]:{FIGURES[key][1]}}" if spun or key in own[3:] else "" for key in own]
        lines.append(f"| {suite} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def page(results: dict[str, Any]) -> str:
    """A self-contained HTML page."""
    from jinja2 import Environment

    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        (files("unspin.train.benchmark") / "report.html").read_text(encoding="utf-8")
    )
    return template.render(results=results, figures=FIGURES, plots=dict(_plots(results)), pieces=pieces)


def pieces(before: str, after: str) -> Iterator[tuple[str, str, str]]:
    """(kept, taken away, put there) for each stretch of a text."""
    from unspin.data.edits import align

    position = 0
    for edit in align(before, after):
        yield before[position : edit.start], before[edit.start : edit.end], edit.replacement
        position = edit.end
    yield before[position:], "", ""


def _plots(results: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "F0.5 by suite and system, with 95 % intervals", _svg(_systems(results))
    yield "Restored spans by kind", _svg(_kinds(results))
    if "calibration" in results:
        yield "Confidence and what it is worth", _svg(_calibration(results["calibration"]))
    if results["curve"]:
        yield "Learning curve", _svg(_curve(results["curve"]))


def _svg(figure: Figure) -> str:
    """As an inline element, the same bytes for the same results."""
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": "unspin", "svg.fonttype": "none"}):
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None}, bbox_inches="tight")
    text = out.getvalue()
    return text[text.index("<svg") :]


def _axes(width: float, height: float, columns: int = 1) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(1, columns)
    for one in axes if columns > 1 else [axes]:
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _systems(results: dict[str, Any]) -> Figure:
    spun = {suite: scores for suite, scores in results["scores"].items() if any(found["recall"] < 1 for found in scores.values())}
    systems = list(next(iter(spun.values()), {}))
    figure, axes = _axes(11, 1 + 0.16 * len(spun) * (len(systems) + 1))
    width = 1 / (len(systems) + 1)
    for i, system in enumerate(systems):
        found = [scores[system] for scores in spun.values()]
        places = [row + (i - (len(systems) - 1) / 2) * width for row in range(len(spun))]
        values = [it["f0.5"] for it in found]
        spans = [it["interval"]["f0.5"] for it in found]
        errors = [
            [max(v - low, 0) for v, (low, _) in zip(values, spans, strict=True)],
            [max(high - v, 0) for v, (_, high) in zip(values, spans, strict=True)],
        ]
        axes.barh(places, values, 0.9 * width, xerr=errors, color=_COLOURS[i % len(_COLOURS)], label=system, error_kw={"lw": 0.8})
    axes.set_yticks(range(len(spun)), list(spun))
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("edit F0.5")
    axes.margins(y=0.01)
    axes.legend(frameon=False, loc="lower right")
    return figure


def _kinds(results: dict[str, Any]) -> Figure:
    summed: dict[str, dict[str, list[int]]] = {}
    for table in results["breakdown"].values():
        for dimension, values in table.items():
            for value, (hit, total) in values.items():
                cell = summed.setdefault(dimension, {}).setdefault(value, [0, 0])
                cell[0] += hit
                cell[1] += total
    bars = [
        (f"{dimension}: {value} ({total:,})", hit / total) for dimension, values in sorted(summed.items()) for value, (hit, total) in values.items()
    ]
    figure, axes = _axes(8, 0.6 + 0.28 * len(bars))
    axes.barh([name for name, _ in bars], [share for _, share in bars], color=_COLOURS[0])
    axes.margins(y=0.02)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of garbled spans restored, all suites together")
    return figure


def _calibration(found: dict[str, Any]) -> Figure:
    figure, (left, right) = _axes(11, 4, 2)
    table = found["reliability"]
    left.plot([0, 1], [0, 1], color="#999999", lw=1)
    left.plot([row["confidence"] for row in table], [row["right"] for row in table], "o-", color=_COLOURS[0])
    left.set(xlabel="confidence", ylabel="share that is right", title=f"expected calibration error {found['expected_calibration_error']:.3f}")
    thresholds = [row["threshold"] for row in found["sweep"]]
    for key, colour in (("precision", _COLOURS[0]), ("recall", _COLOURS[3]), ("f0.5", _COLOURS[6])):
        right.plot(thresholds, [row[key] for row in found["sweep"]], color=colour, label=FIGURES[key][0])
    right.axvline(found["threshold"], color="#999999", lw=1)
    right.set(xlabel="least confidence (default marked)", ylim=(0, 1))
    words = right.twinx()
    words.plot(thresholds, [row["over_correction"] for row in found["sweep"]], "--", color=_COLOURS[4], label="over-correction (right)")
    words.set_ylabel("words changed per 1,000 clean")
    right.legend(frameon=False, loc="lower left")
    words.legend(frameon=False, loc="upper right")
    return figure


def _curve(points: list[dict[str, Any]]) -> Figure:
    import numpy as np

    figure, axes = _axes(7, 4)
    pairs = [point["pairs"] for point in points]
    for key, colour in (("f0.5", _COLOURS[6]), ("restoration", _COLOURS[0])):
        values = [point[key] for point in points]
        axes.plot(pairs, values, "o-", color=colour, label=FIGURES[key][0])
        axes.fill_between(pairs, *np.transpose([point["interval"][key] for point in points]), color=colour, alpha=0.15)
    axes.set(xlabel="training pairs seen", ylim=(0, None))
    axes.legend(frameon=False)
    return figure


def update(readme: Path, results: dict[str, Any]) -> None:
    """Replace what stands between the README's marks. Raises ValueError where they are missing."""
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    readme.write_text(f"{before}{BEGIN}\n\n{readme_table(results)}\n\n{END}{rest.split(END, 1)[1]}", encoding="utf-8")


if __name__ == "__main__":
    import json

    update(Path(sys.argv[2]), json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
