"""The weighted sum of adapters, whole, or none at all."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from unspin.data.guard import verify
from unspin.infer.checkpoint import Checkpoint
from unspin.train.combine import CombineError, combine

WEIGHTS = "adapter_model.safetensors"


def _changes(folder: Path) -> dict[str, torch.Tensor]:
    """What an adapter adds to each weight."""
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    weights = {name: weight.float() for name, weight in load_file(folder / WEIGHTS).items()}
    scale = config["lora_alpha"] / config["r"]
    return {name: scale * weights[name.replace("lora_A", "lora_B")] @ weights[name] for name in weights if "lora_A" in name}


@pytest.fixture
def other(tiny_adapter: Path, tmp_path: Path) -> Path:
    """An adapter of the same model that puts something else."""
    folder = Path(shutil.copytree(tiny_adapter, tmp_path / "other"))
    generator = torch.Generator().manual_seed(1)
    weights = {name: torch.randn(weight.shape, generator=generator).to(weight.dtype) for name, weight in load_file(folder / WEIGHTS).items()}
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    save_file({"ids": torch.tensor([7, 250], dtype=torch.int32)}, folder / "vocabulary.safetensors")
    (folder / "checksums.json").unlink(missing_ok=True)
    return folder


def test_the_changes_are_summed(tiny_adapter: Path, other: Path, tmp_path: Path) -> None:
    rank = 2 * json.loads((other / "adapter_config.json").read_text(encoding="utf-8"))["r"]
    combine([(str(tiny_adapter), 0.5), (str(other), 2.0)], rank, tmp_path / "sum")
    one, two, both = (_changes(folder) for folder in (tiny_adapter, other, tmp_path / "sum"))
    assert both.keys() == one.keys()
    for name, change in both.items():
        torch.testing.assert_close(change, 0.5 * one[name] + 2 * two[name], rtol=0.03, atol=0.03 * float(change.abs().max()))
    verify(tmp_path / "sum")
    record = json.loads((tmp_path / "sum" / "unspin.json").read_text(encoding="utf-8"))
    assert [part["weight"] for part in record["sum_of"]] == [0.5, 2.0] and "calibration" not in record
    taught = [Checkpoint.open(str(folder)).vocabulary() for folder in (tiny_adapter, other, tmp_path / "sum")]
    assert taught[2] == (None if taught[0] is None else sorted({*taught[0], 7, 250}))


def test_adapters_of_two_models_have_no_sum(tiny_adapter: Path, other: Path, tmp_path: Path) -> None:
    record = json.loads((other / "unspin.json").read_text(encoding="utf-8")) | {"backbone": "another"}
    (other / "unspin.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(CombineError, match="another base model"):
        combine([(str(tiny_adapter), 1.0), (str(other), 1.0)], 4, tmp_path / "sum")
    assert not (tmp_path / "sum").exists()


@pytest.mark.parametrize(
    ("rank", "weight", "message"), [(10_000, 1.0, "give at most"), (0, 1.0, "from 1 on"), (4, float("nan"), "each weight a number")]
)
def test_ranks_and_weights_that_make_no_sum_are_refused(
    tiny_adapter: Path, other: Path, tmp_path: Path, rank: int, weight: float, message: str
) -> None:
    with pytest.raises(CombineError, match=message):
        combine([(str(tiny_adapter), 1.0), (str(other), weight)], rank, tmp_path / "sum")
    assert not (tmp_path / "sum").exists()


def test_one_adapter_is_no_sum(tiny_adapter: Path, tmp_path: Path) -> None:
    for adapters in ([(str(tiny_adapter), 1.0)], [(str(tiny_adapter), 1.0), (str(tiny_adapter), 0.5)]):
        with pytest.raises(CombineError, match="two or more adapters"):
            combine(adapters, 4, tmp_path / "sum")


def test_nothing_is_overwritten(tiny_adapter: Path, other: Path) -> None:
    with pytest.raises(FileExistsError, match="is there already"):
        combine([(str(tiny_adapter), 1.0), (str(other), 1.0)], 4, tiny_adapter)
