"""Decides what a run folder holds: nothing, a run to resume, a finished run, or a different run.

A run is identified by its settings and by the content of its data and starting weights, wherever those files lie. A
folder that holds a different run is refused and left unchanged. Checking reads and hashes all of these files, once
per start.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_core import to_jsonable_python
from transformers import TrainerState
from unspin.checksums import CHECKSUMS, ChecksumError, verify_checksums
from unspin.config import Config
from unspin.errors import UnspinError
from unspin.infer.models.checkpoint import UNSPIN_JSON, Checkpoint, find_checkpoint
from unspin.storage import local_copy, real_path, write_atomic
from unspin.train.config import TrainConfig
from unspin.train.tokens import content_of

logger = logging.getLogger(__name__)

SETTINGS = "settings.json"
CHANGEABLE_KEYS = {
    "output",
    "save_steps",
    "save_total_limit",
    "report_to",
    "eval_rows",
}  # a resumed run may have other values of these
COMPARED_BY_CONTENT = {"data": "rows", "backbone": "weights", "adapter": "weights"}  # key -> content of its files
LENGTH_KEYS = {"max_steps", "time_limit"}
CHECKPOINT_FILES = ("trainer_state.json", "optimizer.pt", "scheduler.pt", CHECKSUMS)
MISSING = "missing"  # shown for a key that settings.json lacks


class OtherRunError(UnspinError):
    """The run folder holds a run with other settings, or files that no run wrote; nothing was changed.

    `what` is found there.
    """

    def __init__(self, what: str, advice: str = "give another output") -> None:
        super().__init__(f"{what}: {advice}")
        self.what = what


class Difference(NamedTuple):
    """The value of a setting in the run in the folder, and in the requested run."""

    stored: Any
    requested: Any


def target_of(config: TrainConfig) -> Path:
    """The folder that the finished checkpoint is written to."""
    return config.output / ("adapter" if config.trainable == "adapter" else "model")


def contents_of(config: TrainConfig, backbone: Path, data: Sequence[Path]) -> dict[str, str]:
    """Hashes of what a run starts from: its data files, and the weights of its backbone and of its adapter.

    The default backbone has no entry: its name identifies it.
    """
    contents = {"data": content_of(data)}
    if config.backbone != "default":
        contents["backbone"] = content_of(sorted(backbone.glob("*.safetensors")))
    if config.adapter is not None:
        contents["adapter"] = content_of(sorted(find_checkpoint(config.adapter).glob("*.safetensors")))
    return contents


def finished_checkpoint(config: TrainConfig, contents: dict[str, str]) -> Path | None:
    """The finished checkpoint of this run, or None if the run has yet to start or to end.

    `contents` comes from `contents_of`. Raises `OtherRunError` if the folder holds a different run or unknown files,
    `ChecksumError` or `ModelError` if the finished checkpoint is damaged.
    """
    target = target_of(config)
    _check_output(config, target)
    is_finished = (target / UNSPIN_JSON).is_file()
    if not is_finished and not any(_checkpoints(config.output)):
        return None
    if not (config.output / SETTINGS).is_file():
        raise OtherRunError(f"{config.output} holds checkpoints but no {SETTINGS}, so their run is unknown")
    if differences := dict(_differences(config, contents)):
        raise _other_run(config, target, differences, is_finished)
    if not is_finished:
        return None
    Checkpoint.open(str(target))  # raises if a file is missing or damaged
    if not (target / CHECKSUMS).is_file():
        raise ChecksumError(
            f"{target} has no {CHECKSUMS} and cannot be checked for damage: remove the folder and start the run again"
        )
    return target


def _check_output(config: TrainConfig, target: Path) -> None:
    """Raise `OtherRunError` if the output is a file, an input of the run, or holds files that no run wrote."""
    if config.output.exists() and not config.output.is_dir():
        raise OtherRunError(f"{config.output} is a file", "give a folder as output")
    if real_path(config.output) == real_path(local_copy(config.data)):
        raise OtherRunError(f"{config.output} is the data set")
    if real_path(target) in (real_path(Path(str(start))) for start in (config.backbone, config.adapter)):
        raise OtherRunError(f"the run starts from {target} and would overwrite it")
    if target.is_dir() and any(target.iterdir()) and not (config.output / SETTINGS).is_file():
        raise OtherRunError(f"{target} holds files of an unknown run", "give another output, or remove the folder")


def _other_run(
    config: TrainConfig, target: Path, differences: Mapping[str, Difference], is_finished: bool
) -> OtherRunError:
    """The error for a folder whose run differs from the requested one: what differs and what to do."""
    described = _describe(differences)
    if is_finished and differences.keys() <= LENGTH_KEYS:
        start = f"{'adapter' if config.trainable == 'adapter' else 'backbone'}={target}"
        return OtherRunError(
            f"{config.output} holds a finished run ({described}), and a finished run cannot be made longer",
            f"continue from it with {start} and another output, or train a new run with another output",
        )
    held = "a finished run" if is_finished else "checkpoints of a run"
    return OtherRunError(
        f"{config.output} holds {held} with other settings ({described})",
        "set them back to resume it, give another output, or remove the folder",
    )


def write_settings(config: TrainConfig, contents: dict[str, str]) -> None:
    """Write the settings that identify this run to `settings.json` in its folder."""
    write_atomic(config.output / SETTINGS, (json.dumps(_settings(config, contents), indent=1) + "\n").encode())


def newest_complete_checkpoint(output: Path) -> Path | None:
    """The newest complete and undamaged checkpoint of a run; logs a warning for each newer one that it skips.

    A checkpoint's checksums are written last, so one without them is incomplete.
    """
    for folder in sorted(_checkpoints(output), key=step_of, reverse=True):
        if not all((folder / name).is_file() for name in CHECKPOINT_FILES):
            logger.warning("skipping %s: it is incomplete", folder)
            continue
        try:
            verify_checksums(folder)
            state = TrainerState.load_from_json(str(folder / CHECKPOINT_FILES[0]))
            if state.global_step != step_of(folder):
                raise ValueError(f"{CHECKPOINT_FILES[0]} is of step {state.global_step}")
        except (ChecksumError, ValueError, TypeError) as error:
            logger.warning("skipping %s: it is damaged (%s)", folder, error)
            continue
        return folder
    return None


def _checkpoints(output: Path) -> Iterator[Path]:
    return (folder for folder in output.glob("checkpoint-*") if folder.name.removeprefix("checkpoint-").isdigit())


def step_of(checkpoint: Path) -> int:
    """The step after which a resumable checkpoint was saved."""
    return int(checkpoint.name.removeprefix("checkpoint-"))


def _settings(config: TrainConfig, contents: dict[str, str]) -> dict[str, Any]:
    return config.model_dump(mode="json", exclude=CHANGEABLE_KEYS) | contents


def _differences(config: TrainConfig, contents: dict[str, str]) -> Iterator[tuple[str, Difference]]:
    """The keys in which the run in the folder differs from this one. Raises `ChecksumError` for unreadable settings."""
    file = config.output / SETTINGS
    try:
        stored = _defaults() | with_current_keys(TrainConfig, dict(json.loads(file.read_text(encoding="utf-8"))))
    except (ValueError, TypeError):
        raise ChecksumError(f"{file} is damaged: give another output, or remove the folder") from None
    for key, requested in _settings(config, contents).items():
        if stored.get(key, MISSING) != requested:
            yield key, Difference(stored.get(key, MISSING), requested)


def with_current_keys(model: type[Config], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Settings written by any version, under this version's keys, nested configurations included."""
    current: dict[str, Any] = {}
    for stored_key, value in stored.items():
        key = model.renamed.get(stored_key, stored_key)
        nested = model.model_fields[key].annotation if key in model.model_fields else None
        if isinstance(value, dict) and isinstance(nested, type) and issubclass(nested, Config):
            value = with_current_keys(nested, value)
        current[key] = value
    return current


def _defaults() -> dict[str, Any]:
    """Default values of the optional keys: an older version's run has these for the keys that it did not know."""
    return {
        key: to_jsonable_python(field.get_default(call_default_factory=True))
        for key, field in TrainConfig.model_fields.items()
        if not field.is_required() and key not in CHANGEABLE_KEYS
    }


def _describe(differences: Mapping[str, Difference]) -> str:
    return ", ".join(
        f"{key}: other {COMPARED_BY_CONTENT[key]}"
        if key in COMPARED_BY_CONTENT
        else f"{key}: {difference.stored} there, {difference.requested} here"
        for key, difference in differences.items()
    )
