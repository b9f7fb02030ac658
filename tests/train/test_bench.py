"""The race of training recipes, in small: both sides are run, and arithmetic is counted as torch counts it."""

import json
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import BartConfig, BartForConditionalGeneration, Gemma3ForCausalLM, PreTrainedModel
from unspin.train import bench


@pytest.fixture
def config(pairs: Path, tiny_base: Path, tmp_path: Path) -> Path:
    keys = {"backbone": str(tiny_base), "data": str(pairs), "output": str(tmp_path / "run"), "steps": 1, "longest": 512, "precision": "fp32"}
    (tmp_path / "run.yaml").write_text(json.dumps(keys))
    return tmp_path / "run.yaml"


@pytest.mark.parametrize("way", [[], ["--alone"], ["--profile"], ["--alone", "trained=layers"]])
def test_every_way_of_timing_runs(way: list[str], config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(bench, "limits", lambda _: {"float32 GFLOP/s": 100.0})
    monkeypatch.setattr(sys, "argv", ["bench", str(config), "--batches", "2", "tokens_per_batch=1024", *way])
    bench.main()
    shown = capsys.readouterr().out
    if "--alone" in way:
        assert "real tokens a second in fp32, batches of 1,024" in shown and "of the 100 GFLOP/s" in shown
    else:
        assert ("Self CPU" if way else "stock") in shown


def _bart() -> PreTrainedModel:
    sides = {f"{side}_{name}": n for side in ("encoder", "decoder") for name, n in (("layers", 2), ("ffn_dim", 256), ("attention_heads", 2))}
    return BartForConditionalGeneration(BartConfig(vocab_size=500, d_model=64, decoder_start_token_id=1, **sides))


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("family", ["one-sided", "two-sided"])
def test_arithmetic_is_counted_as_torch_counts_it(family: str, frozen: bool, tiny_base: Path) -> None:
    model = _bart() if family == "two-sided" else Gemma3ForCausalLM.from_pretrained(tiny_base)
    for embeddings in (model.get_input_embeddings(), model.get_output_embeddings()) if frozen else ():
        embeddings.requires_grad_(False)
    source, target = (torch.randint(3, 300, (2, width)) for width in (40, 24))
    with FlopCounterMode(display=False) as counted:
        model(input_ids=source, labels=target if family == "two-sided" else source).loss.backward()
    ours = bench.operations(model, 80, 48) if family == "two-sided" else bench.operations(model, 0, 80)
    assert ours == pytest.approx(counted.get_total_flops(), rel=0.12), "all but attention itself"
