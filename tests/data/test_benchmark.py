"""The benchmark in data/: none of it is in the training articles, and its hand-spun texts match their originals."""

from pathlib import Path

import pytest
from unspin.data.blocks import shingles
from unspin.data.pairs import Pair, split_pair
from unspin.segment import split_sentences

DATA = Path(__file__).parents[2] / "data"
BENCHMARK = DATA / "benchmark" / "articles"
HAND_SPUN = sorted((DATA / "benchmark" / "hand").rglob("*.txt"))


def _shingles(folder: Path) -> set[int]:
    texts = [file.read_text(encoding="utf-8") for file in sorted(folder.rglob("*.txt"))]
    return {shingle for text in texts for line in text.splitlines() for shingle in shingles(line)}


def test_no_training_article_shares_twelve_words_in_a_row_with_the_benchmark() -> None:
    training = _shingles(DATA / "articles")
    benchmark = _shingles(DATA / "benchmark")
    assert len(training) > 50_000 and len(benchmark) > 5_000
    assert training.isdisjoint(benchmark)


def test_a_benchmark_sentence_quoted_in_a_training_article_is_noticed(tmp_path: Path) -> None:
    text = next(BENCHMARK.rglob("01.txt")).read_text(encoding="utf-8")
    quoted = next(sentence for sentence in split_sentences(text) if len(list(shingles(sentence))) > 1)
    (tmp_path / "leak.txt").write_text(f"As one paper wrote: {quoted.upper()}", encoding="utf-8")
    assert not _shingles(tmp_path).isdisjoint(_shingles(BENCHMARK))


def test_there_are_three_hand_spun_articles_of_each_section() -> None:
    sections = sorted(folder.name for folder in BENCHMARK.iterdir())
    assert [file.parent.name for file in HAND_SPUN] == [section for section in sections for _ in range(3)]


@pytest.mark.parametrize("file", HAND_SPUN, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_hand_spun_article_is_a_garbled_version_of_its_original(file: Path) -> None:
    original = BENCHMARK / file.parent.name / file.name
    texts = (each.read_text(encoding="utf-8") for each in (file, original))
    pieces = split_pair(Pair(*texts, source=str(file)))  # refuses texts with other paragraphs or few words in common
    assert sum(piece.spun != piece.original for piece in pieces) > 0.7 * len(pieces)
