"""The commands and their help. Bodies import what they run, so that help stays instant."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from unspin.data.errors import UnspinError

app = typer.Typer(
    name="unspin",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Restores articles that an automatic article spinner garbled.",
)
Overrides = Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="change single keys of the config")]
ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="a YAML file")]


def main() -> None:
    """Run the command; an error that the user can mend becomes one line and exit code 1."""
    try:
        app()
    except UnspinError as error:
        sys.exit(f"unspin: {error}")
    except OSError as error:
        sys.exit(f"unspin: {error.filename or ''}: {error.strerror or error}")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"unspin {version('unspin')}")
        raise typer.Exit


@app.callback()
def root(show_version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="show the version")] = False) -> None:
    pass


@app.command()
def build(config: ConfigFile, overrides: Overrides = None) -> None:
    """Make a data set of spun/original pairs.

    Examples:

    `unspin build configs/data/quickstart.yaml`

    `unspin build configs/data/default.yaml seed=7 output=build/data/seven`
    """
    from unspin.data.build import BuildConfig
    from unspin.data.build import build as make
    from unspin.data.config import load_config

    loaded = load_config(config, BuildConfig, overrides or ())
    counts = make(loaded, " ".join(["unspin build", str(config), *(overrides or ())]))
    typer.echo(f"{loaded.output}: " + ", ".join(f"{rows:,} {split}" for split, rows in counts.items()))


@app.command()
def train(config: ConfigFile, overrides: Overrides = None) -> None:
    """Fine-tune a model on pairs; started again, a killed run goes on from its last checkpoint.

    Examples:

    `unspin train configs/train/default.yaml`

    `unspin train configs/train/default.yaml steps=200 output=build/runs/short`
    """
    from unspin.data.config import load_config
    from unspin.train.config import TrainConfig

    loaded = load_config(config, TrainConfig, overrides or ())
    from unspin.train.finetune import main as finetune

    typer.echo(f"adapter: {finetune(loaded)}")


@app.command()
def evaluate(config: ConfigFile, overrides: Overrides = None) -> None:
    """Score a checkpoint on held-back pairs, beside copying the input.

    Examples:

    `unspin evaluate configs/eval/default.yaml`

    `unspin evaluate configs/eval/default.yaml checkpoint=build/runs/default/adapter limit=50`
    """
    from unspin.data.config import load_config
    from unspin.train.config import EvalConfig

    loaded = load_config(config, EvalConfig, overrides or ())
    from unspin.train.evaluate import evaluate as score
    from unspin.train.evaluate import show

    show(score(loaded))


@app.command()
def restore(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="articles as plain text")],
    output: Annotated[Path | None, typer.Option(help="folder for the restored files; needed for more than one")] = None,
    html: Annotated[Path | None, typer.Option(help="folder for a page per article, both versions side by side")] = None,
    diff: Annotated[bool, typer.Option("--diff", help="show a coloured word diff on stderr")] = False,
    checkpoint: Annotated[str, typer.Option(help="'default', or a folder that `unspin train` wrote")] = "default",
    min_confidence: Annotated[
        float | None, typer.Option(min=0, max=1, help="leave out edits less sure than this; default: the checkpoint's own")
    ] = None,
    engine: Annotated[
        str, typer.Option(help="'draft' (fast, CPU), 'ctranslate2' (int8, CPU) or 'transformers' (any backbone, any device)")
    ] = "draft",
    device: Annotated[str, typer.Option(help="torch device of the transformers engine")] = "cpu",
) -> None:
    """Restore articles. One file goes to stdout; everything that is not the restored text goes to stderr.

    Examples:

    `unspin restore article.txt > restored.txt`

    `unspin restore *.txt --output restored --html pages --diff`
    """
    from unspin.cli.restore import restore_files

    restore_files(files, output=output, html=html, diff=diff, checkpoint=checkpoint, min_confidence=min_confidence, engine=engine, device=device)
