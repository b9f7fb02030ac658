"""The order spinner: which words move, which stay, and that every move can be undone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.data.spinners import Mixture, Persona
from unspin.data.spinners import order as module
from unspin.edits import apply

TOOL = replace(
    Persona.sample("order", spinners={"order": 1}),
    spinners=("order",),
    strength=1.0,
    consistent=True,
    protects_names=False,
    protects_quotations=False,
)


@pytest.fixture(autouse=True)
def _always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apply every rule at every place."""
    monkeypatch.setattr(module, "RATES", dict.fromkeys(module.RATES, 1.1))
    monkeypatch.setattr(Persona, "draw", lambda self, *key: 0.0)


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("They left at the end of the year.", "They left at the year's end."),
        ("They’ll leave at the end of the year.", "They’ll leave at the year’s end."),
        ("The minister of Canada spoke.", "Canada's minister spoke."),
        ("The house of the neighbours burned.", "The neighbours' house burned."),
        ("The price of oil rose.", "The oil price rose."),
        ("He quickly left.", "He left quickly."),
        ("Prices rose sharply, they said.", "Prices sharply rose, they said."),
    ],
)
def test_words_are_moved(text: str, moved: str) -> None:
    spun = Mixture(["order"]).spin(text, TOOL)
    assert spun.text == moved and apply(spun.text, spun.edits) == text


@pytest.mark.parametrize(
    "text",
    [
        "Most of the people stayed.",
        "One of them left.",
        "The cost of rebuilding it rose.",
        "He is only here.",
        "The first of May came.",
        "",
        "By the end of the World Cup they left.",
        "The head of the United States spoke.",
        "The capital of New York is small.",
        "The price of oil companies rose.",
        "The end of the school year came.",
        "At the end of the year 2020 it rained.",
        "The view of Mr. Smith is known.",
        "Recently published results are good.",
    ],
)
def test_text_that_no_rule_fits_is_unchanged(text: str) -> None:
    assert Mixture(["order"]).spin(text, TOOL).text == text


PIECES = ["the ", "The ", "of ", "the end of the year ", "year", "quickly ", "left ", "Canada", "’s", ". ", ", ", "x"]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text())
def test_the_original_of_any_text_can_be_restored(text: str) -> None:
    spun = Mixture(["order"]).spin(text, TOOL)
    assert apply(spun.text, spun.edits) == text
