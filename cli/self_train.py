"""`unspin self-train`: adapts a model to a spinner of which there are only spun texts."""

from __future__ import annotations

import shlex

import typer
from unspin.cli.options import ConfigFile, Overrides
from unspin.cli.stopping import advice_when_stopped


@advice_when_stopped("finished steps of a round and complete checkpoints are kept: run the same command again to go on")
def self_train(config: ConfigFile, overrides: Overrides = None) -> None:
    """Adapt a model to a spinner of which you have spun texts and no originals. Run the command again to resume it.

    Each round restores the texts, learns from the sure restorations how the tool spins, spins clean text the same way
    and trains on it.

    Examples:

    `unspin self-train configs/self-train/default.yaml`

    `unspin self-train configs/self-train/default.yaml rounds=2`
    """
    from unspin.config import load_config
    from unspin.train.config import SelfTrainConfig
    from unspin.train.self_train import self_train as run

    settings = load_config(config, SelfTrainConfig, overrides or ())
    checkpoint = run(settings, shlex.join(["unspin", "self-train", str(config), *(overrides or ())]))
    typer.echo(f"checkpoint: {checkpoint}")
    typer.echo(f"model card: {checkpoint / 'README.md'}")
