"""Devices that cannot be used are refused by name, before anything is loaded, and never ignored."""

from pathlib import Path

import pytest
import torch
from unspin.infer.default_model import ModelError
from unspin.infer.restorer import Restorer


@pytest.mark.parametrize("engine", ["draft", "transformers"])
@pytest.mark.parametrize("device", ["nonsense", pytest.param("cuda", marks=pytest.mark.skipif(torch.cuda.is_available(), reason="has a GPU"))])
def test_a_device_that_is_not_there_is_refused(engine: str, device: str, tiny_adapter: Path) -> None:
    with pytest.raises(ModelError, match=f"device '{device}' cannot be used: here there is cpu, and no GPU"):
        Restorer.from_pretrained(str(tiny_adapter), engine=engine, device=device)


def test_an_engine_that_runs_on_the_cpu_alone_says_so(tiny_adapter: Path) -> None:
    with pytest.raises(ModelError, match="ctranslate2 engine runs on the CPU"):
        Restorer.from_pretrained(str(tiny_adapter), engine="ctranslate2", device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("engine", ["draft", "transformers"])
def test_a_gpu_restores(engine: str, tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unspin.infer.checkpoint.cache_folder", lambda: tmp_path / "cache")
    restorer = Restorer.from_pretrained(str(tiny_adapter), engine=engine, device="cuda", min_confidence=0)
    assert restorer.restore("The council voted on Monday.").text
