"""What places of an article tell about one another: like places support one another, a hesitation takes up what was decided elsewhere."""

from unspin.data.edits import Edit
from unspin.infer.checkpoint import Calibration
from unspin.infer.engines import Rewriting
from unspin.infer.proposals import Found, Hesitation, Proposal, confident, propose

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
    article = [_found(FIRST, "overseas", "foreign", 0.9), Found(SECOND, (), (Hesitation(0, "for", 0.3),))]
    ((edit, confidence),) = confident(article, CALIBRATION)[1]
    assert (edit, 0.3 < confidence < 0.9) == (Edit(0, 8, "Foreign"), True)


def test_a_hesitation_over_something_else_or_inside_a_word_proposes_nothing() -> None:
    for text, hesitation in ((SECOND, Hesitation(0, "abroad", 0.3)), ("Overseasmen met.", Hesitation(0, "for", 0.3))):
        assert confident([_found(FIRST, "overseas", "foreign", 0.9), Found(text, (), (hesitation,))], CALIBRATION)[1] == []


def test_of_two_restorations_of_a_place_the_articles_choice_wins() -> None:
    minority = Found(SECOND, (Proposal(Edit(0, 8, "Alien"), 0.5),), (Hesitation(0, "for", 0.45),))
    article = [_found(FIRST, "overseas", "foreign", 0.95), minority]
    assert [edit for edit, _ in confident(article, CALIBRATION)[1]] == [Edit(0, 8, "Foreign")]
    assert [edit for edit, _ in confident([minority], CALIBRATION)[0]] == [Edit(0, 8, "Alien")]


def test_second_choices_are_placed_in_the_source() -> None:
    text = "The foreign minister spoke."
    tokens = ["The", " foreign", " minister", " spoke", "."]
    ends = [len("".join(tokens[: i + 1])) for i in range(len(tokens))]
    seconds = (("A", 0.1), (" overseas", 0.2), ("s", 0.9), (" talked", 0.3), ("!", 0.001))
    found = propose(FIRST, Rewriting(text, tuple(ends), (0.0,) * 6, seconds))
    assert found.hesitations == (Hesitation(0, "a", 0.1), Hesitation(4, "overseas", 0.2), Hesitation(22, "talked", 0.3))
    assert FIRST[22:].startswith("spoke")
