"""`unspin evaluate`: scores systems on suites and writes the report."""

from __future__ import annotations

import typer
from unspin.cli.options import ConfigFile, Overrides
from unspin.cli.stopping import advice_when_stopped


@advice_when_stopped("outputs for finished suites are kept: run the same command again to go on")
def evaluate(config: ConfigFile, overrides: Overrides = None) -> None:
    """Score systems on suites and write results.json and report.html. A second run repeats only what has changed.

    Examples:

    `unspin evaluate configs/eval/quick.yaml`

    `unspin evaluate configs/eval/full.yaml`

    `unspin evaluate configs/eval/real.yaml real=real.tsv`

    `unspin evaluate configs/eval/default.yaml checkpoint=runs/train/default/adapter limit=50`
    """
    from unspin.config import load_config
    from unspin.evaluation.config import EvalConfig

    settings = load_config(config, EvalConfig, overrides or ())
    from unspin.evaluation.report import show
    from unspin.evaluation.run import main as score

    show(score(settings))
    typer.echo(f"report: {settings.output / 'report.html'}")
