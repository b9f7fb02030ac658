"""Whether a sentence affirms or denies."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("He mustn't go.", "He must go."),
        ("It has averted criticising them.", "It has condemned them."),
        ("It was by no means simple.", "It was simple."),
        ("They were unable to come.", "They were able to come."),
        ("It is safe to drink.", "It is unsafe to drink."),
        ("The deal was illegal.", "The deal was legal."),
        ("Entry is at no cost.", "Entry is at cost."),
        ("He has yet to sign.", "He has signed."),
        ("He failed to go, she failed too.", "He went, she failed too."),
    ],
)
def test_a_changed_fact_is_refused(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert any("polarity" in reason for reason in refusals(source, target)), refusals(source, target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("He mustn't go.", "He should not go."),
        ("He failed to attend.", "He did not attend."),
        ("He did not attend.", "He failed to attend."),
        ("He was incapable of attending.", "He could not attend."),
        ("Entry is at no cost.", "Entry is free."),
        ("No doubt it helped.", "It certainly helped."),
        ("It certainly helped.", "No doubt it helped."),
        ("It's going to not happen.", "It will not happen."),
        ("The search was not lawful.", "The search was unlawful."),
        ("He scarcely spoke.", "He hardly spoke."),
        ("There was a shortage of nurses.", "There was a deficit of nurses."),
        ("It was a shortage of iron.", "It was a deficiency of iron."),
    ],
)
def test_a_kept_fact_passes(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert refusals(source, target) == []
