"""Code that comes with a model folder never runs, whichever way the folder comes in and whatever stdin answers."""

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from unspin.infer.engines import load_engine
from unspin.infer.models import checkpoint as module
from unspin.infer.models.backbone import ModelError
from unspin.infer.models.checkpoint import Checkpoint, convert_to_ctranslate2
from unspin.infer.models.prompt import Prompt
from unspin.train.backbones import Backbone
from unspin.train.combine import combine
from unspin.train.export import export
from unspin.train.onnx_file import write_onnx

CODE = """\
from pathlib import Path
Path({trace!r}).touch()
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, PreTrainedTokenizerFast
class Config(Gemma3TextConfig):
    model_type = "nope"
class Model(Gemma3ForCausalLM):
    config_class = Config
class Tokenizer(PreTrainedTokenizerFast):
    pass
"""
MAPS = {
    "config.json": {"AutoConfig": "code.Config", "AutoModelForCausalLM": "code.Model"},
    "tokenizer_config.json": {"AutoTokenizer": ["code.Tokenizer", "code.Tokenizer"]},
    "adapter_config.json": {"AutoModelForCausalLM": "code.Model"},
}


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the code writes; stdin answers each question with yes, and the cache is empty."""
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n" * 50))
    return tmp_path / "trace"


def _with_code(folder: Path, target: Path, trace: Path) -> Path:
    """A copy of a model folder with code, which each of its JSON files names."""
    shutil.copytree(folder, target)
    (target / "code.py").write_text(CODE.format(trace=str(trace)))
    for name, auto_map in MAPS.items():
        if (target / name).is_file():
            content = json.loads((target / name).read_text()) | {"auto_map": auto_map}
            (target / name).write_text(json.dumps(content))
    return target


def _needs_code(folder: Path) -> Path:
    """The folder, now of an architecture and with a tokenizer that only its code knows."""
    for name, key, value in (
        ("config.json", "model_type", "nope"),
        ("tokenizer_config.json", "tokenizer_class", "Nope"),
    ):
        content = json.loads((folder / name).read_text()) | {key: value}
        (folder / name).write_text(json.dumps(content))
    return folder


def _open(base: Path, adapter: Path) -> Checkpoint:
    (adapter / "unspin.json").write_text(json.dumps({"backbone": str(base), "prompt": Prompt.name}))
    return Checkpoint.open(str(adapter))


def _combine(base: Path, adapter: Path, model: Path) -> None:
    _open(base, adapter)
    other = shutil.copytree(adapter, adapter.parent / "other")
    combine([(str(adapter), 0.5), (str(other), 0.5)], 4, adapter.parent / "sum")


WAYS: dict[str, Callable[[Path, Path, Path], object]] = {
    "merge": lambda base, adapter, model: _open(base, adapter).merged_folder(),
    "draft": lambda base, adapter, model: load_engine("draft", _open(base, adapter)),
    "transformers": lambda base, adapter, model: load_engine("transformers", _open(base, adapter)),
    "ctranslate2": lambda base, adapter, model: load_engine("ctranslate2", _open(base, adapter)),
    "draft, whole model": lambda base, adapter, model: load_engine("draft", _open(base, model)),
    "transformers, whole model": lambda base, adapter, model: load_engine("transformers", _open(base, model)),
    "ctranslate2, whole model": lambda base, adapter, model: load_engine("ctranslate2", _open(base, model)),
    "training": lambda base, adapter, model: Backbone.open(str(base)),
    "combine": _combine,
    "export": lambda base, adapter, model: export(str(_open(base, adapter).folder), base.parent / "exported"),
    "export, ctranslate2": lambda base, adapter, model: convert_to_ctranslate2(model, base.parent / "ct2", "float32"),
    "export, onnx": lambda base, adapter, model: write_onnx(model, base.parent / "onnx"),
}


@pytest.mark.parametrize("way", list(WAYS))
def test_a_folder_that_needs_its_code_is_refused(
    way: str, tiny_base: Path, made_adapter: Path, tmp_path: Path, trace: Path
) -> None:
    base, model = (_needs_code(_with_code(tiny_base, tmp_path / name, trace)) for name in ("base", "model"))
    adapter = _with_code(made_adapter, tmp_path / "adapter", trace)
    with pytest.raises(ModelError) as raised:
        WAYS[way](base, adapter, model)
    message = str(raised.value)
    assert "nope" in message and ("use a model whose" in message or "use --engine transformers" in message)
    assert "\n" not in message and any(str(folder) in message for folder in (base, model))
    assert not trace.exists()


@pytest.mark.parametrize("way", [way for way in WAYS if way not in ("merge", "export, onnx")])  # slow, or in the others
def test_code_of_an_architecture_that_transformers_knows_is_ignored(
    way: str, tiny_base: Path, made_adapter: Path, tmp_path: Path, trace: Path
) -> None:
    base, model = (_with_code(tiny_base, tmp_path / name, trace) for name in ("base", "model"))
    WAYS[way](base, _with_code(made_adapter, tmp_path / "adapter", trace), model)
    assert not trace.exists()


def test_a_tokenizer_s_code_is_not_needed(tiny_base: Path, tmp_path: Path, trace: Path) -> None:
    model = _with_code(tiny_base, tmp_path / "model", trace)
    content = json.loads((model / "tokenizer_config.json").read_text()) | {"tokenizer_class": "Nope"}
    (model / "tokenizer_config.json").write_text(json.dumps(content))
    convert_to_ctranslate2(model, tmp_path / "ct2", "float32")
    assert (tmp_path / "ct2" / "model.bin").is_file() and not trace.exists()
