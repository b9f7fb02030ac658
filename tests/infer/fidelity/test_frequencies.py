"""How often something happens."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("He came every other day.", "He came every day."),
        ("They meet each second Saturday.", "They meet each Saturday."),
        ("It is a bimonthly paper.", "It is a monthly paper."),
        ("He left the day before yesterday.", "He left yesterday."),
        ("It runs each different day.", "It runs each day."),
    ],
)
def test_a_changed_fact_is_refused(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert any("" in reason for reason in refusals(source, target)), refusals(source, target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("It runs each different day.", "It runs every other day."),
        ("They love each other much.", "They love one another much."),
    ],
)
def test_a_kept_fact_passes(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert refusals(source, target) == []
