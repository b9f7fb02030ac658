"""Whole articles: paragraphs are paired, peers take turns, folders are read in order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from unspin.evaluation.suites import articles, make_suite
from unspin.evaluation.suites.articles import ArticlesSuite, read_articles
from unspin.evaluation.suites.base import SuiteError


def _write(folder: Path, **texts: str) -> Path:
    folder.mkdir()
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder


def _suite(tmp_path: Path) -> ArticlesSuite:
    return ArticlesSuite(kind="articles", name="whole", articles=tmp_path / "a", spun=tmp_path / "s", peers=("p", "q"))


def test_hand_spun_articles_are_paired_by_paragraph(tmp_path: Path) -> None:
    _write(tmp_path / "a", x="One.\n\nTwo.")
    _write(tmp_path / "s", x="1.\n\n2.")
    suite = make_suite(_suite(tmp_path), 9)
    assert [(row.spun, row.references) for row in suite.rows] == [("1.", ("One.",)), ("2.", ("Two.",))]


def test_articles_with_different_paragraphs_are_refused(tmp_path: Path) -> None:
    _write(tmp_path / "a", x="One.\n\nTwo.")
    _write(tmp_path / "s", x="1.")
    with pytest.raises(SuiteError, match=r"s/x\.txt has 1 paragraph and its original 2"):
        make_suite(_suite(tmp_path), 9)


def test_peers_take_turns_with_articles_that_nobody_spun_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FakePeer:
        """Appends its name to each sentence."""

        def __init__(self, name: str, seed: int) -> None:
            self._name = name

        def __enter__(self) -> FakePeer:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def spin(self, sentences: Sequence[str]) -> list[str]:
            return [f"{sentence} {self._name}" for sentence in sentences]

    monkeypatch.setattr(articles, "Peer", FakePeer)
    _write(tmp_path / "a", x="One.", y="Two. Three.\n\nFour.", z="Five.")
    _write(tmp_path / "s", x="1.")
    rows = make_suite(_suite(tmp_path), 9).rows
    assert [row.spun for row in rows] == ["1.", "Two. p Three. p", "Four. p", "Five. q"]


def test_the_first_articles_of_a_folder_come_from_every_sub_folder(tmp_path: Path) -> None:
    for folder in ("law", "sport"):
        _write(tmp_path / folder, b=folder, a=folder)
    assert [name for name, _ in read_articles(tmp_path)] == ["law/a.txt", "sport/a.txt", "law/b.txt", "sport/b.txt"]
    with pytest.raises(SuiteError, match="is not a folder"):
        read_articles(tmp_path / "none")
