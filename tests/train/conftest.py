"""Fixtures of the training tests."""

from pathlib import Path

import pytest
from unspin.train import tokens
from unspin.train.config import TrainConfig


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own for tokenized rows."""
    monkeypatch.setattr(tokens, "cache_folder", lambda: tmp_path / "token-cache")
    return tmp_path / "token-cache"


@pytest.fixture
def config(pairs: Path, tiny_base: Path, tmp_path: Path) -> TrainConfig:
    """A run of six steps of the tiny model."""
    return TrainConfig(
        backbone=str(tiny_base), data=pairs, output=tmp_path / "run", steps=6, warmup_steps=1, save_every=2, tokens_per_batch=1024, longest=512,
        learning_rate=1e-2, precision="fp32", lora={"rank": 4, "alpha": 8}, loggers=(),
    )  # fmt: skip
