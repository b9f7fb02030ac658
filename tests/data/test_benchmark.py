"""The benchmark's articles are no training text."""

from pathlib import Path

from unspin.data.blocks import shingles

DATA = Path(__file__).parents[2] / "data"


def _all(folder: Path) -> set[int]:
    return {s for file in folder.rglob("*.txt") for line in file.read_text(encoding="utf-8").splitlines() for s in shingles(line)}


def test_no_training_article_shares_twelve_words_in_a_row_with_the_benchmark() -> None:
    benchmark = _all(DATA / "benchmark")
    assert len(benchmark) > 5000
    assert benchmark.isdisjoint(_all(DATA / "articles"))


def test_hand_spun_articles_keep_the_paragraphs_of_their_originals() -> None:
    spun = sorted((DATA / "benchmark" / "hand").rglob("*.txt"))
    assert len(spun) == 12
    for file in spun:
        original = DATA / "benchmark" / "articles" / file.parent.name / file.name
        assert file.read_text(encoding="utf-8").count("\n\n") == original.read_text(encoding="utf-8").count("\n\n")
