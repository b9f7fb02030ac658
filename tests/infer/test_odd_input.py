"""Input that nobody writes: each ends in an unchanged copy, a restoration, or one clear message; never in a crash or a loss."""

import random
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from unspin.infer.documents import Document, DocumentError
from unspin.infer.engines import Rewriting
from unspin.infer.formats import FORMATS
from unspin.infer.restorer import Restorer


class Same:
    """An engine that changes nothing, and says how much it was shown."""

    def __init__(self) -> None:
        self.longest = 0

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        self.longest = max([self.longest, *map(len, sentences)])
        return [Rewriting(sentence, range(1, len(sentence) + 1), (0.0,)) for sentence in sentences]  # type: ignore[arg-type]


WORDS = "the council said that it would close a road in the town for some days and people were not happy about it".split()
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


@pytest.mark.parametrize("suffix", [".txt", ".md", ".html"])
@pytest.mark.parametrize("name", ODD)
def test_odd_text_comes_through(name: str, suffix: str) -> None:
    engine = Same()
    restoration = Restorer(engine, passage=64).restore(ODD[name], FORMATS[suffix](ODD[name]))
    assert restoration.text == ODD[name] and restoration.edits == ()
    assert engine.longest < 25_000


@pytest.mark.parametrize("suffix", [".txt", ".md", ".html"])
@settings(max_examples=60, deadline=None)
@example(data=b"\x05\x05qq\xdc")  # taken for EBCDIC's Greek code page, which has two bytes for one character
@given(data=st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_whatever_bytes_a_file_holds_they_come_back_or_are_refused(suffix: str, data: bytes) -> None:
    try:
        document = Document.decode(f"x{suffix}", data)
    except DocumentError as error:
        assert str(error).startswith(f"x{suffix}")
        return
    restoration = Restorer(Same()).restore(document.text, document.views())
    assert document.encode(restoration.text) == data


def test_many_megabytes_on_one_line_take_memory_in_proportion() -> None:
    text = " ".join(random.Random(2).choices(WORDS, k=200_000)) * 6  # some 6 MB; a hundred take as many times as much
    tracemalloc.start()
    restoration = Restorer(Same(), passage=64).restore(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert restoration.text == text
    assert peak < 40 * len(text)
