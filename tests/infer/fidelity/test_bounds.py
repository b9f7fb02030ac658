"""Bounds of amounts are neither lost nor invented."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("He came as a minimum once a week.", "He came once a week."),
        ("At least 40 died.", "About 40 died."),
        ("Nearly half of them left.", "Half of them left."),
        ("It costs over $40 a day.", "It costs about $40 a day."),
        ("Up to three people can ride.", "Three people can ride."),
        ("No more than five may enter.", "Five may enter."),
        ("The tower has 40 floors.", "The tower has almost 40 floors."),
        ("Nearly all of them left.", "All of them left."),
        ("Just about 200 came.", "About 200 came."),
    ],
)
def test_a_changed_fact_is_refused(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert any("a bound" in reason for reason in refusals(source, target)), refusals(source, target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("He came as a minimum once a week.", "He came at least once a week."),
        ("Concerning 40 persons were there.", "About 40 people were there."),
        ("Practically 40 firms left.", "Almost 40 companies left."),
        ("In excess of a thousand homes burnt.", "More than 1,000 homes burnt."),
        ("They looked over the wall.", "They looked across the wall."),
        ("He talked about the war.", "He spoke of the war."),
        ("No fewer than 18 countries came.", "At least 18 countries came."),
    ],
)
def test_a_kept_fact_passes(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert refusals(source, target) == []
