"""Checksums: a missing or damaged file is detected and named."""

from pathlib import Path

import pytest
from unspin.checksums import CHECKSUMS, ChecksumError, verify_checksums, write_checksums


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two files with checksums."""
    (tmp_path / "out" / "train").mkdir(parents=True)
    (tmp_path / "out" / "train" / "0.parquet").write_bytes(b"rows" * 100)
    (tmp_path / "out" / "model.safetensors").write_bytes(b"weights" * 100)
    write_checksums(tmp_path / "out", (file for file in (tmp_path / "out").rglob("*") if file.is_file()))
    return tmp_path / "out"


def test_intact_files_and_folders_without_checksums_pass(folder: Path, tmp_path: Path) -> None:
    verify_checksums(folder)
    verify_checksums(tmp_path)


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_a_damaged_or_missing_file_is_named(folder: Path, damage: str) -> None:
    file = folder / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[50] ^= 1
    if damage == "remove":
        file.unlink()
    else:
        file.write_bytes(data if damage == "flip" else data[:-1])
    with pytest.raises(ChecksumError, match=r"model\.safetensors is (damaged|missing)"):
        verify_checksums(folder)
    verify_checksums(folder, "train/")  # the damaged file is not below it


def test_a_damaged_record_is_named(folder: Path) -> None:
    (folder / CHECKSUMS).write_text("{")
    with pytest.raises(ChecksumError, match=r"checksums\.json is damaged"):
        verify_checksums(folder)
