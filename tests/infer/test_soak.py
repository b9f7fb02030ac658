"""The long run counts every article, and draws what it sampled."""

from pathlib import Path

from unspin.data.segment import words
from unspin.infer.restorer import Restorer
from unspin.infer.soak import WORDS, ends, plot, show, soak, spun_articles


def test_a_long_run_in_small(tiny_adapter: Path, tmp_path: Path) -> None:
    samples = soak(Restorer.from_pretrained(str(tiny_adapter)), (1, 3))
    assert [(sample.run, sample.articles) for sample in samples] == [(1, 1), (3, 1), (3, 2), (3, 3)]
    assert [end.words for end in ends(samples)] == [samples[1].words, samples[3].words]
    assert all(sample.megabytes > 50 and sample.seconds > 0 for sample in samples)
    plot(samples, tmp_path / "soak.png")
    assert (tmp_path / "soak.png").read_bytes().startswith(b"\x89PNG")
    show(samples)


def test_its_articles_are_spun_and_differ() -> None:
    texts = list(spun_articles(230))
    assert len(set(texts)) == 230
    assert all(len(words(text)) < 2 * WORDS for text in texts)
