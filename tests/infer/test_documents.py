"""Documents: bytes come back as they were, whatever the encoding; bad files are named."""

import codecs
from pathlib import Path

import pytest
from unspin.data.stores import write_whole
from unspin.infer.documents import Document, DocumentError

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
def test_bytes_come_back(data: bytes) -> None:
    document = Document.decode("x.txt", data)
    assert document.encode(document.text) == data


@pytest.mark.parametrize(
    ("data", "complaint"),
    [(b"", "is empty"), (b" \n\t", "is empty"), (b"PNG\x00\x01\x02", "is not text"), (codecs.BOM_UTF16_LE + b"a", "is not text")],
)
def test_what_is_not_text_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(DocumentError, match=f"x.txt {complaint}"):
        Document.decode("x.txt", data)


def test_missing_file_and_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"gone\.txt: No such file"):
        Document.read(tmp_path / "gone.txt")
    with pytest.raises(DocumentError, match="is a folder"):
        Document.read(tmp_path)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    write_whole(path, b"old")
    with pytest.raises(TypeError):
        write_whole(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
