"""Weekdays and months."""

from collections.abc import Callable

import pytest
from unspin.infer.fidelity.dates import dates_in


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("He left on Monday.", "He left on Tuesday."),
        ("It opens in March next.", "It opens in April next."),
        ("We meet on Friday week.", "We meet on Friday."),
        ("The talks are in May now.", "The talks are in June now."),
    ],
)
def test_a_changed_fact_is_refused(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert any("a date or time" in reason for reason in refusals(source, target)), refusals(source, target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("In mid-march he left.", "In mid-March he left."),
        ("On Could 2 he left.", "On May 2 he left."),
        ("It closed on Weds after lunch.", "It closed on Wednesday after lunch."),
        ("He may go.", "He could go."),
        ("An august guest spoke.", "A grand guest spoke."),
    ],
)
def test_a_kept_fact_passes(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert refusals(source, target) == []


def test_months_are_told_from_other_words() -> None:
    assert dates_in("May I ask Theresa May in May? Soldiers march in March, and an august guest came in August.") == (
        "may",
        "march",
        "august",
    )
    assert dates_in("Mondays, Tues. and Dec. 31") == ("monday", "tuesday", "december")
