"""`unspin build`: makes a data set of spun texts and their originals, checks or previews it, or shows its figures.

With `--phrases` it learns a list of phrases from pairs instead.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from unspin.cli.options import ExecutorFile, OptionalConfigFile, OptionError, Overrides, parse_file
from unspin.cli.stopping import advice_when_stopped
from unspin.logs import working

if TYPE_CHECKING:
    from unspin.data.config import BuildConfig


def build(
    config: OptionalConfigFile = None,
    overrides: Overrides = None,
    executor: ExecutorFile = None,
    check: Annotated[
        bool, typer.Option("--check", help="check the config and estimate size and time; write nothing")
    ] = False,
    preview: Annotated[
        int, typer.Option(min=0, max=1_000_000, help="show this many pairs in colour; write nothing")
    ] = 0,
    stats: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="show the figures of the data set in DIR and plot them to DIR/stats.png"),
    ] = None,
    phrases: Annotated[
        Path | None,
        typer.Option(
            parser=parse_file,
            metavar="PAIRS",
            help="print the words and phrases that a spinner replaced, with counts, learned from the spun and original "
            "texts in PAIRS (.tsv, .csv, .jsonl or .parquet); `unspin restore --phrases` reads this list",
        ),
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

    `unspin build --phrases pairs.tsv > phrases.tsv`
    """
    if phrases is not None:
        others: dict[str, object] = {"CONFIG": config, "KEY=VALUE": overrides, "--executor": executor}
        others |= {"--check": check, "--preview": preview, "--stats": stats}
        if given := [name for name, value in others.items() if value]:
            raise OptionError(f"--phrases only reads pairs and prints a list: leave out {', '.join(given)}")
        _print_phrases(phrases)
        return
    if stats is not None:
        _show_stats(stats)
        return
    if config is None:
        raise typer.BadParameter("give a config file, --stats DIR or --phrases PAIRS")
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
        shown = [override for override in overrides or () if not override.startswith("workers=")]  # changes nothing
        _build(settings, executor, shlex.join(["unspin", "build", str(config), *shown]))


def _show_stats(folder: Path) -> None:
    from unspin.data import stats, stats_plot

    figures = stats.read_stats(folder)
    stats.print_stats(figures)
    plot = folder / "stats.png"
    stats_plot.plot_stats(figures, plot)
    typer.echo(f"plot: {plot}")


def _print_phrases(pairs: Path) -> None:
    from unspin.data.pairs import learn_substitutions
    from unspin.data.substitutions import phrase_lines

    typer.echo("\n".join(phrase_lines(learn_substitutions(pairs))).encode())  # UTF-8, whatever the terminal's encoding


def _check(settings: BuildConfig) -> None:
    from unspin.data.build import CACHE
    from unspin.data.plan import describe, plan_build

    with working("reading the sources and spinning a sample"):
        plan = plan_build(settings, CACHE)
    for subject, text in describe(settings, plan):
        typer.echo(f"{subject:<8} {text}")


@advice_when_stopped("finished parts of the work are kept: run the same command again to go on")
def _build(settings: BuildConfig, executor: Path | None, command: str) -> None:
    from unspin.data.build import build

    if executor is not None:
        from unspin.executors import load_executor

        settings = settings.model_copy(update={"executor": load_executor(executor)})
    counts = build(settings, command)
    if counts:  # empty if the build was only submitted to a cluster
        shown = (f"{rows:,} {split}" for split, rows in counts.items() if rows or split != "skipped")
        typer.echo(f"{settings.output}: {', '.join(shown)}")
