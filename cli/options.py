"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from unspin.errors import UnspinError


class OptionError(UnspinError):
    """Options that contradict each other, or do not fit the files; nothing was read or written."""


def parse_file(name: str) -> Path:
    """A path, or the address of an object in a store. Raises `OptionError` for an empty name."""
    from unspin.storage import to_path

    if not name:
        raise OptionError("the name of a file or folder is empty: an unset variable, perhaps")
    return to_path(name)


def parse_document(name: str) -> Path:
    """A path or address to read documents from, or to write them to. Raises `OptionError` for a web address."""
    if name.lower().startswith(("http://", "https://", "ftp://")):
        raise OptionError(f"{name}: web addresses are not fetched: save the page to a file, and give that")
    return parse_file(name)


def parse_new_folder(name: str) -> Path:
    """A folder on this machine that is to be written. Raises `OptionError` for an empty name or an address."""
    from unspin.storage import is_url

    if is_url(name):
        raise OptionError(f"{name}: give a folder on this machine, not an address")
    return parse_file(name)


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
DeviceName = Annotated[
    str, typer.Option(help="device that runs the model: cpu, or cuda for a GPU (not with ctranslate2)")
]
JobCount = Annotated[int, typer.Option(min=1, max=1000, help="number of processes; each loads the model")]
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
FormatName = Annotated[
    str | None, typer.Option(metavar="NAME", help="format of the files, if their suffixes do not tell it")
]
FieldName = Annotated[
    str, typer.Option(help="column, key or path of keys (article.body) that holds the text in files with rows")
]
OnError = Annotated[
    Literal["stop", "skip"],
    typer.Option(help="rows that cannot be read: refuse their file, or leave them as they are"),
]
MainContent = Annotated[
    bool, typer.Option("--main-content", help="read only the article of an HTML page, not its navigation")
]
