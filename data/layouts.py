"""Parsers of corpus files: each turns a file's bytes into clean articles.

A layout is a function from bytes to (place in the file, text) pairs. Each one removes its corpus's tags, markup and
typing conventions; choosing sentences is left to `rows.py`.
"""

from __future__ import annotations

import bz2
import io
import re
from collections.abc import Callable, Iterator
from xml.etree import ElementTree

MIN_PARAGRAPH = 120  # characters; shorter lines of a wiki page are headings, captions and lists
_TAGGED = re.compile(r"(\S+)/([a-z][\w$*-]*|[.,:()'\-*]+|``|'')(?=\s|$)", re.IGNORECASE)


def decode(data: bytes) -> str:
    """Decode UTF-8, or the Windows code page 1252 of older corpora; undecodable bytes become U+FFFD."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def text(data: bytes) -> Iterator[tuple[str, str]]:
    """The whole file as one article; the place is empty."""
    yield "", decode(data)


def lines(data: bytes) -> Iterator[tuple[str, str]]:
    """One article per line; the place is the line number, from 1. Double hyphens become dashes."""
    for number, line in enumerate(decode(data).splitlines(), 1):
        yield str(number), re.sub(r"--", " – ", line.strip())


def brown(data: bytes) -> Iterator[tuple[str, str]]:
    """One article of tagged tokens, as in the Brown corpus, joined to prose without headlines; the place is empty."""
    paragraphs = re.split(r"\n{3,}", decode(data))
    prose = (" ".join(_sentence(line) for line in paragraph.splitlines() if line.strip()) for paragraph in paragraphs)
    yield "", "\n\n".join(" ".join(paragraph.split()) for paragraph in prose if paragraph.strip())


def _sentence(line: str) -> str:
    """A line of tagged tokens as plain text, or "" for a headline or a line without words."""
    tokens = _TAGGED.findall(line)
    if not tokens or all(tag.endswith(("-hl", "-hl*")) or not tag[0].isalpha() for _, tag in tokens):
        return ""
    joined = " ".join(token for token, _ in tokens).replace("``", "“").replace("''", "”")
    joined = re.sub(r" ([,.;:?!)”])", r"\1", re.sub(r"([(“]) ", r"\1", joined))
    joined = re.sub(r"”([.,!?])", r"\1”", joined)  # American style puts the mark inside the quotation
    return re.sub(r"([.?!,;])\1+", r"\1", joined).replace("--", "–")


def wikipedia(data: bytes) -> Iterator[tuple[str, str]]:
    """(page id, prose) of each article in a bz2-compressed MediaWiki dump, except redirects and pages without prose."""
    for _, page in ElementTree.iterparse(io.BytesIO(bz2.decompress(data))):  # noqa: S314 - the dump's SHA-256 is pinned
        if not page.tag.endswith("}page"):
            continue
        namespace = page.tag[: page.tag.index("}") + 1]
        wikitext = page.findtext(f"{namespace}revision/{namespace}text") or ""
        if page.findtext(f"{namespace}ns", "0") == "0" and not wikitext.lower().startswith("#redirect"):
            prose = _prose(wikitext)
            if prose:
                yield str(page.findtext(f"{namespace}id")), prose
        page.clear()


def _prose(wikitext: str) -> str:
    """The paragraphs of a page without markup, references, tables, files and categories."""
    import mwparserfromhell

    code = mwparserfromhell.parse(re.sub(r"(?s)<ref[^>]*?/>|<ref.*?</ref>|<math.*?</math>|\{\|.*?\n\|\}", "", wikitext))
    for link in code.filter_wikilinks(recursive=False):
        if ":" in str(link.title):
            code.remove(link)
    text = re.sub(r"[ \t]+", " ", code.strip_code()).replace("()", "")
    lines = (line.strip() for line in text.splitlines())
    return "\n\n".join(
        line for line in lines if len(line) >= MIN_PARAGRAPH and line[0].isalpha() and line[-1] in '.!?"'
    )


LAYOUTS: dict[str, Callable[[bytes], Iterator[tuple[str, str]]]] = {
    "text": text,
    "lines": lines,
    "brown": brown,
    "wikipedia": wikipedia,
}
