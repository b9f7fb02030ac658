"""What is derived from a model is built once, however many processes need it."""

import subprocess
import sys
from pathlib import Path

import pytest
from unspin.infer.models.backbone import build_once

BUILD = """
import sys, time
from pathlib import Path
from unspin.infer.models.backbone import build_once

def make(target):
    print("building", flush=True)
    time.sleep(1)
    target.mkdir()

build_once(Path(sys.argv[1]), make, "building")
"""


def _process(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", BUILD, str(folder)], stdout=subprocess.PIPE, text=True)


def test_one_process_builds_and_the_others_wait(tmp_path: Path) -> None:
    processes = [_process(tmp_path / "made") for _ in range(3)]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert sorted(outputs) == ["", "", "building\n"]
    assert [process.returncode for process in processes] == [0, 0, 0]


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    process = _process(tmp_path / "made")
    assert process.stdout is not None and process.stdout.readline() == "building\n"
    process.kill()
    process.communicate()
    assert len(list(tmp_path.glob("made.*"))) == 1
    build_once(tmp_path / "made", Path.mkdir, "building")
    assert (tmp_path / "made").is_dir() and not list(tmp_path.glob("made.*"))


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    def fail(target: Path) -> None:
        target.mkdir()
        raise RuntimeError("failed")

    with pytest.raises(RuntimeError, match="failed"):
        build_once(tmp_path / "made", fail, "building")
    assert not list(tmp_path.glob("made*"))
