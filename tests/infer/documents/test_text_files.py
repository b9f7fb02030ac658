"""Text files: the bytes of a file come back in any encoding, and files that cannot be read are named."""

import codecs
from pathlib import Path
from typing import NoReturn

import pytest
from unspin.infer.documents.base import DocumentError, DocumentOptions
from unspin.infer.documents.formats import decode_document, read_document
from unspin.infer.documents.text_files import TextFile
from unspin.infer.restoration import Restoration
from unspin.storage import StorageError

TEXT = "“Café” – the naïve’s choice.\r\nTwo\tlines.\r\n"


def _unchanged(text: str) -> Restoration:
    return Restoration(text, text, (), (text,))


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
    source = tmp_path / "in.txt"
    source.write_bytes(data)
    document = read_document(source)
    assert document.encode(_unchanged(document.text)) == data


def test_a_long_file_may_have_its_first_accent_near_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unspin.infer.documents.text_files._SNIFFED_BYTES", 1000)
    data = b"The old cafe was shut. " * 200 + ("Le café à côté était fermé. " * 20).encode("latin-1")
    file = TextFile.decode("x.txt", data)
    assert file.encode(_unchanged(file.text)) == data


LANGUAGES = {
    "Le café était fermé.": ["latin-1", "cp1252"],
    "naïve": ["cp1252"],
    "It cost 5 £.": ["cp1252"],
    "He said “yes” – it’s the naïve choice.": ["cp1252"],
    "He said “yes” – it’s the only choice. " * 300 + "Zoë’s café.": ["cp1252"],
    "Die Straße wurde für einige Tage geschlossen, und die Bürger waren darüber nicht glücklich.": ["latin-1"],
    "Совет сообщил, что закроет старую дорогу в городе на несколько дней. Люди были этим недовольны.": [
        "cp1251",
        "koi8-r",
        "iso8859-5",
    ],
    "Το συμβούλιο είπε ότι θα κλείσει τον παλιό δρόμο για μερικές ημέρες. Οι άνθρωποι δεν χάρηκαν.": [
        "iso8859-7",
        "cp1253",
    ],
    "町の議会は古い道路を数日間閉鎖すると発表した。人々はそれを喜ばなかった。": ["shift_jis", "euc_jp"],
    "市议会表示，将关闭镇上的旧路几天。人们对此并不高兴。": ["gb18030"],
    "市議會表示，將關閉鎮上的舊路幾天。人們對此並不高興。": ["big5"],
    "시의회는 마을의 오래된 도로를 며칠 동안 폐쇄하겠다고 밝혔다.": ["euc_kr"],
    "Belediye meclisi, kasabadaki eski yolu birkaç gün kapatacağını söyledi. İnsanlar hoşnut değildi.": [
        "iso8859-9",
        "cp1254",
    ],
    "Rada powiedziała, że zamknie starą drogę w mieście na kilka dni. Ludzie nie byli z tego zadowoleni, żółć.": [
        "iso8859-2",
        "cp1250",
    ],
}


@pytest.mark.parametrize(
    ("text", "codec"), [(text, codec) for text, codecs in LANGUAGES.items() for codec in codecs], ids=str
)
def test_the_encoding_is_guessed_as_browsers_guess_it(text: str, codec: str) -> None:
    file = TextFile.decode("x.txt", text.encode(codec))
    assert file.text == text
    assert file.encode(_unchanged(text)) == text.encode(codec)


@pytest.mark.parametrize(
    "data",
    [
        "The café was shut. ".encode() * 50 + b"caf\xe9\n",
        b"The cafe was shut.\n" * 200_000 + "“Café” – fermé".encode() + b"\xff",
    ],
    ids=["mixed", "invalid near the end"],
)
def test_utf_8_with_invalid_bytes_is_refused(data: bytes) -> None:
    line = data.count(b"\n", 0, -2) + 1
    with pytest.raises(DocumentError, match=rf"x\.txt is UTF-8 with invalid bytes \(1, the first in line {line}\)"):
        TextFile.decode("x.txt", data)


@pytest.mark.parametrize(
    "data", [b"caf\xe9 \x81\x8d\x90", bytes(range(1, 256)), b"caf\xe9 " * 3 + "é".encode()], ids=range(3)
)
def test_any_other_bytes_come_back(data: bytes) -> None:
    file = TextFile.decode("x.txt", data)
    assert file.encode(_unchanged(file.text)) == data


def test_a_replacement_is_written_in_the_encoding_of_the_file() -> None:
    file = TextFile.decode("x.txt", codecs.BOM_UTF16_LE + "old".encode("utf-16-le"))
    assert file.encode(_unchanged("néw")) == codecs.BOM_UTF16_LE + "néw".encode("utf-16-le")
    assert TextFile("", "latin-1").encode(_unchanged("né€w")) == b"n\xe9?w"


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
        decode_document("x.txt", data)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"gone\.txt: No such file"):
        read_document(tmp_path / "gone.txt")
    with pytest.raises(DocumentError, match="is a folder"):
        read_document(tmp_path)


def test_a_store_that_cannot_be_reached_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Path, mode: str) -> NoReturn:
        raise StorageError("the store cannot be reached")

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(DocumentError, match="the store cannot be reached"):
        read_document(tmp_path / "x.txt")


def _readable(name: str, raw: str, **options: str) -> list[str]:
    return [view.text for view in decode_document(name, raw.encode(), DocumentOptions(**options)).views]  # type: ignore[arg-type]


def test_the_suffix_decides_the_format_and_the_option_overrules_it() -> None:
    raw = '{"body": "<b>old</b>"}'
    assert _readable("x.JSONL", raw, field="body") == ["old"]
    assert _readable("x.htm", "<b>old</b>") == ["old"]
    assert _readable("x.txt", "<b>old</b>", format="html") == ["old"]
    assert _readable("stdin", raw, format="txt") == [raw]
    with pytest.raises(DocumentError, match=r"x\.jsonl: nothing has the key 'text'; text stands under 'body'"):
        _readable("x.jsonl", raw)


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        ("x.odd", "old", r"x\.odd: files of type \.odd cannot be read; the types are \.txt, .*--format"),
        ("x.pdf", "old", r"x\.pdf: files of type \.pdf cannot be read; extract its text first"),
        ("x.txt", "<!DOCTYPE html><p>old</p>", "looks like HTML, not plain text: --format html restores it as such"),
        ("stdin", '{"text": "old"}', "looks like JSON"),
        ("README", "%PDF-1.7", "is a PDF file, not plain text: extract its text"),
        ("x.txt", '<?xml version="1.0"?><a>old</a>', "looks like markup"),
        ("x.txt", "{\\rtf1 old}", "is an RTF file"),
    ],
)
def test_what_is_not_known_is_refused(name: str, raw: str, message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        _readable(name, raw)
