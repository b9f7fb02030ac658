"""An edit adds or removes no statement, and puts no thing for another."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("The festival ended.", "The festival ended in protest."),
        ("They bought benches, lamps and trees.", "They bought benches and trees."),
        ("It is costly to mark.", "It is costly to scan."),
        ("All about the overseas minister's warfare", "All about the code"),
        ("The payroll was lost.", "The database was lost."),
        ("It was, the owners insist, in order.", "It was in order."),
        ("218 are needed for a preponderance.", "218 are needed for a election."),
    ],
)
def test_a_changed_fact_is_refused(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert any("what is said" in reason for reason in refusals(source, target)), refusals(source, target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("He stated it was so.", "He said it was so."),
        ("The high minister spoke.", "The prime minister spoke."),
        ("The parcel weighed at any time more.", "The parcel weighed ever more."),
    ],
)
def test_a_kept_fact_passes(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert refusals(source, target) == []
