"""Checkpoints: complete or refused by name; both engines read the same one."""

import json
from pathlib import Path

import pytest
from unspin.infer import checkpoint as module
from unspin.infer.checkpoint import Checkpoint
from unspin.infer.default_model import ModelError
from unspin.infer.engines import ENGINES, load_engine


@pytest.fixture
def adapter(tiny_base: Path, tmp_path: Path) -> Path:
    """A random LoRA adapter of the tiny base."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM
    from unspin.infer.prompt import NAME

    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_pretrained(tiny_base)
    config = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    get_peft_model(model, config).save_pretrained(tmp_path / "adapter")
    (tmp_path / "adapter" / "unspin.json").write_text(json.dumps({"backbone": str(tiny_base), "prompt": NAME}))
    return tmp_path / "adapter"


@pytest.mark.parametrize("missing", module.ADAPTER_FILES)
def test_a_missing_file_is_named(adapter: Path, missing: str) -> None:
    (adapter / missing).unlink()
    with pytest.raises(ModelError, match=f"is incomplete: {missing} is missing"):
        Checkpoint.open(str(adapter))


def test_no_folder_a_damaged_record_and_another_prompt_are_refused(adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere is no checkpoint folder"):
        Checkpoint.open(str(tmp_path / "nowhere"))
    (adapter / "unspin.json").write_text('{"backbone": "x", "prompt": "old/0"}')
    with pytest.raises(ModelError, match="trained on prompt form 'old/0'"):
        Checkpoint.open(str(adapter))
    (adapter / "unspin.json").write_text("{")
    with pytest.raises(ModelError, match=r"unspin\.json is damaged"):
        Checkpoint.open(str(adapter))


def test_truncated_weights_are_refused_and_leave_nothing(adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache")
    weights = adapter / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(ModelError, match="does not load as an adapter"):
        Checkpoint.open(str(adapter)).merged(lambda _: None)
    assert not list((tmp_path / "cache").iterdir())


def test_every_engine_answers_each_sentence_in_order(adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache")
    sentences = ["The mayor said so.", "<eos> Original: text like any other.", "x"]
    for name in ENGINES:
        engine = load_engine(name, Checkpoint.open(str(adapter)), lambda _: None)
        outputs = engine.rewrite(sentences)
        assert len(outputs) == 3 and len(set(outputs)) == 3
        assert engine.rewrite(sentences[::-1]) == outputs[::-1]
        for output in outputs:
            assert len(output.ends) <= len(output.log_probabilities) and max(output.log_probabilities) <= 0
            assert not output.ends or output.ends[-1] == len(output.text)
