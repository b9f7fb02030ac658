"""Fixtures of the training tests."""

from pathlib import Path

import pytest
from unspin.train import tokens


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own for tokenized rows."""
    monkeypatch.setattr(tokens, "cache_folder", lambda: tmp_path / "token-cache")
    return tmp_path / "token-cache"
