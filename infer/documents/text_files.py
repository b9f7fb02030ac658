"""Text files: their encoding, byte-order mark and line ends, all kept, and the formats that are text.

A byte-order mark names the encoding. A file without one is UTF-8 if it is valid UTF-8. Otherwise charset_normalizer
guesses the encoding; a guess is accepted only if the file survives decoding and encoding byte for byte.
"""

from __future__ import annotations

import codecs
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from unspin.infer.documents.base import (
    DEFAULT_OPTIONS,
    Contents,
    Document,
    DocumentError,
    DocumentOptions,
    FormatError,
)
from unspin.infer.restoration import Restoration

_BYTE_ORDER_MARKS = (  # UTF-32 before UTF-16: the little-endian mark of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SNIFFED_BYTES = 1 << 20  # how much of a file decides whether it is text, and in which encoding


class ViewFunction(Protocol):
    """Finds the readable text of a raw text. Raises `FormatError` if the raw text is not valid in its format."""

    def __call__(self, raw: str, options: DocumentOptions = DEFAULT_OPTIONS) -> Contents: ...


@dataclass(frozen=True)
class TextFormat:
    """A format whose files are text: `views` finds what is readable in it; `Format` describes the rest."""

    name: str
    label: str
    suffixes: tuple[str, ...]
    views: ViewFunction

    def read(self, name: str, data: bytes, options: DocumentOptions = DEFAULT_OPTIONS) -> Document:
        """Decode a text file and find its articles. Raises `DocumentError` if it is empty, no text or not valid."""
        file = TextFile.decode(name, data)
        try:
            contents = self.views(file.text, options).checked(options.skip_faults)
        except FormatError as error:
            raise DocumentError(f"{name}: {error}") from None
        return Document(name, file.text, contents.views, file.encode, contents.faults)


@dataclass(frozen=True)
class TextFile:
    """The text of a file, its encoding, and its byte-order mark (empty if it has none)."""

    text: str
    encoding: str = "utf-8"
    mark: bytes = b""

    @classmethod
    def decode(cls, name: str, data: bytes) -> TextFile:
        """Decode the bytes of a file called `name`. Raises `DocumentError` if they are empty or not text."""
        if not data.strip():
            raise DocumentError(f"{name} is empty: there is nothing to restore")
        for mark, encoding in _BYTE_ORDER_MARKS:
            if data.startswith(mark):
                return cls(_decode_strictly(name, data[len(mark) :], encoding), encoding, mark)
        if b"\0" in data[:_SNIFFED_BYTES]:
            raise DocumentError(f"{name} is not text (it contains NUL bytes): give a text file")
        try:
            return cls(data.decode("utf-8"))
        except UnicodeDecodeError as error:
            return cls._guess(name, data, error.start)

    @classmethod
    def _guess(cls, name: str, data: bytes, first_invalid: int) -> TextFile:
        """Guess the encoding from the bytes around the first one that is not valid UTF-8, and decode all bytes."""
        from charset_normalizer import from_bytes

        first = max(first_invalid - _SNIFFED_BYTES // 2, 0)
        for guess in from_bytes(data[first : first + _SNIFFED_BYTES]):
            with suppress(UnicodeDecodeError):
                text = data.decode(guess.encoding)
                # In some code pages (EBCDIC Greek) two bytes decode to one character, which encodes to one of them.
                if text.encode(guess.encoding, errors="replace") == data:
                    return cls(text, guess.encoding)
        raise DocumentError(f"{name} is not text in any known encoding: convert it to UTF-8")

    def encode(self, restoration: Restoration) -> bytes:
        """The restored text, encoded as the file was. Characters that the encoding lacks become "?"."""
        return self.mark + restoration.text.encode(self.encoding, errors="replace")


def _decode_strictly(name: str, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DocumentError(f"{name} is not text: byte {error.start} is invalid in its encoding {encoding}") from None
