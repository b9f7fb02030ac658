"""Damaged and hostile model folders: each ends in an error of one line that names it, and nothing waits or runs."""

import json
import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from unspin.errors import UnspinError
from unspin.infer.engines import load_engine
from unspin.infer.models import checkpoint as module
from unspin.infer.models.checkpoint import Checkpoint
from unspin.infer.models.prompt import Prompt

HERE = Path(__file__).parent
Damage = Callable[[Path], object]
JSON_FILES = {
    "adapter": ("unspin.json", "adapter_config.json", "checksums.json"),
    "base": ("config.json", "tokenizer.json", "tokenizer_config.json"),
    "model": ("unspin.json", "config.json", "tokenizer.json", "tokenizer_config.json"),
}
NO_OBJECTS = {"empty": "", "text": "no JSON", "list": "[[1, 2]]", "null": "null", "deep": "[" * 100_000}
WEIGHTS = "model.safetensors"
INDEX = f"{WEIGHTS}.index.json"
LORA_A = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"


def write(name: str, text: str) -> Damage:
    return lambda folder: (folder / name).write_text(text)


def put(name: str, **values: Any) -> Damage:
    """Set keys of a JSON file."""

    def change(folder: Path) -> None:
        (folder / name).write_text(json.dumps(json.loads((folder / name).read_text()) | values))

    return change


def drop(name: str, key: str) -> Damage:
    """Remove a key of a JSON file."""

    def change(folder: Path) -> None:
        content = json.loads((folder / name).read_text())
        del content[key]
        (folder / name).write_text(json.dumps(content))

    return change


def weights(name: str, change: Callable[[dict[str, torch.Tensor]], object]) -> Damage:
    """Change the tensors of a safetensors file."""

    def rewrite(folder: Path) -> None:
        tensors = load_file(folder / name)
        change(tensors)
        save_file(tensors, folder / name, {"format": "pt"})

    return rewrite


def cut(name: str, size: int) -> Damage:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:size])


