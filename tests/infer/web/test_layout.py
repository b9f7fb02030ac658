"""The layout of a document: what a reader sees of it, with every readable character in its place, and nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.infer.documents.base import Document
from unspin.infer.documents.formats import FORMATS_BY_NAME
from unspin.infer.web.layout import MAX_DEPTH, layout_of

PAGE = """<!doctype html><html><head><title>A page</title><style>p {color: red}</style></head><body>
<nav><a href=/>Home</a></nav><h1>The <em>overseas</em> minister</h1>
<div>Loose <b>bold &amp; text</b>.<p onclick="x()">One <code>x = 1</code> word.</p>tail</div>
<ul><li>first<li>second <div>deep</div></ul>
<table><tr><th>A<th><tr><td><td>cell</table><img src=x alt="A boat"><script>alert(1)</script>
<pre>two
lines</pre><p lang=fr>Tout est dit</p><p>up<br>down</body></html>"""

MARKDOWN = """---
title: x
---
# Head **bold**

A wrapped
[link](http://x.y) and _some_ `code`.

- one
- two

| a | b |
|---|---|
| c | d |
"""


def _read(format_name: str, text: str) -> Document:
    return FORMATS_BY_NAME[format_name].read("article", text.encode())


def _layout(format_name: str, text: str) -> list[Any]:
    """The trees of a document, with "«…»" for what can be edited."""
    document = _read(format_name, text)
    return [_shown(block.tree, document.views[block.article].text) for block in layout_of(document, format_name)]


def _shown(node: Any, text: str) -> Any:
    if isinstance(node, tuple):
        return f"«{text[node[0] : node[1]]}»"
    return node if isinstance(node, str) else [_shown(child, text) for child in node]


def _spans(node: Any) -> list[tuple[int, int]]:
    if isinstance(node, tuple):
        return [node]
    return [] if isinstance(node, str) else [span for child in node for span in _spans(child)]


def test_a_page_keeps_its_structure_and_loses_its_markup() -> None:
    assert _layout("html", PAGE) == [
        ["title", "«A page»"],
        ["p", ["a", "«Home»"]],
        ["h1", "«The »", ["em", "«overseas»"], "« minister»"],
        ["p", "«Loose »", ["b", "«bold & text»"], "«.»"],
        ["p", "«One »", ["code", "«x = 1»"], "« word.»"],
        ["p", "«tail»"],
        ["ul", ["li", "«first»"], ["li", "«second»", " ", ["div", "«deep»"]]],
        ["table", ["tbody", ["tr", ["th", "«A»"], ["th"]], ["tr", ["td"], ["td", "«cell»"]]]],
        ["p", "[A boat]"],
        ["pre", "two\nlines"],
        ["p", "Tout est dit"],
        ["p", "«up»", "\n", "«down»"],
    ]


def test_markdown_is_laid_out_as_it_is_rendered() -> None:
    assert _layout("md", MARKDOWN) == [
        ["h1", "«Head »", ["strong", "«bold»"]],
        ["p", "«A wrapped »", ["a", "«link»"], "« and »", ["em", "«some»"], "« »", ["code", "«code»"], "«.»"],
        ["ul", ["li", "«one»"], ["li", "«two»"]],
        ["table", ["thead", ["tr", ["th", "«a»"], ["th", "«b»"]]], ["tbody", ["tr", ["td", "«c»"], ["td", "«d»"]]]],
    ]


def test_other_formats_are_paragraphs_under_the_names_of_their_articles() -> None:
    assert _layout("txt", "One.\nTwo.\n\n  Three.\n") == [["p", "«One.»"], ["p", "«Two.»"], ["p", "«Three.»"]]
    rows = 'text,id\n"One.\nTwo.",1\nThree.,2\n'
    assert _layout("csv", rows) == [
        ["title", "row 0"],
        ["p", "«One.»"],
        ["p", "«Two.»"],
        ["title", "row 1"],
        ["p", "«Three.»"],
    ]


def test_deep_nesting_ends_in_plain_text() -> None:
    deep = 3000
    page = "<p>" + "<b><div>" * deep + "word" + "</div></b>" * deep
    (tree,) = [tree for tree in _layout("html", page) if "word" in str(tree)]
    depth = 0
    while isinstance(tree, list):
        tree, depth = tree[-1], depth + 1
    assert tree == "«word»" and depth <= 2 * MAX_DEPTH


def test_marks_in_the_text_are_no_marks() -> None:
    assert _layout("html", "<p>a \ue0000\ue000 b<!-- \ue0001\ue000 --></p>") == [["p", "«a \ue0000\ue000 b»"]]


PARTS = st.lists(
    st.sampled_from(["<p>", "</p>", "<b>", "</b>", "<li>", "<table>", "<td>", "<!--", "-->", "<script>", "</script>"])
    | st.sampled_from(
        ["word ", "two words", "&amp;", " ", "\n", "*", "_", "`", "# ", "> ", "- ", "[a](b)", "| ", "~~"]
    ),
    max_size=20,
)


@pytest.mark.parametrize("format_name", ["html", "md", "txt", "rst"])
@given(parts=PARTS)
def test_every_character_but_line_ends_is_laid_out_once(format_name: str, parts: list[str]) -> None:
    document = _read(format_name, "A word. " + "".join(parts))
    laid_out = sorted(
        (block.article, *span) for block in layout_of(document, format_name) for span in _spans(block.tree)
    )
    position: dict[int, int] = {}
    for article, start, end in laid_out:
        assert start < end and not document.views[article].text[position.get(article, 0) : start].strip()
        position[article] = end
    for number, view in enumerate(document.views):
        assert not view.text[position.get(number, 0) :].strip()
