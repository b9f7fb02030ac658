"""The server under load, in small: a few clients for a few seconds, on a tiny model."""

from pathlib import Path

import pytest

from benchmarks.load import load, show


def test_a_small_load_is_borne(tiny_adapter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = load(str(tiny_adapter), clients=8, seconds=4, size=1000)
    assert {sample.kind.name for sample in report.samples if sample.kind.is_sound} >= {"settings", "open", "restore"}
    assert report.unexpected == []
    assert report.slowest < 20  # 3 on a machine of its own
    assert report.rest < 60 and report.stop < 20
    assert report.threads_after <= report.threads_before + 5
    show(report)
    assert "unexpected answers: none" in capsys.readouterr().out
