"""Addresses, code and words of other languages are the author's."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("See www.example.org now.", "See the site now."),
        ("Open data_set.csv now.", "Open the data now."),
        ("He sang l'été to us.", "He sang summer to us."),
        ("Call getUser twice.", "Call the user twice."),
        ("The Gemeinderat met; der gemeinderat again.", "The Gemeinderat met; der council again."),
    ],
)
def test_a_changed_fact_is_refused(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert any("" in reason for reason in refusals(source, target)), refusals(source, target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("Childrens came.", "Children came."),
        ("He moved 35 kms away.", "He moved 35 kilometres away."),
        ("It isn't a look-alike.", "It isn't a copy."),
    ],
)
def test_a_kept_fact_passes(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert refusals(source, target) == []
