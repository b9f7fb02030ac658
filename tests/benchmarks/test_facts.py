"""The benchmark of the fidelity check: its data, its figures, and the second judge."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.facts import changed_by_restoring, read_articles, read_pairs, score_pairs, sentences_of, tell_lies
from benchmarks.lies import LIES


def test_over_a_thousand_edits_were_written_by_hand_half_of_them_changes() -> None:
    pairs = read_pairs()
    assert len(pairs) > 1000 and len({pair[2:5] for pair in pairs}) == len(pairs)
    assert all(pair.sentence.count(pair.old) == 1 and pair.old != pair.new for pair in pairs)
    changes = Counter(pair.changes for pair in pairs)
    assert changes[True] == changes[False]


def test_the_check_refuses_the_changes_and_little_else() -> None:
    """The goals are 0.98 and 0.03; docs/fidelity.md says what is missing."""
    score = score_pairs(read_pairs())["all"]
    assert score.recall >= 0.93 and score.false_refusals <= 0.135


def test_lies_are_told_of_the_rarest_kind_and_stopped() -> None:
    told, passed = tell_lies(read_articles([]), 500)
    assert told.total() == 500 and len(told) > 20 and set(told) <= set(LIES)
    assert not passed or not any(passed.values())


def test_articles_of_several_corpora_come_by_turns(tmp_path: Path) -> None:
    for name, texts in (("a", ["one", "one"]), ("b", ["two"])):
        (tmp_path / f"{name}.jsonl").write_text("".join(f'{{"text": "{text}"}}\n' for text in texts))
    assert list(read_articles([tmp_path / "a.jsonl", tmp_path / "b.jsonl"])) == ["one", "two", "one"]
    assert sentences_of("Too short. This one is long enough to be read.") == ["This one is long enough to be read."]


@pytest.mark.parametrize(
    ("original", "spun", "restored", "changed"),
    [
        ("He has 5 of them.", "He owns 5 of them.", "He has 6 of them.", ["numbers"]),
        ("He met Ann there.", "He met Ann at that place.", "He met Bob there.", ["names"]),
        ("He did not go.", "He did not leave.", "He went.", ["negations"]),
        ("He has 5 of them.", "He owns 6 of them.", "He has 7 of them.", []),  # the spinner had changed it
    ],
)
def test_the_second_judge_compares_with_the_original(
    original: str, spun: str, restored: str, changed: list[str]
) -> None:
    assert changed_by_restoring(original, spun, restored) == changed
