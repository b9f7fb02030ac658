"""Loads models, adapters and configurations with transformers and peft, from folders that anybody may have made.

Everything that these libraries read goes through here. Code in a folder never runs, and the user is never asked whether
it may. Whatever a library raises about damaged files becomes a `ModelError` of one line. A model is refused if its
weights do not fill it, and an adapter if its weights are not exactly those that its configuration describes. Cost: one
pass over the weights, which must be finite numbers.
"""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError
from unspin.errors import UnspinError
from unspin.infer.models.backbone import ModelError, silence_transformers

if TYPE_CHECKING:
    from peft import LoraConfig

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
MODEL_CONFIG = "config.json"
WEIGHTS = "model.safetensors"
ADVICE = "copy it again or train again"
FLOATS = ("F64", "F32", "F16", "BF16")  # as safetensors calls them
MAX_LAYERS = 1000  # of a model; transformers builds as many as config.json says before it looks at the weights
FIRST_MATRIX = re.compile(r"\.lora_(embedding_)?A(\.weight)?$")  # of the two for each module, [rank, inputs]
LONGEST_REASON = 300  # characters of a library's message
OWN_ATTENTION = (None, "eager", "sdpa")  # transformers fetches and runs code for other implementations

ModuleName = Annotated[str, Field(pattern=r"^[\w.]+$")]  # peft reads names as patterns, which can run forever
Rank = Annotated[int, Field(ge=1)]
Alpha = Annotated[float, Field(allow_inf_nan=False)]


class AdapterSettings(BaseModel, extra="allow"):
    """What unspin reads of an `adapter_config.json`, all that it passes on to peft: a plain LoRA adapter."""

    peft_type: Literal["LORA"]
    task_type: Literal["CAUSAL_LM", "SEQ_2_SEQ_LM"] | None = None
    r: Rank
    lora_alpha: Alpha
    lora_dropout: float = Field(0.0, ge=0, lt=1)
    target_modules: list[ModuleName] | str
    rank_pattern: dict[ModuleName, Rank] = {}
    alpha_pattern: dict[ModuleName, Alpha] = {}
    use_rslora: bool = False
    use_dora: bool = False
    fan_in_fan_out: bool = False


# Settings of an adapter that change nothing here: where it comes from, and how its training began.
UNUSED_SETTINGS = {
    "auto_map", "auto_mapping", "base_model_name_or_path", "inference_mode", "init_lora_weights", "peft_version",
    "revision",
}  # fmt: skip


@contextmanager
def loading(folder: Path) -> Iterator[None]:
    """Turn what libraries raise about the files of a folder into `ModelError`.

    They have no common base class for it. A missing package and a full disk are not the folder's fault.
    """
    try:
        yield
    except (UnspinError, ModuleNotFoundError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        raise ModelError(f"{folder} cannot be loaded ({describe(error)}): {ADVICE}") from error


def describe(error: Exception) -> str:
    """A library's error in one line: its class, and the beginning of its message."""
    reason = " ".join(str(error).split())
    shown = reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON]}…"
    return f"{type(error).__name__}: {shown}" if shown else type(error).__name__


def describe_invalid(error: ValidationError) -> str:
    """The first thing that pydantic found wrong in a file: the key, what it expects, and the value."""
    first = error.errors()[0]
    value = repr(first["input"])
    shown = value if len(value) <= LONGEST_REASON else f"{value[:LONGEST_REASON]}…"
    return f"{'.'.join(map(str, first['loc'])) or 'top level'}: {first['msg']}, found {shown}"


def check_files(folder: Path) -> None:
    """Raise `ModelError` if an entry of a folder is neither a file nor a folder: opening a pipe would wait forever."""
    for entry in sorted(folder.iterdir()):
        if not entry.is_file() and not entry.is_dir():
            raise ModelError(
                f"{entry} is neither a file nor a folder, but a pipe, a device or a link that leads nowhere: "
                "copy the whole folder again"
            )


