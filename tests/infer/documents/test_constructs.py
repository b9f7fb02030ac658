"""What is not prose: constructs of each format, with the prose around them.

The files in `constructs/` hold one row after the other: a line with its name after "§", then the text. An engine puts
"war" for "warfare" wherever the restorer lets it, even inside an address or a tag. Only the words between « and » may
change; all other bytes stay. "␠" stands for a space at the end of a line.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from unspin.infer.documents.base import DocumentOptions
from unspin.infer.documents.formats import decode_document
from unspin.infer.engines.base import Rewriting
from unspin.infer.restorer import Restorer

FORMATS = {"html": "html", "markdown": "md", "text": "txt"}  # by the names of the files
ROWS = [
    pytest.param(format, row.partition("\n")[2].rstrip("\n").replace("␠", " ") + "\n", id=row.partition("\n")[0])
    for file, format in FORMATS.items()
    for row in Path(__file__).with_name("constructs").joinpath(f"{file}.txt").read_text("utf-8").split("§ ")[1:]
]


class Rewrite:
    """An engine that applies a function to each text and is sure of it."""

    def __init__(self, function: Callable[[str], str]) -> None:
        self._function = function

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        texts = [self._function(sentence) for sentence in sentences]
        return [Rewriting(text, tuple(range(1, len(text) + 1)), (0.0,) * (len(text) + 1)) for text in texts]


def _restored(format: str, raw: str, function: Callable[[str], str]) -> str:
    document = decode_document("x", raw.encode(), DocumentOptions(format=format))
    return document.encode(Restorer(Rewrite(function)).restore(document)).decode()


def _without_fare(text: str) -> str:
    return re.sub("(?i)(war)fare", r"\1", text)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize(("format", "row"), ROWS)
def test_only_the_prose_is_restored(format: str, row: str, line_end: str) -> None:
    row = row.replace("\n", line_end)
    raw = re.sub("[«»]", "", row)
    assert _restored(format, raw, str) == raw
    assert _restored(format, raw, _without_fare) == re.sub("«(.*?)»", lambda word: word[1][:3], row)
