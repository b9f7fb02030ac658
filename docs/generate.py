"""Writes the pages that follow from the code: ``python docs/generate.py`` makes commands/*.md and configuration.md anew.

What a command prints comes from commands/*.txt, which docs/outputs.py makes from real runs.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from typer.main import get_command
from unspin.cli.app import app
from unspin.data.build import BuildConfig
from unspin.train.config import CalibrateConfig, EvalConfig, TrainConfig

DOCS = Path(__file__).parent
CONFIGS = {"unspin build": BuildConfig, "unspin train": TrainConfig, "unspin evaluate": EvalConfig, "unspin calibrate": CalibrateConfig}
CONFIGS_OF = {command.removeprefix("unspin ") for command in CONFIGS}
MADE = "<!-- made by docs/generate.py -->"


def commands() -> dict[str, str]:
    """A page a command: what it does, its examples, its arguments and options, what it prints."""
    root: Any = get_command(app)
    return {name: _page(name, command) for name, command in root.commands.items()}


def _page(name: str, command: Any) -> str:
    text = "\n".join(line.strip() for line in (command.help or "").splitlines())
    lines = [f"# unspin {name}", "", MADE, "", text, "", "| | |", "| --- | --- |"]
    for parameter in command.params:
        if parameter.param_type_name == "option" and parameter.name != "help":
            shown = ", ".join(f"`{option}`" for option in parameter.opts)
            default = parameter.default if parameter.default not in (None, False, "", 0) else None
            lines.append(f"| {shown} | {parameter.help or ''}{f' [{default}]' if default is not None else ''} |")
        elif parameter.param_type_name == "argument":
            lines.append(f"| `{parameter.metavar or parameter.name.upper()}` | {parameter.help or ''} |")
    if name in CONFIGS_OF:
        lines += ["", f"Every key of its config: [configuration](../configuration.md#unspin-{name})."]
    lines += ["", "What it prints:", "", "```text", (DOCS / "commands" / f"{name}.txt").read_text(encoding="utf-8").rstrip("\n"), "```"]
    return "\n".join(lines) + "\n"


def configuration() -> str:
    """A table a model: key, type, default, meaning."""
    lines = [
        "# Configuration",
        "",
        MADE,
        "",
        "A config is a YAML file; `inherits: other.yaml` builds on another, `key=value` behind the command changes",
    ]
    lines += ["single keys (`lora.rank=8`). A key that does not exist is refused with the nearest that does."]
    shown: set[type[BaseModel]] = set()
    for command, model in CONFIGS.items():
        lines += ["", f"## {command}"]
        for part in _models(model):
            if part not in shown:
                shown.add(part)
                lines += [
                    "",
                    f"### {part.__name__}",
                    "",
                    " ".join((part.__doc__ or "").split()),
                    "",
                    "| key | type | default | |",
                    "| --- | --- | --- | --- |",
                ]
                lines += (_row(key, field) for key, field in part.model_fields.items())
    return "\n".join(lines) + "\n"


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model and those that its fields hold, each once."""
    waiting, seen = [model], {model}
    while waiting:
        current = waiting.pop(0)
        yield current
        for field in current.model_fields.values():
            for part in _parts(field.annotation):
                if part not in seen:
                    seen.add(part)
                    waiting.append(part)


def _parts(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _parts(argument)


def _row(key: str, field: Any) -> str:
    if field.is_required():
        default = "required"
    elif field.default is PydanticUndefined:
        default = "below"
    else:
        default = "below" if isinstance(field.default, BaseModel) else f"`{str(field.default).replace('|', ' ')}`"
    return f"| `{key}` | {_type(field.annotation)} | {default} | {(field.description or '').replace('|', ' ')} |"


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(argument) for argument in arguments)
    if origin in (list, tuple, set):
        return f"list of {' or '.join(_type(argument) for argument in arguments if argument is not Ellipsis)}"
    if origin is dict:
        return f"{_type(arguments[0])} to {_type(arguments[1])}"
    if arguments:  # Annotated
        return _type(arguments[0])
    return "nothing" if annotation in (None, type(None)) else getattr(annotation, "__name__", str(annotation))


if __name__ == "__main__":
    for name, page in commands().items():
        (DOCS / "commands" / f"{name}.md").write_text(page, encoding="utf-8")
    (DOCS / "configuration.md").write_text(configuration(), encoding="utf-8")
