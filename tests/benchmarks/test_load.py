"""The server under load, in small: a few clients for a few seconds, on a tiny model."""

from pathlib import Path

import pytest

from benchmarks.load import Kind, Report, Sample, load, show


def _slowest(*samples: Sample) -> float:
    return Report({"long": 2.0, "short": 0.002}, list(samples), [], 0, 0, 0, 0).slowest


def test_a_request_is_slow_in_relation_to_the_work_before_it_but_not_for_milliseconds() -> None:
    long, short = (Kind(name, b"") for name in ("long", "short"))
    first = Sample(long, 0, 2, 200)
    assert _slowest(Sample(short, 0, 0.02, 200)) < 1, "ten times its time alone, on a server with nothing to do"
    assert 0.9 < _slowest(first, Sample(short, 0.1, 2, 200)) < 1
    assert _slowest(first, Sample(short, 0.1, 8, 200)) > 3
    assert _slowest(Sample(short, 0, 1, 200)) > 3


def test_a_small_load_is_borne(tiny_adapter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = load(str(tiny_adapter), clients=8, seconds=4, size=1000)
    assert {sample.kind.name for sample in report.samples if sample.kind.is_sound} >= {"settings", "open", "restore"}
    assert report.unexpected == []
    assert report.slowest < 20  # 3 on a machine of its own
    assert report.rest < 60 and report.stop < 20
    assert report.threads_after <= report.threads_before + 5
    show(report)
    assert "unexpected answers: none" in capsys.readouterr().out
