"""Scores a checkpoint on a held-back split, beside the copy-the-input baseline, with the restorer that users get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from unspin.data.config import Config
from unspin.data.edits import apply
from unspin.infer.checkpoint import Checkpoint
from unspin.infer.engines import Engine, load_engine
from unspin.infer.restorer import accepted
from unspin.train.batches import load_split
from unspin.train.metrics import score_rows

COLUMNS = ("restoration", "precision", "recall", "f0.5", "over_correction", "exact")


class EvalConfig(Config):
    """What `unspin evaluate` runs."""

    checkpoint: str = Field("default", description="'default' (the adapter that ships) or a folder")
    engine: Literal["ctranslate2", "transformers"] = "ctranslate2"
    data: Path = Field(description="folder written by `unspin build`")
    split: Literal["train", "validation", "test"] = "test"
    limit: int = Field(300, gt=0, description="rows scored, from the first on")
    output: Path | None = Field(None, description="JSON file for the figures and every output")


def restore_sentence(engine: Engine, sources: list[str]) -> list[str]:
    """What the restorer makes of single sentences: decoded, then checked edit by edit."""
    outputs = engine.rewrite(sources)
    return [apply(source, accepted(source, output)[0]) for source, output in zip(sources, outputs, strict=True)]


def evaluate(config: EvalConfig) -> dict[str, dict[str, float]]:
    """Figures per system."""
    rows = load_split(config.data, config.split).to_list()[: config.limit]
    engine = load_engine(config.engine, Checkpoint.open(config.checkpoint), print)
    sources = [row["spun"] for row in rows]
    outputs = restore_sentence(engine, sources)
    scores = {"copy the input": score_rows(rows, sources), f"unspin ({config.checkpoint})": score_rows(rows, outputs)}
    if config.output:
        config.output.parent.mkdir(parents=True, exist_ok=True)
        config.output.write_text(json.dumps(_record(config, scores, rows, outputs), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return scores


def _record(config: EvalConfig, scores: dict[str, dict[str, float]], rows: list[dict[str, Any]], outputs: list[str]) -> dict[str, Any]:
    texts = [{"spun": row["spun"], "restored": out, "original": row["original"]} for row, out in zip(rows, outputs, strict=True)]
    return {"config": config.model_dump(mode="json"), "scores": scores, "outputs": texts}


def show(scores: dict[str, dict[str, float]]) -> None:
    """Print the figures as a table."""
    from rich.console import Console
    from rich.table import Table

    table = Table("system", *COLUMNS)
    for system, figures in scores.items():
        table.add_row(system, *(f"{figures[column]:.3f}" for column in COLUMNS))
    Console().print(table)
