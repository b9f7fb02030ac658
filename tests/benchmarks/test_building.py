"""The scaling benchmark, in small: the texts are reproducible and a build is measured in a process of its own."""

import json
from pathlib import Path

from benchmarks.building import FILES, SENTENCES_PER_ARTICLE, measure, write_articles


def test_the_same_number_of_sentences_gives_the_same_articles(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_articles(tmp_path / name, 2 * SENTENCES_PER_ARTICLE)
    files = [[file.read_text() for file in sorted((tmp_path / name).iterdir())] for name in ("a", "b")]
    assert files[0] == files[1] and len(files[0]) == FILES
    articles = [json.loads(line)["text"] for text in files[0] for line in text.splitlines()]
    assert len(articles) == 2 and all(article.count(".") >= SENTENCES_PER_ARTICLE for article in articles)


def test_a_build_is_measured(tmp_path: Path) -> None:
    measurement = measure(40, 1, ["variants=2"], tmp_path)
    assert (measurement.sentences, measurement.workers) == (40, 1)
    assert measurement.seconds > 0 and measurement.stages["whole build"].megabytes > 50
    assert {"reading", "spinning", "finishing"} < measurement.stages.keys()
    output = tmp_path / "40-1" / "out"
    assert (output / "checksums.json").is_file() and "variants: 2" in (output / "README.md").read_text()