def replace(name: str, make: Callable[[Path], object]) -> Damage:
    """Put something in place of a file."""

    def change(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        make(folder / name)

    return change


def vocabulary(ids: Any) -> Damage:
    return lambda folder: save_file({"ids": torch.tensor(ids)}, folder / "vocabulary.safetensors")


def link_to_itself(file: Path) -> None:
    file.symlink_to(file.name)


def tokenizer(change: Callable[[dict[str, Any]], object]) -> Damage:
    def rewrite(folder: Path) -> None:
        content = json.loads((folder / "tokenizer.json").read_text())
        change(content)
        (folder / "tokenizer.json").write_text(json.dumps(content))

    return rewrite


def shards(files: dict[str, str]) -> Damage:
    def change(folder: Path) -> None:
        (folder / "model.safetensors").unlink()
        (folder / INDEX).write_text(json.dumps({"weight_map": files}))

    return change


RECORDS = {
    "backbone is a number": {"backbone": 5},
    "backbone is a list": {"backbone": ["x"]},
    "backbone is null": {"backbone": None},
    "backbone is empty": {"backbone": ""},
    "backbone is endless": {"backbone": "x" * 100_000},
    "backbone has a zero byte": {"backbone": "x\0y"},
    "backbone is elsewhere": {"backbone": "/nowhere/at/all"},
    "backbone is a file": {"backbone": __file__},
    "backbone is no model": {"backbone": str(HERE)},
    "prompt is a list": {"prompt": []},
    "prompt is unknown": {"prompt": "old/0"},
    "prompt is of the other kind": {"prompt": "encoder-decoder/1"},
    "passage is a word": {"passage": "ten"},
    "passage is negative": {"passage": -3},
    "passage is infinite": {"passage": float("inf")},
    "passage is null": {"passage": None},
    "calibration is a list": {"calibration": [1]},
    "calibration is nan": {"calibration": {"slope": float("nan")}},
    "calibration is huge": {"calibration": {"slope": 1e300}},
    "calibration is text": {"calibration": {"slope": "x"}},
    "calibration has a negative spread": {"calibration": {"screen_spread": -1.0}},
    "calibration has an unknown key": {"calibration": {"nope": 1.0}},
    "backbone_weights is a number": {"backbone_weights": 5},
    "backbone_weights are others": {"backbone_weights": "0" * 64},
}
ADAPTERS = {
    "unknown kind": {"peft_type": "NOPE"},
    "another kind": {"peft_type": "IA3"},
    "kind is a list": {"peft_type": []},
    "unknown task": {"task_type": "NOPE"},
    "another task": {"task_type": "SEQ_CLS"},
    "rank is another": {"r": 8},
    "rank is huge": {"r": 10**12},
    "rank is zero": {"r": 0},
    "rank is text": {"r": "four"},
    "alpha is nan": {"lora_alpha": float("nan")},
    "modules are unknown": {"target_modules": ["nope"]},
    "modules are a number": {"target_modules": 5},
    "modules are none": {"target_modules": []},
    "modules are too few": {"target_modules": ["q_proj"]},
    "modules are patterns": {"target_modules": ["(.*.*)*x_proj_nope$"]},
    "ranks by a pattern": {"rank_pattern": {"(.*.*)*x_proj_nope$": 4}},
    "excluded by a pattern": {"exclude_modules": "(.*.*)*x_proj_nope$"},
    "modules to save": {"modules_to_save": ["lm_head"]},
    "modules to save by a pattern": {"modules_to_save": ["(.*.*)*x_proj_nope$"]},
    "layers are replicated": {"layer_replication": [[0, 2], [0, 2]]},
    "megatron names a module": {"megatron_config": {"a": 1}, "megatron_core": "antigravity"},
    "prepared otherwise": {"eva_config": {"rho": 2.0}},
}
CONFIGS = {
    "unknown type": {"model_type": "nope"},
    "type is a list": {"model_type": []},
    "another type": {"model_type": "llama"},
    "an encoder": {"model_type": "bert"},
    "larger": {"hidden_size": 64},
    "hidden size is text": {"hidden_size": "x"},
    "hidden size is nan": {"hidden_size": float("nan")},
    "hidden size is negative": {"hidden_size": -32},
    "more tokens": {"vocab_size": 10**9},
    "fewer tokens": {"vocab_size": 300},
    "more layers": {"num_hidden_layers": 3, "layer_types": ["full_attention"] * 3},
    "fewer layers": {"num_hidden_layers": 1, "layer_types": ["full_attention"]},
    "endless layers": {"num_hidden_layers": 10**9, "layer_types": None},
    "other heads": {"num_attention_heads": 3},
    "no heads": {"num_attention_heads": 0},
}
ONLY_FOR_TRANSFORMERS = {  # the draft engine reads neither
    "attention from the hub": {"_attn_implementation": "nobody/kernel"},
    "quantized": {"quantization_config": {"quant_method": "gptq", "bits": 4}},
}


def weight_damage(name: str) -> dict[str, Damage]:
    """What can be wrong with any safetensors file."""
    return {
        "empty": write(name, ""),
        "cut off": cut(name, 2000),
        "a long header": replace(name, lambda file: file.write_bytes(b"\xff" * 7 + b"\x7f" + b"{}")),
        "zero bytes": replace(name, lambda file: file.write_bytes(bytes(4096))),
        "a folder": replace(name, Path.mkdir),
        "a pipe": replace(name, os.mkfifo),
        "a link to itself": replace(name, link_to_itself),
        "missing": replace(name, lambda file: None),
    }


def misnamed(tensors: dict[str, torch.Tensor]) -> None:
    tensors[LORA_A.replace("layers.0", "layers.7")] = tensors.pop(LORA_A)


ADAPTER_WEIGHTS: dict[str, Callable[[dict[str, torch.Tensor]], object]] = {
    "another name": misnamed,
    "one too few": lambda tensors: tensors.pop(LORA_A),
    "one too many": lambda tensors: tensors.update({"surplus": torch.ones(2)}),
    "other names": lambda tensors: [tensors.update({f"x.{name}": tensors.pop(name)}) for name in [*tensors]],
    "no tensors": lambda tensors: tensors.clear(),
    "another shape": lambda tensors: tensors.update({LORA_A: torch.ones(4, 7)}),
    "another rank": lambda tensors: tensors.update({LORA_A: torch.ones(5, 32)}),
    "one dimension": lambda tensors: tensors.update({LORA_A: torch.ones(4)}),
    "integers": lambda tensors: tensors.update({LORA_A: tensors[LORA_A].to(torch.int8)}),
    "not a number": lambda tensors: tensors[LORA_A].fill_(float("nan")),
    "infinite": lambda tensors: tensors[LORA_A].fill_(float("inf")),
}
NORM, QUERY = "model.norm.weight", "model.layers.0.self_attn.q_proj.weight"
MODEL_WEIGHTS: dict[str, Callable[[dict[str, torch.Tensor]], object]] = {
    "one too few": lambda tensors: tensors.pop(QUERY),
    "another shape": lambda tensors: tensors.update({QUERY: torch.ones(7, 32)}),
    "integers": lambda tensors: tensors.update({QUERY: tensors[QUERY].to(torch.int8)}),
    "not a number": lambda tensors: tensors[QUERY].fill_(float("nan")),
    "infinite": lambda tensors: tensors[NORM].fill_(float("inf")),
}
VOCABULARIES = {
    "beyond the model": [4, 10**6],
    "negative": [-1, 4],
    "fractions": [4.5, 5.0],
    "two dimensions": [[4, 5], [6, 7]],
    "no ids": [],
    "a single number": 4,
}
SHARDS = {
    "outside the folder": {"lm_head.weight": "../../x"},
    "an absolute path": {"lm_head.weight": "/etc/passwd"},
    "a missing file": {"lm_head.weight": "model-00001-of-00002.safetensors"},
    "no files": {},
    "another file": {"lm_head.weight": "config.json"},
}
TOKENIZERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "no model": lambda content: content.pop("model"),
    "model is a list": lambda content: content.update(model=[]),
    "vocabulary is text": lambda content: content["model"].update(vocab="x"),
    "an id is negative": lambda content: content["model"]["vocab"].update(a=-1),
    "ids beyond the model": lambda content: content["model"].update(
        vocab={text: i + 10**6 for text, i in content["model"]["vocab"].items()}
    ),
    "no end token": lambda content: (content.update(added_tokens=[]), content["model"]["vocab"].pop("<eos>")),
    "merges are unknown": lambda content: content["model"].update(merges=[["no", "pe"]]),
    "an invalid pattern": lambda content: content.update(
        pre_tokenizer={"type": "Split", "pattern": {"Regex": "(("}, "behavior": "Isolated", "invert": False}
    ),
}
SPECIAL_TOKENS = {"a number": 5, "a list": [], "unknown": "<nope>", "without content": {"x": 1}, "null": None}


