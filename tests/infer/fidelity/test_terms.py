"""A term is never made into another of its field, nor put in without support."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("Patients with bosom peril came.", "Patients with heart disease came."),
        ("There is a tariff on metallic goods.", "There is a tariff on copper goods."),
        ("He has diabetes now.", "He has asthma now."),
        ("They keep a dog there.", "They keep a cat there."),
        ("He studied the animal.", "He studied the tiger."),
        ("It is made of oak.", "It is made of beech."),
        ("He caught a bad thing.", "He caught a bad influenza."),
    ],
)
def test_a_changed_fact_is_refused(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert any("the term" in reason for reason in refusals(source, target)), refusals(source, target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("Patients with bosom peril came.", "Patients with breast cancer came."),
        ("The feline slept.", "The cat slept."),
        ("The cerebrum bled.", "The brain bled."),
        ("He took a cable vehicle.", "He took a cable car."),
        ("He has a lungs malignant neoplastic disease.", "He has a lung cancer."),
    ],
)
def test_a_kept_fact_passes(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert refusals(source, target) == []
