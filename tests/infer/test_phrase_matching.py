"""Listed phrases in a text: in any case and inflection, across lines and hyphens, over whole words only."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.infer.phrase_matching import PhraseMatcher

MATCHER = PhraseMatcher(
    [
        "vapor motor",
        "make headway",
        "Joule's steady",
        "sun powered board",
        "warfare",
        "AT&T",
        "U.S. Army",
        "C++",
        "café",
    ]
)


def _found(text: str) -> list[tuple[str, str]]:
    return [(text[match.start : match.end], MATCHER.phrases[match.phrase]) for match in MATCHER.find(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A vapor motor.", [("vapor motor", "vapor motor")]),
        ("VAPOR Motor", [("VAPOR Motor", "vapor motor")]),
        ("two vapor motors", [("vapor motors", "vapor motor")]),
        ("They made headway.", [("made headway", "make headway")]),
        ("a vapor\n  motor", [("vapor\n  motor", "vapor motor")]),
        ("a vapor-motor", [("vapor-motor", "vapor motor")]),
        ("sun-powered board", [("sun-powered board", "sun powered board")]),
        ("in war- fare", [("war- fare", "warfare")]),
        ("in war\u00adfare", [("war\u00adfare", "warfare")]),
        ("the vapor motor's power", [("vapor motor", "vapor motor")]),
        ("THE VAPOR MOTOR’S POWER", [("VAPOR MOTOR", "vapor motor")]),
        ("Joule’s steady", [("Joule’s steady", "Joule's steady")]),
        ("by AT&T, or AT & T", [("AT&T", "AT&T"), ("AT & T", "AT&T")]),
        ("the U.S. Army", [("U.S. Army", "U.S. Army")]),
        ("in C++, not in C", [("C++", "C++")]),
        ("the cafe\u0301", [("cafe\u0301", "café")]),
        ("a vapor, motor; a vapor. Motor", []),
        ("a vapor motorway, my_vapor motor, vapor motor_x, vapor motor\u0301", []),
        ("the US Army, AT T, warfarer", []),
        ("", []),
    ],
)
def test_what_is_found(text: str, found: list[tuple[str, str]]) -> None:
    assert _found(text) == found


def test_the_readings_of_an_inflected_head_are_told() -> None:
    (match,) = MATCHER.find("They made headway.")
    assert match.forms is not None
    listed, found = match.forms
    assert (listed.lemma, found.lemma, found.tag) == ("make", "make", "VBD")


def test_phrases_that_differ_in_their_inflection_match_at_one_place() -> None:
    matcher = PhraseMatcher(["solar panels", "solar panel", "SOLAR  panel"])
    assert [match.phrase for match in matcher.find("a solar panel")] == [1, 2, 0]


def test_overlapping_and_nested_phrases_are_all_found() -> None:
    matcher = PhraseMatcher(["vapor motor", "motor", "motor car"])
    assert [match.phrase for match in matcher.find("a vapor motor car")] == [0, 1, 2]


def test_an_empty_list_finds_nothing() -> None:
    assert PhraseMatcher(["", " "]).find("any text") == [] == PhraseMatcher([]).find("any text")


def test_a_matcher_pickles_as_its_phrases() -> None:
    MATCHER.find("motor")  # the automaton is made
    copy = pickle.loads(pickle.dumps(MATCHER))
    assert copy.phrases == MATCHER.phrases and copy.find("vapor motors") == MATCHER.find("vapor motors") != []


@given(st.text("vapor mt-\n.’İß", max_size=40))
def test_any_match_is_a_stretch_of_whole_words(text: str) -> None:
    for match in PhraseMatcher(["vapor motor", "motor", "to a"]).find(text):
        assert text[match.start].isalnum() and text[match.end - 1].isalnum()
        assert not text[match.start - 1 : match.start].isalnum() and not text[match.end : match.end + 1].isalnum()
