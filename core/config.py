"""Reads a YAML file into a checked config object. Errors name the file, the key, the value and the nearest valid key.

A file may build on another (`inherits: base.yaml`), and overrides such as ``lora.rank=8`` replace single keys.
A relative path in a file is relative to that file; in an override it is relative to the working directory.
Modules that need settings receive the finished object; they read neither config files nor the environment.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, ClassVar, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from rapidfuzz import process
from unspin.errors import UnspinError
from unspin.storage import real_path

_NO_TEXT = re.compile("[\0\ud800-\udfff]")
MAX_NUMBER = 2**32  # seeds go up to here; every other number of a config is smaller


class ConfigError(UnspinError, ValueError):
    """A config file or override is invalid; the message says which key to change."""


class Config(BaseModel):
    """Base class of every configuration: refuses unknown keys, and cannot be changed after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    renamed: ClassVar[Mapping[str, str]] = {}  # former name of a key -> its present name

    @model_validator(mode="before")
    @classmethod
    def _refuse_renamed_keys(cls, raw: Any) -> Any:
        old = {key: new for key, new in cls.renamed.items() if key in raw} if isinstance(raw, dict) else {}
        if old:
            message = "; ".join(f"{key!r} is called {new!r} now" for key, new in old.items())
            raise PydanticCustomError("renamed_keys", "{message}", {"message": message, "renamed": old})
        return raw

    @model_validator(mode="before")
    @classmethod
    def _accept_single_names(cls, raw: Any) -> Any:
        """Take a single value where a list of them is expected: ``report_to=wandb``."""
        if not isinstance(raw, dict):
            return raw
        lists = {
            key
            for key, field in cls.model_fields.items()
            if any(get_origin(kind) in (list, tuple) for kind in _alternatives(field.annotation))
        }
        return {
            key: value if key not in lists or value is None or isinstance(value, (list, tuple)) else [value]
            for key, value in raw.items()
        }

    @field_validator("*")
    @classmethod
    def _refuse_odd_values(cls, value: object) -> object:
        """Refuse what no field can mean, and what libraries would fail on, far from the key. Fields may be stricter."""
        for part in (value, *_parts(value)):
            if isinstance(part, (int, float)) and abs(part) > MAX_NUMBER:
                raise ValueError(f"expected a number from -{MAX_NUMBER:,} to {MAX_NUMBER:,}")
            if isinstance(part, (str, Path)) and _NO_TEXT.search(str(part)):
                what = "path" if isinstance(part, Path) else "text"
                raise ValueError(f"expected a {what}, and no {what} holds a null character or half a surrogate pair")
            # Such a path would become a folder "s3:".
            if isinstance(part, Path) and part.parts and re.fullmatch(r"[a-z][a-z0-9]+:", part.parts[0]):
                raise ValueError("expected a path on this machine, not an address")
        return value


def _parts(value: object) -> Iterable[object]:
    """The entries of a list, and the keys and values of a mapping."""
    if isinstance(value, dict):
        return (*value, *value.values())
    return value if isinstance(value, (list, tuple)) else ()


_MAX_SHOWN = 200  # characters of a wrong value
ConfigT = TypeVar("ConfigT", bound=Config)


def load_config(path: Path, model: type[ConfigT], overrides: Sequence[str] = ()) -> ConfigT:
    """Read a YAML file with the files it inherits from, apply overrides (``key=value``) and validate the result.

    Raises `ConfigError` for invalid content, and OSError if a file cannot be read.
    """
    raw = _read(path, model)
    for override in overrides:
        _override(raw, override)
    return _validated(path, model, raw, overrides)


def with_values(config: ConfigT, path: Path, **values: object) -> ConfigT:
    """The config with other values, checked again; `path` is the file that it was read from. Raises `ConfigError`."""
    return _validated(path, type(config), config.model_dump(exclude_unset=True) | values, ())


def _validated(path: Path, model: type[ConfigT], raw: dict[str, Any], overrides: Sequence[str]) -> ConfigT:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise ConfigError("; ".join(_explain(path, model, raw, overrides, each) for each in error.errors())) from None


