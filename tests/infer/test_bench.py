"""The race of decoders, in small: every way is run, and what is printed adds up."""

from pathlib import Path

import pytest
from unspin.data.timing import FEWEST
from unspin.infer import bench
from unspin.infer.checkpoint import Checkpoint
from unspin.infer.gemma import fast_dtype


@pytest.fixture
def checkpoint(tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkpoint:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    text = "The council said on Monday that many people had come. The library was built in 1911.\n"
    for kind in ("articles", "hand"):
        for register in ("world", "business", "science", "sport"):
            (tmp_path / kind / register).mkdir(parents=True)
            (tmp_path / kind / register / "03.txt").write_text(text)
    monkeypatch.setattr(bench, "ARTICLES", tmp_path)
    monkeypatch.setattr(bench, "SENTENCES", 2)
    return Checkpoint.open(str(tiny_adapter))


def test_every_way_is_timed(checkpoint: Checkpoint, capsys: pytest.CaptureFixture[str]) -> None:
    timed = bench.Bench(checkpoint, FEWEST)
    assert timed.alike() == 2
    lines = timed.lines()
    assert {line.what for line in lines} > {"copy-draft decoding, whole vocabulary", "trimmed vocabulary", "both", "CTranslate2 int8"}
    assert all(len(side) == FEWEST and min(side) > 0 for line in lines for side in line.seconds)
    bench.show(lines)
    assert "alternating runs" in capsys.readouterr().out


def test_what_is_spent_outside_the_model_is_a_share(checkpoint: Checkpoint) -> None:
    assert 0 < bench.share_outside(checkpoint, "cpu") < 1


def test_the_machine_has_limits() -> None:
    found = bench.limits()
    native = f"{str(fast_dtype()).removeprefix('torch.')} GFLOP/s"
    assert set(found) == {"float32 GFLOP/s", native, "memory GB/s"} and min(found.values()) > 0
