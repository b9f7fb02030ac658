"""Plain prose out of a MediaWiki XML dump: paragraphs of running text, without tables, lists, templates or references."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from xml.etree import ElementTree

SHORTEST_PARAGRAPH = 120


def wikipedia_articles(dump: bytes) -> Iterator[tuple[str, str]]:
    """(page id, prose) of every page that is an article and holds any prose."""
    for _, page in ElementTree.iterparse(io.BytesIO(dump)):  # noqa: S314  # a dump whose SHA-256 is pinned
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
