"""The long run, on a tiny model: it samples every article and plots its samples."""

from pathlib import Path

import pytest
from unspin.infer.restorer import Restorer
from unspin.segment import words

from benchmarks.soak import WORDS, last_samples, plot, show, soak, spun_articles


def test_each_article_of_each_run_is_sampled(
    tiny_adapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = soak(Restorer.from_pretrained(str(tiny_adapter)), (1, 3))
    assert [(sample.run, sample.articles) for sample in samples] == [(1, 1), (3, 1), (3, 2), (3, 3)]
    assert [last.words for last in last_samples(samples)] == [samples[0].words, samples[3].words]
    assert all(sample.megabytes > 50 and sample.seconds > 0 for sample in samples)
    plot(samples, tmp_path / "soak.png")
    assert (tmp_path / "soak.png").read_bytes().startswith(b"\x89PNG")
    show(samples)
    assert f"{samples[3].words:,}" in capsys.readouterr().out


def test_its_articles_are_spun_and_differ() -> None:
    texts = list(spun_articles(230))
    assert len(set(texts)) == 230
    assert all(len(words(text)) < 2 * WORDS for text in texts)
