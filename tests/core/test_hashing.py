"""Keyed random numbers: the same on every machine, and uniform over keys."""

import pytest
from unspin.hashing import hash_uniform


def test_a_key_has_the_same_number_everywhere() -> None:
    assert hash_uniform("split", 20, "article") == 0.8922561016947111
    assert hash_uniform("a", "b") != hash_uniform("ab")


def test_numbers_are_uniform_over_keys() -> None:
    numbers = [hash_uniform("key", i) for i in range(4000)]
    assert all(0 <= number < 1 for number in numbers)
    for tenth in range(10):
        assert sum(tenth <= 10 * number < tenth + 1 for number in numbers) == pytest.approx(400, abs=80)