class _Loader(yaml.SafeLoader):
    """Refuses a key that is written twice, of which YAML's own loader keeps the last, and aliases.

    A few lines of aliases of aliases stand for billions of values.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            message = "aliases (*name) are not read: write the value out, or inherit it from another file"
            raise yaml.composer.ComposerError(None, None, message, self.peek_event().start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        written = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        if twice := next((key for key, count in written.items() if count > 1), None):
            raise yaml.constructor.ConstructorError(
                None, None, f"key {twice!r} occurs twice: join both", node.start_mark
            )
        return super().construct_mapping(node, deep)


def _number(loader: _Loader, node: yaml.ScalarNode) -> int | float | str:
    """A number; text if it has colons: "1:30" is ninety to YAML 1.1 alone, and takes the square of its length."""
    construct = yaml.SafeLoader.yaml_constructors[node.tag]
    return node.value if ":" in node.value else construct(loader, node)


for _kind in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _number)


def _parse(text: str | bytes, complaint: str) -> Any:
    """The values of a YAML text. Raises `ConfigError`, which begins with the complaint, if it is not valid."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except RecursionError:
        raise ConfigError(f"{complaint}: lists or sections are nested too deeply") from None
    except Exception as error:  # of values that do not suit their tags, PyYAML raises errors of many kinds
        raise ConfigError(f"{complaint}: {' '.join(str(error).split())}") from None


