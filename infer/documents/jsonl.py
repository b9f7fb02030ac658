"""JSON Lines: one JSON object per line; the articles are the strings under one field, as in `json_text`."""

from __future__ import annotations

import json
import re

from unspin.infer.documents.base import DEFAULT_OPTIONS, Contents, DocumentOptions
from unspin.infer.documents.json_text import FieldSearch, kind_of, parse, syntax_fault
from unspin.infer.documents.text_files import TextFormat


def jsonl_views(raw: str, options: DocumentOptions = DEFAULT_OPTIONS) -> Contents:
    """One view per string under the field, in the order of the lines. A null is left as it is.

    A line is a fault if it is not a JSON object, lacks the field, or has something else there than text or null. Raises
    `FormatError` if no line has the field.
    """
    found = FieldSearch(raw, options.field)
    for number, match in enumerate(re.finditer(r"[^\n]*\n|[^\n]+", raw), 1):
        if not match[0].strip():
            continue
        try:
            row = parse(match[0], match.start())
        except json.JSONDecodeError as error:
            found.faults.append(f"line {number} {syntax_fault(error)}")
        except RecursionError:
            found.faults.append(f"line {number} is nested too deeply")
        else:
            if isinstance(row, dict):
                found.add(row, f"line {number}")
            else:
                found.faults.append(f"line {number} is {kind_of(row)}, not an object")
    return found.contents()


JSON_LINES = TextFormat("jsonl", "JSON Lines", (".jsonl", ".ndjson"), jsonl_views)
