"""The model card: a stranger can train the same weights with it, and its figures add up over attempts."""

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml
from unspin.config import load_config
from unspin.data.card import table_row
from unspin.train import attempts, finetune
from unspin.train.attempts import Attempt, Machine, kilowatt_hours, read_attempts
from unspin.train.config import TrainConfig

MACHINE = Machine("Some CPU", 4, 2, 16.0, None, 1, "Linux x86_64")


def _read(folder: Path) -> tuple[dict[str, Any], str]:
    """The front matter and the body of a card."""
    _, front_matter, body = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(front_matter), body


def _attempt(first: int, last: int, machine: Machine = MACHINE, joules: float | None = None) -> Attempt:
    return Attempt("unspin train a.yaml", "2026-01-01 00:00:00", machine, first, last, 60.0, 1000, 100.0, joules)


def test_the_config_in_the_card_trains_the_same_weights(config: TrainConfig, tmp_path: Path) -> None:
    config = config.model_copy(update={"eval_steps": 2, "eval_rows": 4, "max_steps": 2})
    first = finetune.main(config, command="unspin train 'my run.yaml'")
    metadata, body = _read(first)
    assert "```sh\nunspin train 'my run.yaml'\n```" in body
    found = re.search(r"```yaml\n(.*?)```", body, re.DOTALL)
    assert found is not None
    (tmp_path / "train.yaml").write_text(found[1], encoding="utf-8")
    again = load_config(tmp_path / "train.yaml", TrainConfig, [f"output={tmp_path / 'again'}"])
    second = finetune.main(again)
    weights = "adapter_model.safetensors"
    assert (first / weights).read_bytes() == (second / weights).read_bytes()
    assert _read(second)[1].count("started from Python") == 1

    [result] = metadata["model-index"][0]["results"]
    assert {metric["type"] for metric in result["metrics"]} >= {"f0.5", "restoration"}
    assert metadata["co2_eq_emissions"]["training_type"] == "fine-tuning" and "base_model" not in metadata
    assert "| f0.5 | 0." in body and re.search(r"On 4 rows \(from \d articles?\)", body)
    assert re.search(r"\| made \| ours \| \d+ \| [\d,]+ \|", body), "the source with its licence"
    [evaluation] = json.loads((first / "unspin.json").read_text())["validation"]
    low, high = evaluation["interval"]["f0.5"]
    assert low <= evaluation["f0.5"] <= high


def test_a_resumed_run_adds_up_its_attempts(config: TrainConfig) -> None:
    target = finetune.main(config, command="first")
    (target / "unspin.json").unlink()  # as if it had been killed while saving
    finetune.main(config, command="second")
    first, second = read_attempts(config.output)
    assert (first.first_step, first.last_step, second.first_step, second.last_step) == (0, 6, 6, 6)
    assert first.tokens > 0 == second.tokens
    _, body = _read(target)
    assert "```sh\nfirst\nsecond\n```" in body and "interrupted and resumed" in body and f"| {first.tokens:,}, " in body
    assert "had no evaluation" in body


def test_a_data_set_without_a_record_and_a_run_of_an_earlier_version(config: TrainConfig) -> None:
    (config.data / "origin.json").unlink()
    (config.data / "README.md").unlink()
    target = finetune.main(config)
    (target / "unspin.json").unlink()
    (config.output / attempts.FILE).unlink()
    finetune.main(config)
    _, body = _read(target)
    assert "licences are unknown" in body and "has no data card" in body
    assert "The first 6 steps were trained by an earlier attempt without a record" in body


def test_energy_is_core_time_and_the_gpus_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    two_gpus = Machine("Some CPU", 4, 2, 16.0, "Some GPU", 2, "Linux x86_64")
    assert kilowatt_hours([_attempt(0, 1), _attempt(1, 2)]) == pytest.approx(2000 / 3.6e6)
    assert kilowatt_hours([_attempt(0, 1, two_gpus, 500.0)]) == pytest.approx(2 * 1500 / 3.6e6)
    assert kilowatt_hours([_attempt(0, 1), _attempt(1, 2, two_gpus)]) is None, "a GPU without a counter"

    class NVMLError(Exception):
        pass

    def energy(card: str) -> int:
        if card != "GPU-1":
            raise NVMLError
        return 7000

    nvml = SimpleNamespace(
        NVMLError=NVMLError, nvmlInit=lambda: None, nvmlDeviceGetHandleByUUID=str,
        nvmlDeviceGetTotalEnergyConsumption=energy,
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for uuid, expected in (("1", 7.0), ("2", None)):
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda uuid=uuid: SimpleNamespace(uuid=uuid))
        assert attempts.gpu_joules() == expected


def test_any_text_fits_into_a_table() -> None:
    assert table_row("a|b\nc", "<script>", "`R&D|x`") == r"| a\|b c | &lt;script&gt; | `R&D\|x` |"
