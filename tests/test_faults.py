"""Kill -9, full disks and lost folders: a build, a training run or a batch restore, started again, ends as if
undisturbed.

Each is killed once, parent and workers together; ``make faults`` kills ten times. The seeded moments are shares of
the time that an undisturbed run takes.
"""

import errno
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import Mock

import psutil
import pytest
from typer.testing import CliRunner
from unspin import storage
from unspin.cli import restore_file
from unspin.cli.app import app
from unspin.cli.jobs import RECORDS
from unspin.data.blocks import Spin
from unspin.data.build import build
from unspin.data.config import BuildConfig

KILLS = int(os.environ.get("FAULTS", "1"))
UNSPIN = [sys.executable, "-c", "from unspin.cli import main; main()"]


def _start(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"XDG_CACHE_HOME": str(folder.parent / "cache")}
    with (folder / "log.txt").open("ab") as log:
        return subprocess.Popen(
            [*UNSPIN, *command], cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )


def _run(command: list[str], folder: Path) -> float:
    """Run a command to its end; returns the seconds it took."""
    start = time.perf_counter()
    assert _start(command, folder).wait() == 0, (folder / "log.txt").read_text()[-2000:]
    return time.perf_counter() - start


def _survives(prepare: Callable[[Path], list[str]], result: Callable[[Path], object], tmp_path: Path) -> None:
    """Assert that a command has the same result after a kill at a random moment and a second start as undisturbed.

    `prepare` fills a folder and returns the command to run in it; `result` reads what the command left there.
    """
    (tmp_path / "whole").mkdir()
    command = prepare(tmp_path / "whole")
    seconds = _run(command, tmp_path / "whole")
    expected = result(tmp_path / "whole")
    moments = random.Random(7)
    for number in range(KILLS):
        folder = tmp_path / f"killed-{number}"
        folder.mkdir()
        prepare(folder)
        process = _start(command, folder)
        moment = moments.uniform(0.2, 0.95)
        time.sleep(moment * seconds)
        os.killpg(process.pid, signal.SIGKILL)  # the parent and all its workers
        process.wait()
        _run(command, folder)
        assert result(folder) == expected, f"killed at {moment:.2f} of {seconds:.1f} s"
        shutil.rmtree(folder)


def _digests(folder: Path, pattern: str) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob(pattern))
    }


def test_a_killed_build_can_be_repeated(corpus: Path, tmp_path: Path) -> None:
    source = {"kind": "folder", "name": "ours", "path": str(corpus), "licence": "ours"}
    config = {
        "output": "out",
        "spinners": {"phrases": 1.0},
        "variants": 4,
        "tasks": 4,
        "workers": 2,
        "holdout_share": 0.2,
        "sources": [source],
    }

    def prepare(folder: Path) -> list[str]:
        (folder / "run.yaml").write_text(json.dumps(config))
        return ["build", "run.yaml"]

    _survives(prepare, lambda folder: _digests(folder / "out", "*.parquet"), tmp_path)


def test_a_killed_training_run_resumes(pairs: Path, tiny_base: Path, tmp_path: Path) -> None:
    config = {
        "backbone": str(tiny_base), "data": str(pairs), "output": "run", "max_steps": 30, "save_steps": 4,
        "eval_steps": 4, "eval_rows": 4, "tokens_per_batch": 1024, "max_tokens": 512, "precision": "fp32",
        "lora": {"rank": 4, "alpha": 8, "dropout": 0.1}, "learning_rate": 1e-2,
    }  # fmt: skip

    def prepare(folder: Path) -> list[str]:
        (folder / "run.yaml").write_text(json.dumps(config))
        return ["train", "run.yaml"]

    _survives(prepare, lambda folder: _digests(folder / "run" / "adapter", "*.safetensors"), tmp_path)


