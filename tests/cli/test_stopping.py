"""Ctrl-C in each command: exit code 130, and one line that says what is kept and how to go on."""

from importlib import import_module
from pathlib import Path
from typing import NoReturn

import pytest
from typer.testing import CliRunner
from unspin.cli.app import app

SOURCE = "{kind: folder, name: a, path: a, licence: ours}"


def _stop(*arguments: object, **options: object) -> NoReturn:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("command", "work", "config", "kept"),
    [
        ("train", "unspin.train.finetune.main", "data: d\nmax_steps: 1", "complete checkpoints are kept"),
        ("build", "unspin.data.build.build", f"spinners: {{phrases: 1}}\nsources: [{SOURCE}]", "finished parts"),
        ("evaluate", "unspin.evaluation.run.main", "real: a.tsv", "outputs for finished suites are kept"),
        (
            "calibrate",
            "unspin.evaluation.calibrate.main",
            "checkpoint: c\nsuites: [{kind: pairs, name: a, path: a.tsv}]\nunseen: [a]",
            "the checkpoint is as it was",
        ),
        (
            "self-train",
            "unspin.train.self_train.self_train",
            f"build: b.yaml\ntrain: t.yaml\nspun: [{SOURCE}]",
            "finished steps of a round and complete checkpoints are kept",
        ),
    ],
)
def test_a_stopped_command_says_what_is_kept(
    command: str, work: str, config: str, kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, _, name = work.rpartition(".")
    monkeypatch.setattr(import_module(module), name, _stop)
    output = "" if command == "calibrate" else "output: o\n"
    (tmp_path / "run.yaml").write_text(output + config)
    result = CliRunner().invoke(app, [*command.split(), str(tmp_path / "run.yaml")])
    assert result.exit_code == 130 and result.stdout == ""
    assert result.stderr.strip().startswith(f"stopped: {kept}") and "run the same command again" in result.stderr
    assert result.stderr.strip().count("\n") == 0


@pytest.mark.parametrize(
    ("command", "work"),
    [("train --check", "unspin.train.plan.plan_run"), ("build --phrases", "unspin.data.pairs.learn_substitutions")],
)
def test_a_stopped_command_that_keeps_nothing_says_nothing(
    command: str, work: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, _, name = work.rpartition(".")
    monkeypatch.setattr(import_module(module), name, _stop)
    (tmp_path / "run.yaml").write_text("output: o\ndata: d\nmax_steps: 1")
    result = CliRunner().invoke(app, [*command.split(), str(tmp_path / "run.yaml")])
    assert (result.exit_code, result.stdout, result.stderr.strip()) == (130, "", "")


def test_a_stopped_cluster_says_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("unspin.cli.cluster"), "run", _stop)
    (tmp_path / "a.txt").write_text("The warfare had ended.")
    (tmp_path / "executor.yaml").write_text("executor: {kind: local}")
    options = ["--output", str(tmp_path / "out"), "--executor", str(tmp_path / "executor.yaml")]
    result = CliRunner().invoke(app, ["restore", str(tmp_path / "a.txt"), *options])
    assert result.exit_code == 130 and "stopped: finished files are kept" in result.stderr
