"""`unspin calibrate`: calibrates a checkpoint's confidences on held-out texts, and stores the result in it."""

from __future__ import annotations

import typer
from unspin.cli.options import ConfigFile, Overrides
from unspin.cli.stopping import advice_when_stopped


@advice_when_stopped("the checkpoint is as it was: run the same command again to start over")
def calibrate(config: ConfigFile, overrides: Overrides = None) -> None:
    """Calibrate a checkpoint on held-out texts: its confidences, its threshold, and its estimate of garbled words.

    The result is stored in the checkpoint.

    Examples:

    `unspin calibrate configs/calibrate/default.yaml checkpoint=runs/train/default/adapter`
    """
    from unspin.config import load_config
    from unspin.evaluation.config import CalibrateConfig

    settings = load_config(config, CalibrateConfig, overrides or ())
    from unspin.evaluation.calibrate import main as fit

    figures = fit(settings)
    threshold, error = figures["threshold"], figures["expected_calibration_error"]
    typer.echo(f"threshold {threshold:.3f}, expected calibration error {error:.3f}")
    typer.echo(f"estimated share of garbled words: off by {figures['share_error']:.0%} of the true share, on average")
