"""Clean articles out of a corpus file's bytes, its quirks removed: one function a layout, each yielding (place in the file, text)."""

from __future__ import annotations

import bz2
import io
import re
from collections.abc import Callable, Iterator
from xml.etree import ElementTree

SHORTEST_PARAGRAPH = 120
_TAGGED = re.compile(r"(\S+)/([a-z][\w$*-]*|[.,:()'\-*]+|``|'')(?=\s|$)", re.IGNORECASE)


def decode(data: bytes) -> str:
    """UTF-8, or the Windows code page that older corpora use."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def text(data: bytes) -> Iterator[tuple[str, str]]:
    """The whole file is one article."""
    yield "", decode(data)


def lines(data: bytes) -> Iterator[tuple[str, str]]:
    """One article a line, dashes typed as two hyphens."""
    for number, line in enumerate(decode(data).splitlines(), 1):
        yield str(number), re.sub(r"--", " – ", line.strip())


def brown(data: bytes) -> Iterator[tuple[str, str]]:
    """One article of tagged tokens a file, as the Brown corpus has them: words and marks joined again, headlines left out."""
    paragraphs = re.split(r"\n{3,}", decode(data))
    prose = (" ".join(_sentence(line) for line in paragraph.splitlines() if line.strip()) for paragraph in paragraphs)
    yield "", "\n\n".join(" ".join(paragraph.split()) for paragraph in prose if paragraph.strip())


def _sentence(line: str) -> str:
    tokens = _TAGGED.findall(line)
    if not tokens or all(tag.endswith(("-hl", "-hl*")) or not tag[0].isalpha() for _, tag in tokens):
        return ""
    joined = " ".join(token for token, _ in tokens).replace("``", "“").replace("''", "”")
    joined = re.sub(r" ([,.;:?!)”])", r"\1", re.sub(r"([(“]) ", r"\1", joined))
    joined = re.sub(r"”([.,!?])", r"\1”", joined)  # the corpus has the mark outside, American print inside
    return re.sub(r"([.?!,;])\1+", r"\1", joined).replace("--", "–")


def wikipedia(data: bytes) -> Iterator[tuple[str, str]]:
    """(page id, prose) of every page of a compressed MediaWiki dump that is an article and holds any prose."""
    for _, page in ElementTree.iterparse(io.BytesIO(bz2.decompress(data))):  # noqa: S314  # a dump whose SHA-256 is pinned
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
    import mwparserfromhell

    code = mwparserfromhell.parse(re.sub(r"(?s)<ref[^>]*?/>|<ref.*?</ref>|<math.*?</math>|\{\|.*?\n\|\}", "", wikitext))
    for link in code.filter_wikilinks(recursive=False):
        if ":" in str(link.title):
            code.remove(link)
    text = re.sub(r"[ \t]+", " ", code.strip_code()).replace("()", "")
    lines = (line.strip() for line in text.splitlines())
    return "\n\n".join(line for line in lines if len(line) >= SHORTEST_PARAGRAPH and line[0].isalpha() and line[-1] in '.!?"')


LAYOUTS: dict[str, Callable[[bytes], Iterator[tuple[str, str]]]] = {"text": text, "lines": lines, "brown": brown, "wikipedia": wikipedia}
