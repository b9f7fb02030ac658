"""Outcomes: a restorer's edits compared with the original, worked by hand."""

from collections.abc import Sequence
from itertools import accumulate

import pytest
from unspin.evaluation.outcomes import EditOutcome, restore_article
from unspin.evaluation.suites.base import Row
from unspin.infer.confidence import Calibration
from unspin.infer.engines.base import Engine, Rewriting
from unspin.infer.restorer import Restorer


class Rewriter(Engine):
    """Rewrites "warfare" to "war" and "stated" to "told", with certainty."""

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        return [self._rewrite(sentence) for sentence in sentences]

    def _rewrite(self, sentence: str) -> Rewriting:
        tokens = sentence.replace("warfare", "war").replace("stated", "told").split(" ")
        tokens = [tokens[0], *(f" {token}" for token in tokens[1:])]
        return Rewriting("".join(tokens), tuple(accumulate(map(len, tokens))), (0.0,) * (len(tokens) + 1))

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        return []


def test_edits_are_compared_with_the_original() -> None:
    rows = [
        Row("a", "He stated the warfare ended soon.", ("He said the war ended soon.",)),
        Row("a", "The warfare has a name.", ("The warfare has a name.",)),
    ]
    outcome = restore_article(Restorer(Rewriter(), Calibration(), min_confidence=0), rows)
    assert [(edit.size, edit.correct, edit.clean) for edit in outcome.edits] == [
        (1, False, False),
        (1, True, False),
        (1, False, True),
    ]
    assert outcome.edits[0] == EditOutcome(pytest.approx(1, abs=1e-3), outcome.suspected_share, 1, False)
    assert (outcome.gold_edits, outcome.words, outcome.clean_words) == (2, 11, 5)
    assert outcome.garbled_share == pytest.approx(2 / 11)
