"""Opposites, and other words that never replace each other."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("They came 1st.", "They came last."),
        ("It ended before dusk.", "It ended after dusk."),
        ("It lasted two weeks.", "It lasted two months."),
        ("Prices rose again.", "Prices fell again."),
        ("She wore a carmine coat.", "She wore a green coat."),
        ("They agreed to go.", "They refused to go."),
        ("He was acquitted then.", "He was convicted then."),
        ("The surplus grew.", "The deficit grew."),
        ("Two men were killed there.", "Two men were injured there."),
        ("It may prevent fires.", "It may cause fires."),
        ("It is hot in summer time.", "It is hot in winter."),
        ("It is open besides in August.", "It is open plus in August."),
        ("She lent him a car.", "She gave him a car."),
        ("His spouse wept.", "His wife wept."),
        ("Their siblings came.", "Their brothers came."),
        ("Three fifths of them left.", "Three sixths of them left."),
        ("Nightfalls are cold.", "Nights are cold."),
        ("It rose 5 percent.", "It rose 5 points."),
        ("The inbound ship sank.", "The outbound ship sank."),
        ("Few of them left.", "Most of them left."),
        ("The benign case ended.", "The malignant case ended."),
        ("She is the daughter of a driver.", "She is one of a driver."),
    ],
)
def test_a_changed_fact_is_refused(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert any("" in reason for reason in refusals(source, target)), refusals(source, target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("She wore a carmine coat.", "She wore a red coat."),
        ("He went into the house.", "He went to the house."),
        ("He averted criticising them.", "He avoided criticising them."),
        ("The Frosty Warfare ended.", "The Cold War ended."),
        ("They filled in a form.", "They filled out a form."),
        ("A father or mother firm sued.", "A parent firm sued."),
    ],
)
def test_a_kept_fact_passes(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert refusals(source, target) == []
