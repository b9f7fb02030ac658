"""What a model in training makes of validation rows: real restorations, scored and shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from unspin.infer.checkpoint import Calibration
from unspin.infer.generating import TransformersEngine
from unspin.infer.restorer import Restorer
from unspin.train.backbones import Backbone, resolve_precision
from unspin.train.batches import articles, load_split
from unspin.train.config import TrainConfig
from unspin.train.metrics import count, figures, total

SHOWN = 8
FIGURES = ("restoration", "precision", "recall", "f0.5", "over_correction", "exact")


class Trial:
    """The first rows of the validation split; the same ones at each evaluation. Every edit that keeps the facts is made."""

    def __init__(self, config: TrainConfig, backbone: Backbone) -> None:
        rows = load_split(config.data, "validation").to_list()[: config.evaluate_rows]
        self._articles = articles(rows)
        self.rows = [row for article in self._articles for row in article]
        self._config, self._prompt = config, backbone.prompt

    def run(self, model: Any, show: bool = True) -> dict[str, float]:
        training, caching = model.training, model.config.use_cache
        model.eval()
        model.config.use_cache = True
        dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(resolve_precision(self._config.precision))
        restorer = Restorer(TransformersEngine(model, self._prompt), Calibration(), min_confidence=0, passage=self._config.passage)
        with torch.autocast(model.device.type, dtype or torch.bfloat16, enabled=dtype is not None):
            restored = [restorer.restore_sentences([row["spun"] for row in article]) for article in self._articles]
        model.train(training)
        model.config.use_cache = caching
        outputs = [sentence.text for article in restored for sentence in article.sentences]
        found, copied = self._score(outputs), self._score([row["spun"] for row in self.rows])
        if show:
            self._show(outputs, found, copied)
        return found

    def _score(self, outputs: Sequence[str]) -> dict[str, float]:
        scores = figures(total(count(row["spun"], output, [row["original"]]) for row, output in zip(self.rows, outputs, strict=True)))
        return {name: scores[name] for name in FIGURES}

    def _show(self, outputs: Sequence[str], found: dict[str, float], copied: dict[str, float]) -> None:
        from rich.console import Console
        from rich.table import Table

        console = Console(soft_wrap=True)
        spun_first = sorted(range(len(outputs)), key=lambda i: not self.rows[i]["edits"])
        for i in spun_first[:SHOWN]:
            for name, text in (("spun", self.rows[i]["spun"]), ("restored", outputs[i]), ("original", self.rows[i]["original"])):
                console.print(f"{name:>9}: {text}", markup=False, highlight=False)
            console.print()
        table = Table("", "copy the input", "restored", title=f"{len(outputs)} validation rows")
        for name in FIGURES:
            table.add_row(name, f"{copied[name]:.3f}", f"{found[name]:.3f}")
        console.print(table)
