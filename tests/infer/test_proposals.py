"""What places of an article tell about one another: like places support one another, a hesitation takes up what was decided elsewhere."""

import math

import pytest
from unspin.data.edits import Edit
from unspin.infer.checkpoint import Calibration
from unspin.infer.engines import Rewriting
from unspin.infer.proposals import Found, Hesitation, Proposal, confident, propose, suspected

FIRST, SECOND = "The overseas minister spoke.", "Overseas ministers met."
CALIBRATION = Calibration(support=0.5)


def _found(source: str, spun: str, restored: str, probability: float) -> Found:
    start = source.index(spun)
    return Found(source, (Proposal(Edit(start, start + len(spun), restored), probability),))


def test_like_places_speak_for_one_another() -> None:
    lone = _found(FIRST, "overseas", "foreign", 0.6)
    twice = [lone, _found("An overseas envoy left.", "overseas", "foreign", 0.6)]
    assert confident(twice, CALIBRATION)[0][0][1] > confident([lone, Found(SECOND, ())], CALIBRATION)[0][0][1]


def test_a_hesitation_takes_up_what_was_decided_elsewhere_with_its_own_capital() -> None:
    article = [_found(FIRST, "overseas", "foreign", 0.9), Found(SECOND, (), (Hesitation(0, 0.4, "for", 0.3),))]
    ((edit, confidence),) = confident(article, CALIBRATION)[1]
    assert (edit, 0.3 < confidence < 0.9) == (Edit(0, 8, "Foreign"), True)


def test_a_hesitation_over_something_else_or_inside_a_word_proposes_nothing() -> None:
    for text, hesitation in ((SECOND, Hesitation(0, 0.4, "abroad", 0.3)), ("Overseasmen met.", Hesitation(0, 0.4, "for", 0.3))):
        assert confident([_found(FIRST, "overseas", "foreign", 0.9), Found(text, (), (hesitation,))], CALIBRATION)[1] == []


def test_of_two_restorations_of_a_place_the_articles_choice_wins() -> None:
    minority = Found(SECOND, (Proposal(Edit(0, 8, "Alien"), 0.5),), (Hesitation(0, 0.5, "for", 0.45),))
    article = [_found(FIRST, "overseas", "foreign", 0.95), minority]
    assert [edit for edit, _ in confident(article, CALIBRATION)[1]] == [Edit(0, 8, "Foreign")]
    assert [edit for edit, _ in confident([minority], CALIBRATION)[0]] == [Edit(0, 8, "Alien")]


def test_second_choices_are_placed_in_the_source() -> None:
    text = "The foreign minister spoke."
    tokens = ["The", " foreign", " minister", " spoke", "."]
    ends = [len("".join(tokens[: i + 1])) for i in range(len(tokens))]
    seconds = (("A", 0.1), (" overseas", 0.2), ("s", 0.3), (" talked", 0.3), ("!", 0.001))
    kept = tuple(math.log(chance) for chance in (0.75, 0.5, 0.5, 0.6, 0.1, 1))
    found = propose(FIRST, Rewriting(text, tuple(ends), kept, seconds))
    doubts = [(0, 0.25, "a", 0.1), (4, 0.5, "overseas", 0.2), (13, 0.5, "", 0.0), (22, 0.4, "talked", 0.3)]
    assert [(h.at, pytest.approx(h.doubt), h.text, h.probability) for h in found.hesitations] == doubts
    assert FIRST[22:].startswith("spoke")


def test_an_engine_that_tells_no_second_choices_still_tells_its_doubts() -> None:
    found = propose("He left.", Rewriting("He left.", (2, 7, 8), (math.log(0.9), math.log(0.6), math.log(0.2), 0.0)))
    assert found.hesitations == (Hesitation(0, pytest.approx(0.1)), Hesitation(3, pytest.approx(0.4)))


def test_what_is_suspected_are_the_words_of_edits_and_those_kept_in_doubt() -> None:
    edit = Proposal(Edit(4, 12, "foreign"), 0.8)
    article = [Found("The overseas minister spoke.", (edit,), (Hesitation(4, 0.2), Hesitation(13, 0.3, "premier", 0.1))), Found("No one left.", None)]
    assert suspected(article) == pytest.approx((0.8 + 0.3) / 7)
    assert suspected([]) == 0
