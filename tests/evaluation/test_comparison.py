"""Comparisons of two checkpoints: which edits differ, and how sure the difference is."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from unspin.errors import UnspinError
from unspin.evaluation import run
from unspin.evaluation.comparison import DifferingEdit, compare, differing_edits
from unspin.evaluation.config import EvalConfig
from unspin.evaluation.report import html_report, show
from unspin.evaluation.suites.base import Row, Suite

SPUN, ORIGINAL = "The overseas minister stated the warfare ended.", "The foreign minister said the war ended."
OURS, THEIRS = "The foreign minister stated the war ended.", "The foreign minister claimed the warfare stopped."
ROW = Row("a/1", SPUN, (ORIGINAL,))


def test_edits_that_only_one_side_makes_are_judged() -> None:
    assert list(differing_edits(ROW, OURS, THEIRS)) == [
        DifferingEdit("checkpoint", True, "warfare", "war"),
        DifferingEdit("compare", False, "stated", "claimed"),
        DifferingEdit("compare", False, "ended", "stopped"),
    ]
    assert list(differing_edits(ROW, OURS, OURS)) == []


def test_an_edit_to_any_reference_is_correct() -> None:
    row = Row("a/1", "An firm shut.", ("A firm shut.", "A company shut."))
    edits = list(differing_edits(row, "A company shut.", "An firm shut."))
    assert [(edit.side, edit.correct) for edit in edits] == [("checkpoint", True)]


def test_the_difference_is_paired_and_counts_are_by_side() -> None:
    suite = Suite("made", tuple(Row(f"a/{n}", f"{SPUN} {n}", (f"{ORIGINAL} {n}",)) for n in range(30)))
    ours, theirs = ([f"{text} {n}" for n in range(30)] for text in (OURS, THEIRS))
    found = compare(suite, ours, theirs, 200, 1)
    change = found["difference"]["f0.5"]
    assert change["value"] == pytest.approx(change["interval"][0]) == pytest.approx(change["interval"][1]), (
        "every article has the same difference, whatever the resample"
    )
    assert change["value"] > 0.3 and found["p"] < 0.01
    assert found["edits"] == {"checkpoint": {"correct": 30, "wrong": 0}, "compare": {"correct": 0, "wrong": 60}}
    assert found["kinds"][0]["count"] == 30 and len(found["texts"]) == 20
    same = compare(suite, ours, ours, 200, 1)
    assert same["p"] == 1 and same["texts"] == same["kinds"] == []


def test_clean_text_is_compared_by_over_correction() -> None:
    suite = Suite("clean", tuple(Row(f"a/{n}", f"{ORIGINAL} {n}", (f"{ORIGINAL} {n}",)) for n in range(9)))
    kept = [row.spun for row in suite.rows]
    found = compare(suite, kept, [f"The war ended. {n}" for n in range(9)], 200, 1)
    assert found["figure"] == "over_correction" and found["difference"]["over_correction"]["value"] < -100
    assert found["p"] < 0.05


def test_a_run_compares_two_checkpoints_on_every_suite(
    make_config: Callable[..., EvalConfig], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def restored(config: EvalConfig, system: str, suites: Sequence[Suite]) -> list[run.SystemOutputs]:
        text = {"default": OURS, "<i>other": THEIRS}[config.checkpoint]
        return [run.SystemOutputs(tuple(f"<b>{text}" for _ in suite.rows), 1.0, 1, 1.0) for suite in suites]

    monkeypatch.setattr(run, "run_system", restored)
    monkeypatch.setattr(run, "load_system", lambda *_: None)
    results: dict[str, Any] = run.main(make_config(systems=["unspin"], compare="<i>other", min_confidence=0.5))
    assert list(results["scores"]["items"]) == ["unspin", "unspin (<i>other)"]
    assert results["comparison"]["items"]["edits"]["checkpoint"]["correct"] >= 1
    page = html_report(results)
    assert "<h2>Comparison of two checkpoints</h2>" in page and "&lt;i&gt;other" in page and "<i>other" not in page
    show(results)
    assert "default compared with <i>other" in capsys.readouterr().out


def test_another_checkpoint_is_refused_before_any_suite_is_made(
    make_config: Callable[..., EvalConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "make_suite", None)
    with pytest.raises(UnspinError, match="/nope is not a checkpoint folder"):
        run.main(make_config(systems=["unspin"], compare="/nope"))
    with pytest.raises(ValueError, match="add unspin to systems"):
        make_config(systems=["copy the input"], compare="default")
