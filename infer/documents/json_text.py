"""JSON: the strings under one field, which is a key or a path of keys such as "article.body".

A path leads through arrays without an index: "articles.body" is the body of every article. A key that contains dots
wins over a path, and the empty path is the value itself, such as an array of strings.

Everything outside the strings is kept byte for byte, and so are the escapes outside the edits. A replacement is written
in ASCII escapes if the whole text is ASCII. A string that holds HTML is read as HTML.

The standard library parses. Its scanner in Python, unlike the one in C, lets strings keep their positions; some
hundred levels of brackets are too deep for it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from json.decoder import scanstring  # type: ignore[attr-defined]  # public in CPython, missing in typeshed
from json.scanner import py_make_scanner  # type: ignore[attr-defined]  # likewise
from textwrap import shorten
from typing import Any

from unspin.infer.documents.base import DEFAULT_OPTIONS, Contents, DocumentOptions, FormatError, View, ViewBuilder
from unspin.infer.documents.fields import field_views, path_prefixes
from unspin.infer.documents.text_files import TextFormat

_ESCAPE = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.")  # pairs of surrogates first
_SAMPLES = 100  # how many rows are searched for text if none has the field
_SHOWN_PATHS = 5


def json_views(raw: str, options: DocumentOptions = DEFAULT_OPTIONS) -> Contents:
    """One view per string under the field, named by its path, such as "articles[3].body".

    An object without the field, or with something else there than text or null, is a fault. Raises `FormatError` if
    the text is not JSON or nothing has the field.
    """
    found = FieldSearch(raw, options.field)
    try:
        found.add(parse(raw))
    except json.JSONDecodeError as error:
        advice = "; for one object per line, give --format jsonl" if error.msg == "Extra data" else ""
        raise FormatError(f"line {error.lineno} {syntax_fault(error)}{advice}") from None
    except RecursionError:
        raise FormatError("its arrays or objects are nested too deeply") from None
    return found.contents()


def syntax_fault(error: json.JSONDecodeError) -> str:
    """What is wrong with a line of JSON: "is not JSON: Expecting value at column 3"."""
    return f"is not JSON: {error.msg.removesuffix(' at')} at column {error.colno}"


class LocatedString(str):
    """A string of a JSON text. Without its quotation marks it stands at ``raw[start:end]``."""

    start: int
    end: int


_KINDS = {bool: "true or false", float: "a number", list: "an array", dict: "an object", LocatedString: "text"}


def kind_of(value: Any) -> str:
    """What a parsed value is, for a message: "a number"."""
    return _KINDS.get(type(value), "null")


def parse(raw: str, offset: int = 0) -> Any:
    """The value of a JSON text whose strings are of type `LocatedString`, and whose numbers are floats of any size.

    `offset` is added to all positions. Of a repeated key the last counts. Raises `json.JSONDecodeError`, and
    RecursionError for deep nesting.
    """

    def located_string(text: str, start: int, strict: bool) -> tuple[LocatedString, int]:
        value, end = scanstring(text, start, strict)
        string = LocatedString(value)
        string.start, string.end = offset + start, offset + end - 1
        return string, end

    decoder = json.JSONDecoder(parse_int=float)  # int() refuses numbers of more than 4,300 digits
    decoder.parse_string = located_string  # type: ignore[attr-defined]  # likewise
    decoder.scan_once = py_make_scanner(decoder)  # type: ignore[attr-defined]  # likewise
    return decoder.decode(" " + raw[1:] if raw.startswith("\ufeff") else raw)


@dataclass
class FieldSearch:
    """Collects the views of the strings under a path of keys, in one or more values of a JSON text, and the faults."""

    raw: str
    path: str
    views: list[View] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _has_field: bool = False
    _samples: list[Any] = field(default_factory=list)

    def add(self, value: Any, row: str = "") -> None:
        """Search a value; `row` names it for the reader if the text holds more than one, as "line 3" does."""
        self._visit(value, self.path or None, row, "")
        if not self._has_field and len(self._samples) < _SAMPLES:
            self._samples.append(value)

    def contents(self) -> Contents:
        """The views and faults. Raises `FormatError`, which lists where text stands, if no value has the field."""
        if not self._has_field and self._samples and self.faults:
            paths = _text_paths(self._samples)
            advice = f"text stands under {', '.join(paths)}: name the key with --field" if paths else "nothing has text"
            raise FormatError(f"nothing has the key {self.path!r}; {advice}")
        return Contents(self.views, self.faults)

    def _visit(self, value: Any, path: str | None, row: str, place: str, key: str | None = None) -> None:
        """Search a value at `place` for the rest of the path, which is None at its end.

        With a key, the value is the one under this key of the object at `place`.
        """
        here = place if key is None else f"{place}.{key}".removeprefix(".")
        self._has_field = self._has_field or path is None
        if isinstance(value, list):
            for i, item in enumerate(value):
                self._visit(item, path, row, f"{here}[{i}]")
        elif isinstance(value, dict) and path is not None:
            self._visit_object(value, path, row, here)
        elif isinstance(value, LocatedString) and path is None:
            name = row if row and here == self.path else ", ".join(filter(None, [row, here]))
            self.views += field_views(self._string_view(value, name))
        elif value is not None:
            what = f"is {kind_of(value)}" if key is None else f"has {kind_of(value)} under the key {key!r}"
            self._add_fault(row, place, what if path is None else f"{what}, not an object")

    def _visit_object(self, value: dict[str, Any], path: str, row: str, place: str) -> None:
        for key in path_prefixes(path):
            if key in value:
                self._visit(value[key], path[len(key) + 1 :] if key != path else None, row, place, key)
                return
        keys = shorten(", ".join(value), 200, placeholder=" …") or "none"
        self._add_fault(row, place, f"has no key {path!r} (keys: {keys})")

    def _add_fault(self, row: str, place: str, what: str) -> None:
        self.faults.append(f"{', '.join(filter(None, [row, place])) or 'the document'} {what}")

    def _string_view(self, string: LocatedString, name: str) -> View:
        view, position = ViewBuilder(), string.start
        for match in _ESCAPE.finditer(self.raw, string.start, string.end):
            view.add_literal(self.raw[position : match.start()], position)
            view.add_encoded(_unescape(match[0]), *match.span())
            position = match.end()
        view.add_literal(self.raw[position : string.end], position)
        return view.view(self._escape, name)

    def _escape(self, text: str) -> str:
        return json.dumps(text, ensure_ascii=self.raw.isascii())[1:-1]  # isascii takes constant time


@lru_cache(maxsize=4096)
def _unescape(escape: str) -> str:
    return json.loads(f'"{escape}"')


def _text_paths(values: list[Any]) -> list[str]:
    """The paths under which values hold text, those of the longest strings first."""
    lengths: dict[str, int] = {}

    def visit(value: Any, path: str) -> None:
        if isinstance(value, str):
            lengths[path] = max(lengths.get(path, 0), len(value))
        elif isinstance(value, list):
            for item in value:
                visit(item, path)
        elif isinstance(value, dict):
            for key, item in value.items():
                visit(item, f"{path}.{key}" if path else key)

    visit(values, "")
    return [repr(path) for path in sorted(lengths, key=lengths.__getitem__, reverse=True)[:_SHOWN_PATHS]]


JSON = TextFormat("json", "JSON", (".json",), json_views)
