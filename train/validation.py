"""Scores and shows real restorations of validation rows while a model trains.

Every edit that preserves the facts is made, without a confidence threshold. Cost: one restoration of `eval_rows` rows
per evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from unspin.data.load import group_by_article, load_split
from unspin.evaluation.scores import score
from unspin.evaluation.suites.base import Row, Suite
from unspin.infer.confidence import Calibration
from unspin.infer.engines.transformers import TransformersEngine
from unspin.infer.restorer import Restorer
from unspin.train.backbones import Backbone, resolve_precision
from unspin.train.config import TrainConfig

RESAMPLES = 1000  # of the bootstrap that gives the intervals
EXAMPLES = 8  # restorations shown at each evaluation
FIGURES = ("restoration", "precision", "recall", "f0.5", "over_correction", "exact")
DETAILS = ("rows", "articles", "copying", "interval")  # logged with the figures of an evaluation


class Validation:
    """The first `eval_rows` rows of the validation split, the same at every evaluation."""

    def __init__(self, config: TrainConfig, backbone: Backbone) -> None:
        rows = load_split(config.data, "validation").to_list()[: config.eval_rows]
        self._articles = group_by_article(rows)
        self.rows = [row for article in self._articles for row in article]
        self._config, self._prompt = config, backbone.prompt
        self._suite = Suite("validation", tuple(Row(r["article_id"], r["spun"], (r["original"],)) for r in self.rows))
        self._scores_of_copying = _scores(self._suite, [row["spun"] for row in self.rows], config.seed)

    def restore(self, model: Any) -> list[str]:
        """The restorations of the rows, in their order. Sets the model back to the mode that it was in."""
        training, caching = model.training, model.config.use_cache
        model.eval()
        model.config.use_cache = True
        engine = TransformersEngine(model, self._prompt)
        restorer = Restorer(
            engine, Calibration(), min_confidence=0, max_passage_words=self._config.max_passage_words or 0
        )
        dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(resolve_precision(self._config.precision))
        with torch.autocast(model.device.type, dtype or torch.bfloat16, enabled=dtype is not None):
            restored = [restorer.restore_sentences([row["spun"] for row in article]) for article in self._articles]
        model.train(training)
        model.config.use_cache = caching
        return [sentence.text for article in restored for sentence in article.sentences]

    def score(self, outputs: Sequence[str]) -> dict[str, Any]:
        """The `FIGURES` of one output per row, and their 95 % intervals over articles as "interval"."""
        return _scores(self._suite, outputs, self._config.seed)

    def details(self, scores: dict[str, Any]) -> dict[str, Any]:
        """`DETAILS` of an evaluation: its size, the scores of copying the input, and the intervals of its scores."""
        copying = {name: self._scores_of_copying[name] for name in FIGURES}
        interval = scores["interval"]
        return {"rows": len(self.rows), "articles": len(self._articles), "copying": copying, "interval": interval}

    def show(self, outputs: Sequence[str], scores: dict[str, Any]) -> None:
        """Print some restorations, spun rows first, and the scores beside those of copying the input."""
        from rich.console import Console
        from rich.table import Table

        console = Console(soft_wrap=True)
        spun_first = sorted(range(len(outputs)), key=lambda i: not self.rows[i]["edits"])
        for i in spun_first[:EXAMPLES]:
            texts = {"spun": self.rows[i]["spun"], "restored": outputs[i], "original": self.rows[i]["original"]}
            for name, text in texts.items():
                console.print(f"{name:>9}: {text}", markup=False, highlight=False)
            console.print()
        table = Table("", "copy the input", "restored", title=f"{len(outputs)} validation rows")
        for name in FIGURES:
            table.add_row(name, f"{self._scores_of_copying[name]:.3f}", f"{scores[name]:.3f}")
        console.print(table)


def _scores(suite: Suite, outputs: Sequence[str], seed: int) -> dict[str, Any]:
    scores = score(suite, outputs, RESAMPLES, seed)
    return {name: scores[name] for name in FIGURES} | {"interval": {name: scores["interval"][name] for name in FIGURES}}
