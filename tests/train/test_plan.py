"""Plans of runs (`unspin train --check`): they predict the run, and name everything that would make it fail at once."""

import json
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from unspin.data.load import split_files
from unspin.train import finetune
from unspin.train import plan as planning
from unspin.train.batches import TokenBudgetSampler
from unspin.train.config import TrainConfig
from unspin.train.plan import PlanError, describe, plan_run
from unspin.train.tokens import tokenize


def test_a_plan_predicts_the_run(config: TrainConfig, tmp_path: Path) -> None:
    plan = plan_run(config)
    assert not config.output.exists(), "nothing is written"
    target = finetune.main(config)
    record = json.loads((target / "unspin.json").read_text())
    assert plan.rows == record["figures"]["rows"]
    backbone = planning.Backbone.open(config.backbone)
    rows = tokenize(split_files(config.data, "train"), backbone.prompt, config.max_tokens).rows
    assert plan.tokens == sum(len(row["source"]) + len(row["target"]) for row in rows)
    assert plan.batches == len(TokenBudgetSampler(rows, config.tokens_per_batch, config.seed))
    assert plan.longest_row <= 512 and 0 <= plan.padding < 0.3 and plan.step and plan.trained_weights == 4096
    checkpoint = tmp_path / "run" / "checkpoint-6"
    written = sum((checkpoint / name).stat().st_size for name in ("adapter_model.safetensors", "optimizer.pt"))
    assert plan.disk / 3 == pytest.approx(written, rel=0.5)
    text = dict(describe(config, plan))
    assert text["run"] == f"6 steps: {6 / plan.batches:.2f} epochs of {plan.batches} batches"
    assert text["state"] == f"resumes from {checkpoint}" and "seconds on" in text["time"]
    assert dict(describe(config, plan_run(config)))["state"] == "finished: nothing to do"


def test_a_plan_for_a_time_limit_estimates_the_steps(config: TrainConfig) -> None:
    limited = config.model_copy(update={"max_steps": None, "time_limit": 600.0, "torch_compile": True})
    text = dict(describe(limited, plan_run(limited)))
    assert text["run"].startswith("about ") and text["time"].startswith("about 10 minutes")
    assert "less once compiled; evaluations included" in text["time"]


def test_a_step_never_spans_two_epochs(config: TrainConfig) -> None:
    batches = plan_run(config).batches
    plan = plan_run(summed := config.model_copy(update={"gradient_accumulation_steps": batches - 1}))
    assert plan.epochs(summed) == 3, "two steps per epoch, the second of one batch"
    assert f"up to {(batches - 1) * 1024:,} tokens" in dict(describe(summed, plan))["step"]
    plan = plan_run(summed := config.model_copy(update={"gradient_accumulation_steps": 1000}))
    assert plan.epochs(summed) == 6 and f"up to {batches * 1024:,} tokens" in dict(describe(summed, plan))["step"]


def test_memory_grows_with_the_batch_and_shrinks_with_gradient_checkpointing(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "memory", lambda: 0.0)  # the process's own memory fluctuates
    small, large = (
        plan_run(config.model_copy(update={"tokens_per_batch": tokens})).memory for tokens in (1024, 65_536)
    )
    saved = plan_run(config.model_copy(update={"tokens_per_batch": 65_536, "gradient_checkpointing": True})).memory
    assert small < large / 20 and saved < large


def test_all_complaints_are_reported_at_once(config: TrainConfig, tiny_base: Path, tmp_path: Path) -> None:
    shutil.rmtree(config.data / "validation")
    wrong = config.model_copy(
        update={
            "report_to": ("wandb",),
            "warmup_steps": 6,
            "eval_steps": 8,
            "save_steps": 8,
            "adapter": str(tmp_path / "nowhere"),
        }
    )
    with pytest.raises(PlanError) as caught:
        plan_run(wrong)
    complaints = (
        "warmup_steps is 6 and max_steps 6",
        "validation holds no rows",
        "report_to: wandb is not installed: pip install wandb",
        "nowhere is not a checkpoint folder",
    )
    assert all(complaint in str(caught.value) for complaint in complaints)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"data": Path("nowhere")}, "nowhere/train holds no rows"),
        ({"backbone": "nowhere/nothing"}, "is not a folder, and the hub does not provide it"),
        ({"max_tokens": 9}, "none of 128 rows has 9 tokens or fewer"),
        ({"source_weights": {"made": 0.0}}, "source_weights and spinner_weights leave no row"),
        ({"source_weights": {"mad": 0.5}}, "source_weights: the data have no source mad; they have made"),
        ({"spinner_weights": {"phrase": 0.5}}, "spinner_weights: the data have no spinner phrase; they have "),
        ({"lora": {"load_in_4bit": True}}, "needs a GPU"),
        ({"lora": {"target_modules": "nothing"}}, "lora.target_modules 'nothing' matches no layer"),
        ({"max_steps": None, "time_limit": 0.01}, "time_limit is 0 s, but .* s pass before the first step"),
        (
            {"max_steps": None, "time_limit": 60, "eval_steps": 10**6, "save_steps": 10**6},
            "steps fit into time_limit: lower eval_steps",
        ),
    ],
)
def test_missing_and_invalid_inputs_are_named(
    change: dict[str, Any], complaint: str, config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(PlanError, match=complaint):
        plan_run(TrainConfig.model_validate(config.model_dump() | change))


def test_an_adapter_of_another_backbone_is_named(config: TrainConfig, tiny_base: Path) -> None:
    adapter = finetune.main(config)
    other = shutil.copytree(tiny_base, config.output.with_name("other"))
    with pytest.raises(PlanError, match=f"trained on the backbone {tiny_base}, but this run's is {other}"):
        plan_run(
            config.model_copy(
                update={"adapter": str(adapter), "backbone": str(other), "output": config.output.with_name("further")}
            )
        )


def test_a_backbone_of_the_same_name_with_other_weights_is_named(config: TrainConfig, tiny_base: Path) -> None:
    adapter = finetune.main(config)
    other = shutil.copytree(tiny_base, config.output.with_name("elsewhere") / tiny_base.name)
    weights = load_file(other / "model.safetensors")
    save_file({name: weight + 1 for name, weight in weights.items()}, other / "model.safetensors", {"format": "pt"})
    changes = {"adapter": str(adapter), "backbone": str(other), "output": config.output.with_name("further")}
    with pytest.raises(PlanError, match=f"is an adapter of {tiny_base} with the weights .*, but {other} has"):
        plan_run(config.model_copy(update=changes))


def test_too_little_memory_or_disk_is_reported_without_trying_a_step(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning.psutil, "virtual_memory", lambda: namedtuple("Memory", "available")(1000))
    monkeypatch.setattr(planning.shutil, "disk_usage", lambda _: namedtuple("Disk", "free")(1000))
    monkeypatch.setattr(planning.Stepper, "run", lambda *_: 1 / 0)
    with pytest.raises(PlanError, match=r"lower tokens_per_batch .*checkpoints need about"):
        plan_run(config)


def test_an_output_of_another_run_is_refused(config: TrainConfig) -> None:
    finetune.main(config)
    with pytest.raises(PlanError, match="seed: 20 there, 7 here"):
        plan_run(config.model_copy(update={"seed": 7}))