def test_training_in_two_processes_resumes_after_the_loss_of_one(pairs: Path, tiny_base: Path, tmp_path: Path) -> None:
    config = {
        "backbone": str(tiny_base), "data": str(pairs), "max_steps": 40, "save_steps": 2, "tokens_per_batch": 1024,
        "max_tokens": 512, "precision": "fp32", "lora": {"rank": 4, "alpha": 8, "dropout": 0.1}, "learning_rate": 1e-2,
    }  # fmt: skip

    def launched(name: str) -> subprocess.Popen[bytes]:
        (tmp_path / f"{name}.yaml").write_text(json.dumps(config | {"output": str(tmp_path / name)}))
        options = ["--config_file", "configs/accelerate/cpu.yaml", "--main_process_port", "0"]
        script = ["-m", "unspin.train", str(tmp_path / f"{name}.yaml")]
        command = [sys.executable, "-m", "accelerate.commands.launch", *options, *script]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    assert launched("whole").wait() == 0
    process = launched("killed")
    while not (tmp_path / "killed" / "checkpoint-4").exists():
        assert process.poll() is None
        time.sleep(0.05)
    workers = [
        child for child in psutil.Process(process.pid).children(recursive=True) if "unspin.train" in child.cmdline()
    ]
    workers[-1].kill()
    assert process.wait() != 0
    assert launched("killed").wait() == 0
    killed, whole = (_digests(tmp_path / name / "adapter", "*.safetensors") for name in ("killed", "whole"))
    assert killed == whole != {}


@pytest.mark.parametrize("fault", ["the disk is full", "the folder disappears"])
def test_a_restore_resumes_after_trouble_with_its_output(
    fault: str, corpus: Path, tiny_adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    record, write, out = restore_file.write_record, storage.write_atomic, tmp_path / "out"
    options = ["--min-confidence", "0", "--resume", "--checkpoint", str(tiny_adapter)]
    command = ["restore", str(corpus), *options, "--output"]

    def is_time() -> bool:
        return len(list(out.glob("*.txt"))) >= 3

    def write_to_full_disk(path: Path, data: bytes, like: Path) -> None:
        with pytest.MonkeyPatch.context() as inner:
            if is_time():
                inner.setattr(storage.os, "fsync", _full)
            write(path, data, like)

    def record_in_lost_folder(*arguments: Any) -> None:
        if is_time():
            shutil.rmtree(out)
        record(*arguments)

    with monkeypatch.context() as patched:
        if fault == "the disk is full":
            patched.setattr(restore_file, "write_atomic", write_to_full_disk)
        else:
            patched.setattr(restore_file, "write_record", record_in_lost_folder)
        disturbed = CliRunner().invoke(app, [*command, str(out)])
    assert isinstance(disturbed.exception, OSError) == (fault == "the disk is full")
    assert not [file for file in out.iterdir() if file.suffix != ".txt" and file.name != RECORDS], "no partial files"
    for folder in (out, tmp_path / "whole"):
        assert CliRunner().invoke(app, [*command, str(folder)], catch_exceptions=False).exit_code == 0
    assert _digests(out, "*.txt") == _digests(tmp_path / "whole", "*.txt") != {}


def _full(handle: int) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_build_resumes_after_a_full_disk_and_the_loss_of_its_folder(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = {"kind": "folder", "name": "ours", "path": str(corpus), "licence": "ours"}
    fields = {"spinners": {"phrases": 1.0}, "variants": 2, "tasks": 4, "holdout_share": 0.2, "sources": [source]}
    whole, config = (BuildConfig.model_validate({**fields, "output": tmp_path / name}) for name in ("whole", "out"))
    build(whole, "test")
    for trouble in (OSError(errno.ENOSPC, "No space left on device"), FileNotFoundError(errno.ENOENT, "gone")):
        with monkeypatch.context() as patched, pytest.raises(OSError, match=str(trouble.strerror)):
            patched.setattr(Spin, "run", Mock(side_effect=trouble))
            build(config, "test")
        assert not config.output.exists()
        if isinstance(trouble, FileNotFoundError):
            shutil.rmtree(tmp_path / "out.partial")
    build(config, "test")
    assert _digests(config.output, "*.parquet") == _digests(whole.output, "*.parquet") != {}


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_killed_batch_restore_resumes(jobs: int, tiny_adapter: Path, tmp_path: Path) -> None:
    def prepare(folder: Path) -> list[str]:
        (folder / "in").mkdir()
        for number in range(80):
            text = f"The council said on Monday that {number} people had come. The library was built in 1911.\n\n" * 3
            (folder / "in" / f"{number}.txt").write_text(text)
        options = ["--min-confidence", "0", "--resume", "--edits", "edits.jsonl", "--jobs", str(jobs)]
        options += ["--checkpoint", str(tiny_adapter)]
        return ["restore", "in", "--output", "out", *options]

    def result(folder: Path) -> object:
        rows = sorted((folder / "edits.jsonl").read_text().splitlines())
        return _digests(folder / "out", "*.txt"), rows

    _survives(prepare, result, tmp_path)
