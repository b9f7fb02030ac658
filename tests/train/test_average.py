"""The mean of two adapters, whole, or none at all."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from unspin.data.guard import verify
from unspin.train.average import WEIGHTS, AverageError, average


def test_the_mean_lies_between(tiny_adapter: Path, tmp_path: Path) -> None:
    other = shutil.copytree(tiny_adapter, tmp_path / "other")
    weights = load_file(tiny_adapter / WEIGHTS)
    save_file({name: weight + 2 for name, weight in weights.items()}, other / WEIGHTS, metadata={"format": "pt"})
    average(tiny_adapter, other, tmp_path / "mean")
    for name, weight in load_file(tmp_path / "mean" / WEIGHTS).items():
        torch.testing.assert_close(weight, weights[name] + 1)
    verify(tmp_path / "mean")
    assert len(json.loads((tmp_path / "mean" / "unspin.json").read_text())["mean_of"]) == 2


def test_adapters_of_other_shapes_have_none(tiny_adapter: Path, tmp_path: Path) -> None:
    other = shutil.copytree(tiny_adapter, tmp_path / "other")
    save_file({name: weight[:1] for name, weight in load_file(tiny_adapter / WEIGHTS).items()}, other / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(AverageError, match="other shapes"):
        average(tiny_adapter, other, tmp_path / "mean")
    assert not (tmp_path / "mean").exists()
