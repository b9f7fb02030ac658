"""`unspin build`: what it writes, and what it refuses to overwrite."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

Command = Callable[..., "subprocess.CompletedProcess[str]"]
CONFIG = """output: out
spinners: {{phrases: 1}}
variants: 1
sources: [{{kind: folder, name: made, path: {corpus}, licence: ours}}]
"""


@pytest.fixture
def config(corpus: Path, tmp_path: Path) -> Path:
    (tmp_path / "run.yaml").write_text(CONFIG.format(corpus=corpus))
    return tmp_path / "run.yaml"


def test_a_build_reports_the_rows_that_it_wrote(config: Path, unspin: Command) -> None:
    done = unspin("build", "run.yaml")
    assert done.returncode == 0, done.stderr
    rows = pq.read_table(config.parent / "out" / "train").num_rows
    assert rows > 0 and done.stdout.startswith(f"out: {rows:,} train")
    stats = unspin("build", "--stats", "out")
    assert stats.returncode == 0 and "rows" in stats.stdout and stats.stdout.endswith("plot: out/stats.png\n")


def test_check_and_preview_write_nothing(config: Path, unspin: Command) -> None:
    check = unspin("build", "--check", "run.yaml")
    assert check.returncode == 0 and check.stdout.endswith("run.yaml: no problems found\n"), check.stderr
    preview = unspin("build", "run.yaml", "--preview", "2")
    assert preview.returncode == 0 and preview.stdout.count("[phrases]") >= 2
    assert not (config.parent / "out").exists()


def test_an_existing_output_folder_is_never_touched(config: Path, refused: Callable[..., str]) -> None:
    (config.parent / "out").mkdir()
    assert "unspin: out exists: remove it, or set output=" in refused("build", "run.yaml")
    assert list((config.parent / "out").iterdir()) == []


def test_a_build_without_a_config_is_a_usage_error(unspin: Command) -> None:
    done = unspin("build")
    assert done.returncode == 2 and "give a config file, or --stats DIR" in done.stderr
