"""The document formats, listed once, and their lookup by file suffix and by name.

Adding a format takes one module that defines its `Format` and one entry in `_ALL`; the command, the page and the
Python interface all read it from here. Parquet is not among them, since a table has no text to view: see
`parquet.restore_table`.
"""

from __future__ import annotations

from pathlib import PurePath

from unspin.infer.documents.base import Format
from unspin.infer.documents.html import HTML
from unspin.infer.documents.jsonl import JSON_LINES
from unspin.infer.documents.markdown import MARKDOWN
from unspin.infer.documents.text import TEXT

_ALL = (TEXT, MARKDOWN, HTML, JSON_LINES)
FORMATS = {suffix: format for format in _ALL for suffix in format.suffixes}
FORMATS_BY_NAME = {format.name: format for format in _ALL}


def format_of(path: str | PurePath) -> Format:
    """The format of a file, by the suffix of its name in any case; plain text if no format claims the suffix."""
    return FORMATS.get(PurePath(path).suffix.lower(), TEXT)
