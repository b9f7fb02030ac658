"""Clean text: each row is its own reference."""

from pathlib import Path

import pytest
from pydantic import ValidationError
from unspin.evaluation.suites import make_suite
from unspin.evaluation.suites.clean import CleanSuite


def test_sentences_of_articles_are_their_own_reference(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("It rained. They left.")
    suite = make_suite(CleanSuite(kind="clean", name="clean", articles=tmp_path), 9)
    assert [(row.spun, row.references) for row in suite.rows] == [
        ("It rained.", ("It rained.",)),
        ("They left.", ("They left.",)),
    ]


def test_originals_of_a_data_set_are_their_own_reference(pairs: Path) -> None:
    suite = make_suite(CleanSuite(kind="clean", name="clean", data=pairs, split="validation"), 5)
    assert len(suite.rows) == 5 and all(row.references == (row.spun,) for row in suite.rows)


def test_a_suite_without_texts_is_refused() -> None:
    with pytest.raises(ValidationError, match="suite 'clean' names no texts: give `articles` or `data`"):
        CleanSuite(kind="clean", name="clean")