def _cases() -> Iterator[tuple[str, str, Damage]]:
    """(kind of folder, what is wrong, damage), in a fixed order."""
    for kind, files in JSON_FILES.items():
        for file in files:
            yield from ((kind, f"{file} {what}", write(file, text)) for what, text in NO_OBJECTS.items())
            for make in (Path.mkdir, os.mkfifo, link_to_itself):
                if file != "checksums.json" or make is not Path.mkdir:
                    yield kind, f"{file} {make.__name__}", replace(file, make)
    for what, text in NO_OBJECTS.items():
        yield "model", f"{INDEX} {what}", replace(WEIGHTS, lambda file, text=text: write(INDEX, text)(file.parent))  # type: ignore[misc]
    yield "adapter", "unspin.json has no backbone", drop("unspin.json", "backbone")
    yield from (("adapter", f"unspin.json {what}", put("unspin.json", **keys)) for what, keys in RECORDS.items())
    yield from (("adapter", f"{what}", put("adapter_config.json", **keys)) for what, keys in ADAPTERS.items())
    yield from (
        ("adapter", f"weights {what}", damage) for what, damage in weight_damage("adapter_model.safetensors").items()
    )
    for what, change in ADAPTER_WEIGHTS.items():
        yield "adapter", f"weights {what}", weights("adapter_model.safetensors", change)
    yield from (("adapter", f"vocabulary {what}", vocabulary(ids)) for what, ids in VOCABULARIES.items())
    yield "adapter", "vocabulary cut off", write("vocabulary.safetensors", "{")
    for what, keys in ONLY_FOR_TRANSFORMERS.items():
        yield "base", f"config.json {what}", put("config.json", **keys)
    for kind in ("base", "model"):
        yield from ((kind, f"config.json {what}", put("config.json", **keys)) for what, keys in CONFIGS.items())
        yield kind, "config.json has no layers", drop("config.json", "layer_types" if kind == "model" else "model_type")
        yield from ((kind, f"weights {what}", damage) for what, damage in weight_damage("model.safetensors").items())
        yield from ((kind, f"weights {what}", weights("model.safetensors", by)) for what, by in MODEL_WEIGHTS.items())
        yield from ((kind, f"shards {what}", shards(files)) for what, files in SHARDS.items())
    yield from (("base", f"tokenizer.json {what}", tokenizer(by)) for what, by in TOKENIZERS.items())
    for what, token in SPECIAL_TOKENS.items():
        yield "base", f"eos_token {what}", put("tokenizer_config.json", eos_token=token)
    yield "base", "an adapter in it", write("adapter_config.json", json.dumps({"base_model_name_or_path": "/nowhere"}))
    yield "model", "vocabulary beyond the model", vocabulary([4, 10**6])


