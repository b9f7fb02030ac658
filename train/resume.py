"""What a run folder holds already: nothing, a run to go on with, a finished run, or another run, which is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python
from transformers import TrainerState
from unspin.data.errors import UnspinError
from unspin.data.guard import DamagedError, verify
from unspin.data.stores import write_whole
from unspin.infer.checkpoint import RECORD
from unspin.train.config import TrainConfig

SETTINGS = "settings.json"
FREE = {"output", "data", "save_every", "loggers", "evaluate_rows"}  # what may change while a run goes on; the data are compared by content
LENGTH = {"steps", "time_limit"}
CHECKPOINT_FILES = ("trainer_state.json", "optimizer.pt", "scheduler.pt")


class OtherRunError(UnspinError):
    """A run folder that holds a run with other settings; nothing was changed."""


def target_of(config: TrainConfig) -> Path:
    """Where the finished checkpoint goes."""
    return config.output / ("adapter" if config.trained == "adapter" else "model")


def finished(config: TrainConfig, data_key: str) -> Path | None:
    """The checkpoint of a run that has ended, or None where there is something left to do.

    `data_key` names the content of the data set. Raises `OtherRunError` where the folder holds a run with other settings, `DamagedError` where
    what it finished is damaged.
    """
    target = target_of(config)
    if target.resolve() in (Path(str(start)).resolve() for start in (config.backbone, config.adapter)):
        raise OtherRunError(f"{target} is what the run starts from and where it would be saved: give another output")
    if target.is_dir() and any(target.iterdir()) and not (config.output / SETTINGS).is_file():
        raise OtherRunError(f"{target} holds files of no run that is known here: give another output, or remove the folder")
    done = (target / RECORD).is_file()
    if not done and not any(_checkpoints(config.output)):
        return None
    differences = dict(_differences(config, data_key))
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
    if done:
        verify(target)
    return target if done else None


def note_settings(config: TrainConfig, data_key: str) -> None:
    """Write down which run the folder holds from now on."""
    write_whole(config.output / SETTINGS, (json.dumps(_settings(config, data_key), indent=1) + "\n").encode())


def last_whole_checkpoint(output: Path) -> Path | None:
    """The newest checkpoint that was written to its end: its state is its last file, and what came before must be there."""
    for folder in sorted(_checkpoints(output), key=lambda it: -int(it.name.removeprefix("checkpoint-"))):
        if not all((folder / name).is_file() for name in CHECKPOINT_FILES):
            print(f"{folder} was not written to its end: passed over")
            continue
        try:
            verify(folder)
            TrainerState.load_from_json(str(folder / CHECKPOINT_FILES[0]))
        except (DamagedError, ValueError, TypeError) as error:
            print(f"{folder} is damaged ({error}): passed over")
            continue
        return folder
    return None


def _checkpoints(output: Path) -> Iterator[Path]:
    return (folder for folder in output.glob("checkpoint-*") if folder.name.removeprefix("checkpoint-").isdigit())


def _settings(config: TrainConfig, data_key: str) -> dict[str, Any]:
    return {**config.model_dump(mode="json", exclude=FREE), "data": data_key}


def _differences(config: TrainConfig, data_key: str) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """The keys in which the folder's run differs, with (what it has, what is asked for)."""
    file = config.output / SETTINGS
    try:
        noted = _defaults() | dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}
    except (ValueError, TypeError):
        raise DamagedError(f"{file} is damaged: give another output, or remove the folder") from None
    for key, asked in _settings(config, data_key).items():
        if noted.get(key, "not known") != asked:
            yield key, (noted.get(key, "not known"), asked)


def _defaults() -> dict[str, Any]:
    """What a run had for keys that its version of unspin did not know yet."""
    fields = {key: field for key, field in TrainConfig.model_fields.items() if not field.is_required() and key not in FREE}
    return {key: to_jsonable_python(field.get_default(call_default_factory=True)) for key, field in fields.items()}


def _told(differences: dict[str, tuple[Any, Any]]) -> str:
    return ", ".join("data: other rows" if key == "data" else f"{key}: {there} there, {asked} here" for key, (there, asked) in differences.items())
