"""Reading articles and writing them back as they were: any common encoding, byte-order mark and line ends kept."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

from unspin.data.errors import UnspinError
from unspin.data.stores import StoreError, reaching
from unspin.infer.formats import FORMATS, FormatError, View, json_lines, plain

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
          (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))  # fmt: skip


class DocumentError(UnspinError):
    """A document that cannot be read; nothing was written."""


@dataclass(frozen=True)
class Document:
    """The text of a file and what it takes to write it back: byte-order mark and encoding."""

    name: str
    text: str
    encoding: str = "utf-8"
    mark: bytes = b""

    @classmethod
    def read(cls, path: Path) -> Document:
        """Read a text file. Raises `DocumentError` for one that is missing, unreadable, empty, or not text."""
        try:
            with reaching(path):
                data = path.read_bytes()
        except IsADirectoryError:
            raise DocumentError(f"{path} is a folder: name the files in it") from None
        except OSError as error:
            raise DocumentError(f"{path}: {error.strerror or error}") from None
        except StoreError as error:
            raise DocumentError(str(error)) from None
        return cls.decode(str(path), data)

    def views(self, field: str = "text") -> list[View]:
        """Where its prose stands, by the suffix of its name. Raises `DocumentError` if it is not of that format."""
        suffix = Path(self.name).suffix.lower()
        try:
            return json_lines(self.text, field) if suffix == ".jsonl" else FORMATS.get(suffix, plain)(self.text)
        except FormatError as error:
            raise DocumentError(f"{self.name}: {error}") from None

    @classmethod
    def decode(cls, name: str, data: bytes) -> Document:
        if not data.strip():
            raise DocumentError(f"{name} is empty: there is nothing to restore")
        for mark, encoding in _MARKS:
            if data.startswith(mark):
                return cls(name, _strictly(name, data[len(mark) :], encoding), encoding, mark)
        if b"\0" in data[: 1 << 20]:
            raise DocumentError(f"{name} is not text (it holds NUL bytes): give a text file")
        return cls._guess(name, data)

    @classmethod
    def _guess(cls, name: str, data: bytes) -> Document:
        try:
            return cls(name, data.decode("utf-8"))
        except UnicodeDecodeError:
            from charset_normalizer import from_bytes

            # In a few code pages (EBCDIC's Greek one) two bytes stand for one character: what they read could not be written back.
            for guess in from_bytes(data[: 1 << 20]):
                document = cls(name, _strictly(name, data, guess.encoding), guess.encoding)
                if document.encode(document.text) == data:
                    return document
            raise DocumentError(f"{name} is not text in any encoding known here: convert it to UTF-8") from None

    def encode(self, text: str) -> bytes:
        """`text` as the bytes of this document's file; characters its encoding lacks become their nearest plain form or "?"."""
        return self.mark + text.encode(self.encoding, errors="replace")


def _strictly(name: str, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DocumentError(f"{name} is not text: byte {error.start} does not fit its encoding {encoding}") from None
