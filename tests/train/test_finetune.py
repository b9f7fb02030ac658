"""Fine-tuning on a tiny random model: the loss falls, a killed run resumes to the same weights, the adapter loads and scores."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, TrainerCallback
from unspin.data.build import BuildConfig, build
from unspin.train import finetune
from unspin.train.backbones import restrict_loss
from unspin.train.benchmark.run import main as evaluate
from unspin.train.config import EvalConfig, TrainConfig


@pytest.fixture
def pairs(corpus: Path, tmp_path: Path) -> Path:
    sources = [{"kind": "folder", "name": "made", "path": str(corpus), "licence": "ours"}]
    config = BuildConfig(output=tmp_path / "pairs", variants=2, held_back=0.2, engines={"phrases": 1.0}, sources=sources)
    build(config, "test")
    return config.output


def _config(pairs: Path, base: Path, output: Path) -> TrainConfig:
    return TrainConfig(
        backbone=str(base), data=pairs, output=output, steps=6, warmup_steps=1, save_every=2, tokens_per_batch=1024, longest=512,
        learning_rate=1e-2, precision="fp32", lora={"rank": 4, "alpha": 8},
    )  # fmt: skip


class _Killed(Exception):
    pass


class _KillAt(TrainerCallback):
    def on_step_end(self, args, state, control, **kwargs):  # type: ignore[no-untyped-def]
        if state.global_step == 5:
            raise _Killed


def test_a_killed_run_resumes_to_the_same_weights(pairs: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = finetune.main(_config(pairs, tiny_base, tmp_path / "whole"))
    cut = _config(pairs, tiny_base, tmp_path / "cut")
    plain = finetune.PairTrainer.__init__

    def with_kill(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        plain(self, *args, callbacks=[_KillAt()], **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(finetune.PairTrainer, "__init__", with_kill)
        with pytest.raises(_Killed):
            finetune.main(cut)
    resumed = finetune.main(cut)
    expected, got = (load_file(folder / "adapter_model.safetensors") for folder in (whole, resumed))
    assert expected.keys() == got.keys()
    assert all(torch.equal(expected[name], got[name]) for name in expected)
    record = json.loads((whole / "unspin.json").read_text())
    assert record["backbone"] == str(tiny_base) and record["config"]["steps"] == 6


def test_the_adapter_is_evaluated_beside_copying(pairs: Path, tiny_base: Path, tmp_path: Path) -> None:
    adapter = finetune.main(_config(pairs, tiny_base, tmp_path / "run"))
    suites = [{"kind": kind, "name": kind, "data": pairs} for kind in ("data", "clean")]
    config = EvalConfig.model_validate({"checkpoint": str(adapter), "suites": suites, "limit": 4, "output": tmp_path / "scores", "resamples": 100})
    scores = evaluate(config)["scores"]
    assert [set(systems) for systems in scores.values()] == [{"copy the input", "unspin"}] * 2
    assert scores["data"]["copy the input"]["recall"] == 0 and scores["clean"]["copy the input"]["exact"] == 1
    assert scores["data"]["unspin"]["words_per_second"] > 0


@pytest.mark.parametrize("vocabulary", [None, [3, 5, 7, 11, 13]], ids=["full", "restricted"])
def test_the_loss_at_target_positions_is_the_plain_loss(tiny_base: Path, vocabulary: list[int] | None) -> None:
    ids = torch.tensor([[2, 3, 5, 7, 11, 13], [2, 5, 3, 13, 7, 0]])
    labels = torch.tensor([[-100, -100, -100, 7, 11, 13], [-100, -100, 3, 13, 7, -100]])
    mask = torch.tensor([[1] * 6, [1] * 5 + [0]])
    model = AutoModelForCausalLM.from_pretrained(tiny_base).eval()
    logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1]
    targets = labels[:, 1:]
    if vocabulary is not None:
        outside = torch.ones(logits.shape[-1], dtype=torch.bool)
        outside[vocabulary] = False
        logits = logits.masked_fill(outside, float("-inf"))
    expected = torch.nn.functional.cross_entropy(logits[targets != -100], targets[targets != -100])
    restrict_loss(model, vocabulary)
    torch.testing.assert_close(model(input_ids=ids, attention_mask=mask, labels=labels).loss, expected)
