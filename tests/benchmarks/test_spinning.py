"""The spinning benchmark: sides take turns, ratios are those of each run, and the text is reproducible."""

from __future__ import annotations

from pathlib import Path

import pytest
from unspin.errors import UnspinError

from benchmarks import spinning, timing

SENTENCES = ["The minister told reporters that the large company left.", "“Naïve,” she said — twice.", ""]


def test_sides_are_timed_in_turn_and_ratios_are_those_of_each_run() -> None:
    order: list[str] = []
    ours, theirs = spinning.run(
        lambda text: order.append("a") or list(text),
        lambda text: order.append("b") or ["x"] * len(text),
        "b",
        SENTENCES,
        3,
    )
    assert "".join(order) == "ab" + "abbaab" and (ours.changed, theirs.changed) == (0.0, 1.0)
    assert len(ours.seconds) == len(theirs.seconds) == 3 and min(ours.seconds) >= 0
    assert (
        timing.ratios((1.0, 2.0), (3.0, 4.0)) == [3.0, 2.0]
        and timing.interval([1.0, 4.0, 2.0], ".1f") == "2.0 (1.0–4.0)"
    )
    assert spinning.Side("a", 6, (1.0, 2.0), 0).rates == [6.0, 3.0]


def test_changed_words_are_counted_in_order_and_ignoring_case() -> None:
    assert spinning._changed(["The big dog barks."], ["the large dog barks"]) == 0.25
    assert spinning._changed([""], [""]) == 0.0


def test_the_text_is_reproducible_and_too_few_sentences_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("A first one. A second.\nA third.", encoding="utf-8")
    assert (
        spinning.sample_sentences(2, tmp_path)
        == spinning.sample_sentences(3, tmp_path)[:2]
        == ["A first one.", "A second."]
    )
    with pytest.raises(UnspinError, match="4 sentences requested, 3 found"):
        spinning.sample_sentences(4, tmp_path)


def test_our_side_spins_with_another_persona_each_call() -> None:
    ours = spinning.Ours()
    text = spinning.sample_sentences(30)
    first, second = ours.spin(text), ours.spin(text)
    assert len(first) == len(second) == 30 and first != second and first == spinning.Ours().spin(text)
