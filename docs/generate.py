"""Write the reference pages commands/*.md and configuration.md from the code: ``python docs/generate.py``.

Descriptions come from the commands' help and the config models. What a command prints comes from commands/*.txt, which
docs/outputs.py records from real runs. A test fails while the pages are out of date.
"""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.main import get_command
from unspin.cli.app import app
from unspin.data.config import BuildConfig
from unspin.evaluation.config import CalibrateConfig, EvalConfig
from unspin.train.config import SelfTrainConfig, TrainConfig

DOCS = Path(__file__).parent
CONFIGS: dict[str, type[BaseModel]] = {
    "build": BuildConfig,
    "train": TrainConfig,
    "self-train": SelfTrainConfig,
    "evaluate": EvalConfig,
    "calibrate": CalibrateConfig,
}
GENERATED = "<!-- made by docs/generate.py -->"
CONFIGURATION = f"""\
# Configuration

{GENERATED}

A config is a YAML file. `inherits: other.yaml` builds on another file, and `key=value` after the command overrides a
single key (`lora.rank=8`) or an entry of a list (`pairs.0.path=mine.tsv`). An unknown key is refused, with the nearest
valid key.

A relative path in a config file is relative to that file. A relative path on the command line is relative to the
working directory. Where a key takes a name or a folder, a config file marks a path by a leading `./` or `../`.
"""


def command_pages() -> dict[str, str]:
    """The page of each command, by name: its purpose, examples, arguments and options, and what it prints."""
    root: Any = get_command(app)
    return {name: _command_page(name, command) for name, command in root.commands.items()}


def _command_page(name: str, command: Any) -> str:
    purpose = "\n".join(line.strip() for line in (command.help or "").splitlines())
    lines = [f"# unspin {name}", "", GENERATED, "", purpose, "", "| | |", "| --- | --- |"]
    lines += filter(None, map(_parameter_row, command.params))
    if name in CONFIGS:
        lines += ["", f"All keys of its config: [configuration](../configuration.md#unspin-{name})."]
    printed = (DOCS / "commands" / f"{name}.txt").read_text(encoding="utf-8").rstrip("\n")
    lines += ["", "What it prints:", "", "```text", printed, "```"]
    return "\n".join(lines) + "\n"


def _parameter_row(parameter: Any) -> str | None:
    if parameter.param_type_name == "argument":
        return f"| `{parameter.metavar or parameter.name.upper()}` | {parameter.help or ''} |"
    if parameter.name == "help":
        return None
    options = ", ".join(f"`{option}`" for option in parameter.opts)
    default = f" [{parameter.default}]" if parameter.default not in (None, False, "", 0) else ""
    return f"| {options} | {parameter.help or ''}{default} |"


def configuration_page() -> str:
    """The page of all config models: key, type, default and meaning of every field."""
    lines = [CONFIGURATION.rstrip("\n")]
    listed: set[type[BaseModel]] = set()
    for command, config in CONFIGS.items():
        lines += ["", f"## unspin {command}"]
        for model in _nested_models(config):
            if model not in listed:
                listed.add(model)
                lines += ["", f"### {model.__name__}", "", " ".join((model.__doc__ or "").split()), ""]
                lines += ["| key | type | default | |", "| --- | --- | --- | --- |"]
                lines += (_field_row(key, field) for key, field in model.model_fields.items())
    return "\n".join(lines) + "\n"


def _nested_models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model and every model its fields hold, breadth first, each once."""
    queue, seen = [model], {model}
    while queue:
        current = queue.pop(0)
        yield current
        for field in current.model_fields.values():
            for part in _models_in(field.annotation):
                if part not in seen:
                    seen.add(part)
                    queue.append(part)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _field_row(key: str, field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if field.is_required():
        default = "required"
    elif isinstance(value, BaseModel):
        default = "see below"
    else:
        default = f"`{_as_yaml(value).replace('|', ' ')}`"
    return f"| `{key}` | {_type_name(field.annotation)} | {default} | {(field.description or '').replace('|', ' ')} |"


def _as_yaml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _type_name(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(map(_type_name, arguments))
    if origin in (list, tuple, set):
        return f"list of {' or '.join(_type_name(argument) for argument in arguments if argument is not Ellipsis)}"
    if origin is dict:
        return f"{_type_name(arguments[0])} to {_type_name(arguments[1])}"
    if arguments:  # Annotated
        return _type_name(arguments[0])
    if annotation in (None, type(None)):
        return "`null`"
    return getattr(annotation, "__name__", str(annotation))


if __name__ == "__main__":
    for name, page in command_pages().items():
        (DOCS / "commands" / f"{name}.md").write_text(page, encoding="utf-8")
    (DOCS / "configuration.md").write_text(configuration_page(), encoding="utf-8")
