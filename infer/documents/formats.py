"""The document formats, listed once; how a file's format is found; and reading a file in it.

Adding a format takes one module that defines its `Format` and one entry in `_ALL`; the command, the page and the
Python interface all read it from here. Parquet is not among them, since a table has no text to view: see
`parquet.restore_table`.

The suffix of a file decides its format, and `DocumentOptions.format` overrules it. A suffix that is not known is
refused, and so is a plain text that begins like something else, because restoring the words of markup, code or keys
would damage the file.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePath
from typing import IO

from unspin.infer.documents.base import (
    DEFAULT_OPTIONS,
    Document,
    DocumentError,
    DocumentOptions,
    Format,
    unforeseen_errors,
)
from unspin.infer.documents.csv_table import CSV
from unspin.infer.documents.docx import DOCX
from unspin.infer.documents.epub import EPUB
from unspin.infer.documents.html import HTML
from unspin.infer.documents.json_text import JSON
from unspin.infer.documents.jsonl import JSON_LINES
from unspin.infer.documents.markdown import MARKDOWN
from unspin.infer.documents.odt import ODT
from unspin.infer.documents.rst import RST
from unspin.infer.documents.subtitles import SRT, WEBVTT
from unspin.infer.documents.text import TEXT
from unspin.infer.documents.text_files import TextFormat
from unspin.storage import StorageError, storage_errors

MAX_BYTES = 500_000_000  # of a document, which takes up to 25 times as much memory; a table of Parquet may be larger
_ALL: tuple[Format, ...] = (TEXT, MARKDOWN, HTML, DOCX, ODT, EPUB, JSON, JSON_LINES, CSV, SRT, WEBVTT, RST)
FORMATS = {suffix: format for format in _ALL for suffix in format.suffixes}
FORMATS_BY_NAME = {format.name: format for format in _ALL}
TEXT_FORMATS = {name: format for name, format in FORMATS_BY_NAME.items() if isinstance(format, TextFormat)}

_ADVICE = {  # suffixes that people try, and what to do with them
    ".pdf": "extract its text first, for instance with pdftotext, or open it in a word processor and save it as .docx",
    ".doc": "open it in a word processor and save it as .docx",
    ".rtf": "open it in a word processor and save it as .docx or .odt",
    ".pages": "export it as .docx",
    ".xlsx": "export the sheet as .csv",
    ".xls": "export the sheet as .csv",
    ".ods": "export the sheet as .csv",
    ".pptx": "export its text as .txt or .docx",
    ".tex": "convert it to Markdown first, for instance with pandoc: what its macros print is not in the file",
    ".zip": "unpack it, or name what it is with --format docx, odt or epub",
}
_OPENINGS = (  # how data begins that is no plain text, what it is called, and the suffix whose advice holds for it
    (re.compile(rb"%PDF-"), "a PDF file", ".pdf"),
    (re.compile(rb"\{\\rtf"), "an RTF file", ".rtf"),
    (re.compile(rb"\xd0\xcf\x11\xe0"), "an old Office file", ".doc"),
    (re.compile(rb"PK\x03\x04"), "a zip archive", ".zip"),
    (re.compile(rb"(?i)\s*(<!doctype\s+html|<html[\s>])"), "HTML", ".html"),
    (re.compile(rb"\s*<\?xml|\s*<!DOCTYPE|\s*<!--|\s*<[A-Za-z][\w:.-]*(\s[^<>]*)?>"), "markup", ".xml"),
    (re.compile(rb'\s*(\{\s*"|\[\s*[\[{"])'), "JSON", ".json"),
    (re.compile(rb"WEBVTT\b"), "WebVTT subtitles", ".vtt"),
    (re.compile(rb"\d+\r?\n\d\d:\d\d:\d\d,\d{3} -->"), "SRT subtitles", ".srt"),
    (re.compile(rb"\s*\\(documentclass|begin)\b"), "LaTeX", ".tex"),
)


def format_of(name: str) -> Format:
    """The format of a file by the suffix of its name, in any case; plain text if the name has no suffix.

    Raises `DocumentError` if no format has the suffix.
    """
    suffix = PurePath(name).suffix.lower()
    if not suffix:
        return TEXT
    if suffix in FORMATS:
        return FORMATS[suffix]
    raise DocumentError(f"{name}: files of type {suffix} cannot be read; {_advice(suffix)}")


def read_document(path: Path, options: DocumentOptions = DEFAULT_OPTIONS) -> Document:
    """Read a file. Raises `DocumentError` if it is missing, unreadable, empty, or not valid in its format."""
    return decode_document(str(path), read_bytes(path), options)


def read_bytes(path: Path) -> bytes:
    """The bytes of a file. Raises `DocumentError` if it is missing, cannot be read, or has more than `MAX_BYTES`."""
    try:
        with storage_errors(path), path.open("rb") as file:
            return read_all(str(path), file)
    except IsADirectoryError:
        raise DocumentError(f"{path} is a folder: name the files in it") from None
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror or error}") from None
    except StorageError as error:
        raise DocumentError(str(error)) from None


def read_all(name: str, file: IO[bytes]) -> bytes:
    """The bytes of an open file called `name`. Raises `DocumentError` if there are more than `MAX_BYTES`."""
    data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise DocumentError(f"{name} has more than {MAX_BYTES // 10**6} MB: split it, or save its rows as Parquet")
    return data


def decode_document(name: str, data: bytes, options: DocumentOptions = DEFAULT_OPTIONS) -> Document:
    """Read the bytes of a file called `name`, by its suffix or in the format that the options name.

    Raises `DocumentError` if the format is not known or the bytes are not valid in it.
    """
    with unforeseen_errors(name):
        return choose_format(name, data, options).read(name, data, options)


def choose_format(name: str, data: bytes, options: DocumentOptions = DEFAULT_OPTIONS) -> Format:
    """The format to read a file in: the one that the options name, or the one of its suffix.

    Raises `DocumentError` if it is not known, or if what should be plain text begins like something else.
    """
    if options.format is not None:
        return _named_format(options.format)
    format = format_of(name)
    if format is TEXT:
        _check_plain_text(name, data)
    return format


def guess_format(name: str, text: str) -> Format:
    """The format that the first characters of a text suggest: any markup is HTML, anything unknown plain text.

    Raises `DocumentError` if they suggest something that cannot be restored.
    """
    data = text.encode(errors="replace")
    _, suffix = _opening(data)
    if suffix in FORMATS or suffix == ".xml":
        return FORMATS.get(suffix, HTML)
    _check_plain_text(name, data)
    return TEXT


def _named_format(name: str) -> Format:
    if name not in FORMATS_BY_NAME:
        raise DocumentError(f"unknown format {name!r}: give one of {', '.join(FORMATS_BY_NAME)}")
    return FORMATS_BY_NAME[name]


def _opening(data: bytes) -> tuple[str, str]:
    """The kind that the first bytes suggest and the suffix of such files; both empty for plain text."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    return next(((kind, suffix) for opening, kind, suffix in _OPENINGS if opening.match(data)), ("", ""))


def _check_plain_text(name: str, data: bytes) -> None:
    """Raise `DocumentError` if data that should be plain text begins like something else."""
    kind, suffix = _opening(data)
    if not kind:
        return
    named = FORMATS.get(suffix)
    if named is None and suffix in _ADVICE:
        raise DocumentError(f"{name} is {kind}, not plain text: {_ADVICE[suffix]}")
    if named is None:
        raise DocumentError(f"{name} looks like {kind}, not plain text; --format txt restores it as plain text")
    as_what = f"--format {named.name} restores it as such, --format txt as plain text"
    raise DocumentError(f"{name} looks like {kind}, not plain text: {as_what}")


def _advice(suffix: str) -> str:
    """What to do with a file of an unknown type."""
    if suffix in _ADVICE:
        return _ADVICE[suffix]
    return f"the types are {', '.join(FORMATS)}; for a text of another name, give its format with --format"
