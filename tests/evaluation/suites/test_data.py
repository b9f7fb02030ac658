"""Data sets: spun rows with their edits; a missing data set is built first."""

from pathlib import Path

import pytest
from unspin.data import build
from unspin.data.config import BuildConfig
from unspin.edits import apply
from unspin.errors import UnspinError
from unspin.evaluation.suites import make_suite
from unspin.evaluation.suites.data import DataSuite


def test_rows_are_the_spun_ones_with_their_edits(pairs: Path) -> None:
    suite = make_suite(DataSuite(kind="data", name="spun", data=pairs, split="validation"), 8)
    assert len(suite.rows) == 8
    for row in suite.rows:
        assert row.edits and apply(row.spun, row.edits) == row.references[0] and row.strength
        assert all(edit.spinner for edit in row.edits)


def test_a_missing_data_set_is_built_from_its_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture
) -> None:
    class Stop(Exception):
        """Ends the build."""

    def stop(config: BuildConfig, command: str) -> None:
        raise Stop(config.output, command)

    monkeypatch.setattr(build, "build", stop)
    file, missing = Path("configs/data/quickstart.yaml"), tmp_path / "missing"
    with pytest.raises(Stop) as stopped:
        make_suite(DataSuite(kind="data", name="spun", data=missing, build=file), 8)
    assert stopped.value.args == (missing, f"unspin build {file} output={missing}")
    assert f"{missing} is missing: building it from {file}" in log.text


def test_a_missing_data_set_without_a_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnspinError, match="unspin build"):
        make_suite(DataSuite(kind="data", name="spun", data=tmp_path / "missing"), 8)
