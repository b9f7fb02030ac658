"""YAML in, a checked object out, with errors that name the file, the key, the value and the nearest valid key.

A file may build on another (`inherits: base.yaml`, relative to itself), and a command line may override single keys
(``optimizer.learning_rate=1e-4``). Nothing below this module reads a config file, the environment or argv.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from rapidfuzz import process
from unspin.data.errors import UnspinError


class ConfigError(UnspinError, ValueError):
    """A configuration that cannot be used; the message says which key to change."""


class Config(BaseModel):
    """Base of every configuration: unknown keys are refused, nothing changes after it was checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _of_this_machine(cls, value: object) -> object:
        """Where a config takes no address, a path would become a folder called "s3:"."""
        if isinstance(value, Path) and value.parts and re.fullmatch(r"[a-z][a-z0-9]+:", value.parts[0]):
            raise ValueError("this must be a path of this machine")
        return value


Model = TypeVar("Model", bound=Config)


def load_config(path: Path, model: type[Model], overrides: Sequence[str] = ()) -> Model:
    """Read, merge and check a config. Raises `ConfigError`, or OSError where a file cannot be read."""
    raw = _read(path)
    for override in overrides:
        _override(raw, override)
    try:
        return model.model_validate(raw, context={"folder": path.parent})
    except ValidationError as error:
        raise ConfigError("; ".join(_explain(path, model, raw, e) for e in error.errors())) from None


def _read(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    if path.resolve() in seen:
        raise ConfigError(f"{path}: 'inherits' leads back to itself")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: expected keys and values, found {type(raw).__name__}")
    base = raw.pop("inherits", None)
    return _merge(_read(path.parent / base, (*seen, path.resolve())), raw) if base else raw


def _merge(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    both = {k: _merge(base[k], v) if isinstance(v, dict) and isinstance(base.get(k), dict) else v for k, v in top.items()}
    return {**base, **both}


def _override(raw: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals:
        raise ConfigError(f"override {override!r}: write it as key=value, for example learning_rate=1e-4")
    *sections, leaf = key.split(".")
    for section in sections:
        raw = raw.setdefault(section, {})
        if not isinstance(raw, dict):
            raise ConfigError(f"override {override!r}: {section!r} is a value, not a section")
    raw[leaf] = yaml.safe_load(value)


def _explain(path: Path, model: type[BaseModel], raw: object, error: Any) -> str:
    location = [part for part in error["loc"] if not (isinstance(part, str) and part.startswith("function-"))]
    key = ".".join(map(str, location)) or "(top level)"
    if error["type"] == "extra_forbidden":
        nearest = process.extractOne(str(location[-1]), _keys(model, location[:-1]))
        hint = f"; did you mean {nearest[0]!r}?" if nearest and nearest[1] > 60 else ""
        return f"{path}: unknown key {key!r} with value {error['input']!r}{hint}"
    if error["type"] == "missing":
        return f"{path}: key {key!r} is missing: add it"
    message = error["msg"].removeprefix("Value error, ")
    return f"{path}: {message}" if error["type"] == "value_error" and not location else f"{path}: {key}: {message}, found {error['input']!r}"


def _keys(model: Any, location: Sequence[object]) -> list[str]:
    """The names valid at a place of the config, as far as its models tell."""
    schema = model.model_json_schema()
    names = {name for part in (schema, *schema.get("$defs", {}).values()) for name in part.get("properties", {})}
    return sorted(schema.get("properties", {}) if not location else names)