def read_json(file: Path) -> dict[str, Any]:
    """The object in a JSON file of a model folder. Raises `ModelError` if it is missing or holds anything else."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{file} is damaged ({describe(error)}): {ADVICE}") from None
    if not isinstance(content, dict):
        raise ModelError(f"{file} is damaged (it holds no JSON object): {ADVICE}")
    return content


def weight_files(folder: Path) -> list[Path]:
    """The weights of a transformers folder: one safetensors file, else those that an index names.

    Raises `ModelError` for a damaged index, or one that names a file outside the folder.
    """
    check_files(folder)
    index = folder / f"{WEIGHTS}.index.json"
    if (folder / WEIGHTS).is_file() or not index.is_file():
        return [folder / WEIGHTS]
    names = read_json(index).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise ModelError(f"{index} is damaged (it names no weights): {ADVICE}")
    for name in names.values():
        if not isinstance(name, str) or Path(name).name != name:
            raise ModelError(f"{index} is damaged (it names the file {name!r}, which is not in the folder): {ADVICE}")
    return [folder / name for name in sorted({*names.values()})]


def load_config(folder: Path) -> Any:
    """The configuration of a model that transformers itself knows.

    Raises `ModelError` for any other, and for a configuration that would run code from elsewhere.
    """
    from transformers import CONFIG_MAPPING, AutoConfig

    check_files(folder)
    file = folder / MODEL_CONFIG
    settings = read_json(file)
    model_type = settings.get("model_type")
    if not isinstance(model_type, str) or model_type not in CONFIG_MAPPING:
        code = " without the code in the folder, which unspin never runs" if "auto_map" in settings else ""
        raise ModelError(
            f"{folder} holds a model of the type {model_type!r}, which transformers does not know{code}: use a model "
            "whose architecture is part of transformers"
        )
    with loading(folder):
        for key, value in _entries(settings):
            _check_setting(file, key, value)
        return AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)


def load_model(folder: Path, is_encoder_decoder: bool, **options: Any) -> Any:
    """Load a model with its output layer; `options` are those of transformers' `from_pretrained`.

    Raises `ModelError` if transformers does not know the model, or if a weight is missing, damaged or not finite.
    """
    import transformers

    silence_transformers()
    config = load_config(folder)
    if is_encoder_decoder:
        kind, known = "an encoder-decoder", transformers.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING
        model_class = transformers.AutoModelForSeq2SeqLM
    else:
        kind, known = "a decoder-only", transformers.MODEL_FOR_CAUSAL_LM_MAPPING
        model_class = transformers.AutoModelForCausalLM
    if type(config) not in known:
        raise ModelError(
            f"{folder} holds a {config.model_type} model, which transformers cannot load as {kind} one without code "
            "of the folder, and that never runs: use a model whose architecture is part of transformers"
        )
    if (folder / ADAPTER_CONFIG).is_file():  # transformers would load the model that it names
        raise ModelError(f"{folder} holds an adapter, and a whole model is needed: give the folder of a model")
    if "quantization_config" not in config.to_dict():
        for file in weight_files(folder):
            _shapes(file)
    with loading(folder):
        model, found = model_class.from_pretrained(
            folder, trust_remote_code=False, local_files_only=True, use_safetensors=True, output_loading_info=True,
            **options,
        )  # fmt: skip
    _check_filled(folder, model, found)
    return model


def load_adapter(model: Any, folder: Path, name: str = "default", is_trainable: bool = False) -> Any:
    """Add an adapter to a model, or to one that has adapters already; returns the peft model.

    Raises `ModelError` if the adapter is not a plain LoRA adapter, or its weights are not exactly those that its
    configuration describes for this model.
    """
    from peft import PeftModel, get_peft_model

    config = read_adapter_config(folder)
    config.inference_mode = not is_trainable
    with loading(folder):
        if isinstance(model, PeftModel):
            model.add_adapter(name, config)
        else:
            model = get_peft_model(model, config, adapter_name=name)
        found = model.load_adapter(str(folder), name, is_trainable=is_trainable)
    for what, names in (("lacks", found.missing_keys), ("has the unknown", found.unexpected_keys)):
        if names:
            raise ModelError(
                f"{folder / ADAPTER_WEIGHTS} {what} weights {_listed(names)}, damaged or of another model: {ADVICE}"
            )
    own = ((key, weight) for key, weight in model.named_parameters() if f".{name}." in key)
    _check_finite(folder, own)
    return model


def read_adapter_config(folder: Path) -> LoraConfig:
    """The peft configuration of an adapter, of whose file only `AdapterSettings` reach peft.

    Raises `ModelError` for any other kind of adapter, and if the weights have another rank.
    """
    from peft import LoraConfig

    file = folder / ADAPTER_CONFIG
    content = read_json(file)
    try:
        settings = AdapterSettings.model_validate(content)
    except ValidationError as error:
        raise ModelError(
            f"{file} is not the configuration of a LoRA adapter ({describe_invalid(error)}): {ADVICE}"
        ) from None
    usual = {field.name: getattr(LoraConfig(), field.name) for field in fields(LoraConfig)}
    for key, value in (settings.model_extra or {}).items():
        if key not in UNUSED_SETTINGS and value and value != usual.get(key):
            raise ModelError(f"{file} sets {key}, which unspin does not support: train a plain LoRA adapter")
    modules = _check_weights(folder, settings)
    chosen = settings.model_dump(exclude=set(settings.model_extra or {}))
    if isinstance(settings.target_modules, str) and settings.target_modules != "all-linear":
        chosen["target_modules"] = modules
    return LoraConfig(**chosen)


def _check_weights(folder: Path, settings: AdapterSettings) -> list[str]:
    """Check type and rank of an adapter's weights before anything is built. Returns the modules that have weights.

    These stand for a pattern in the configuration, which is never compiled: some patterns take forever to match.
    """
    shapes = _shapes(folder / ADAPTER_WEIGHTS)
    modules = {name.partition(".lora_")[0]: shape for name, shape in shapes.items() if FIRST_MATRIX.search(name)}
    ranks = {shape[0] for shape in modules.values()}
    described = {settings.r, *settings.rank_pattern.values()}
    if not ranks <= described or max(described) > max(ranks, default=0):
        raise ModelError(
            f"{folder / ADAPTER_CONFIG} names the ranks {sorted(described)}, and the weights have {sorted(ranks)}: "
            f"{ADVICE}"
        )
    return sorted(name.removeprefix("base_model.model.") for name in modules)


def _shapes(file: Path) -> dict[str, list[int]]:
    """The shape of each tensor, from the header of a safetensors file. Raises `ModelError` if one holds no floats."""
    from safetensors import safe_open

    with loading(file), safe_open(file, "pt") as weights:
        slices = {name: weights.get_slice(name) for name in weights.keys()}  # noqa: SIM118 - not a mapping
        shapes = {name: part.get_shape() for name, part in slices.items()}
        kinds = {name: part.get_dtype() for name, part in slices.items()}
    for name, kind in kinds.items():
        if kind not in FLOATS:
            raise ModelError(f"{file} holds {name} as {kind}, which is no kind of floating-point number: {ADVICE}")
    return shapes


def _check_setting(file: Path, key: str, value: object) -> None:
    """Raise `ModelError` for a setting of a config.json that fetches code, or that builds a model without end."""
    if key.endswith("attn_implementation") and value not in OWN_ATTENTION:
        raise ModelError(f"{file} asks for the attention {value!r}, whose code would be downloaded: remove {key!r}")
    if re.search(r"(layers?|experts|blocks?)$", key) and isinstance(value, int) and value > MAX_LAYERS:
        raise ModelError(f"{file} sets {key} to {value}, more than any model has: {ADVICE}")


def _entries(value: object) -> Iterator[tuple[str, Any]]:
    """All keys of a JSON value with their values, nested ones too."""
    if isinstance(value, dict):
        yield from value.items()
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _entries(inner)


def _check_filled(folder: Path, model: Any, found: dict[str, Any]) -> None:
    """Raise `ModelError` if weights are missing, are of layers that config.json does not name, or are not finite."""
    surplus = [name for name in found["unexpected_keys"] if re.search(r"\.\d+\.", name)]
    for what, names in (("lacks the weights", found["missing_keys"]), ("has more layers than config.json:", surplus)):
        if names:
            raise ModelError(f"{folder} {what} {_listed(names)}: it is damaged or incomplete; {ADVICE}")
    _check_finite(folder, model.named_parameters())


def _check_finite(folder: Path, weights: Any) -> None:
    for name, weight in weights:
        if not weight.sum().isfinite():
            raise ModelError(f"{folder} has the weights {name}, of which some are not finite numbers: {ADVICE}")


def _listed(names: Any) -> str:
    """The first names of a list, and how many more there are."""
    first, *others = sorted(names)
    return f"{first} and {len(others)} more" if others else str(first)
