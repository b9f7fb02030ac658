"""The `evaluate.Metric`: its interface, and the same figures as the functions."""

import subprocess
import sys

import pytest
from unspin.evaluation.metrics import chrf, compute_figures, count_row, sum_counts
from unspin.evaluation.restoration_metric import RestorationMetric

SPUN, ORIGINAL = "The overseas minister stated the warfare ended.", "The foreign minister said the war ended."
CLEAN = "One two three four five."


def test_the_metric_computes_all_figures_with_its_own_interface() -> None:
    other = "A firm shut."
    texts = {"sources": [SPUN, CLEAN, "An firm shut."], "predictions": [ORIGINAL, CLEAN, other]}
    references = [[ORIGINAL], [CLEAN], ["A company shut.", other]]
    scores = RestorationMetric().compute(references=references, **texts)
    rows = zip(*texts.values(), references, strict=True)
    figures = compute_figures(sum_counts(count_row(*row) for row in rows))
    assert scores == figures | chrf(texts["predictions"], references)
    assert scores["f0.5"] == scores["restoration"] == scores["exact"] == 1 and scores["chrf"] == pytest.approx(100)


def test_a_run_does_not_import_evaluate() -> None:
    """The import would count towards the time and memory of every system."""
    code = "import sys, unspin.evaluation.run; sys.exit('evaluate' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
