"""Formats: a view reads like the rendered document, edits land in the raw text, and all else stays byte for byte."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.edits import Edit, apply
from unspin.infer.documents.base import Contents, DocumentError
from unspin.infer.documents.formats import FORMATS, FORMATS_BY_NAME, TEXT_FORMATS, format_of
from unspin.infer.documents.html import html_views
from unspin.infer.documents.markdown import markdown_views

ALPHABET = st.sampled_from("ab <>&;/\"'=!-#*_`[]()|\\\n\r\t{}:,é😀" + "pbr")


def _replace(raw: str, contents: Contents, old: str, new: str) -> str:
    edits = []
    for view in contents.views:
        text, at = view.text, -1
        while (at := text.find(old, at + 1)) >= 0:
            edit = view.raw_edit(raw, Edit(at, at + len(old), new))
            assert edit is not None
            edits.append(edit)
    return apply(raw, edits)


def test_only_the_text_nodes_of_html_change() -> None:
    raw = (
        '<!doctype html><title>The overseas minister</title><p class="overseas">The <b>overseas</b> minister&#8217;s '
        "aide &amp; overseas&nbsp;staff</p><script>overseas()</script><!-- overseas --><pre>overseas</pre>"
    )
    expected = (
        '<!doctype html><title>The R&amp;D minister</title><p class="overseas">The <b>R&amp;D</b> minister&#8217;s '
        "aide &amp; R&amp;D&nbsp;staff</p><script>overseas()</script><!-- overseas --><pre>overseas</pre>"
    )
    assert _replace(raw, html_views(raw), "overseas", "R&D") == expected


def test_an_html_view_reads_like_the_page() -> None:
    raw = "<ul><li>It<em>alic</em> &amp; caf&eacute;<br>next</ul>AT&T &bogus; &"
    assert html_views(raw).views[0].text.split("\n") == ["", "", "Italic & café", "next", "AT&T &bogus; &"]


def test_a_reference_without_a_semicolon_stays_as_it_stands() -> None:
    assert html_views("fish &amp<b>chips</b>").views[0].text == "fish &ampchips"


def test_an_edit_across_markup_keeps_the_markup() -> None:
    raw = "<p>the <b>overseas</b> minister spoke</p>"
    expected = "<p>the <b>foreign</b> secretary spoke</p>"
    assert _replace(raw, html_views(raw), "overseas minister", "foreign secretary") == expected


def test_an_edit_of_text_without_markup_is_one_edit_of_the_raw_text() -> None:
    raw = "<p>a&amp;b</p>"
    assert html_views(raw).views[0].raw_edit(raw, Edit(1, 4, "x")) == Edit(3, 10, "x")


def test_a_reference_that_stands_for_two_letters_is_replaced_as_a_whole() -> None:
    raw = "<p>the &fjlig;ord</p>"
    assert _replace(raw, html_views(raw), "fjord", "bay") == "<p>the bay</p>"


def test_quotation_marks_need_no_references_in_html() -> None:
    assert _replace("<p>old</p>", html_views("<p>old</p>"), "old", '"new", it\'s') == '<p>"new", it\'s</p>'


def test_an_insertion_lands_at_its_place() -> None:
    raw = "<p>a&amp;b</p>"
    (view,) = html_views(raw).views
    assert view.text == "\na&b\n"
    assert view.raw_edit(raw, Edit(3, 3, "<")) == Edit(9, 9, "&lt;")
    assert view.raw_edit(raw, Edit(0, 0, "x")) == Edit(0, 0, "x")


def test_only_the_prose_of_markdown_changes() -> None:
    raw = (
        "---\ntitle: old\n---\n# The old *old* law\n\nSee [the old page](http://old.org/old) and `old` code.\n\n"
        "```\nold\n```\n\nRun this:\n\n    old code\n\n| old | table |\n| --- | --- |\n| old | cell |\n\n"
        "<div old>old</div>\n\n- an old item\n"
    )
    expected = (
        "---\ntitle: old\n---\n# The NEW *NEW* law\n\nSee [the NEW page](http://old.org/old) and `old` code.\n\n"
        "```\nold\n```\n\nRun this:\n\n    old code\n\n| old | table |\n| --- | --- |\n| old | cell |\n\n"
        "<div old>NEW</div>\n\n- an NEW item\n"
    )
    assert _replace(raw, markdown_views(raw), "old", "NEW") == expected


def test_markdown_may_begin_with_prose() -> None:
    assert markdown_views("An *old* law").views[0].text == "An old law"


def test_a_format_is_found_by_suffix_and_by_name() -> None:
    assert format_of("folder.md/A.HTML").name == "html" and format_of("README").name == "txt"
    with pytest.raises(DocumentError, match=r"a\.tex: files of type \.tex cannot be restored"):
        format_of("a.tex")
    assert all(FORMATS_BY_NAME[format.name] is format for format in FORMATS.values())
    assert all(f".{name}" in format.suffixes for name, format in FORMATS_BY_NAME.items())


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("<p>a <![foo]> b</p>", "a  b"),
        ("<![if !mso]>hi<![endif]> there", "hi there"),
        ("a<![CDATA[x > y]]> b", "a b"),
        ("a <![: b", "a <![: b"),
        ("a <![", "a <!["),
    ],
)
def test_marked_sections_are_read_as_browsers_read_them(raw: str, text: str) -> None:
    assert html_views(raw).views[0].text.strip() == text


@given(st.text(alphabet=ALPHABET, max_size=80))
def test_every_character_of_a_view_stands_in_the_raw_text(raw: str) -> None:
    for suffix in ("txt", "md", "html"):
        (view,) = TEXT_FORMATS[suffix].views(raw).views
        assert list(view.starts) == sorted(view.starts)
        for start, end, character in zip(view.starts, view.ends, view.text, strict=True):
            assert 0 <= start <= end <= len(raw)
            assert character in (raw[start:end] if end == start + 1 else html.unescape(raw[start:end]) or "\n")


@given(st.text(alphabet=ALPHABET, max_size=80), st.integers(0, 79), st.integers(0, 9), st.text("xyz<&", max_size=5))
def test_an_edit_leaves_the_text_around_it(raw: str, start: int, length: int, replacement: str) -> None:
    for suffix in ("txt", "md", "html"):
        (view,) = TEXT_FORMATS[suffix].views(raw).views
        if start + length > len(view.text) or not view.text:
            continue
        edit = view.raw_edit(raw, Edit(start, start + length, replacement))
        if edit is None:  # markup would be left without text
            continue
        restored = apply(raw, [edit])
        assert restored.startswith(raw[: edit.start]) and restored.endswith(raw[edit.end :])


def test_ten_thousand_nested_tags_are_read() -> None:
    raw = "<div>" * 10_000 + "old" + "</div>" * 10_000
    assert _replace(raw, html_views(raw), "old", "new") == raw.replace("old", "new")
