"""Runs: scores with intervals, stored outputs, scores per tool."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from unspin.errors import UnspinError
from unspin.evaluation import run
from unspin.evaluation.config import CurvePoint, EvalConfig
from unspin.evaluation.suites.base import Suite
from unspin.evaluation.suites.pairs import PairsSuite
from unspin.evaluation.systems.base import SystemSettings

Make = Callable[..., EvalConfig]


def test_a_run_scores_writes_and_resumes(make_config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = make_config()
    results = run.main(config)
    copied, checked = results["scores"]["items"].values()
    assert copied["f0.5"] == copied["over_correction"] == copied["restoration"] == 0
    assert 0 < checked["recall"] < 1, "Harper corrects the article and nothing else"
    assert all(low <= copied[name] <= high for name, (low, high) in copied["interval"].items())
    assert 0 < checked["p"] <= 1 and "p" not in copied
    assert json.loads((tmp_path / "out" / "results.json").read_text()) == json.loads(json.dumps(results))
    page = (tmp_path / "out" / "report.html").read_text()
    assert "&lt;b&gt;The" in page and "<b>The" not in page
    monkeypatch.setattr(run, "_restore", None)  # nothing is left to restore
    assert run.main(config)["scores"]["items"]["harper"]["peak_mb"] == checked["peak_mb"]


def test_a_system_that_cannot_be_used_is_refused_before_any_suite_is_made(
    make_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "make_suite", None)
    for keys, message in (
        ({"systems": ["unspin"], "checkpoint": "/nope"}, "/nope is not a checkpoint folder"),
        ({"systems": ["copy the input", "noisy channel"]}, "set lexicon_data to its folder"),
    ):
        with pytest.raises(UnspinError, match=message):
            run.main(make_config(**keys))


@pytest.mark.usefixtures("in_process")
def test_the_other_systems_are_compared_with_unspin_wherever_the_config_lists_it(
    make_config: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copied(config: EvalConfig, system: str, suites: Sequence[Suite]) -> list[run.SystemOutputs]:
        return [run.SystemOutputs(tuple(row.spun for row in suite.rows), 1.0, 1, 1.0) for suite in suites]

    monkeypatch.setattr(run, "run_system", copied)
    systems = run.main(make_config(systems=["copy the input", "unspin"], min_confidence=0.5))["scores"]["items"]
    assert list(systems) == ["unspin", "copy the input"]
    assert "p" not in systems["unspin"] and systems["copy the input"]["p"] == 1


@pytest.mark.usefixtures("in_process")
def test_only_missing_outputs_are_computed(make_config: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    config = make_config(systems=["copy the input"])
    run.main(config)
    more = config.suites[0].model_copy(update={"name": "more", "clean": False})
    restored: list[str] = []
    restore = run._restore

    def record(settings: SystemSettings, system: str, missing: Sequence[tuple[Suite, Path]]) -> None:
        restored.extend(suite.name for suite, _ in missing)
        restore(settings, system, missing)

    monkeypatch.setattr(run, "_restore", record)
    results = run.main(config.model_copy(update={"suites": (*config.suites, more)}))
    assert restored == ["more"] and list(results["scores"]) == ["items", "more"]


@pytest.mark.usefixtures("in_process")
def test_texts_of_real_tools_are_scored_over_all_rows_and_per_tool(
    make_config: Make, make_pairs: Callable[..., PairsSuite], tmp_path: Path
) -> None:
    config = make_config(real=make_pairs().path)
    results = run.main(config)
    assert list(results["scores"]) == ["real", "real: A", "real: B", "items"]
    tools = ("real", "real: A", "real: B")
    assert [results["suites"][name]["rows"] for name in tools] == [3, 2, 1]
    assert results["suites"]["real: A"]["part_of"] == "real" and "part_of" not in results["suites"]["real"]
    recalls = [results["scores"][name]["harper"]["recall"] for name in tools]
    assert recalls == [pytest.approx(1 / 5), 0, 1], "Harper corrects the article of tool B and nothing else"
    assert list(results["breakdown"]) == ["real", "items"]
    assert "real: A" in (tmp_path / "out" / "report.html").read_text()
    again = EvalConfig.model_validate(results["config"])
    assert [suite.name for suite in again.suites] == ["real", "items"], "the config in the results can be run again"


@pytest.mark.usefixtures("in_process")
def test_the_learning_curve_scores_each_checkpoint_with_every_edit(
    make_config: Make, make_pairs: Callable[..., PairsSuite], monkeypatch: pytest.MonkeyPatch
) -> None:
    points = (CurvePoint(checkpoint="a", pairs=10), CurvePoint(checkpoint="b", pairs=20))
    config = make_config(real=make_pairs().path, systems=["copy the input"])
    seen = []
    run_system = run.run_system

    def fake(config: EvalConfig, system: str, suites: Sequence[Suite]) -> list[run.SystemOutputs]:
        if system != "unspin":
            return run_system(config, system, suites)
        seen.append((config.checkpoint, config.min_confidence, suites[0].name))
        return [run.SystemOutputs(tuple(row.references[0] for row in suites[0].rows), 1.0, 1, 1.0)]

    monkeypatch.setattr(run, "run_system", fake)
    monkeypatch.setattr(run.Checkpoint, "open", lambda name: None)
    results = run.main(config.model_copy(update={"curve": points}))
    assert seen == [("a", 0.0, "items"), ("b", 0.0, "items")], "the first suite other than the real texts"
    assert [(point["pairs"], point["f0.5"]) for point in results["curve"]] == [(10, 1.0), (20, 1.0)]


def test_a_report_that_no_evaluation_wrote_is_kept(make_config: Make, tmp_path: Path) -> None:
    config = make_config()
    config.output.mkdir(parents=True)
    (config.output / "report.html").write_text("the user's own report")
    with pytest.raises(UnspinError, match=r"report\.html would be overwritten, and no evaluation wrote it"):
        run.main(config)
    assert (config.output / "report.html").read_text() == "the user's own report"
