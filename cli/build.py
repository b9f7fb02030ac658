"""`unspin build`: makes a data set of spun texts and their originals, checks or previews it, or shows its figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from unspin.cli.options import ExecutorFile, OptionalConfigFile, Overrides

if TYPE_CHECKING:
    from unspin.data.config import BuildConfig


def build(
    config: OptionalConfigFile = None,
    overrides: Overrides = None,
    executor: ExecutorFile = None,
    check: Annotated[
        bool, typer.Option("--check", help="check the config and estimate size and time; write nothing")
    ] = False,
    preview: Annotated[int, typer.Option(min=0, help="show this many pairs in colour; write nothing")] = 0,
    stats: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="show the figures of the data set in DIR and plot them to DIR/stats.png"),
    ] = None,
) -> None:
    """Build a data set of spun texts and their originals. Run the command again to resume an interrupted build.

    Examples:

    `unspin build configs/data/quickstart.yaml`

    `unspin build configs/data/default.yaml seed=7 output=runs/data/seven`

    `unspin build configs/data/quickstart.yaml --preview 20`

    `unspin build configs/data/default.yaml --executor configs/executors/ray.yaml workers=8`

    `unspin build --check configs/data/quickstart.yaml`

    `unspin build --stats runs/data/quickstart`
    """
    if stats is not None:
        _show_stats(stats)
        return
    if config is None:
        raise typer.BadParameter("give a config file, or --stats DIR")
    from unspin.config import load_config
    from unspin.data.config import BuildConfig

    settings = load_config(config, BuildConfig, overrides or ())
    if check:
        _check(settings)
        typer.echo(f"{config}: no problems found")
    elif preview:
        from unspin.data.build import CACHE
        from unspin.data.preview import show_pairs

        show_pairs(settings, preview, CACHE)
    else:
        _build(settings, executor, " ".join(["unspin build", str(config), *(overrides or ())]))


def _show_stats(folder: Path) -> None:
    from unspin.data import stats, stats_plot

    figures = stats.read_stats(folder)
    stats.print_stats(figures)
    plot = folder / "stats.png"
    stats_plot.plot_stats(figures, plot)
    typer.echo(f"plot: {plot}")


def _check(settings: BuildConfig) -> None:
    from unspin.data.build import CACHE
    from unspin.data.plan import describe, plan_build

    for subject, text in describe(settings, plan_build(settings, CACHE)):
        typer.echo(f"{subject:<8} {text}")


def _build(settings: BuildConfig, executor: Path | None, command: str) -> None:
    from unspin.data.build import build

    if executor is not None:
        from unspin.executors import load_executor

        settings = settings.model_copy(update={"executor": load_executor(executor)})
    counts = build(settings, command)
    if counts:  # empty if the build was only submitted to a cluster
        shown = (f"{rows:,} {split}" for split, rows in counts.items() if rows or split != "skipped")
        typer.echo(f"{settings.output}: {', '.join(shown)}")
