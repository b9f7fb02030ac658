"""Adding adapters: the weight updates add up, and adapters that cannot be added are refused without writing."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from unspin.checksums import verify_checksums
from unspin.infer.models.checkpoint import Checkpoint
from unspin.train.combine import CombineError, combine

WEIGHTS = "adapter_model.safetensors"


def _updates(folder: Path) -> dict[str, torch.Tensor]:
    """The update that an adapter adds to each weight."""
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    weights = {name: weight.float() for name, weight in load_file(folder / WEIGHTS).items()}
    scale = config["lora_alpha"] / config["r"]
    return {
        name: scale * weights[name.replace("lora_A", "lora_B")] @ weights[name] for name in weights if "lora_A" in name
    }


@pytest.fixture
def other(tiny_adapter: Path, tmp_path: Path) -> Path:
    """Another adapter of the same model, with a vocabulary of two ids."""
    folder = Path(shutil.copytree(tiny_adapter, tmp_path / "other"))
    generator = torch.Generator().manual_seed(1)
    weights = {
        name: torch.randn(weight.shape, generator=generator).to(weight.dtype)
        for name, weight in load_file(folder / WEIGHTS).items()
    }
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    save_file({"ids": torch.tensor([7, 250], dtype=torch.int32)}, folder / "vocabulary.safetensors")
    (folder / "checksums.json").unlink(missing_ok=True)
    return folder


def test_weight_updates_are_added(tiny_adapter: Path, other: Path, tmp_path: Path) -> None:
    rank = 2 * json.loads((other / "adapter_config.json").read_text(encoding="utf-8"))["r"]
    combine([(str(tiny_adapter), 0.5), (str(other), 2.0)], rank, tmp_path / "sum")
    one, two, both = (_updates(folder) for folder in (tiny_adapter, other, tmp_path / "sum"))
    assert both.keys() == one.keys()
    for name, update in both.items():
        torch.testing.assert_close(
            update, 0.5 * one[name] + 2 * two[name], rtol=0.03, atol=0.03 * float(update.abs().max())
        )
    verify_checksums(tmp_path / "sum")
    record = json.loads((tmp_path / "sum" / "unspin.json").read_text(encoding="utf-8"))
    assert [part["weight"] for part in record["sum_of"]] == [0.5, 2.0] and "calibration" not in record
    vocabularies = [Checkpoint.open(str(folder)).vocabulary() for folder in (tiny_adapter, other, tmp_path / "sum")]
    assert vocabularies[2] == (None if vocabularies[0] is None else sorted({*vocabularies[0], 7, 250}))


def test_adapters_of_different_base_models_are_refused(tiny_adapter: Path, other: Path, tmp_path: Path) -> None:
    record = json.loads((other / "unspin.json").read_text(encoding="utf-8")) | {"backbone": "another"}
    (other / "unspin.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(CombineError, match="another base model"):
        combine([(str(tiny_adapter), 1.0), (str(other), 1.0)], 4, tmp_path / "sum")
    assert not (tmp_path / "sum").exists()


@pytest.mark.parametrize(
    ("rank", "weight", "message"),
    [
        (10_000, 1.0, "give at most"),
        (0, 1.0, "rank must be 1 or more"),
        (4, float("nan"), "each weight a finite number"),
    ],
)
def test_invalid_ranks_and_weights_are_refused(
    tiny_adapter: Path, other: Path, tmp_path: Path, rank: int, weight: float, message: str
) -> None:
    with pytest.raises(CombineError, match=message):
        combine([(str(tiny_adapter), 1.0), (str(other), weight)], rank, tmp_path / "sum")
    assert not (tmp_path / "sum").exists()


def test_fewer_than_two_different_adapters_are_refused(tiny_adapter: Path, tmp_path: Path) -> None:
    for adapters in ([(str(tiny_adapter), 1.0)], [(str(tiny_adapter), 1.0), (str(tiny_adapter), 0.5)]):
        with pytest.raises(CombineError, match="two or more adapters"):
            combine(adapters, 4, tmp_path / "sum")


def test_an_existing_folder_is_not_overwritten(tiny_adapter: Path, other: Path) -> None:
    with pytest.raises(FileExistsError, match="exists: name a new folder"):
        combine([(str(tiny_adapter), 1.0), (str(other), 1.0)], 4, tiny_adapter)
