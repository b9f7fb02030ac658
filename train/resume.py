"""What a run folder holds already: nothing, a run to go on with, a finished run, or another run, which is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python
from transformers import TrainerState
from unspin.data.errors import UnspinError
from unspin.data.guard import SUMS, DamagedError, verify
from unspin.data.stores import here, write_whole
from unspin.infer.checkpoint import RECORD, Checkpoint
from unspin.train.config import TrainConfig
from unspin.train.tokens import content_of

SETTINGS = "settings.json"
FREE = {"output", "save_every", "loggers", "evaluate_rows"}  # what may change while a run goes on
CONTENTS = {"data": "rows", "backbone": "weights", "adapter": "weights"}  # that are compared by what their files hold, wherever they lie
LENGTH = {"steps", "time_limit"}
CHECKPOINT_FILES = ("trainer_state.json", "optimizer.pt", "scheduler.pt", SUMS)


class OtherRunError(UnspinError):
    """A run folder that holds a run with other settings; nothing was changed."""


def target_of(config: TrainConfig) -> Path:
    """Where the finished checkpoint goes."""
    return config.output / ("adapter" if config.trained == "adapter" else "model")


def contents_of(config: TrainConfig, backbone: Path, data: Sequence[Path]) -> dict[str, str]:
    """What a run starts from, by content: its data files, and the weights of its backbone's folder and of its adapter."""
    found = {"data": content_of(data)}
    if config.backbone != "default":
        found["backbone"] = content_of(sorted(backbone.glob("*.safetensors")))
    if config.adapter is not None:
        found["adapter"] = content_of(sorted(here(config.adapter).glob("*.safetensors")))
    return found


def finished(config: TrainConfig, contents: dict[str, str]) -> Path | None:
    """The checkpoint of a run that has ended, or None where there is something left to do.

    `contents` is what `contents_of` found. Raises `OtherRunError` where the folder holds a run with other settings, or something else, and
    `DamagedError` or `ModelError` where what it finished is damaged.
    """
    target = target_of(config)
    if config.output.exists() and not config.output.is_dir():
        raise OtherRunError(f"{config.output} is a file: give a folder as output")
    if config.output.resolve() == here(config.data).resolve():
        raise OtherRunError(f"{config.output} is the data set: give another output")
    if target.resolve() in (Path(str(start)).resolve() for start in (config.backbone, config.adapter)):
        raise OtherRunError(f"{target} is what the run starts from and where it would be saved: give another output")
    if target.is_dir() and any(target.iterdir()) and not (config.output / SETTINGS).is_file():
        raise OtherRunError(f"{target} holds files of no run that is known here: give another output, or remove the folder")
    done = (target / RECORD).is_file()
    if not done and not any(_checkpoints(config.output)):
        return None
    if not (config.output / SETTINGS).is_file():
        raise OtherRunError(f"{config.output} holds checkpoints but no {SETTINGS}, which says what run they belong to: give another output")
    differences = dict(_differences(config, contents))
    if done and differences and differences.keys() <= LENGTH:
        further = f"adapter={target}" if config.trained == "adapter" else f"backbone={target}"
        raise OtherRunError(
            f"{config.output} holds a finished run ({_told(differences)}): a run that ends elsewhere is another run. "
            f"Train a further stage from it with {further} and another output, or a whole new run with another output"
        )
    if differences:
        raise OtherRunError(
            f"{config.output} holds {'a finished run' if done else 'checkpoints of a run'} with other settings ({_told(differences)}): "
            "set them back to go on with it, give another output, or remove the folder"
        )
    if not done:
        return None
    Checkpoint.open(str(target))  # raises where it is not whole
    if not (target / SUMS).is_file():
        raise DamagedError(f"{target} has no {SUMS}, so it cannot be checked for damage: remove the folder, and the run goes on")
    return target


def note_settings(config: TrainConfig, contents: dict[str, str]) -> None:
    """Write down which run the folder holds from now on."""
    write_whole(config.output / SETTINGS, (json.dumps(_settings(config, contents), indent=1) + "\n").encode())


def last_whole_checkpoint(output: Path) -> Path | None:
    """The newest checkpoint that was written to its end: its sums are its last file, and all that they name must be there."""
    for folder in sorted(_checkpoints(output), key=lambda it: -int(it.name.removeprefix("checkpoint-"))):
        if not all((folder / name).is_file() for name in CHECKPOINT_FILES):
            print(f"{folder} was not written to its end: passed over")
            continue
        try:
            verify(folder)
            state = TrainerState.load_from_json(str(folder / CHECKPOINT_FILES[0]))
            if folder.name != f"checkpoint-{state.global_step}":
                raise ValueError(f"{CHECKPOINT_FILES[0]} is of step {state.global_step}")
        except (DamagedError, ValueError, TypeError) as error:
            print(f"{folder} is damaged ({error}): passed over")
            continue
        return folder
    return None


def _checkpoints(output: Path) -> Iterator[Path]:
    return (folder for folder in output.glob("checkpoint-*") if folder.name.removeprefix("checkpoint-").isdigit())


def _settings(config: TrainConfig, contents: dict[str, str]) -> dict[str, Any]:
    return config.model_dump(mode="json", exclude=FREE) | contents


def _differences(config: TrainConfig, contents: dict[str, str]) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """The keys in which the folder's run differs, with (what it has, what is asked for)."""
    file = config.output / SETTINGS
    try:
        noted = _defaults() | dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise DamagedError(f"{file} is damaged: give another output, or remove the folder") from None
    for key, asked in _settings(config, contents).items():
        if noted.get(key, "not known") != asked:
            yield key, (noted.get(key, "not known"), asked)


def _defaults() -> dict[str, Any]:
    """What a run had for keys that its version of unspin did not know yet."""
    fields = {key: field for key, field in TrainConfig.model_fields.items() if not field.is_required() and key not in FREE}
    return {key: to_jsonable_python(field.get_default(call_default_factory=True)) for key, field in fields.items()}


def _told(differences: dict[str, tuple[Any, Any]]) -> str:
    return ", ".join(
        f"{key}: other {CONTENTS[key]}" if key in CONTENTS else f"{key}: {there} there, {asked} here" for key, (there, asked) in differences.items()
    )
