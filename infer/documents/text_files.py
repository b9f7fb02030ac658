"""Text files: their encoding, byte-order mark and line ends, all kept, and the formats that are text.

A byte-order mark names the encoding. A file without one is UTF-8 if it is valid UTF-8. Otherwise it has the encoding
that it declares, or else the one that turbohtml guesses as browsers do, or else windows-1252. An encoding counts only
if the file survives decoding and encoding byte for byte.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
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
_META_BYTES = 1024  # at the start of the data, where the guess would obey a <meta> tag
_LETTERS = re.compile(rb"[\x8c-\x90\x9c-\x9f\xa1-\xaa\xac-\xba\xbc-\xff]")  # not windows-1252's punctuation
_MIN_LETTERS, _MIN_LETTER_SHARE = 8, 0.02  # with fewer of them, a Western encoding is the likeliest by far
_CODECS = {  # the codecs that hold all characters of an encoding of the web, where its own name does not lead there
    "Big5": "big5hkscs",
    "EUC-KR": "cp949",
    "GBK": "gb18030",
    "ISO-8859-8-I": "iso8859-8",
    "Shift_JIS": "cp932",
    "windows-874": "cp874",
    "x-mac-cyrillic": "mac_cyrillic",
}


class ViewFunction(Protocol):
    """Finds the readable text of a raw text. Raises `FormatError` if the raw text is not valid in its format."""

    def __call__(self, raw: str, options: DocumentOptions = DEFAULT_OPTIONS) -> Contents: ...


def _declares_nothing(data: bytes) -> str | None:
    return None


@dataclass(frozen=True)
class TextFormat:
    """A format whose files are text: `views` finds what is readable in it; `Format` describes the rest.

    `declared_encoding` finds the encoding that a file names for itself. `encoding_errors` says how to write a character
    that the encoding of a file lacks, as in `str.encode`.
    """

    name: str
    label: str
    suffixes: tuple[str, ...]
    views: ViewFunction
    declared_encoding: Callable[[bytes], str | None] = _declares_nothing
    encoding_errors: str = "replace"

    def read(self, name: str, data: bytes, options: DocumentOptions = DEFAULT_OPTIONS) -> Document:
        """Decode a text file and find its articles. Raises `DocumentError` if it is empty, no text or not valid."""
        file = replace(TextFile.decode(name, data, self.declared_encoding), errors=self.encoding_errors)
        try:
            contents = self.views(file.text, options).checked(options.skip_faults)
        except FormatError as error:
            raise DocumentError(f"{name}: {error}") from None
        return Document(name, file.text, contents.views, file.encode, [*contents.faults, *contents.warnings])


@dataclass(frozen=True)
class TextFile:
    """The text of a file, its encoding, its byte-order mark (empty if it has none), and how to write what it lacks."""

    text: str
    encoding: str = "utf-8"
    mark: bytes = b""
    errors: str = "replace"

    @classmethod
    def decode(
        cls, name: str, data: bytes, declared_encoding: Callable[[bytes], str | None] = _declares_nothing
    ) -> TextFile:
        """Decode the bytes of a file called `name`. Raises `DocumentError` if they are empty or not text."""
        file = cls._decode(name, data, declared_encoding)
        if not file.text.strip():
            raise DocumentError(f"{name} is empty: it holds no text")
        return file

    @classmethod
    def _decode(cls, name: str, data: bytes, declared_encoding: Callable[[bytes], str | None]) -> TextFile:
        for mark, encoding in _BYTE_ORDER_MARKS:
            if data.startswith(mark):
                return cls(_decode_strictly(name, data[len(mark) :], encoding), encoding, mark)
        if b"\0" in data[:_SNIFFED_BYTES]:
            raise DocumentError(f"{name} is not text (it contains NUL bytes): give a text file")
        try:
            return cls(data.decode("utf-8"))
        except UnicodeDecodeError as error:
            _check_not_mixed(name, data, error.start)
            return cls._in_legacy_encoding(data, declared_encoding(data), _guess(data, error.start))

    @classmethod
    def _in_legacy_encoding(cls, data: bytes, declared: str | None, guess: str) -> TextFile:
        """Decode data in the first encoding that returns them byte for byte. ISO 8859-1 is one for any data."""
        for encoding in (_codec(declared or ""), _codec(guess), "cp1252"):
            with suppress(UnicodeError, LookupError):
                text = data.decode(encoding)
                if text.encode(encoding) == data:
                    return cls(text, encoding)
        return cls(data.decode("latin-1"), "latin-1")

    def encode(self, restoration: Restoration) -> bytes:
        """The restored text, encoded as the file was. Characters that the encoding lacks are written as `errors` says:
        as "?", or as character references.
        """
        return self.mark + restoration.text.encode(self.encoding, errors=self.errors)


def _guess(data: bytes, first_invalid: int) -> str:
    """The likeliest encoding, by the bytes around the first one that is not valid UTF-8."""
    from turbohtml.detect import Detection, detect

    first = max(first_invalid - _SNIFFED_BYTES // 2, 0)
    sample = data[first : first + _SNIFFED_BYTES]
    letters = len(_LETTERS.findall(sample))
    is_western = letters < max(_MIN_LETTERS, _MIN_LETTER_SHARE * len(sample))
    return detect(b" " * _META_BYTES + sample, Detection(tld="uk" if is_western else None)).encoding or ""


def _codec(label: str) -> str:
    """The codec for a label that a file of the web may give its encoding; empty if there is none.

    A label of UTF-8 or UTF-16 is wrong for data that are not valid UTF-8 and have no zero bytes.
    """
    from turbohtml import parse

    with suppress(LookupError):
        name = parse(b"", encoding=label).encoding or ""
        return "" if name.startswith("UTF-") else _CODECS.get(name, name)
    return ""


def _check_not_mixed(name: str, data: bytes, first_invalid: int) -> None:
    """Raise `DocumentError` for UTF-8 with some invalid bytes: any other encoding would garble the rest of it."""
    text = data.decode("utf-8", "surrogateescape")
    invalid = len(re.findall("[\udc80-\udcff]", text))
    if len(re.findall("[^\x00-\x7f\udc80-\udcff]", text)) > invalid:
        line = data.count(b"\n", 0, first_invalid) + 1
        found = f"invalid bytes ({invalid}, the first in line {line})"
        raise DocumentError(f"{name} is UTF-8 with {found}: convert all of it to UTF-8")


def _decode_strictly(name: str, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DocumentError(f"{name} is not text: byte {error.start} is invalid in its encoding {encoding}") from None
