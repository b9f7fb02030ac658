"""Reads text files, and writes them back in their own encoding, with their byte-order mark and line ends.

A byte-order mark names the encoding. A file without one is UTF-8 if it is valid UTF-8. Otherwise charset_normalizer
guesses the encoding; a guess is accepted only if the file survives decoding and encoding byte for byte.
"""

from __future__ import annotations

import codecs
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unspin.infer.documents.base import TEXT_FIELD, DocumentError, FormatError, View
from unspin.infer.documents.formats import format_of
from unspin.storage import StorageError, storage_errors, write_atomic

_BYTE_ORDER_MARKS = (  # UTF-32 before UTF-16: the little-endian mark of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SNIFFED_BYTES = 1 << 20  # how much of a file decides whether it is text, and in which encoding


@dataclass(frozen=True)
class Document:
    """The text of a file, and what is needed to write it back: its encoding and byte-order mark (empty if none)."""

    name: str
    text: str
    encoding: str = "utf-8"
    mark: bytes = b""

    @classmethod
    def read(cls, path: Path) -> Document:
        """Read a text file. Raises `DocumentError` if it is missing, unreadable, empty or not text."""
        try:
            with storage_errors(path):
                data = path.read_bytes()
        except IsADirectoryError:
            raise DocumentError(f"{path} is a folder: name the files in it") from None
        except OSError as error:
            raise DocumentError(f"{path}: {error.strerror or error}") from None
        except StorageError as error:
            raise DocumentError(str(error)) from None
        return cls.decode(str(path), data)

    @classmethod
    def decode(cls, name: str, data: bytes) -> Document:
        """Decode the bytes of a file called `name`. Raises `DocumentError` if they are empty or not text."""
        if not data.strip():
            raise DocumentError(f"{name} is empty: there is nothing to restore")
        for mark, encoding in _BYTE_ORDER_MARKS:
            if data.startswith(mark):
                return cls(name, _decode_strictly(name, data[len(mark) :], encoding), encoding, mark)
        if b"\0" in data[:_SNIFFED_BYTES]:
            raise DocumentError(f"{name} is not text (it contains NUL bytes): give a text file")
        try:
            return cls(name, data.decode("utf-8"))
        except UnicodeDecodeError as error:
            first_invalid = error.start
        return cls._guess(name, data, first_invalid)

    @classmethod
    def _guess(cls, name: str, data: bytes, first_invalid: int) -> Document:
        """Guess the encoding from the bytes around the first one that is not valid UTF-8, and decode all bytes."""
        from charset_normalizer import from_bytes

        first = max(first_invalid - _SNIFFED_BYTES // 2, 0)
        for guess in from_bytes(data[first : first + _SNIFFED_BYTES]):
            with suppress(UnicodeDecodeError):
                document = cls(name, data.decode(guess.encoding), guess.encoding)
                # In some code pages (EBCDIC Greek) two bytes decode to one character, which encodes to one of them.
                if document.encode(document.text) == data:
                    return document
        raise DocumentError(f"{name} is not text in any known encoding: convert it to UTF-8")

    def views(self, field: str = TEXT_FIELD) -> list[View]:
        """The readable text, one view per article, in the format given by the suffix of the name.

        `field` is the key of the article in JSON Lines. Raises `DocumentError` if the text is not valid in its format.
        """
        try:
            return format_of(self.name).views(self.text, field)
        except FormatError as error:
            raise DocumentError(f"{self.name}: {error}") from None

    def encode(self, text: str) -> bytes:
        """Encode `text` as the file was, with its byte-order mark. Characters that the encoding lacks become "?"."""
        return self.mark + text.encode(self.encoding, errors="replace")

    def write(self, target: Path, text: str) -> None:
        """Write `text` to `target` atomically, encoded as this file was.

        Raises OSError, or `StorageError` for an object store.
        """
        write_atomic(target, self.encode(text))


def _decode_strictly(name: str, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DocumentError(f"{name} is not text: byte {error.start} is invalid in its encoding {encoding}") from None
