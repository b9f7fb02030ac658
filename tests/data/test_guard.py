"""Sums and locks: damage is named, one run writes a folder at a time, a dead process holds nothing."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from unspin.data.guard import SUMS, BusyError, DamagedError, seal, sole_writer, verify


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    (tmp_path / "out" / "train").mkdir(parents=True)
    (tmp_path / "out" / "train" / "0.parquet").write_bytes(b"rows" * 100)
    (tmp_path / "out" / "model.safetensors").write_bytes(b"weights" * 100)
    seal(tmp_path / "out", (file for file in (tmp_path / "out").rglob("*") if file.is_file()))
    return tmp_path / "out"


def test_whole_files_pass_and_so_does_a_folder_without_sums(sealed: Path, tmp_path: Path) -> None:
    verify(sealed)
    verify(tmp_path)


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_damage_is_named(sealed: Path, damage: str) -> None:
    file = sealed / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[50] ^= 1
    if damage == "remove":
        file.unlink()
    else:
        file.write_bytes(data if damage == "flip" else data[:-1])
    with pytest.raises(DamagedError, match=r"model\.safetensors is (damaged|missing)"):
        verify(sealed)
    verify(sealed, "train/")


def test_damaged_sums_are_named(sealed: Path) -> None:
    (sealed / SUMS).write_text("{")
    with pytest.raises(DamagedError, match=r"checksums\.json is damaged"):
        verify(sealed)


def test_one_run_writes_a_folder_and_leaves_no_lock(tmp_path: Path) -> None:
    with sole_writer(tmp_path / "out"), pytest.raises(BusyError, match="another run is writing"), sole_writer(tmp_path / "out"):
        pass
    with sole_writer(tmp_path / "out"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    script = (
        "import time; from pathlib import Path; from unspin.data.guard import sole_writer\n"
        f"with sole_writer(Path({str(tmp_path / 'out')!r})): time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", script])
    while not list(tmp_path.iterdir()):
        time.sleep(0.05)
    time.sleep(0.2)
    with pytest.raises(BusyError), sole_writer(tmp_path / "out"):
        pass
    process.kill()
    process.wait()
    with sole_writer(tmp_path / "out"):
        pass
