"""The Typer application: registers the commands, sets up logging, and reports errors.

No command module imports torch, transformers or datatrove at its top, so that ``unspin --help`` stays instant.
"""

from __future__ import annotations

import signal
import sys
from _thread import interrupt_main
from importlib.metadata import version
from io import TextIOWrapper
from threading import Timer
from typing import Annotated, NoReturn

import typer
from unspin.cli.build import build
from unspin.cli.calibrate import calibrate
from unspin.cli.evaluate import evaluate
from unspin.cli.export import export
from unspin.cli.options import OptionError
from unspin.cli.restore import restore
from unspin.cli.screen import screen
from unspin.cli.self_train import self_train
from unspin.cli.serve import serve
from unspin.cli.train import train
from unspin.errors import UnspinError
from unspin.extras import explain_missing_package
from unspin.logs import log_to_terminal, without_controls

app = typer.Typer(
    name="unspin",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Restores articles that an automatic article spinner garbled.",
)
for _command in (build, train, self_train, evaluate, calibrate, export, restore, screen, serve):
    app.command()(_command)


def main() -> None:
    """Run the command. An error that the user can fix is printed as one line, with exit code 1; 2 for wrong options."""
    log_to_terminal()
    _clean_up_when_terminated()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal or a pipe may not know a character, such as "→"
    try:
        app()
    except OptionError as error:
        print(f"unspin: {without_controls(str(error))}", file=sys.stderr)
        sys.exit(2)
    except UnspinError as error:
        sys.exit(f"unspin: {without_controls(str(error))}")
    except ImportError as error:
        explanation = explain_missing_package(error, _command_name(sys.argv[1:]))
        if explanation is None:
            raise
        sys.exit(explanation)
    except OSError as error:
        sys.exit(f"unspin: {error.filename}: {error.strerror}" if error.filename else f"unspin: {error}")


def _clean_up_when_terminated() -> None:
    """Let SIGTERM, and the end of the terminal, end a command as Ctrl-C does: locks and scratch files are removed."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup lets SIGHUP be ignored
            signal.signal(number, _interrupt)
    sys.unraisablehook = _interrupt_again


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _interrupt_again(unraisable: sys.UnraisableHookArgs) -> None:
    """Python drops an interruption that falls into the clean-up of an object: let another one follow."""
    if unraisable.exc_type is KeyboardInterrupt:
        Timer(0.1, interrupt_main, [signal.SIGTERM]).start()
    else:
        sys.__unraisablehook__(unraisable)


def _command_name(arguments: list[str]) -> str:
    """The subcommand among the command line's arguments; empty if there is none."""
    return next((argument for argument in arguments if not argument.startswith("-")), "")


def _show_version(requested: bool) -> None:
    if requested:
        typer.echo(f"unspin {version('unspin')}")
        raise typer.Exit


@app.callback()
def root(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="show the version")
    ] = False,
) -> None:
    """Options of `unspin` itself. Its help text is that of the application."""
