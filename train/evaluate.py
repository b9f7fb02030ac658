"""Scores a checkpoint on a held-back split, beside the copy-the-input baseline, with the restorer that users get."""

from __future__ import annotations

import json
from typing import Any

from unspin.infer.restorer import Restorer
from unspin.train.batches import articles, load_split
from unspin.train.config import EvalConfig
from unspin.train.metrics import score_rows

COLUMNS = ("restoration", "precision", "recall", "f0.5", "over_correction", "exact")


def evaluate(config: EvalConfig) -> dict[str, dict[str, float]]:
    """Figures per system: each article is restored twice, its spun sentences together, and its clean original."""
    restorer = Restorer.from_pretrained(config.checkpoint, engine=config.engine, min_confidence=config.min_confidence, report=print)
    rows: list[dict[str, Any]] = []
    outputs: list[str] = []
    for article in articles(load_split(config.data, config.split).to_list()[: config.limit]):
        clean = [{"spun": row["original"], "original": row["original"], "edits": []} for row in article]
        for version in ([row for row in article if row["edits"]], clean):
            rows += version
            outputs += (sentence.text for sentence in restorer.restore_sentences([row["spun"] for row in version]).sentences)
    scores = {"copy the input": score_rows(rows, [row["spun"] for row in rows]), f"unspin ({config.checkpoint})": score_rows(rows, outputs)}
    if config.output:
        config.output.parent.mkdir(parents=True, exist_ok=True)
        config.output.write_text(json.dumps(_record(config, scores, rows, outputs), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return scores


def _record(config: EvalConfig, scores: dict[str, dict[str, float]], rows: list[dict[str, Any]], outputs: list[str]) -> dict[str, Any]:
    texts = [{"spun": row["spun"], "restored": out, "original": row["original"]} for row, out in zip(rows, outputs, strict=True)]
    return {"config": config.model_dump(mode="json"), "scores": scores, "outputs": texts}


def show(scores: dict[str, dict[str, float]]) -> None:
    """Print the figures as a table, a line a figure."""
    from rich.console import Console
    from rich.table import Table

    table = Table("", *scores)
    for column in COLUMNS:
        table.add_row(column, *(f"{figures[column]:.3f}" for figures in scores.values()))
    Console(soft_wrap=True).print(table)
