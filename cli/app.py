"""The commands and their help. Bodies import what they run, so that help stays instant."""

from __future__ import annotations

import sys
import time
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
ExecutorFile = Annotated[Path | None, typer.Option(metavar="FILE", help="run on a Ray or Slurm cluster; a YAML file as in configs/executors")]
ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="a YAML file")]


def main() -> None:
    """Run the command; an error that the user can mend becomes one line and exit code 1."""
    try:
        app()
    except UnspinError as error:
        sys.exit(f"unspin: {error}")
    except OSError as error:
        sys.exit(f"unspin: {error.filename}: {error.strerror}" if error.filename else f"unspin: {error}")


def _place(name: str) -> Path:
    from unspin.data.stores import place

    return place(name)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"unspin {version('unspin')}")
        raise typer.Exit


@app.callback()
def root(show_version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="show the version")] = False) -> None:
    pass


@app.command()
def build(
    config: Annotated[Path | None, typer.Argument(metavar="CONFIG", help="a YAML file")] = None,
    overrides: Overrides = None,
    executor: ExecutorFile = None,
    check: Annotated[bool, typer.Option("--check", help="say what the build will make and whether it can, and write nothing")] = False,
    preview: Annotated[int, typer.Option(min=0, help="show so many pairs, coloured, and write nothing")] = 0,
    stats: Annotated[Path | None, typer.Option(metavar="DIR", help="show what a built data set holds, and draw it to DIR/stats.png")] = None,
) -> None:
    """Make a data set of spun/original pairs; started again, a killed build goes on from its finished parts.

    Examples:

    `unspin build configs/data/quickstart.yaml`

    `unspin build configs/data/default.yaml seed=7 output=build/data/seven`

    `unspin build configs/data/quickstart.yaml --preview 20`

    `unspin build configs/data/default.yaml --executor configs/executors/ray.yaml workers=8`

    `unspin build --check configs/data/quickstart.yaml`

    `unspin build --stats build/data/quickstart`
    """
    if stats is not None:
        from unspin.data.stats import figures, plot
        from unspin.data.stats import show as show_figures

        found = figures(stats)
        show_figures(found)
        plot(found, stats / "stats.png")
        typer.echo(f"drawn: {stats / 'stats.png'}")
        return
    if config is None:
        raise typer.BadParameter("give a config file, or --stats DIR")
    from unspin.data.build import CACHE, BuildConfig
    from unspin.data.build import build as make
    from unspin.data.config import load_config
    from unspin.data.preview import show

    loaded = load_config(config, BuildConfig, overrides or ())
    if check:
        from unspin.data.check import check as look
        from unspin.data.check import lines

        for what, words in lines(loaded, look(loaded, CACHE)):
            typer.echo(f"{what:<8} {words}")
        typer.echo(f"{config} is sound")
        return
    if preview:
        show(loaded, preview, CACHE)
        return
    if executor is not None:
        from unspin.data.executors import load_executor

        loaded = loaded.model_copy(update={"executor": load_executor(executor)})
    counts = make(loaded, " ".join(["unspin build", str(config), *(overrides or ())]))
    if counts:
        typer.echo(f"{loaded.output}: " + ", ".join(f"{rows:,} {split}" for split, rows in counts.items() if rows or split != "skipped"))


@app.command()
def train(
    config: Annotated[Path | None, typer.Argument(metavar="CONFIG", help="a YAML file")] = None,
    overrides: Overrides = None,
    check: Annotated[bool, typer.Option("--check", help="say what the run will be and whether it can be, and start nothing")] = False,
    plot: Annotated[Path | None, typer.Option(metavar="RUN", help="draw the curves of a run to RUN/curves.png")] = None,
) -> None:
    """Fine-tune a model on pairs; started again, a killed run goes on from its last checkpoint.

    Examples:

    `unspin train configs/train/default.yaml`

    `unspin train configs/train/default.yaml steps=200 output=build/runs/short`

    `unspin train configs/train/default.yaml time_limit=20m output=build/runs/lunch`

    `unspin train --check configs/train/flan-t5-base.yaml`

    `unspin train --plot build/runs/default`
    """
    started = time.monotonic()  # imports take seconds, and a time limit counts them
    if plot is not None:
        from unspin.train.plot import plot as draw

        typer.echo(f"drawn: {draw(plot)}")
        return
    if config is None:
        raise typer.BadParameter("give a config file, or --plot RUN")
    from unspin.data.config import load_config
    from unspin.train.config import TrainConfig

    loaded = load_config(config, TrainConfig, overrides or ())
    if check:
        from unspin.train.check import check as look
        from unspin.train.check import lines

        for what, words in lines(loaded, look(loaded)):
            typer.echo(f"{what:<8} {words}")
        typer.echo(f"{config} is sound")
        return
    from unspin.train.finetune import main as finetune

    typer.echo(f"checkpoint: {finetune(loaded, started)}")


@app.command()
def evaluate(config: ConfigFile, overrides: Overrides = None) -> None:
    """Run systems over suites; writes results.json and a page with plots. Started again, it runs only what has changed.

    Examples:

    `unspin evaluate configs/eval/quick.yaml`

    `unspin evaluate configs/eval/full.yaml`

    `unspin evaluate configs/eval/real.yaml real=pairs.tsv`

    `unspin evaluate configs/eval/default.yaml checkpoint=build/runs/default/adapter limit=50`
    """
    from unspin.data.config import load_config
    from unspin.train.config import EvalConfig

    loaded = load_config(config, EvalConfig, overrides or ())
    from unspin.train.benchmark.report import show
    from unspin.train.benchmark.run import main as score

    show(score(loaded))
    typer.echo(f"report: {loaded.output / 'report.html'}")


