"""A race: both sides run as often, in alternating order, after one run that is not counted."""

import pytest

from benchmarks.timing import interval, race, ratios


def test_the_order_alternates_after_a_warm_up() -> None:
    order: list[str] = []
    seconds = race(lambda: order.append("a"), lambda: order.append("b"), 3)
    assert "".join(order) == "ab" + "ab" + "ba" + "ab"
    assert [len(side) for side in seconds] == [3, 3] and all(second >= 0 for side in seconds for second in side)


def test_ratios_say_how_many_times_as_fast_ours_was() -> None:
    assert ratios([1.0, 2.0], [3.0, 4.0]) == [3.0, 2.0]
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [3.0])


def test_an_interval_shows_the_median_between_its_ends() -> None:
    assert interval([1.0, 4.0, 2.0], ".1f") == "2.0 (1.0–4.0)"
