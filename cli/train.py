"""`unspin train`: fine-tunes a model, predicts what a run would take, or plots the curves of a run."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import Annotated

import typer
from unspin.cli.options import OptionalConfigFile, Overrides
from unspin.cli.stopping import advice_when_stopped
from unspin.logs import working


def train(
    config: OptionalConfigFile = None,
    overrides: Overrides = None,
    check: Annotated[
        bool, typer.Option("--check", help="check the config and estimate memory, disk and time; start nothing")
    ] = False,
    plot: Annotated[Path | None, typer.Option(metavar="RUN", help="plot the curves of a run to RUN/curves.png")] = None,
) -> None:
    """Fine-tune a model on a data set. Run the command again to resume an interrupted run from its last checkpoint.

    Examples:

    `unspin train configs/train/default.yaml`

    `unspin train configs/train/default.yaml max_steps=200 output=runs/train/short`

    `unspin train configs/train/default.yaml time_limit=20m output=runs/train/lunch`

    `unspin train --check configs/train/flan-t5-base.yaml`

    `unspin train --plot runs/train/default`
    """
    started = time.monotonic()  # before the imports: they take seconds, which count towards a time limit
    if plot is not None:
        from unspin.train.plot import plot as plot_curves

        typer.echo(f"plot: {plot_curves(plot)}")
        return
    if config is None:
        raise typer.BadParameter("give a config file, or --plot RUN")
    from unspin.config import load_config
    from unspin.train.config import TrainConfig

    settings = load_config(config, TrainConfig, overrides or ())
    if check:
        with working("loading libraries"):
            from unspin.train import plan

        for subject, text in plan.describe(settings, plan.plan_run(settings)):
            typer.echo(f"{subject:<8} {text}")
        typer.echo(f"{config}: no problems found")
        return
    command = shlex.join(["unspin", "train", str(config), *(overrides or ())])
    with advice_when_stopped("complete checkpoints are kept: run the same command again to go on from the newest"):
        from unspin.train.finetune import main as finetune

        checkpoint = finetune(settings, started, command)
    typer.echo(f"checkpoint: {checkpoint}")
    typer.echo(f"model card: {checkpoint / 'README.md'}")
