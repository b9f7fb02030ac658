"""Fixtures of the training tests."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from unspin.train import tokens
from unspin.train.config import TrainConfig


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for tokenized rows."""
    monkeypatch.setattr(tokens, "cache_folder", lambda: tmp_path / "token-cache")
    return tmp_path / "token-cache"


@pytest.fixture
def config(pairs: Path, tiny_base: Path, tmp_path: Path) -> TrainConfig:
    """A run of six steps of the tiny model."""
    return TrainConfig(
        backbone=str(tiny_base), data=pairs, output=tmp_path / "run", max_steps=6, warmup_steps=1, save_steps=2,
        tokens_per_batch=1024, max_tokens=512, learning_rate=1e-2, precision="fp32", lora={"rank": 4, "alpha": 8},
        report_to=(),
    )  # fmt: skip


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The messages that training logs, whatever handlers other tests have installed."""
    logged: list[str] = []
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", lambda record: logged.append(record.getMessage()))
    logger = logging.getLogger("unspin.train")
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield logged
    logger.removeHandler(handler)
    logger.setLevel(level)
