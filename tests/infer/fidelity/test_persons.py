"""The persons that pronouns refer to."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("She said so.", "He said so."),
        ("They met Ann there.", "They met her there."),
        ("We won the cup.", "I won the cup."),
        ("It is our house.", "It is your house."),
    ],
)
def test_a_changed_fact_is_refused(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert any("a person" in reason for reason in refusals(source, target)), refusals(source, target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("You can go by yourself.", "You can go alone."),
        ("He did it on his own.", "He did it alone."),
        ("The US army left.", "The U.S. army left."),
    ],
)
def test_a_kept_fact_passes(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert refusals(source, target) == []
