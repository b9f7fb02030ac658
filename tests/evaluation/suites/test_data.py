"""Data sets: spun rows with their edits; a missing data set is built first."""

from pathlib import Path

import pytest
from unspin.data import build
from unspin.data.config import BuildConfig
from unspin.edits import apply
from unspin.errors import UnspinError
from unspin.evaluation.suites import make_suite
from unspin.evaluation.suites.base import SuiteError
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


def test_the_rows_of_one_source_are_chosen_by_its_name(pairs: Path) -> None:
    suite = DataSuite(kind="data", name="spun", data=pairs, split="validation", source="made")
    assert len(make_suite(suite, 8).rows) == 8
    with pytest.raises(UnspinError, match="no spun validation rows of a source 'mad'; there are made"):
        make_suite(suite.model_copy(update={"source": "mad"}), 8)


def test_a_data_set_of_another_build_is_refused(corpus: Path, tmp_path: Path) -> None:
    source = f"{{kind: folder, name: towns, path: {corpus}, licence: ours}}"
    config = tmp_path / "data.yaml"
    text = (
        f"output: out\nvariants: 1\nclean_share: 0\nholdout_share: 0.5\nspinners: {{phrases: 1}}\nsources: [{source}]\n"
    )
    config.write_text(text)
    suite = DataSuite(kind="data", name="spun", data=tmp_path / "built", build=config)
    rows = make_suite(suite, 8).rows
    assert rows and make_suite(suite, 8).rows == rows
    config.write_text(f"{text}seed: 7\n")
    with pytest.raises(SuiteError, match=r"built exists and was built from other inputs \(seed\): remove it to have"):
        make_suite(suite, 8)


def test_a_missing_data_set_without_a_config_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnspinError, match="unspin build"):
        make_suite(DataSuite(kind="data", name="spun", data=tmp_path / "missing"), 8)
