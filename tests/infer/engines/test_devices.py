"""A device that cannot be used is named in an error before anything is loaded; it is never ignored."""

from pathlib import Path

import pytest
import torch
from unspin.infer.engines import check_device
from unspin.infer.models.backbone import ModelError
from unspin.infer.restorer import Restorer


@pytest.mark.parametrize("engine", ["draft", "transformers"])
@pytest.mark.parametrize(
    "device",
    ["nonsense", pytest.param("cuda", marks=pytest.mark.skipif(torch.cuda.is_available(), reason="has a GPU"))],
)
def test_an_unavailable_device_is_refused(engine: str, device: str, tiny_adapter: Path) -> None:
    with pytest.raises(ModelError, match=f"device '{device}' cannot be used: this machine has cpu, and no GPU"):
        Restorer.from_pretrained(str(tiny_adapter), engine=engine, device=device)


def test_ctranslate2_refuses_any_device_but_the_cpu(tiny_adapter: Path) -> None:
    with pytest.raises(ModelError, match="ctranslate2 engine runs on the CPU"):
        Restorer.from_pretrained(str(tiny_adapter), engine="ctranslate2", device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("engine", ["draft", "transformers"])
def test_restoring_works_on_a_gpu(
    engine: str, tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unspin.infer.models.checkpoint.cache_folder", lambda: tmp_path / "cache")
    restorer = Restorer.from_pretrained(str(tiny_adapter), engine=engine, device="cuda", min_confidence=0)
    assert restorer.restore("The council voted on Monday.").text


def test_the_cpu_is_always_available() -> None:
    check_device("cpu")
    with pytest.raises(ModelError, match="device 'cpu:0' cannot be used"):
        check_device("cpu:0")