@app.command()
def calibrate(config: ConfigFile, overrides: Overrides = None) -> None:
    """Fit a checkpoint's confidences, its threshold and its estimate of garbled words on held-back texts, and store them in it.

    Examples:

    `unspin calibrate configs/calibrate/default.yaml checkpoint=build/runs/default/adapter`
    """
    from unspin.data.config import load_config
    from unspin.train.config import CalibrateConfig

    loaded = load_config(config, CalibrateConfig, overrides or ())
    from unspin.train.calibrate import main as fit

    figures = fit(loaded)
    typer.echo(f"threshold {figures['threshold']:.3f}, expected calibration error {figures['expected_calibration_error']:.3f}")
    typer.echo(f"estimated share of garbled words: off by {figures['share_error']:.0%} of the true share, on average")


@app.command()
def export(
    checkpoint: Annotated[str, typer.Argument(help="'default', or a folder that `unspin train` wrote")],
    output: Annotated[Path, typer.Option(help="folder to write; it must not exist")],
    int8: Annotated[bool, typer.Option("--int8", help="add a CTranslate2 int8 folder")] = False,
    push_to_hub: Annotated[str | None, typer.Option(metavar="NAME", help="upload the merged model to the Hugging Face hub")] = None,
) -> None:
    """Merge a checkpoint into a plain transformers folder that needs no unspin to load.

    Examples:

    `unspin export default --output build/export --int8`
    """
    from unspin.train.export import export as write

    for folder in write(checkpoint, output, int8, push_to_hub, typer.echo):
        typer.echo(f"written: {folder}")


@app.command()
def restore(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            parser=_place,
            help="articles (.txt .md .html .jsonl .parquet), folders, globs or s3:// addresses of them, or - for stdin",
        ),
    ],
    output: Annotated[
        Path | None, typer.Option(parser=_place, metavar="FOLDER", help="folder for the restored files; needed for more than one")
    ] = None,
    in_place: Annotated[bool, typer.Option("--in-place", help="change the files themselves; each keeps a copy in FILE.bak")] = False,
    html: Annotated[
        Path | None, typer.Option(parser=_place, metavar="FOLDER", help="folder for a page per article, both versions side by side")
    ] = None,
    edits: Annotated[Path | None, typer.Option(parser=_place, metavar="FILE", help="JSON Lines file with a row for each edit")] = None,
    diff: Annotated[bool, typer.Option("--diff", help="show a coloured word diff on stderr")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="skip what is in the output folder already")] = False,
    field: Annotated[str, typer.Option(help="the key or column that holds the text in .jsonl and .parquet files")] = "text",
    min_confidence: Annotated[float | None, typer.Option(min=0, max=1, help="leave out edits less sure than this [checkpoint's own]")] = None,
    keep_quotations: Annotated[bool, typer.Option("--keep-quotations", help="change nothing between quotation marks")] = False,
    alternatives: Annotated[int, typer.Option(min=0, max=10, help="list so many other restorations with each edit; slower")] = 0,
    checkpoint: Annotated[str, typer.Option(help="'default', or a folder that `unspin train` wrote")] = "default",
    engine: Annotated[str, typer.Option(help="'draft' (fast), 'ctranslate2' (int8), 'transformers' (any backbone)")] = "draft",
    device: Annotated[str, typer.Option(help="where the model runs: cpu, or cuda for a GPU; ctranslate2 runs on the CPU alone")] = "cpu",
    jobs: Annotated[int, typer.Option(min=1, help="processes, each with a model of its own")] = 1,
    executor: ExecutorFile = None,
) -> None:
    """Restore articles. One file goes to stdout; everything that is not the restored text goes to stderr.

    Examples:

    `unspin restore article.txt > restored.txt`

    `unspin restore *.txt --output restored --html pages --diff`

    `unspin restore crawl/ --output restored --edits edits.jsonl --resume`

    `unspin restore shards/*.parquet --output restored --executor configs/executors/ray.yaml --jobs 8`
    """
    from unspin.cli.jobs import RestoreOptions
    from unspin.cli.restore import restore_files

    restore_files(
        paths,
        RestoreOptions(
            output=output,
            in_place=in_place,
            html=html,
            edits=edits,
            diff=diff,
            resume=resume,
            field=field,
            checkpoint=checkpoint,
            min_confidence=min_confidence,
            keep_quotations=keep_quotations,
            alternatives=alternatives,
            engine=engine,
            device=device,
            jobs=jobs,
            executor=executor,
        ),
    )


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one")] = 8000,
    host: Annotated[str, typer.Option(help="address to listen on; anything but loopback opens the page to others")] = "127.0.0.1",
    checkpoint: Annotated[str, typer.Option(help="'default', or a folder that `unspin train` wrote")] = "default",
    engine: Annotated[str, typer.Option(help="'draft' (fast), 'ctranslate2' (int8), 'transformers' (any backbone)")] = "draft",
) -> None:
    """Open a local page: paste an article, see every edit, keep or take back each.

    Examples:

    `unspin serve`

    `unspin serve --port 9000`
    """
    from unspin.cli.serve import serve as run

    run(host, port, checkpoint, engine)
