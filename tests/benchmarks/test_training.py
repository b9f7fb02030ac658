"""The comparison of training recipes, on a tiny model: both sides run, and operations are counted as torch does."""

import json
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import BartConfig, BartForConditionalGeneration, Gemma3ForCausalLM, PreTrainedModel

from benchmarks import training


@pytest.fixture
def config(pairs: Path, tiny_base: Path, tmp_path: Path) -> Path:
    keys = {
        "backbone": str(tiny_base),
        "data": str(pairs),
        "output": str(tmp_path / "run"),
        "max_steps": 1,
        "max_tokens": 512,
        "precision": "fp32",
    }
    (tmp_path / "run.yaml").write_text(json.dumps(keys))
    return tmp_path / "run.yaml"


@pytest.mark.parametrize("options", [[], ["--alone"], ["--profile"], ["--alone", "trainable=layers"]])
def test_each_mode_reports_what_it_measured(
    options: list[str], config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training, "peak_rates", lambda _: {"float32 GFLOP/s": 100.0})
    monkeypatch.setattr(sys, "argv", ["training", str(config), "--batches", "2", "tokens_per_batch=1024", *options])
    training.main()
    shown = capsys.readouterr().out
    if "--alone" in options:
        assert "real tokens/s in fp32, batches of 1,024" in shown and "of the 100 GFLOP/s" in shown
    else:
        assert ("Self CPU" if options else "stock") in shown


def _bart() -> PreTrainedModel:
    sides = {
        f"{side}_{name}": n
        for side in ("encoder", "decoder")
        for name, n in (("layers", 2), ("ffn_dim", 256), ("attention_heads", 2))
    }
    return BartForConditionalGeneration(BartConfig(vocab_size=500, d_model=64, decoder_start_token_id=1, **sides))


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("family", ["causal", "encoder-decoder"])
def test_operations_are_counted_as_torch_counts_them(family: str, frozen: bool, tiny_base: Path) -> None:
    model = _bart() if family == "encoder-decoder" else Gemma3ForCausalLM.from_pretrained(tiny_base)
    for embeddings in (model.get_input_embeddings(), model.get_output_embeddings()) if frozen else ():
        embeddings.requires_grad_(False)
    source, target = (torch.randint(3, 300, (2, width)) for width in (40, 24))
    with FlopCounterMode(display=False) as counted:
        model(input_ids=source, labels=target if family == "encoder-decoder" else source).loss.backward()
    ours = training.matrix_flops(model, 80, 48) if family == "encoder-decoder" else training.matrix_flops(model, 0, 80)
    assert ours == pytest.approx(counted.get_total_flops(), rel=0.12), "attention itself is not counted"
