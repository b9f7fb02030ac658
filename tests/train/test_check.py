"""What `unspin train --check` says: what the run will be, and everything that speaks against it, at once."""

import json
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from unspin.train import check as checking
from unspin.train import finetune
from unspin.train.batches import TokenBudgetSampler, split_files
from unspin.train.check import CheckError, check, lines
from unspin.train.config import TrainConfig
from unspin.train.tokens import tokenize


def test_a_plan_is_what_the_run_then_is(config: TrainConfig, tmp_path: Path) -> None:
    plan = check(config)
    assert not config.output.exists(), "nothing is written"
    target = finetune.main(config)
    record = json.loads((target / "unspin.json").read_text())
    assert plan.rows == record["figures"]["rows"]
    backbone = checking.Backbone.open(config.backbone)
    rows = tokenize(split_files(config.data, "train"), backbone.prompt, config.longest).rows
    assert plan.tokens == sum(len(row["source"]) + len(row["target"]) for row in rows)
    assert plan.batches == len(TokenBudgetSampler(rows, config.tokens_per_batch, config.seed))
    assert plan.longest <= 512 and 0 <= plan.padding < 0.3 and plan.step and plan.trained == 4096
    checkpoint = tmp_path / "run" / "checkpoint-6"
    written = sum((checkpoint / name).stat().st_size for name in ("adapter_model.safetensors", "optimizer.pt"))
    assert plan.disk / 3 == pytest.approx(written, rel=0.5)
    told = dict(lines(config, plan))
    assert told["run"] == f"6 steps: {6 / plan.batches:.2f} epochs of {plan.batches} batches"
    assert told["state"] == f"goes on from {checkpoint}" and "seconds on" in told["time"]
    assert dict(lines(config, check(config)))["state"] == "finished: nothing to do"


def test_what_fits_into_a_time_is_told(config: TrainConfig) -> None:
    limited = config.model_copy(update={"steps": None, "time_limit": 600.0, "compile": True})
    told = dict(lines(limited, check(limited)))
    assert told["run"].startswith("about ") and told["time"].startswith("about 10 minutes") and "compiled layers being faster" in told["time"]


def test_a_step_sums_no_more_than_an_epoch_has(config: TrainConfig) -> None:
    batches = check(config).batches
    plan = check(summed := config.model_copy(update={"accumulate": batches - 1}))
    assert plan.epochs(summed) == 3, "two steps an epoch, the second of one batch"
    assert f"up to {(batches - 1) * 1024:,} tokens" in dict(lines(summed, plan))["a step"]
    plan = check(summed := config.model_copy(update={"accumulate": 1000}))
    assert plan.epochs(summed) == 6 and f"up to {batches * 1024:,} tokens" in dict(lines(summed, plan))["a step"]


def test_memory_grows_with_the_batch_and_shrinks_with_gradient_checkpointing(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "memory", lambda: 0.0)  # what the process holds goes up and down by itself
    small, large = (check(config.model_copy(update={"tokens_per_batch": tokens})).memory for tokens in (1024, 65_536))
    saved = check(config.model_copy(update={"tokens_per_batch": 65_536, "gradient_checkpointing": True})).memory
    assert small < large / 20 and saved < large


def test_everything_that_speaks_against_a_run_is_told_at_once(config: TrainConfig, tiny_base: Path, tmp_path: Path) -> None:
    shutil.rmtree(config.data / "validation")
    wrong = config.model_copy(update={"warmup_steps": 6, "evaluate_every": 8, "save_every": 8, "adapter": tmp_path / "nowhere"})
    with pytest.raises(CheckError) as caught:
        check(wrong)
    told = ("warmup_steps is 6 and steps 6", "validation holds no rows", "nowhere is no adapter folder")
    assert all(complaint in str(caught.value) for complaint in told)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"data": Path("nowhere")}, "nowhere/train holds no rows"),
        ({"backbone": "nowhere/nothing"}, "is no folder here and the hub does not give it"),
        ({"longest": 9}, "none of 128 rows has 9 tokens or fewer"),
        ({"source_weights": {"made": 0.0}}, "the weights leave no row"),
        ({"source_weights": {"mad": 0.5}}, "source_weights: the data have no source mad, but made"),
        ({"engine_weights": {"phrase": 0.5}}, "engine_weights: the data have no engine phrase, but "),
        ({"lora": {"four_bit": True}}, "needs a GPU"),
        ({"lora": {"targets": "nothing"}}, "lora.targets 'nothing' fits no layer"),
        ({"steps": None, "time_limit": 0.01}, "time_limit is 0 s, but .* pass before the first step"),
        ({"steps": None, "time_limit": 60, "evaluate_every": 10**6, "save_every": 10**6}, "steps fit into time_limit: lower evaluate_every"),
    ],
)
def test_what_is_missing_is_named(change: dict[str, Any], complaint: str, config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(CheckError, match=complaint):
        check(TrainConfig.model_validate(config.model_dump() | change))


def test_an_adapter_of_another_backbone_is_named(config: TrainConfig, tiny_base: Path) -> None:
    adapter = finetune.main(config)
    other = shutil.copytree(tiny_base, config.output.with_name("other"))
    with pytest.raises(CheckError, match=f"trained on the backbone {tiny_base}, and this run's is {other}"):
        check(config.model_copy(update={"adapter": adapter, "backbone": str(other), "output": config.output.with_name("further")}))


def test_too_little_memory_or_disk_is_told_before_anything_is_tried(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking.psutil, "virtual_memory", lambda: namedtuple("Memory", "available")(1000))
    monkeypatch.setattr(checking.shutil, "disk_usage", lambda _: namedtuple("Disk", "free")(1000))
    monkeypatch.setattr(checking.Stepper, "run", lambda *_: 1 / 0)
    with pytest.raises(CheckError, match=r"lower tokens_per_batch .*checkpoints take about"):
        check(config)


def test_a_folder_of_another_run_is_named(config: TrainConfig) -> None:
    finetune.main(config)
    with pytest.raises(CheckError, match="seed: 20 there, 7 here"):
        check(config.model_copy(update={"seed": 7}))
