"""Allegations, conditions, exceptions, attempts and the like are neither lost nor invented."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("The alleged thief fled.", "The thief fled."),
        ("The thief fled.", "The alleged thief fled."),
        ("It is open only today.", "It is open today."),
        ("All came except him.", "All came with him."),
        ("He was charged with attempted murder.", "He was charged with murder."),
        ("The acting mayor spoke.", "The mayor spoke."),
        ("It may help older men.", "It helps older men."),
        ("He goes if it rains.", "He goes and it rains."),
        ("It shut because it rained.", "It shut and it rained."),
    ],
)
def test_a_changed_fact_is_refused(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert any("" in reason for reason in refusals(source, target)), refusals(source, target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("The supposed thief fled.", "The alleged thief fled."),
        ("It is solely open today.", "It is only open today."),
        ("The performing mayor spoke.", "The acting mayor spoke."),
        ("He endeavoured to flee.", "He tried to flee."),
    ],
)
def test_a_kept_fact_passes(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert refusals(source, target) == []
