"""The comparison of decoders, on a tiny model: every way runs, and the table shows what was measured."""

import math
from pathlib import Path

import pytest
from unspin.infer.engines import decoding
from unspin.infer.models.base import fast_dtype
from unspin.infer.models.checkpoint import Checkpoint

from benchmarks import restoring
from benchmarks.timing import MIN_RUNS


@pytest.fixture
def checkpoint(tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkpoint:
    """A tiny checkpoint, and benchmark articles of one paragraph."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    text = "The council said on Monday that many people had come. The library was built in 1911.\n"
    for kind in ("articles", "hand"):
        for register in restoring.REGISTERS:
            (tmp_path / kind / register).mkdir(parents=True)
            (tmp_path / kind / register / "03.txt").write_text(text)
    monkeypatch.setattr(restoring, "ARTICLES", tmp_path)
    monkeypatch.setattr(restoring, "SENTENCES", 2)
    return Checkpoint.open(str(tiny_adapter))


def test_every_way_is_timed(
    checkpoint: Checkpoint, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "MAX_ASTRAY", math.inf)  # the tiny model writes anything
    benchmark = restoring.DecodingBenchmark(checkpoint, MIN_RUNS)
    assert benchmark.count_identical() == 2
    rows = benchmark.comparisons()
    assert [row.subject for row in rows] == [
        "copy-draft decoding, whole vocabulary",
        "trimmed vocabulary",
        "both",
        "default engine",
        "clean article",
        "CTranslate2 int8",
        "int8 layers",
    ]
    for row in rows:
        assert all(len(side) == MIN_RUNS and min(side) > 0 for side in row.seconds), row.subject
    restoring.show(rows)
    shown = capsys.readouterr().out
    assert f"of {MIN_RUNS} alternating runs" in shown
    assert all(row.subject.split(",")[0] in shown for row in rows), "subjects may wrap at a comma"


def test_the_overhead_is_the_time_outside_the_engine(checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(restoring.time, "perf_counter", lambda: float(next(clock)))
    # A tick per reading: four texts, each with two readings in the engine, between two outside: 4 of 9 ticks inside.
    assert restoring.overhead_share(checkpoint, "cpu") == pytest.approx(1 - 4 / 9)


def test_peak_rates_name_both_number_formats_and_memory() -> None:
    rates = restoring.peak_rates()
    native = f"{str(fast_dtype()).removeprefix('torch.')} GFLOP/s"
    assert set(rates) == {"float32 GFLOP/s", native, "memory GB/s"} and min(rates.values()) > 0
