"""Random backbones: plain transformers folders whose tokenizer learns from a data set."""

import sys
from pathlib import Path

import pytest
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, BartConfig, BartForConditionalGeneration

from benchmarks import backbones


def test_a_saved_backbone_loads_with_its_tokenizer(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backbones, "VOCABULARY_SIZE", 400)
    shape = {
        f"{side}_{name}": 2 for side in ("encoder", "decoder") for name in ("layers", "ffn_dim", "attention_heads")
    }
    model = BartForConditionalGeneration(BartConfig(vocab_size=400, d_model=8, **shape, **backbones.SPECIAL_IDS))
    backbones.save(model, backbones.train_tokenizer(pairs), tmp_path / "bart")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "bart")
    ids = tokenizer("The council voted.")["input_ids"]
    assert ids[-1] == 1 and max(ids) < 400
    assert tokenizer.decode(ids, skip_special_tokens=True) == "The council voted."
    assert AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "bart").num_parameters() == model.num_parameters()


def test_missing_arguments_are_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["backbones"])
    with pytest.raises(SystemExit, match=r"usage: python -m benchmarks\.backbones FOLDER DATA"):
        backbones.main()
