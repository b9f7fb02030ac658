"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from unspin.errors import UnspinError


def parse_file(name: str) -> Path:
    """A path, or the address of an object in a store."""
    from unspin.storage import to_path

    return to_path(name)


CONFIG_HELP = "a YAML file"
ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help=CONFIG_HELP)]
OptionalConfigFile = Annotated[Path | None, typer.Argument(metavar="CONFIG", help=CONFIG_HELP)]
Overrides = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="settings that replace those of the config")
]
ExecutorFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="run on a Ray or Slurm cluster, described in a YAML file as in configs/executors"
    ),
]
CheckpointName = Annotated[str, typer.Option(help="'default', or a folder that `unspin train` wrote")]
EngineName = Annotated[
    str, typer.Option(help="'draft' (fast), 'ctranslate2' (int8, CPU only) or 'transformers' (any backbone)")
]


PhrasesFile = Annotated[
    Path | None,
    typer.Option(
        parser=parse_file,
        metavar="FILE",
        help="list of garbled phrases and what stood there: lines of garbled<TAB>expected, or a paper screener's JSON",
    ),
]
ProtectFile = Annotated[
    Path | None,
    typer.Option(parser=parse_file, metavar="FILE", help="names, brands and terms that no edit touches, one on a line"),
]


class OptionError(UnspinError):
    """Options that contradict each other, or do not fit the files; nothing was read or written."""
