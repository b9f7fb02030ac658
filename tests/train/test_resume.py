"""What a run folder holds decides what starting the run does: resume, nothing, or refuse."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM
from unspin.checksums import ChecksumError
from unspin.infer.models.backbone import ModelError
from unspin.infer.models.checkpoint import Checkpoint
from unspin.infer.restorer import Restorer
from unspin.train import finetune
from unspin.train import save as saving
from unspin.train.config import TrainConfig
from unspin.train.finetune import with_data_settings
from unspin.train.resume import OtherRunError


@pytest.fixture
def config(config: TrainConfig) -> TrainConfig:
    return config.model_copy(update={"max_steps": 4})


def _bytes(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(file): (file.read_bytes(), file.stat().st_mtime_ns) for file in sorted(folder.rglob("*")) if file.is_file()
    }


@pytest.mark.parametrize("schedule", ["linear", "constant_with_warmup"])
def test_a_finished_run_is_left_unchanged(schedule: str, config: TrainConfig, messages: list[str]) -> None:
    config = config.model_copy(update={"lr_scheduler_type": schedule})
    target = finetune.main(config)
    before = _bytes(config.output)
    messages.clear()
    assert finetune.main(config) == target
    assert finetune.main(config.model_copy(update={"save_steps": 3, "report_to": ("tensorboard",)})) == target
    assert messages == [f"{config.output} holds this run, finished: nothing to do"] * 2
    assert _bytes(config.output) == before


def test_a_finished_run_is_not_made_longer(config: TrainConfig) -> None:
    finetune.main(config)
    before = _bytes(config.output)
    with pytest.raises(
        OtherRunError,
        match=r"finished run \(max_steps: 4 there, 9 here\).* continue from it with adapter=.*run/adapter",
    ):
        finetune.main(config.model_copy(update={"max_steps": 9}))
    assert _bytes(config.output) == before
    further = finetune.main(
        config.model_copy(
            update={"adapter": str(config.output / "adapter"), "output": config.output.with_name("further")}
        )
    )
    assert (further / "unspin.json").is_file()


@pytest.mark.parametrize(
    "change", [{"learning_rate": 1e-3}, {"seed": 4}, {"lora": {"rank": 2}}, {"trainable": "layers"}, {"max_steps": 9}]
)
def test_checkpoints_of_a_run_with_other_settings_are_refused(change: dict[str, Any], config: TrainConfig) -> None:
    finetune.main(config)
    shutil.rmtree(config.output / "adapter")  # as if it had been killed
    other = TrainConfig.model_validate(config.model_dump() | change)
    with pytest.raises(
        OtherRunError, match=f"checkpoints of a run with other settings .*{next(iter(change))}: .* there, .* here"
    ):
        finetune.main(other)


def test_checkpoints_of_other_data_and_of_unknown_runs_are_refused(config: TrainConfig, pairs: Path) -> None:
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
def test_damaged_records_are_skipped_or_named(
    content: str, config: TrainConfig, tmp_path: Path, messages: list[str]
) -> None:
    finetune.main(config)
    shutil.rmtree(config.output / "adapter")
    (config.output / "checkpoint-4" / "trainer_state.json").write_text(content)
    finetune.main(config)
    assert any("checkpoint-4: it is damaged" in message for message in messages)
    assert f"resuming from {config.output / 'checkpoint-2'}" in messages
    (config.output / "settings.json").write_text(content)
    with pytest.raises(ChecksumError, match=r"settings\.json is damaged"):
        finetune.main(config)
    limited = config.model_copy(update={"output": tmp_path / "limited", "time_limit": 600.0})
    limited.output.mkdir()
    (limited.output / "clock.json").write_text(content)
    with pytest.raises(ChecksumError, match=r"clock\.json is damaged: remove it"):
        finetune.main(limited)


@pytest.mark.parametrize("loss", ["checksums.json", "adapter_model.safetensors", "optimizer.pt", "{}"])
def test_an_incomplete_checkpoint_is_skipped(loss: str, config: TrainConfig, messages: list[str]) -> None:
    whole = load_file(finetune.main(config) / "adapter_model.safetensors")
    shutil.rmtree(config.output / "adapter")
    if loss == "{}":
        (config.output / "checkpoint-4" / "trainer_state.json").write_text(loss)
    else:
        (config.output / "checkpoint-4" / loss).unlink()
    again = load_file(finetune.main(config) / "adapter_model.safetensors")
    assert any(message.startswith(f"skipping {config.output / 'checkpoint-4'}") for message in messages)
    assert all(torch.equal(weight, whole[name]) for name, weight in again.items())


@pytest.mark.parametrize(
    ("loss", "complaint"),
    [
        ("checksums.json", "has no checksums.json"),
        ("adapter_model.safetensors", "is missing"),
        ("unspin.json", "is damaged"),
    ],
)
def test_an_incomplete_finished_checkpoint_is_named(loss: str, complaint: str, config: TrainConfig) -> None:
    target = finetune.main(config)
    (target / loss).unlink() if loss != "unspin.json" else (target / loss).write_text("")
    with pytest.raises((ChecksumError, ModelError), match=complaint):
        finetune.main(config)


def test_starting_weights_are_compared_by_content(config: TrainConfig, tiny_base: Path, tmp_path: Path) -> None:
    base = shutil.copytree(tiny_base, tmp_path / "place" / tiny_base.name)
    first = finetune.main(config)
    further = config.model_copy(update={"adapter": str(first), "output": tmp_path / "further"})
    target = finetune.main(further)
    moved = shutil.copytree(first, tmp_path / "moved")
    assert finetune.main(further.model_copy(update={"adapter": str(moved), "backbone": str(base)})) == target
    other = finetune.main(config.model_copy(update={"seed": 7, "output": tmp_path / "other"}))
    with pytest.raises(OtherRunError, match=r"finished run with other settings \(adapter: other weights\)"):
        finetune.main(further.model_copy(update={"adapter": str(other)}))
    (base / "model.safetensors").unlink()
    shutil.copyfile(other / "adapter_model.safetensors", base / "model.safetensors")
    with pytest.raises(OtherRunError, match="backbone: other weights"):
        finetune.main(config.model_copy(update={"backbone": str(base)}))
    with pytest.raises(ModelError, match=r"is an adapter of .* with the weights"):
        finetune.main(further.model_copy(update={"backbone": str(base)}))


def test_a_continued_adapter_keeps_its_rank(config: TrainConfig, tmp_path: Path) -> None:
    first = finetune.main(config)
    with pytest.raises(
        ModelError, match="has rank 4 and alpha 8, but lora sets rank 2 and alpha 8: they cannot change"
    ):
        finetune.main(
            config.model_copy(
                update={
                    "adapter": str(first),
                    "output": tmp_path / "b",
                    "lora": config.lora.model_copy(update={"rank": 2}),
                }
            )
        )
    without_lora = config.model_dump(exclude={"lora"}) | {"adapter": str(first), "output": tmp_path / "c"}
    record = json.loads((finetune.main(TrainConfig.model_validate(without_lora)) / "unspin.json").read_text())
    assert (record["config"]["lora"]["rank"], record["config"]["lora"]["alpha"]) == (4, 8)


def test_an_output_that_is_a_file_or_the_data_set_is_refused(config: TrainConfig, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OtherRunError, match="file is a file: give a folder"):
        finetune.main(config.model_copy(update={"output": tmp_path / "file"}))
    with pytest.raises(OtherRunError, match="is the data set"):
        finetune.main(config.model_copy(update={"output": config.data}))
    assert (tmp_path / "file").read_text() == "mine"


def test_keys_unknown_to_the_version_of_a_run_had_their_defaults(config: TrainConfig) -> None:
    target = finetune.main(config)
    file = config.output / "settings.json"
    stored = json.loads(file.read_text())

    def forget(*keys: str) -> None:
        file.write_text(json.dumps({key: value for key, value in stored.items() if key not in keys}))

    forget("curriculum", "time_limit", "max_steps")
    with pytest.raises(OtherRunError, match=r"finished run \(max_steps: None there, 4 here\)"):
        finetune.main(config)
    forget("curriculum", "trainable")
    assert finetune.main(config) == target


OLD_SETTINGS = {
    "adapter": None, "seed": 20, "trained": "adapter",
    "lora": {"rank": 4, "alpha": 8.0, "dropout": 0.0, "targets": "all-linear", "four_bit": False},
    "learning_rate": 0.01, "schedule": "linear", "warmup_steps": 1, "steps": 4, "time_limit": None,
    "label_smoothing": 0.0, "tokens_per_batch": 1024, "accumulate": 1, "longest": 512, "over_long": "drop",
    "passage": 64, "curriculum": False, "source_weights": {}, "engine_weights": {"phrases": 2.0}, "precision": "fp32",
    "gradient_checkpointing": False, "compile": False, "vocabulary": "seen", "evaluate_every": 0, "patience": 0,
}  # fmt: skip


def test_the_passage_length_is_that_of_the_data_set_unless_the_config_sets_it(
    config: TrainConfig, tmp_path: Path
) -> None:
    data = shutil.copytree(config.data, tmp_path / "data")
    origin = json.loads((data / "origin.json").read_text())
    (data / "origin.json").write_text(json.dumps(origin | {"max_passage_words": 40}))
    assert with_data_settings(config.model_copy(update={"data": data})).max_passage_words == 40
    assert with_data_settings(config.model_copy(update={"data": data, "max_passage_words": 8})).max_passage_words == 8
    (data / "origin.json").unlink()
    assert with_data_settings(config.model_copy(update={"data": data})).max_passage_words == 0


def test_a_run_of_an_earlier_version_is_recognised_by_its_old_keys(config: TrainConfig) -> None:
    config = config.model_copy(update={"max_passage_words": 64, "spinner_weights": {"phrases": 2.0}})
    target = finetune.main(config)
    file = config.output / "settings.json"
    contents = {key: json.loads(file.read_text())[key] for key in ("data", "backbone")}
    file.write_text(json.dumps(OLD_SETTINGS | contents))
    assert finetune.main(config) == target
    other_lora = OLD_SETTINGS["lora"] | {"targets": ".*q_proj"}  # type: ignore[operator]
    for change, difference in (
        ({"passage": 32}, "max_passage_words: 32 there, 64 here"),
        ({"lora": other_lora}, "lora:"),
    ):
        file.write_text(json.dumps(OLD_SETTINGS | contents | change))
        with pytest.raises(OtherRunError, match=rf"other settings \({difference}"):
            finetune.main(config)


def test_a_killed_run_of_an_earlier_version_is_resumed(config: TrainConfig, messages: list[str]) -> None:
    config = config.model_copy(update={"max_passage_words": 64, "spinner_weights": {"phrases": 2.0}})
    shutil.rmtree(finetune.main(config))
    file = config.output / "settings.json"
    contents = {key: json.loads(file.read_text())[key] for key in ("data", "backbone")}
    file.write_text(json.dumps(OLD_SETTINGS | contents))
    finetune.main(config)
    assert f"resuming from {config.output / 'checkpoint-4'}" in messages
    assert json.loads(file.read_text())["max_steps"] == 4, "written again with the keys of today"


def test_a_run_killed_while_saving_the_finished_checkpoint_is_not_trained_further(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config.model_copy(update={"lr_scheduler_type": "constant_with_warmup"})
    whole = load_file(
        finetune.main(config.model_copy(update={"output": config.output.with_name("whole")}))
        / "adapter_model.safetensors"
    )
    with monkeypatch.context() as patched:
        patched.setattr(saving, "write_checksums", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            finetune.main(config)
    target = finetune.main(config)
    assert all(
        torch.equal(weight, whole[name]) for name, weight in load_file(target / "adapter_model.safetensors").items()
    )
    assert json.loads((target / "unspin.json").read_text())["figures"]["steps"] == 4


@pytest.mark.parametrize("kind", ["backbone", "adapter", "strange"])
def test_files_that_no_run_wrote_are_not_overwritten(
    kind: str, config: TrainConfig, tiny_base: Path, tmp_path: Path
) -> None:
    source = finetune.main(config) if kind == "adapter" else tiny_base
    output = tmp_path / "other"
    target = shutil.copytree(source, output / ("model" if kind == "backbone" else "adapter"))
    changes = {
        "backbone": {"backbone": str(target), "trainable": "everything"},
        "adapter": {"adapter": str(target)},
        "strange": {},
    }[kind]
    before = _bytes(output)
    with pytest.raises(OtherRunError, match="files of an unknown run" if kind == "strange" else "the run starts from"):
        finetune.main(config.model_copy(update={"output": output, **changes}))
    assert _bytes(output) == before


def test_a_damaged_finished_checkpoint_is_named(config: TrainConfig) -> None:
    weights = finetune.main(config) / "adapter_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ChecksumError, match=r"adapter_model\.safetensors is damaged"):
        finetune.main(config)


@pytest.mark.parametrize("trained", ["layers", "everything"])
def test_whole_models_are_saved_in_shards_and_restore(
    trained: str, config: TrainConfig, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "LARGEST_FILE", "30KB")
    target = finetune.main(config.model_copy(update={"trainable": trained}))
    assert len(list(target.glob("model-0000*.safetensors"))) > 1 and not (target / "model.safetensors").exists()
    model, base = (AutoModelForCausalLM.from_pretrained(folder) for folder in (target, tiny_base))
    same = torch.equal(
        model.get_input_embeddings().weight.float(), base.get_input_embeddings().weight.bfloat16().float()
    )
    assert same == (trained == "layers") and model.config.use_cache
    assert not torch.equal(model.model.layers[0].mlp.up_proj.weight, base.model.layers[0].mlp.up_proj.weight.bfloat16())
    monkeypatch.setattr("unspin.infer.models.checkpoint.cache_folder", lambda: tmp_path / "cache")
    texts = {
        engine: Restorer.from_pretrained(str(target), engine=engine, min_confidence=0)
        .restore("The council voted.")
        .text
        for engine in ("draft", "transformers")
    }
    assert len(set(texts.values())) == 1
    next(target.glob("model-00002*")).unlink()
    with pytest.raises((ChecksumError, Exception), match="missing"):
        Checkpoint.open(str(target))
