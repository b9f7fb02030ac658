"""Plots the curves of a run: loss, learning rate, tokens per second, and the scores of its evaluations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from unspin.errors import UnspinError
from unspin.train.save import LOG

CURVES = (("loss", "training loss"), ("learning_rate", "learning rate"), ("tokens_per_second", "tokens per second"))
SCORES = (("eval_f0.5", "edit F0.5"), ("eval_restoration", "restoration"), ("eval_recall", "edit recall"))
FEW_POINTS = 40  # curves with fewer points have markers


def history(run: Path) -> list[dict[str, float]]:
    """The log entries of a finished run, or of the newest checkpoint of an unfinished one.

    Raises `UnspinError` if the folder holds neither.
    """
    states = sorted(
        run.glob("checkpoint-*/trainer_state.json"), key=lambda file: int(file.parent.name.rpartition("-")[2])
    )
    file = run / LOG if (run / LOG).is_file() else states[-1] if states else None
    if file is None:
        raise UnspinError(
            f"{run} holds no run: give the output folder of `unspin train`, once it has saved a checkpoint"
        )
    log: Any = json.loads(file.read_text(encoding="utf-8"))
    return log if isinstance(log, list) else log["log_history"]


def plot(run: Path) -> Path:
    """Write the curves of a run to ``curves.png`` in its folder and return that file. Raises as `history`."""
    from matplotlib.figure import Figure

    log = history(run)
    panels = [(((key, title),), title) for key, title in CURVES] + [(SCORES, "validation rows")]
    figure = Figure(figsize=(11, 7), layout="constrained")
    for axes, (curves, title) in zip(figure.subplots(2, 2).flat, panels, strict=True):
        _draw(axes, log, curves)
        axes.set(title=title, xlabel="step")
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(run.name)
    figure.savefig(run / "curves.png", dpi=110)
    return run / "curves.png"


def _draw(axes: Any, log: list[dict[str, float]], curves: tuple[tuple[str, str], ...]) -> None:
    """Draw (key, label) curves into one panel; a legend names them if there are several."""
    for key, label in curves:
        points = [(row["step"], row[key]) for row in log if key in row]
        if points:
            marker = "o" if len(points) < FEW_POINTS else ""
            axes.plot(*zip(*points, strict=True), marker=marker, markersize=3, label=label)
    if not axes.lines:
        axes.text(0.5, 0.5, "nothing logged", ha="center", transform=axes.transAxes)
    elif len(curves) > 1:
        axes.legend(frameon=False)