CASES = list(_cases())


@pytest.fixture
def folders(made_adapter: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A folder of each kind that a test may damage, and an empty cache."""
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    base = Path(shutil.copytree(tiny_base, tmp_path / "base"))
    adapter = Path(shutil.copytree(made_adapter, tmp_path / "adapter"))
    model = Path(shutil.copytree(tiny_base, tmp_path / "model"))
    for folder in (adapter, model):
        (folder / "unspin.json").write_text(json.dumps({"backbone": str(base), "prompt": Prompt.name}))
    return {"base": base, "adapter": adapter, "model": model}


@pytest.fixture(autouse=True)
def _time_limit() -> Iterator[None]:
    """End a test that waits for a pipe, or matches a pattern, forever."""

    def fail(*_: object) -> None:
        raise AssertionError("still running after 20 seconds")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def _run(folders: dict[str, Path], kind: str, engine: str) -> None:
    name = folders["model" if kind == "model" else "adapter"]
    load_engine(engine, Checkpoint.open(str(name))).rewrite(["The council voted."])


@pytest.mark.parametrize("engine", ["draft", "transformers"])
@pytest.mark.parametrize("kind", ["adapter", "model"])
def test_undamaged_folders_restore(kind: str, engine: str, folders: dict[str, Path]) -> None:
    _run(folders, kind, engine)


@pytest.mark.parametrize(("kind", "damage"), [case[::2] for case in CASES], ids=[" ".join(case[:2]) for case in CASES])
def test_damaged_folders_end_in_one_clear_line(kind: str, damage: Damage, folders: dict[str, Path]) -> None:
    damage(folders[kind])
    with pytest.raises(UnspinError) as raised:
        _run(folders, kind, "draft")
    message = str(raised.value)
    assert (
        "\n" not in message
        and len(message) < 1000
        and re.search(": .*(copy|use|train|remove|give|check|download)|use --engine", message)
    )
    assert "backbone '" in message or any(str(folder) in message for folder in (*folders.values(), HERE))
    if kind == "base":  # one that is mended later is merged again
        assert not [*(folders["base"].parent / "cache").glob("*")]


def test_a_pattern_in_a_configuration_is_never_matched(folders: dict[str, Path]) -> None:
    plain = Checkpoint.open(str(folders["adapter"])).merged_folder() / "model.safetensors"
    put("adapter_config.json", target_modules="(.*.*)*x_proj_nope$")(folders["adapter"])
    by_weights = Checkpoint.open(str(folders["adapter"])).merged_folder() / "model.safetensors"
    assert by_weights != plain and by_weights.read_bytes() == plain.read_bytes()


def test_other_weights_under_the_same_name_are_merged_again(folders: dict[str, Path]) -> None:
    first = Checkpoint.open(str(folders["adapter"])).merged_folder()
    weights(WEIGHTS, lambda tensors: tensors[QUERY].zero_())(folders["base"])
    second = Checkpoint.open(str(folders["adapter"])).merged_folder()
    assert first != second and not torch.equal(load_file(first / WEIGHTS)[QUERY], load_file(second / WEIGHTS)[QUERY])


def test_the_merged_model_is_that_of_the_recorded_weights(folders: dict[str, Path]) -> None:
    recorded = module.identify_weights("base", folders["base"])
    put("unspin.json", backbone_weights=recorded)(folders["adapter"])
    merged = Checkpoint.open(str(folders["adapter"])).merged_folder()
    weights(WEIGHTS, lambda tensors: tensors[QUERY].zero_())(folders["base"])
    assert Checkpoint.open(str(folders["adapter"])).merged_folder() == merged  # made from the recorded weights
    put("unspin.json", backbone_weights="0" * 64)(folders["adapter"])
    with pytest.raises(UnspinError, match="use it with the model that it was trained on"):
        Checkpoint.open(str(folders["adapter"])).merged_folder()


def test_a_changed_tokenizer_of_a_whole_model_is_another_checkpoint(folders: dict[str, Path]) -> None:
    before = Checkpoint.open(str(folders["model"])).digest
    put("tokenizer_config.json", bos_token=None)(folders["model"])
    assert Checkpoint.open(str(folders["model"])).digest != before
