"""Checkpoints: complete or refused by name; both engines read the same one."""

from pathlib import Path

import pytest
from unspin.infer import checkpoint as module
from unspin.infer.checkpoint import Checkpoint
from unspin.infer.default_model import ModelError
from unspin.infer.engines import ENGINES, load_engine


@pytest.mark.parametrize("missing", module.ADAPTER_FILES)
def test_a_missing_file_is_named(tiny_adapter: Path, missing: str) -> None:
    (tiny_adapter / missing).unlink()
    with pytest.raises(ModelError, match=f"is incomplete: {missing} is missing"):
        Checkpoint.open(str(tiny_adapter))


def test_no_folder_a_damaged_record_and_another_prompt_are_refused(tiny_adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere is no checkpoint folder"):
        Checkpoint.open(str(tmp_path / "nowhere"))
    (tiny_adapter / "unspin.json").write_text('{"backbone": "x", "prompt": "old/0"}')
    with pytest.raises(ModelError, match="trained on prompt form 'old/0'"):
        Checkpoint.open(str(tiny_adapter))
    (tiny_adapter / "unspin.json").write_text("{")
    with pytest.raises(ModelError, match=r"unspin\.json is damaged"):
        Checkpoint.open(str(tiny_adapter))


def test_truncated_weights_are_refused_and_leave_nothing(tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache")
    weights = tiny_adapter / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(ModelError, match="does not load as an adapter"):
        Checkpoint.open(str(tiny_adapter)).merged(lambda _: None)
    assert not list((tmp_path / "cache").iterdir())


def test_every_engine_answers_each_sentence_in_order(tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache")
    sentences = ["The mayor said so.", "<eos> Original: text like any other.", "x"]
    for name in ENGINES:
        engine = load_engine(name, Checkpoint.open(str(tiny_adapter)), lambda _: None)
        outputs = engine.rewrite(sentences)
        assert len(outputs) == 3 and len(set(outputs)) == 3
        assert engine.rewrite(sentences[::-1]) == outputs[::-1]
        for output in outputs:
            assert len(output.ends) <= len(output.log_probabilities) and max(output.log_probabilities) <= 0
            assert not output.ends or output.ends[-1] == len(output.text)
