"""What a run folder holds decides what a further run does: go on, nothing, or refuse."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM
from unspin.data.guard import DamagedError
from unspin.infer.checkpoint import Checkpoint
from unspin.infer.default_model import ModelError
from unspin.infer.restorer import Restorer
from unspin.train import finetune
from unspin.train import save as saving
from unspin.train.config import TrainConfig
from unspin.train.resume import OtherRunError


@pytest.fixture
def config(config: TrainConfig) -> TrainConfig:
    return config.model_copy(update={"steps": 4})


def _bytes(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(file): (file.read_bytes(), file.stat().st_mtime_ns) for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.mark.parametrize("schedule", ["linear", "constant_with_warmup"])
def test_a_finished_run_is_left_as_it_is(schedule: str, config: TrainConfig, capsys: pytest.CaptureFixture[str]) -> None:
    config = config.model_copy(update={"schedule": schedule})
    target = finetune.main(config)
    before = _bytes(config.output)
    capsys.readouterr()
    assert finetune.main(config) == target and finetune.main(config.model_copy(update={"save_every": 3, "loggers": ("tensorboard",)})) == target
    assert "finished: nothing to do" in capsys.readouterr().out
    assert _bytes(config.output) == before


def test_a_finished_run_is_not_made_longer(config: TrainConfig) -> None:
    finetune.main(config)
    before = _bytes(config.output)
    with pytest.raises(OtherRunError, match=r"finished run \(steps: 4 there, 9 here\).* further stage from it with adapter=.*run/adapter"):
        finetune.main(config.model_copy(update={"steps": 9}))
    assert _bytes(config.output) == before
    further = finetune.main(config.model_copy(update={"adapter": config.output / "adapter", "output": config.output.with_name("further")}))
    assert (further / "unspin.json").is_file()


@pytest.mark.parametrize("change", [{"learning_rate": 1e-3}, {"seed": 4}, {"lora": {"rank": 2}}, {"trained": "layers"}, {"steps": 9}])
def test_checkpoints_of_other_settings_are_refused_and_named(change: dict[str, Any], config: TrainConfig) -> None:
    finetune.main(config)
    shutil.rmtree(config.output / "adapter")  # as if it had been killed
    other = TrainConfig.model_validate(config.model_dump() | change)
    with pytest.raises(OtherRunError, match=f"checkpoints of a run with other settings .*{next(iter(change))}: .* there, .* here"):
        finetune.main(other)


def test_checkpoints_of_other_rows_and_of_unknown_runs_are_refused(config: TrainConfig, pairs: Path) -> None:
    finetune.main(config)
    shutil.rmtree(config.output / "adapter")
    shutil.copytree(pairs / "test", pairs.with_name("other") / "train")
    with pytest.raises(OtherRunError, match="data: other rows"):
        finetune.main(config.model_copy(update={"data": pairs.with_name("other")}))
    moved = pairs.rename(pairs.with_name("moved"))
    assert finetune.main(config.model_copy(update={"data": moved})), "the same rows in another place"
    shutil.rmtree(config.output / "adapter")
    (config.output / "settings.json").unlink()
    with pytest.raises(OtherRunError, match=r"holds checkpoints but no settings\.json"):
        finetune.main(config.model_copy(update={"data": moved}))


@pytest.mark.parametrize("content", ["", "[1]", '{"a"'])
def test_damaged_records_are_named_or_passed_over(content: str, config: TrainConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finetune.main(config)
    shutil.rmtree(config.output / "adapter")
    (config.output / "checkpoint-4" / "trainer_state.json").write_text(content)
    finetune.main(config)
    assert "checkpoint-4 is damaged" in (shown := capsys.readouterr().out) and "resuming from " + str(config.output / "checkpoint-2") in shown
    (config.output / "settings.json").write_text(content)
    with pytest.raises(DamagedError, match=r"settings\.json is damaged"):
        finetune.main(config)
    limited = config.model_copy(update={"output": tmp_path / "limited", "time_limit": 600.0})
    limited.output.mkdir()
    (limited.output / "clock.json").write_text(content)
    with pytest.raises(DamagedError, match=r"clock\.json is damaged: remove it"):
        finetune.main(limited)


@pytest.mark.parametrize("loss", ["checksums.json", "adapter_model.safetensors", "optimizer.pt", "{}"])
def test_a_checkpoint_that_is_not_whole_is_passed_over(loss: str, config: TrainConfig, capsys: pytest.CaptureFixture[str]) -> None:
    whole = load_file(finetune.main(config) / "adapter_model.safetensors")
    shutil.rmtree(config.output / "adapter")
    if loss == "{}":
        (config.output / "checkpoint-4" / "trainer_state.json").write_text(loss)
    else:
        (config.output / "checkpoint-4" / loss).unlink()
    again = load_file(finetune.main(config) / "adapter_model.safetensors")
    assert "checkpoint-4" in (shown := capsys.readouterr().out) and "passed over" in shown
    assert all(torch.equal(weight, whole[name]) for name, weight in again.items())


@pytest.mark.parametrize(
    ("loss", "complaint"), [("checksums.json", "has no checksums.json"), ("adapter_model.safetensors", "is missing"), ("unspin.json", "is damaged")]
)
def test_a_finished_run_that_is_not_whole_is_named(loss: str, complaint: str, config: TrainConfig) -> None:
    target = finetune.main(config)
    (target / loss).unlink() if loss != "unspin.json" else (target / loss).write_text("")
    with pytest.raises((DamagedError, ModelError), match=complaint):
        finetune.main(config)


def test_what_a_run_starts_from_is_known_by_its_content(config: TrainConfig, tiny_base: Path, tmp_path: Path) -> None:
    base = shutil.copytree(tiny_base, tmp_path / "place" / tiny_base.name)
    first = finetune.main(config)
    further = config.model_copy(update={"adapter": first, "output": tmp_path / "further"})
    target = finetune.main(further)
    moved = shutil.copytree(first, tmp_path / "moved")
    assert finetune.main(further.model_copy(update={"adapter": moved, "backbone": str(base)})) == target
    other = finetune.main(config.model_copy(update={"seed": 7, "output": tmp_path / "other"}))
    with pytest.raises(OtherRunError, match=r"finished run with other settings \(adapter: other weights\)"):
        finetune.main(further.model_copy(update={"adapter": other}))
    (base / "model.safetensors").unlink()
    shutil.copyfile(other / "adapter_model.safetensors", base / "model.safetensors")
    with pytest.raises(OtherRunError, match="backbone: other weights"):
        finetune.main(further.model_copy(update={"backbone": str(base)}))


def test_a_further_stage_has_the_rank_of_its_adapter(config: TrainConfig, tmp_path: Path) -> None:
    first = finetune.main(config)
    with pytest.raises(ModelError, match="has rank 4 and alpha 8, and lora says rank 2 and alpha 8: a further stage keeps them"):
        finetune.main(config.model_copy(update={"adapter": first, "output": tmp_path / "b", "lora": config.lora.model_copy(update={"rank": 2})}))
    unsaid = config.model_dump(exclude={"lora"}) | {"adapter": first, "output": tmp_path / "c"}
    record = json.loads((finetune.main(TrainConfig.model_validate(unsaid)) / "unspin.json").read_text())
    assert (record["config"]["lora"]["rank"], record["config"]["lora"]["alpha"]) == (4, 8)


def test_an_output_that_is_something_else_is_refused(config: TrainConfig, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OtherRunError, match="file is a file: give a folder"):
        finetune.main(config.model_copy(update={"output": tmp_path / "file"}))
    with pytest.raises(OtherRunError, match="is the data set"):
        finetune.main(config.model_copy(update={"output": config.data}))
    assert (tmp_path / "file").read_text() == "mine"


def test_keys_that_are_newer_than_a_run_had_their_defaults(config: TrainConfig) -> None:
    target = finetune.main(config)
    file = config.output / "settings.json"
    noted = json.loads(file.read_text())
    file.write_text(json.dumps({key: value for key, value in noted.items() if key not in ("curriculum", "time_limit", "steps")}))
    with pytest.raises(OtherRunError, match=r"finished run \(steps: None there, 4 here\)"):
        finetune.main(config)
    file.write_text(json.dumps({key: value for key, value in noted.items() if key not in ("curriculum", "trained")}))
    assert finetune.main(config) == target


def test_a_run_that_was_killed_while_it_was_saved_is_not_trained_further(config: TrainConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config.model_copy(update={"schedule": "constant_with_warmup"})
    whole = load_file(finetune.main(config.model_copy(update={"output": config.output.with_name("whole")})) / "adapter_model.safetensors")
    with monkeypatch.context() as patched:
        patched.setattr(saving, "seal", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            finetune.main(config)
    target = finetune.main(config)
    assert all(torch.equal(weight, whole[name]) for name, weight in load_file(target / "adapter_model.safetensors").items())
    assert json.loads((target / "unspin.json").read_text())["figures"]["steps"] == 4


@pytest.mark.parametrize("kind", ["backbone", "adapter", "strange"])
def test_nothing_that_a_run_has_not_written_is_overwritten(kind: str, config: TrainConfig, tiny_base: Path, tmp_path: Path) -> None:
    source = finetune.main(config) if kind == "adapter" else tiny_base
    output = tmp_path / "other"
    target = shutil.copytree(source, output / ("model" if kind == "backbone" else "adapter"))
    changes = {"backbone": {"backbone": str(target), "trained": "everything"}, "adapter": {"adapter": target}, "strange": {}}[kind]
    before = _bytes(output)
    with pytest.raises(OtherRunError, match=r"files of no run" if kind == "strange" else "is what the run starts from"):
        finetune.main(config.model_copy(update={"output": output, **changes}))
    assert _bytes(output) == before


def test_a_finished_run_that_was_damaged_is_named(config: TrainConfig) -> None:
    weights = finetune.main(config) / "adapter_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)
    with pytest.raises(DamagedError, match=r"adapter_model\.safetensors is damaged"):
        finetune.main(config)


@pytest.mark.parametrize("trained", ["layers", "everything"])
def test_whole_models_are_saved_in_files_of_a_size_and_restore(
    trained: str, config: TrainConfig, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "LARGEST_FILE", "30KB")
    target = finetune.main(config.model_copy(update={"trained": trained}))
    assert len(list(target.glob("model-0000*.safetensors"))) > 1 and not (target / "model.safetensors").exists()
    model, base = (AutoModelForCausalLM.from_pretrained(folder) for folder in (target, tiny_base))
    same = torch.equal(model.get_input_embeddings().weight.float(), base.get_input_embeddings().weight.bfloat16().float())
    assert same == (trained == "layers") and model.config.use_cache
    assert not torch.equal(model.model.layers[0].mlp.up_proj.weight, base.model.layers[0].mlp.up_proj.weight.bfloat16())
    monkeypatch.setattr("unspin.infer.checkpoint.cache_folder", lambda: tmp_path / "cache")
    texts = {
        engine: Restorer.from_pretrained(str(target), engine=engine, min_confidence=0).restore("The council voted.").text
        for engine in ("draft", "transformers")
    }
    assert len(set(texts.values())) == 1
    next(target.glob("model-00002*")).unlink()
    with pytest.raises((DamagedError, Exception), match="missing"):
        Checkpoint.open(str(target))
