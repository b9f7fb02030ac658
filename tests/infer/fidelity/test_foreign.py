"""Addresses, code and words of other languages are the author's."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("See www.example.org now.", "See the site now."),
        ("Open data_set.csv now.", "Open the data now."),
        ("It is at purchase.nation.org now.", "It is at buy.nation.org now."),
        ("It is at nation.travel/purchase now.", "It is at nation.travel/buy now."),
        ("Open ~/purchase now.", "Open ~/buy now."),
        (r"Open C:\purchase now.", r"Open C:\buy now."),
        ("Read 10.1000/purchase now.", "Read 10.1000/buy now."),
        ("Call os.purchase or purchase() now.", "Call os.purchase or buy() now."),
        ("Set purchase=1 and --purchase now.", "Set purchase=1 and --buy now."),
        ("It is purchase-1.2 now.", "It is buy-1.2 now."),
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
        ("We saw it.The purchase was bad.", "We saw it. The purchase was bad."),
        ("He came at 5 p.m. and/or later, e.g. so.", "He came at 5 p.m. or later, e.g. so."),
    ],
)
def test_a_kept_fact_passes(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert refusals(source, target) == []
