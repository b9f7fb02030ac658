"""Documents: the bytes of a file come back in any encoding, and files that cannot be read are named."""

import codecs
from pathlib import Path

import pytest
from unspin.infer.documents.base import DocumentError
from unspin.infer.documents.document import Document
from unspin.storage import StorageError

TEXT = "“Café” – the naïve’s choice.\r\nTwo\tlines.\r\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"),
        ("Le café à côté était fermé. " * 20).encode("latin-1"),
    ],
    ids=["utf-8", "utf-8 with mark", "utf-16 le", "utf-16 be", "utf-32", "latin-1"],
)
def test_a_file_is_written_as_it_was_read(data: bytes, tmp_path: Path) -> None:
    source, target = tmp_path / "in.txt", tmp_path / "folder" / "out.txt"
    source.write_bytes(data)
    document = Document.read(source)
    assert document.encode(document.text) == data
    document.write(target, document.text)
    assert target.read_bytes() == data


def test_a_long_file_may_have_its_first_accent_near_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unspin.infer.documents.document._SNIFFED_BYTES", 1000)
    data = b"The old cafe was shut. " * 200 + ("Le café à côté était fermé. " * 20).encode("latin-1")
    document = Document.decode("x.txt", data)
    assert document.encode(document.text) == data


def test_a_replacement_is_written_in_the_encoding_of_the_file(tmp_path: Path) -> None:
    document = Document.decode("x.txt", codecs.BOM_UTF16_LE + "old".encode("utf-16-le"))
    document.write(tmp_path / "x.txt", "néw")
    assert (tmp_path / "x.txt").read_bytes() == codecs.BOM_UTF16_LE + "néw".encode("utf-16-le")
    latin = Document("x.txt", "", "latin-1")
    assert latin.encode("né€w") == b"n\xe9?w"


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out.txt"
    target.write_bytes(b"old")

    def fail(self: Path, target: Path) -> Path:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        Document("x.txt", "old").write(target, "new")
    assert target.read_bytes() == b"old" and list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b" \n\t", "is empty"),
        (b"PNG\x00\x01\x02", "is not text"),
        (codecs.BOM_UTF16_LE + b"a", "is not text"),
    ],
)
def test_bytes_that_are_not_text_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(DocumentError, match=f"x.txt {message}"):
        Document.decode("x.txt", data)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"gone\.txt: No such file"):
        Document.read(tmp_path / "gone.txt")
    with pytest.raises(DocumentError, match="is a folder"):
        Document.read(tmp_path)


def test_a_store_that_cannot_be_reached_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Path) -> bytes:
        raise StorageError("the store cannot be reached")

    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(DocumentError, match="the store cannot be reached"):
        Document.read(tmp_path / "x.txt")


def test_the_suffix_decides_the_format_and_errors_name_the_file() -> None:
    raw = '{"body": "<b>old</b>"}'
    assert [view.text for view in Document("x.JSONL", raw).views("body")] == ["<b>old</b>"]
    assert [view.text for view in Document("x.htm", "<b>old</b>").views("body")] == ["old"]
    assert [view.text for view in Document("stdin", raw).views("body")] == [raw]
    with pytest.raises(DocumentError, match=r"x\.jsonl: line 1 has no text under the key 'text' \(keys: body\)"):
        Document("x.jsonl", raw).views()
