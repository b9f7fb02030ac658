"""`unspin build`: what it writes, and what it refuses to overwrite."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from unspin.phrase_lists import PhrasePair, read_phrases

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
    again = unspin("build", "run.yaml")
    assert again.stdout == done.stdout and "out holds this data set already: nothing to do" in again.stderr
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
    message = refused("build", "run.yaml")
    assert message.startswith("unspin: out exists and has no origin.json") and "remove it, or set output=" in message
    assert list((config.parent / "out").iterdir()) == []


def test_a_build_without_a_config_is_a_usage_error(unspin: Command) -> None:
    done = unspin("build")
    assert done.returncode == 2 and "give a config file, --stats DIR or --phrases PAIRS" in done.stderr


PAIRS = "tool\tspun\toriginal\nsome\tThe warfare had ended.\tThe war had ended.\n"


def test_a_list_of_phrases_is_learned_from_pairs(tmp_path: Path, unspin: Command) -> None:
    (tmp_path / "pairs.tsv").write_text(f"{PAIRS}some\tNothing alike.\tThe war had ended.\n")
    done = unspin("build", "--phrases", "pairs.tsv")
    assert done.returncode == 0 and done.stdout == "garbled\texpected\tcount\nwarfare\twar\t1\n", done
    assert "warning: pairs.tsv: skipped 1 of 2 pairs; the first: pairs.tsv:3: both texts share 0%" in done.stderr
    (tmp_path / "phrases.tsv").write_text(done.stdout)
    assert read_phrases(tmp_path / "phrases.tsv") == [PhrasePair("warfare", ("war",))]
    assert unspin("build", "--phrases", "pairs.tsv").stdout == done.stdout


def test_learning_phrases_loads_no_model_library(tmp_path: Path) -> None:
    (tmp_path / "pairs.tsv").write_text(PAIRS)
    script = (
        "import sys; from typer.testing import CliRunner; from unspin.cli.app import app; "
        f"assert CliRunner().invoke(app, ['build', '--phrases', {str(tmp_path / 'pairs.tsv')!r}]).exit_code == 0; "
        "print({'torch', 'transformers', 'datatrove'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("none.tsv", None, "no such file: give a .tsv, .csv, .jsonl or .parquet file of pairs"),
        ("pairs.xlsx", b"", "pairs are read from .tsv, .csv, .jsonl or .parquet files"),
        ("pairs.csv", b"bad,good\na,b\n", "needs the columns spun and original; it has 'bad', 'good'"),
        ("pairs.tsv", b"spun\toriginal\na b\ta \xff\n", "pairs.tsv:2: not UTF-8 at byte 6 of the line: convert it"),
        ("pairs.tsv", b"id\tbad\tgood\n1\ta\tb\n", "needs the columns spun and original; it has 'id', 'bad', 'good'"),
        ("pairs.jsonl", b'{"bad": "a", "good": "b"}\n', "no field 'spun'; it has 'bad', 'good'"),
    ],
)
def test_pairs_that_cannot_be_read_are_refused(
    name: str, data: bytes | None, reason: str, tmp_path: Path, refused: Callable[..., str]
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    assert reason in refused("build", "--phrases", name)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["run.yaml"], "CONFIG"),
        (["run.yaml", "seed=1"], "CONFIG, KEY=VALUE"),
        (["--check"], "--check"),
        (["--preview", "2"], "--preview"),
        (["--stats", "out"], "--stats"),
        (["--executor", "ray.yaml"], "--executor"),
    ],
)
def test_phrases_exclude_everything_else(arguments: list[str], names: str, refused: Callable[..., str]) -> None:
    message = refused("build", "--phrases", "pairs.tsv", *arguments, code=2)
    assert message == f"unspin: --phrases only reads pairs and prints a list: leave out {names}\n"
