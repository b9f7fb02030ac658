"""Fixtures for the evaluation: small suites in files, and configs that run on them without a model."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from unspin.evaluation import run
from unspin.evaluation.config import EvalConfig
from unspin.evaluation.suites.pairs import PairsSuite

SPUN, ORIGINAL = "The overseas minister stated the warfare ended.", "The foreign minister said the war ended."
# Two rows of tool A, one of tool B. The column `source` is not one that the suite reads.
PAIRS = (
    "tool\tsource\tspun\toriginal\n"
    f"A\tx\t{SPUN}\t{ORIGINAL}\n"
    "B\ty\tAn firm shut.\tA firm shut.\n"
    "A\tx\tThe warfare goes on.\tThe war goes on.\n"
)


@pytest.fixture
def items_file(tmp_path: Path) -> Path:
    """Two hand-written items: one with markup in it, one with two references and an error that Harper corrects."""
    rows = [
        {"spun": f"<b>{SPUN}", "original": f"<b>{ORIGINAL}"},
        {"spun": "An firm shut.", "references": ["A firm shut.", "A company shut."]},
    ]
    file = tmp_path / "items.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return file


@pytest.fixture
def make_config(items_file: Path, tmp_path: Path) -> Callable[..., EvalConfig]:
    """Makes a config that copies and runs Harper on the items; keyword arguments replace keys."""

    def make(**changes: Any) -> EvalConfig:
        raw = {
            "suites": [{"kind": "items", "name": "items", "path": items_file, "clean": True}],
            "systems": ["copy the input", "harper"],
            "output": tmp_path / "out",
            "resamples": 100,
        }
        return EvalConfig.model_validate(raw | changes)

    return make


@pytest.fixture
def make_pairs(tmp_path: Path) -> Callable[..., PairsSuite]:
    """Makes the suite "real" from the text of a file of pairs."""

    def make(text: str = PAIRS, name: str = "pairs.tsv") -> PairsSuite:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return PairsSuite(kind="pairs", name="real", path=tmp_path / name)

    return make


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    """`caplog`, even after a command in the same process has taken over the messages of unspin."""
    monkeypatch.setattr(logging.getLogger("unspin"), "propagate", True)
    caplog.set_level(logging.INFO, "unspin")
    return caplog


class _ThisProcess:
    """Stands in for `worker_processes`: runs tasks at once, in this process, which saves seconds of imports."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __enter__(self) -> _ThisProcess:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, task: Callable[..., Any], *arguments: Any) -> _ThisProcess:
        task(*arguments)
        return self

    def result(self) -> None:
        pass


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Systems run in this process."""
    monkeypatch.setattr(run, "worker_processes", _ThisProcess)
