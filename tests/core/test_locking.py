"""Locks: one process writes an output folder at a time, and a killed process holds no lock."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from unspin.locking import BusyError, sole_writer
from unspin.storage import SCRATCH


def test_a_second_writer_is_refused_and_no_lock_file_remains(tmp_path: Path) -> None:
    output = tmp_path / "out"
    with (
        sole_writer(output),
        pytest.raises(BusyError, match="another run is writing"),
        sole_writer(output),
    ):
        pass
    with sole_writer(output):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_this_folder_lies_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with sole_writer(Path()):
        assert {file.name for file in tmp_path.iterdir()} == {"here", ".here.unspin-lock"}


def test_a_link_to_a_folder_is_that_folder(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link"
    link.symlink_to(tmp_path / "out")
    with sole_writer(link), pytest.raises(BusyError), sole_writer(tmp_path / "out"):
        pass


def test_what_a_killed_process_left_half_written_is_removed_a_day_later(tmp_path: Path) -> None:
    old, young = tmp_path / "out" / "deep" / f"{SCRATCH}abcd1234", tmp_path / "out" / f"{SCRATCH}efgh5678"
    for scratch in (old, young):
        scratch.mkdir(parents=True)
        (scratch / "part").write_text("half")
    half = tmp_path / "out" / f"{SCRATCH}ijkl9012"
    half.write_text("half")
    for path in (old / "part", old, half):
        os.utime(path, (0, 0))
    ours = tmp_path / "out" / ".unspin-settings"
    ours.write_text("ours")
    os.utime(ours, (0, 0))
    with sole_writer(tmp_path / "out"):
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [young.name, ours.name, "deep"]
        assert list((tmp_path / "out" / "deep").iterdir()) == []


def test_the_root_of_the_file_system_is_refused() -> None:
    with pytest.raises(OSError, match="name a folder") as error, sole_writer(Path("/")):
        pass
    assert error.value.filename == "/"


def test_the_lock_is_released_when_the_block_raises(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="failed"), sole_writer(tmp_path / "out"):
        raise RuntimeError("failed")
    with sole_writer(tmp_path / "out"):
        pass


def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    output = tmp_path / "out"
    script = (
        "import sys, time; from pathlib import Path; from unspin.locking import sole_writer\n"
        "with sole_writer(Path(sys.argv[1])): print('locked', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(output)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "locked\n"
        with pytest.raises(BusyError), sole_writer(output):
            pass
        process.kill()
    with sole_writer(output):
        pass


def test_a_folder_beside_which_nothing_can_be_written_is_named() -> None:
    with pytest.raises(OSError, match="No such file or directory: '/proc/out'"), sole_writer(Path("/proc/out")):
        pass


def test_the_lock_lies_in_a_folder_beside_which_no_file_can_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    with sole_writer(home), pytest.raises(BusyError), sole_writer(home):
        pass
    assert list(tmp_path.iterdir()) == [home] and list(home.iterdir()) == []


def test_links_in_a_circle_are_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    with sole_writer(tmp_path / "circle"):
        pass
