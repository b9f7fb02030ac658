"""Linear time: ``python -m benchmarks.growth`` restores and shows odd documents, and doubles each twice.

A document repeats one piece, alone or with words between, as the text of each format. The model is replaced by an
engine that restores one word, so what is timed is unspin's own work: parsing, segmentation, alignment and the fidelity
check. Time that grows with the square would quadruple with each doubling. The factor of a doubling is that of the
processor time, the least of several runs. The exit code is 1 if one is above `LIMIT`.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from typing import NamedTuple

from unspin.infer.documents.base import DocumentError, DocumentOptions
from unspin.infer.documents.formats import TEXT_FORMATS, decode_document
from unspin.infer.engines.base import Rewriting
from unspin.infer.render import html_page
from unspin.infer.restorer import Restorer
from unspin.logs import track

LIMIT = 2.5
CHARACTERS = 20_000
RUNS = 3
MAX_PASSAGE_WORDS = 64
WORDS = " the warfare of 1911 "
PIECES = (
    *"a 1 . - _ = ~ | / : ; , ' \" “ ” ‘ « ( [ { < > & # @ % $ ^ * + ! ? ` é 😀 … —".split(),
    *("\\", "\t", "\u202e", "\u0301", "\u200b"),
    *"’’ `` ``` ~~~ ** __ ![ [a [[ [^ ]( [a]( <a <b> </ </a> <! <!-- <![ <? <?php <% {{ {% {# ${ $$ \\( \\[".split(),
    *":: ::: .. ... |a --- +++ === %% #a @a a@ a.b. A. Mr. 1. 1, 1: 1/ a-b- a' 1% 1st http:// www. &# &a &#x".split(),
    *("a b. ", "A b", "“a ", "“a.” ", "(a ", "a\n", "a\n\n", "\n", "\n\n", " \n", "\r\n", "    a\n", "—a", "a--b "),
    *("> ", "> > ", "- ", "1. ", "# a\n", "* a\n  ", "|a|b|\n", "a | ", "a\n---\n", "[a]: b\n", "[a]\n", "[^a]: b\n"),
    *("<p>", "<p>a", "<a x='", "<a b=c ", "<table>", "<td>a", "<script>", "<sup>1</sup>", "<font a>", "<!-- a -->"),
    *("&amp;", "&bogus; ", "{{ a }} ", "[a](b) ", "*a* ", "_a", "a_b_", "**a", "`a` ", "![a](b)", "<https://a.b> "),
    *("https://a.b/c ", "a@b.cd ", "10 km ", "$1.5m ", "Mr A. B. ", "not ", "two ", "Monday ", "3 May 1911 "),
    *("A (AB) ", "[1] ", "et al. ", "p < 0.05 ", ".. a::\n\n   b\n\n", "a\n===\n", ":a: b\n", "``a`` ", "=== ===\n"),
    "00:00:01,000 --> 00:00:02,000\na\n\n",
)
SENTENCES = ("The warfare ended.\n", 'He said "yes" and "no". The warfare ended.\n')  # many edits, many quotations
_PADDING = f"<!--{'x' * 10_000}-->"  # of a chapter, so that a book of many is large
_MARKUP = ("md", "html", "rst")  # where placing an edit depends on what stands around it


class Case(NamedTuple):
    """A format, a piece that a document repeats, and whether the document is restored and shown after it is read."""

    format: str
    piece: str
    is_restored: bool

    def document(self, characters: int) -> bytes:
        """A document of about so many characters."""
        text = self.piece * max(characters // len(self.piece), 1)
        if self.format == "epub":
            return _book([f"<p>{self.piece}</p>{_PADDING}"] * max(characters // len(self.piece), 1))
        if self.format == "json":
            return json.dumps({"text": text}).encode()
        if self.format == "jsonl":
            return json.dumps({"text": text}).encode() + b"\n"
        if self.format == "csv":
            return b'text\n"' + text.replace('"', '""').encode() + b'"\n'
        if self.format in ("srt", "vtt"):
            mark = "WEBVTT\n\n" if self.format == "vtt" else "1\n"
            return f"{mark}00:00:01.000 --> 00:00:02.000\n{text}\n".replace("01.", "01,").encode()
        return text.encode()


def _book(chapters: Sequence[str]) -> bytes:
    """An EPUB book, uncompressed."""
    names = [f"{number}.xhtml" for number in range(len(chapters))]
    items = "".join(f'<item id="i{name}" href="{name}" media-type="application/xhtml+xml"/>' for name in names)
    spine = "".join(f'<itemref idref="i{name}"/>' for name in names)
    members = {
        "META-INF/container.xml": '<container><rootfile full-path="book.opf"/></container>',
        "book.opf": f"<package><manifest>{items}</manifest><spine>{spine}</spine></package>",
    }
    for name, chapter in zip(names, chapters, strict=True):
        members[name] = f'<html xmlns="http://www.w3.org/1999/xhtml"><body>{chapter}</body></html>'
    with BytesIO() as data:
        with zipfile.ZipFile(data, "w") as archive:
            for name, text in members.items():
                archive.writestr(name, text)
        return data.getvalue()


class Engine:
    """Restores "warfare" to "war", which is all that restoring needs of an engine."""

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        """A text for each sentence, a character per token, with full confidence."""
        texts = [sentence.replace("warfare", "war") for sentence in sentences]
        return [Rewriting(text, range(1, len(text) + 1), (0.0,) * (len(text) + 1)) for text in texts]  # type: ignore[arg-type]


def cases() -> Iterator[Case]:
    """Each piece, alone and among words, in each format of text.

    All texts are restored by the same code, so that those of other formats are restored only where edits are placed by
    rules of their own.
    """
    for format in TEXT_FORMATS:
        for piece in PIECES:
            yield Case(format, piece, format == "txt")
            yield Case(format, piece + WORDS, format in ("txt", *_MARKUP))
    for format in ("txt", "epub"):
        for sentence in SENTENCES:
            yield Case(format, sentence, is_restored=True)


def seconds(case: Case, characters: int, runs: int) -> float:
    """The least processor time of several runs that read a document and restore it. It may be refused."""
    data, options = case.document(characters), DocumentOptions(format=case.format)
    restorer = Restorer(Engine(), max_passage_words=MAX_PASSAGE_WORDS)  # type: ignore[arg-type]
    times = []
    for _ in range(runs):
        gc.collect()
        start = time.process_time()
        with suppress(DocumentError):
            document = decode_document("x", data, options)
            if case.is_restored:
                restoration = restorer.restore(document)
                document.encode(restoration)
                html_page(restoration, "x")
        times.append(time.process_time() - start)
    return min(times)


def growth(case: Case, characters: int, runs: int = RUNS) -> float:
    """The factor of a doubling: the geometric mean of two."""
    return (seconds(case, 4 * characters, runs) / seconds(case, characters, runs)) ** 0.5


def main() -> None:
    """Print the cases whose time grows fastest, and fail if one grows too fast."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--characters", type=int, default=CHARACTERS, help="of the smallest document of a case")
    parser.add_argument("--show", type=int, default=10, help="how many cases to print")
    options = parser.parse_args()
    found = [(growth(case, options.characters), case) for case in track([*cases()], "doubling")]
    found.sort(key=lambda pair: -pair[0])
    for factor, case in found[: options.show]:
        print(f"{factor:5.2f}  {case.format:5} {case.piece!r}")
    sys.exit(any(factor > LIMIT for factor, _ in found))


if __name__ == "__main__":
    main()
