"""`unspin train`: what it prints and where it leaves the checkpoint and the curves."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def test_a_run_reports_its_checkpoint_and_its_curves(
    tmp_path: Path, pairs: Path, tiny_base: Path, unspin: Command
) -> None:
    settings = {"backbone": str(tiny_base), "data": str(pairs), "output": "run", "max_tokens": 512, "precision": "fp32"}
    (tmp_path / "run.yaml").write_text(json.dumps(settings))
    short = ("max_steps=2", "warmup_steps=1", "tokens_per_batch=1024", "report_to=[]")
    check = unspin("train", "--check", "run.yaml", *short)
    assert check.returncode == 0 and check.stdout.endswith("run.yaml: no problems found\n"), check.stderr
    assert not (tmp_path / "run").exists()
    done = unspin("train", "run.yaml", *short)
    assert done.returncode == 0 and "checkpoint: run/adapter\n" in done.stdout, done.stderr
    plot = unspin("train", "--plot", "run")
    assert plot.stdout == "plot: run/curves.png\n" and (tmp_path / "run" / "curves.png").is_file()


def test_a_run_without_a_config_is_a_usage_error(unspin: Command) -> None:
    done = unspin("train")
    assert done.returncode == 2 and "give a config file, or --plot RUN" in done.stderr
