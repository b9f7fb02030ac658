"""Keyed random numbers: the same on every machine, and uniform over keys."""

from pathlib import Path

import pytest
from unspin.hashing import code_digest, hash_uniform


def test_a_key_has_the_same_number_everywhere() -> None:
    assert hash_uniform("split", 20, "article") == 0.8922561016947111
    assert hash_uniform("a", "b") != hash_uniform("ab")


def test_numbers_are_uniform_over_keys() -> None:
    numbers = [hash_uniform("key", i) for i in range(4000)]
    assert all(0 <= number < 1 for number in numbers)
    for tenth in range(10):
        assert sum(tenth <= 10 * number < tenth + 1 for number in numbers) == pytest.approx(400, abs=80)


def test_a_digest_of_code_ignores_documentation(tmp_path: Path) -> None:
    digests = []
    for text in ('"""One."""\nx = 1  # one\n', '"""Two."""\nx = 1\n', '"""One."""\nx = 2  # one\n'):
        (tmp_path / "module.py").write_text(text)
        digests.append(code_digest(tmp_path / "module.py"))
    assert digests[0] == digests[1] != digests[2]


def test_a_digest_of_a_folder_covers_the_modules_below_and_chosen_files(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "module.py").write_text("x = 1\n")
    (tmp_path / "words.tsv").write_text("a\n")
    before = code_digest(tmp_path), code_digest(tmp_path, data=("*.tsv",))
    (tmp_path / "words.tsv").write_text("b\n")
    assert code_digest(tmp_path) == before[0] and code_digest(tmp_path, data=("*.tsv",)) != before[1]
    (tmp_path / "inner" / "module.py").write_text("x = 2\n")
    assert code_digest(tmp_path) != before[0]
