"""The dictionary baseline: which candidates it offers and which it takes."""

from pathlib import Path

from unspin.edits import Edit, apply
from unspin.evaluation.systems.base import SystemSettings
from unspin.evaluation.systems.reverse_lexicon import MARGINS, ReverseLexicon, edits_above_margin

SPUN = "The overseas minister stated the warfare ended."


def test_the_best_candidates_that_do_not_overlap_are_taken() -> None:
    gains = [(3.0, Edit(0, 5, "a")), (4.0, Edit(3, 8, "b")), (1.0, Edit(9, 10, "c")), (2.0, Edit(8, 9, "d"))]
    assert edits_above_margin(gains, 1.5) == [Edit(3, 8, "b"), Edit(8, 9, "d")]
    assert edits_above_margin(gains, 9) == []


def test_candidates_have_the_inflection_of_the_word_that_they_replace(tmp_path: Path) -> None:
    lexicon = ReverseLexicon(SystemSettings(lexicon_data=tmp_path))
    lexicon.__dict__["_log_count"] = lambda phrase: float(len(phrase))
    candidates = list(lexicon.candidates(SPUN))
    offered = {(SPUN[edit.start : edit.end], edit.replacement) for edit in candidates}
    assert any(spun == "stated" and replacement.endswith("ed") for spun, replacement in offered)
    assert all(apply(SPUN, [edit]) != SPUN for edit in candidates)


def test_counts_come_from_the_training_articles_and_the_margin_is_tuned(pairs: Path) -> None:
    lexicon = ReverseLexicon(SystemSettings(lexicon_data=pairs))
    assert lexicon._log_count("the") > lexicon._log_count("of the") > lexicon._log_count("overseas warfare")
    assert lexicon._margin in MARGINS
    lexicon.__dict__["_margin"] = float("inf")
    assert lexicon.restore([SPUN]) == [SPUN], "no gain exceeds this margin"