def _read(path: Path, model: type[BaseModel], seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Return the contents of a file merged over the files it inherits from, each path relative to its own file."""
    if real_path(path) in seen:
        raise ConfigError(f"{path}: 'inherits' leads back to itself")
    raw = _parse(path.read_bytes(), f"{path}: not YAML")
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: expected keys and values, found {type(raw).__name__}")
    base = raw.pop("inherits", None)
    anchored: dict[str, Any] = _anchored(raw, model, path.parent)
    if base is None:
        return anchored
    if not isinstance(base, str):
        raise ConfigError(f"{path}: inherits: expected the name of one file, found {_shown(base)}")
    if not (path.parent / base).is_file():
        raise ConfigError(f"{path}: inherits: {path.parent / base} is missing: correct the name")
    return _merge(_read(path.parent / base, model, (*seen, real_path(path))), anchored)


def _anchored(raw: Any, annotation: Any, folder: Path) -> Any:
    """Return the raw value of a field with its relative paths resolved against a folder.

    A string counts as a path if the field takes a `Path`, or if it begins with ./ or ../, as in fields that take a name
    or a folder.
    """
    types = list(_alternatives(annotation))
    if isinstance(raw, str):
        return _anchored_text(raw, Path in types, folder)
    if isinstance(raw, list):
        item = next((get_args(kind)[0] for kind in types if get_origin(kind) in (list, tuple)), Any)
        return [_anchored(value, item, folder) for value in raw]
    if isinstance(raw, dict):
        fields = _fields(raw, types)
        return {key: _anchored(value, fields[key], folder) if key in fields else value for key, value in raw.items()}
    return raw


def _anchored_text(text: str, is_path: bool, folder: Path) -> str:
    is_path = is_path or text.startswith(("./", "../"))
    if not is_path or "://" in text or text.startswith(("{", "~")):  # {corpora} is replaced later, ~ is the home folder
        return text
    return os.path.normpath(folder / text)


def _alternatives(annotation: Any) -> Iterator[Any]:
    """The types that an annotation allows: the members of a union, without the metadata of `Annotated`."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            yield from _alternatives(member)
    else:
        yield annotation


def _fields(raw: dict[str, Any], types: Sequence[Any]) -> dict[str, Any]:
    """The annotation of each key of a raw mapping, taken from the first type that the mapping fits."""
    for kind in types:
        if get_origin(kind) is dict:
            return dict.fromkeys(raw, get_args(kind)[1])
        if isinstance(kind, type) and issubclass(kind, BaseModel) and _has_kind(raw, kind):
            return {key: field.annotation for key, field in kind.model_fields.items()}
    return {}


def _has_kind(raw: dict[str, Any], model: type[BaseModel]) -> bool:
    """Whether the `kind` of a raw mapping selects the model; true if either has no `kind`."""
    kind = model.model_fields.get("kind")
    return kind is None or "kind" not in raw or raw["kind"] in get_args(kind.annotation)


def _merge(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    """Merge two mappings section by section; `top` wins. Lists are replaced, not joined."""
    merged = dict(base)
    for key, value in top.items():
        below = base.get(key)
        merged[key] = _merge(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return merged


def _override(raw: dict[str, Any], override: str) -> None:
    """Set the key of one ``section.key=value`` in place; the value is read as YAML."""
    key, equals, text = override.partition("=")
    if not equals:
        raise ConfigError(f"override {override!r}: write it as key=value, for example seed=1")
    value = _parse(text, f"override {override!r}: the value is not YAML")
    *sections, leaf = key.split(".")
    container: Any = raw
    for section in sections:
        place = _place(container, section, override)
        if isinstance(container, dict):
            container.setdefault(section, {})
        container = container[place]
        if not isinstance(container, (dict, list)):
            raise ConfigError(f"override {override!r}: {section!r} is a value, not a section")
    container[_place(container, leaf, override)] = value


def _place(container: dict[str, Any] | list[Any], name: str, override: str) -> str | int:
    """A key of a section, or the index that names an entry of a list: ``suites.0.path``."""
    if isinstance(container, dict):
        return name
    if not (name.isdecimal() and len(name) < 10 and int(name) < len(container)):
        what = f"override {override!r}: {name!r} is in a list of {len(container)}"
        raise ConfigError(f"{what}: name an entry by its number, from 0, or replace the list: key=[…]")
    return int(name)


def _explain(path: Path, model: type[BaseModel], raw: Any, overrides: Sequence[str], error: ErrorDetails) -> str:
    """Turn one of pydantic's errors into a message: file or override, key, complaint, value."""
    location = _location_in(raw, error["loc"])
    key = ".".join(map(str, location))
    renamed = error.get("ctx", {}).get("renamed", {})
    written = next((f"{key}.{old}".lstrip(".") for old in renamed), key)  # the key as the user wrote it
    where = next((f"override {each!r}" for each in overrides if _concerns(each, written)), str(path))
    if error["type"] == "extra_forbidden":
        return f"{where}: unknown key {key!r} with value {_shown(error['input'])}{_hint(model, location)}"
    if error["type"] == "missing":
        return f"{where}: key {key!r} is missing: add it"
    if error["type"] == "renamed_keys":
        section = f"{key}." if key else ""
        names = (f"{section + old!r} is called {section + new!r} now" for old, new in renamed.items())
        return f"{where}: {'; '.join(names)}"
    message = _cut(error["msg"].removeprefix("Value error, "), 5 * _MAX_SHOWN)  # it may quote the value
    if error["type"] == "value_error" and not location:  # a contradiction between keys: the message names them
        return f"{where}: {message}"
    return f"{where}: {key or '(top level)'}: {message}, found {_shown(error['input'])}"


def _shown(value: object) -> str:
    """A value as a message shows it: long ones are cut."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, or thousands of sections in each other
        return "a value that is too long to show"
    return _cut(text)


def _cut(text: str, limit: int = _MAX_SHOWN) -> str:
    return text if len(text) <= limit else f"{text[:limit]} …"


def _concerns(override: str, key: str) -> bool:
    """Whether an override sets a key, its section or a key below it."""
    own = f"{override.partition('=')[0]}."
    return f"{key}.".startswith(own) or (bool(key) and own.startswith(f"{key}."))


def _location_in(raw: Any, location: Sequence[int | str]) -> list[int | str]:
    """The keys and list indices of a pydantic location, without its names of validators and of a union's members."""
    keys: list[int | str] = []
    for part in location:
        is_member = (
            isinstance(raw, dict) and raw.get("kind") == part and not isinstance(raw.get(str(part)), (dict, list))
        )
        if not is_member and not str(part).startswith("function-"):
            keys.append(part)
            if isinstance(raw, list) and isinstance(part, int):
                raw = raw[part]
            else:
                raw = raw.get(part) if isinstance(raw, dict) else None
    return keys


def _hint(model: type[BaseModel], location: Sequence[int | str]) -> str:
    """The valid key whose last name is nearest to that of an unknown one, in the same section if there are several."""
    *section, name = map(str, location)

    def is_elsewhere(key: tuple[str, ...]) -> bool:
        return len(key) != len(location) or any(own not in ("N", part) for own, part in zip(key, section, strict=False))

    keys = sorted(set(_valid_keys(model, ())), key=lambda key: (is_elsewhere(key), len(key), key))
    nearest = process.extractOne(name, [key[-1] for key in keys], score_cutoff=61)
    if not nearest:
        return ""
    key = keys[nearest[2]]
    return f"; did you mean {'.'.join(key if is_elsewhere(key) else (*section, key[-1]))!r}?"


def _valid_keys(annotation: Any, section: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The keys of a model and of its sections, as the names that lead to them; N stands for an index or a free name."""
    for kind in _alternatives(annotation):
        if get_origin(kind) in (list, tuple, dict):
            yield from _valid_keys(get_args(kind)[-1 if get_origin(kind) is dict else 0], (*section, "N"))
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            for name, field in kind.model_fields.items():
                yield (*section, name)
                yield from _valid_keys(field.annotation, (*section, name))
