"""JSON Lines: one object per line, whose article is the string under one key.

Everything outside that string is kept byte for byte: other keys, their order, white space and number formats. So are
the escapes of characters outside the edits. A replacement is written in ASCII escapes if its line is all ASCII.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]  # public in CPython, missing in typeshed

from unspin.infer.documents.base import DEFAULT_OPTIONS, Contents, DocumentOptions, FormatError, View, ViewBuilder
from unspin.infer.documents.text_files import TextFormat

_CHARACTER = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.|[^\\]", re.DOTALL)  # pairs of surrogates first


def jsonl_views(raw: str, options: DocumentOptions = DEFAULT_OPTIONS) -> Contents:
    """One view per line that is not blank: the string under the key `field`.

    Raises `FormatError`, which names the line, if a line is not a JSON object or has no string under the key.
    """
    views, offset = [], 0
    for number, line in enumerate(re.findall(r"[^\n]*\n|[^\n]+", raw), 1):
        if line.strip():
            _check_record(line, number, options.field)
            views.append(_string_view(line, offset, options.field, f"line {number}"))
        offset += len(line)
    return Contents(views)


def _check_record(line: str, number: int, field: str) -> None:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise FormatError(f"line {number} is not JSON: {error}") from None
    if not isinstance(record, dict):
        raise FormatError(f"line {number} is not a JSON object but of type {type(record).__name__}")
    if not isinstance(record.get(field), str):
        keys = ", ".join(record) or "none"
        missing = f"line {number} has no text under the key {field!r} (keys: {keys})"
        raise FormatError(f"{missing}: name the key with --field")


def _string_view(line: str, offset: int, field: str, name: str) -> View:
    """The view of the string under `field`; `offset` is where the line starts in the raw text."""
    start = dict(_members(line))[field] + 1  # of a repeated key the last counts, as in `json.loads`
    _, end = scanstring(line, start)
    view = ViewBuilder()
    for match in _CHARACTER.finditer(line[start : end - 1]):
        character = json.loads(f'"{match[0]}"')
        view.add_encoded(character, offset + start + match.start(), offset + start + match.end())
    ascii_only = line.isascii()
    return view.view(lambda text: json.dumps(text, ensure_ascii=ascii_only)[1:-1], name)


def _members(line: str) -> Iterator[tuple[str, int]]:
    """Yield each key of a valid JSON object with the position where its value starts."""
    decoder = json.JSONDecoder()
    position = line.index("{") + 1
    while line[position:].lstrip()[:1] != "}":
        position = line.index('"', position)
        key, position = scanstring(line, position + 1)
        position = line.index(":", position) + 1
        position += len(line[position:]) - len(line[position:].lstrip())
        yield key, position
        _, position = decoder.raw_decode(line, position)


JSON_LINES = TextFormat("jsonl", "JSON Lines", (".jsonl",), jsonl_views)
