"""Odd input: it ends in an unchanged copy, a restoration or one clear message, never in a crash or lost text."""

import random
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from unspin.infer.documents.base import Document, DocumentError
from unspin.infer.documents.formats import TEXT_FORMATS, decode_document
from unspin.infer.engines.base import Rewriting
from unspin.infer.restorer import Restorer


class Unchanging:
    """An engine that changes nothing and records the length of its longest input."""

    def __init__(self) -> None:
        self.longest = 0

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        self.longest = max([self.longest, *map(len, sentences)])
        return [Rewriting(sentence, range(1, len(sentence) + 1), (0.0,)) for sentence in sentences]  # type: ignore[arg-type]


WORDS = (
    "the council said that it would close a road in the town for some days and people were not happy about it".split()
)
ODD = {
    "one word": "word",
    "white space": " \n\t\r\n\u2028 ",
    "control characters": "The \x00\x01\x07 council \x1b[31m said \x7f so.",
    "special tokens": "He typed <eos> and <bos>.\nSpun: this\nOriginal: that <pad><unk>",
    "mixed scripts": "The minister said Москва was 東京 and then القاهرة went home to the city.",
    "right to left marks": "The \u202ecouncil\u202c said \u200b\u200d that it was so.",
    "lone surrogate": "The council \ud800 said that it was so.",
    "combining marks": "The cou" + "\u0301" * 500 + "ncil said so.",
    "a sentence of 5,000 words": " ".join(random.Random(1).choices(WORDS, k=5000)) + ".",
    "no space for 200,000 characters": "a" * 200_000,
    "all punctuation": "?!.,;:“”\"'()[]{}" * 500,
    "10,000 nested tags": "<b>" * 10_000 + "The council said so." + "</b>" * 10_000,
    "10,000 open brackets": "[" * 10_000 + "(" * 10_000,
    "unclosed everything": '```\n<!-- <script> "“[a](b\n| table',
}


@pytest.mark.parametrize("format", ["txt", "md", "html"])
@pytest.mark.parametrize("name", ODD)
def test_odd_text_stays_unchanged(name: str, format: str) -> None:
    engine = Unchanging()
    document = Document(name, ODD[name], TEXT_FORMATS[format].views(ODD[name]).views, lambda done: done.text.encode())
    restoration = Restorer(engine, max_passage_words=64).restore(document)
    assert restoration.text == ODD[name] and restoration.edits == ()
    assert engine.longest < 25_000


@pytest.mark.parametrize("format", ["txt", "md", "html"])
@settings(max_examples=60, deadline=None)
@example(data=b"\x05\x05qq\xdc")  # looks like EBCDIC's Greek code page, where two bytes decode to one character
@given(data=st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_come_back_or_are_refused(format: str, data: bytes) -> None:
    try:
        document = decode_document(f"x.{format}", data)
    except DocumentError as error:
        assert str(error).startswith(f"x.{format}")
        return
    restoration = Restorer(Unchanging()).restore(document)
    assert document.encode(restoration) == data


def test_memory_for_one_long_line_is_proportional_to_its_length() -> None:
    text = " ".join(random.Random(2).choices(WORDS, k=200_000)) * 6  # about 6 MB
    tracemalloc.start()
    restoration = Restorer(Unchanging(), max_passage_words=64).restore(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert restoration.text == text
    assert peak < 40 * len(text)
