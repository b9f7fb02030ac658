"""Scores of suites: bootstrap intervals, significance, breakdowns."""

from collections.abc import Callable
from pathlib import Path

import pytest
from unspin.edits import Edit, apply
from unspin.evaluation.scores import breakdown, p_value, part_of_speech, score
from unspin.evaluation.suites import make_suite
from unspin.evaluation.suites.base import Row, Suite
from unspin.evaluation.suites.items import ItemsSuite
from unspin.evaluation.suites.pairs import PairsSuite

SPUN, ORIGINAL = "The overseas minister stated the warfare ended.", "The foreign minister said the war ended."
BENCHMARK = Path("data/benchmark")


def test_scores_draw_articles_and_are_reproducible() -> None:
    suite = Suite("s", tuple(Row(str(i // 2), SPUN, (ORIGINAL,)) for i in range(8)))
    outputs = [ORIGINAL, SPUN] * 4
    figures = score(suite, outputs, 200, 3)
    assert figures == score(suite, outputs, 200, 3)
    assert figures["interval"]["recall"] == [0.5, 0.5], "every article is half restored"


def test_intervals_of_a_tool_draw_its_rows(make_pairs: Callable[..., PairsSuite]) -> None:
    lines = [f"A\tThe {n} warfare.\tThe {n} war." for n in range(20)]
    suite = make_suite(make_pairs("tool\tspun\toriginal\n" + "\n".join(lines)), 90)
    assert not list(suite.by_tool()), "a single tool is the whole suite"
    outputs = [row.references[0] if i % 2 else row.spun for i, row in enumerate(suite.rows)]
    low, high = score(suite, outputs, 200, 0)["interval"]["restoration"]
    assert low < 0.4 and high > 0.6


def test_equal_outputs_are_no_evidence_and_unequal_ones_are() -> None:
    suite = Suite("s", tuple(Row(str(i), SPUN, (ORIGINAL,)) for i in range(8)))
    assert p_value(suite, [ORIGINAL] * 8, [ORIGINAL] * 8, 100, 3) == 1
    assert p_value(suite, [ORIGINAL] * 8, [SPUN] * 8, 200, 3) < 0.05


def test_breakdown_counts_every_edit_once_in_each_dimension() -> None:
    edits = (
        Edit(4, 12, "foreign", "phrases", "x"),
        Edit(22, 28, "said", "thesaurus", "y"),
        Edit(33, 40, "war", "phrases", "z"),
    )
    assert apply(SPUN, edits) == ORIGINAL
    suite = Suite("s", (Row("a", SPUN, (ORIGINAL,), edits, strength=0.3),))
    table = breakdown(suite, ["The foreign minister stated the war ended."])
    assert table["spinner"] == {"phrases": [2, 2], "thesaurus": [0, 1]}
    assert table["strength"] == {"medium": [2, 3]} and table["words"] == {"one": [2, 3]}
    assert sum(total for _, total in table["part of speech"].values()) == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [("the", "function"), ("Minister", "noun"), ("said", "verb"), ("in spite of", "phrase"), ("", "phrase")],
)
def test_part_of_speech(text: str, expected: str) -> None:
    assert part_of_speech(text) == expected


@pytest.mark.parametrize("name", ["provocations.jsonl", "references.jsonl"])
def test_originals_of_the_hand_written_items_score_perfectly(name: str) -> None:
    suite = make_suite(ItemsSuite(kind="items", name="items", path=BENCHMARK / name, clean=True), 1000)
    figures = score(suite, [row.references[0] for row in suite.rows], 100, 0)
    assert figures["violations"] == 0 and figures["f0.5"] == figures["restoration"] == figures["exact"] == 1
    assert score(suite, [row.spun for row in suite.rows], 100, 0)["recall"] == 0
