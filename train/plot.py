"""The curves of a run as a picture: loss, learning rate, tokens per second, and the scores of its evaluations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from unspin.data.errors import UnspinError
from unspin.train.save import LOG

CURVES = (("loss", "training loss"), ("learning_rate", "learning rate"), ("tokens_per_second", "tokens per second"))
SCORES = (("eval_f0.5", "edit F0.5"), ("eval_restoration", "restoration"), ("eval_recall", "edit recall"))


def history(run: Path) -> list[dict[str, float]]:
    """The log of a finished run, or of its newest checkpoint. Raises `UnspinError` where there is neither."""
    states = sorted(run.glob("checkpoint-*/trainer_state.json"), key=lambda it: int(it.parent.name.rpartition("-")[2]))
    file = run / LOG if (run / LOG).is_file() else states[-1] if states else None
    if file is None:
        raise UnspinError(f"{run} holds no run: give the output folder of `unspin train`, once it has saved a checkpoint")
    found: Any = json.loads(file.read_text(encoding="utf-8"))
    return found if isinstance(found, list) else found["log_history"]


def plot(run: Path) -> Path:
    """Draw a run's curves to ``curves.png`` in its folder."""
    from matplotlib.figure import Figure

    log = history(run)
    panels = [(((key, title),), title) for key, title in CURVES] + [(SCORES, "validation rows")]
    figure = Figure(figsize=(11, 7), layout="constrained")
    for axes, (curves, title) in zip(figure.subplots(2, 2).flat, panels, strict=True):
        for key, label in curves:
            points = [(row["step"], row[key]) for row in log if key in row]
            if points:
                axes.plot(*zip(*points, strict=True), marker="o" if len(points) < 40 else "", markersize=3, label=label)
        axes.set(title=title, xlabel="step")
        axes.spines[["top", "right"]].set_visible(False)
        if len(curves) > 1 and axes.lines:
            axes.legend(frameon=False)
        elif not axes.lines:
            axes.text(0.5, 0.5, "nothing logged", ha="center", transform=axes.transAxes)
    figure.suptitle(run.name)
    figure.savefig(run / "curves.png", dpi=110)
    return run / "curves.png"
