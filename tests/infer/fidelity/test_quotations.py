"""Quotation marks stay where they are; apostrophes are none."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("“However we agree”, she said.", "But we agree, she said."),
        ("He said “so we” left.", "He said so “we left."),
        ("She was 'so glad' then.", "She was so glad then."),
    ],
)
def test_a_changed_fact_is_refused(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert any("quotation mark" in reason for reason in refusals(source, target)), refusals(source, target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("“However we concur”, she said.", "“But we agree”, she said."),
        ("The kids' recreation area shut.", "The playground shut."),
        ('He said "so".', "He said “so”."),
        ('It is a 12" disc.', "It is a 12-inch disc."),
        ("'Tis late, they say.", "It is late, they say."),
    ],
)
def test_a_kept_fact_passes(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert refusals(source, target) == []
