"""How the places of an article count for and against each other."""

import pytest
from unspin.edits import Edit
from unspin.infer.article import Reading, SentenceDraft
from unspin.infer.confidence import Calibration
from unspin.infer.proposals import REJECTED, Proposal, SentenceProposals, UncertainWord
from unspin.infer.voting import scored_edits, suspected_share

FIRST, SECOND = "The overseas minister spoke.", "Overseas ministers met."
CALIBRATION = Calibration(support=0.5)


def _proposing(source: str, spun: str, restored: str, probability: float, *doubts: UncertainWord) -> SentenceDraft:
    start = source.index(spun)
    proposal = Proposal(Edit(start, start + len(spun), restored), probability)
    return SentenceDraft(source, reading=Reading(SentenceProposals((proposal,), doubts)))


def _doubting(source: str, *doubts: UncertainWord) -> SentenceDraft:
    return SentenceDraft(source, reading=Reading(SentenceProposals((), doubts)))


def test_places_restored_alike_support_each_other() -> None:
    alone = _proposing(FIRST, "overseas", "foreign", 0.6)
    alike = _proposing("An overseas envoy left.", "overseas", "foreign", 0.6)
    supported = scored_edits([alone, alike], CALIBRATION)[0][0]
    unsupported = scored_edits([alone, _doubting(SECOND)], CALIBRATION)[0][0]
    assert supported.edit == unsupported.edit and supported.confidence > unsupported.confidence


def test_an_uncertain_word_gets_the_restoration_made_elsewhere_with_its_own_capital() -> None:
    article = [_proposing(FIRST, "overseas", "foreign", 0.9), _doubting(SECOND, UncertainWord(0, 0.4, "for", 0.3))]
    (scored,) = scored_edits(article, CALIBRATION)[1]
    assert scored.edit == Edit(0, 8, "Foreign")
    assert 0.3 < scored.confidence < 0.9


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (SECOND, UncertainWord(0, 0.4, "abroad", 0.3)),
        (SECOND, UncertainWord(0, 0.4)),
        ("Overseasmen met.", UncertainWord(0, 0.4, "for", 0.3)),
    ],
    ids=["another runner-up", "no runner-up", "inside a longer word"],
)
def test_an_uncertain_word_that_differs_gets_no_proposal(text: str, word: UncertainWord) -> None:
    article = [_proposing(FIRST, "overseas", "foreign", 0.9), _doubting(text, word)]
    assert scored_edits(article, CALIBRATION)[1] == []


def test_of_overlapping_restorations_that_of_the_article_comes_first() -> None:
    minority = _proposing(SECOND, "Overseas", "Alien", 0.5, UncertainWord(0, 0.5, "for", 0.45))
    majority = _proposing(FIRST, "overseas", "foreign", 0.95)
    assert scored_edits([majority, minority], CALIBRATION)[1][0].edit == Edit(0, 8, "Foreign")
    assert scored_edits([minority], CALIBRATION)[0][0].edit == Edit(0, 8, "Alien")


def test_suspected_words_are_those_of_edits_and_uncertain_ones_outside_them() -> None:
    doubts = (UncertainWord(4, 0.2), UncertainWord(13, 0.3, "premier", 0.1))
    rejected = SentenceDraft("No one left.", reading=Reading(REJECTED))
    article = [_proposing(FIRST, "overseas", "foreign", 0.8, *doubts), rejected]
    assert suspected_share(article) == pytest.approx((0.8 + 0.3) / 7)
    assert suspected_share([]) == 0


def test_a_repeated_sentence_supports_nothing() -> None:
    once = _proposing(FIRST, "overseas", "foreign", 0.6)
    (alone,), (beside, _) = scored_edits([once], CALIBRATION), scored_edits([once, once], CALIBRATION)
    assert alone[0].confidence == pytest.approx(beside[0].confidence)
