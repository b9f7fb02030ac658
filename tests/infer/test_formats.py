"""Formats: a view reads like the page, edits land in the raw text, all else stays byte for byte."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.data.edits import Edit, apply
from unspin.infer.formats import FORMATS, FormatError, View, json_lines, markdown, page


def _replace(raw: str, views: list[View], old: str, new: str) -> str:
    edits = []
    for view in views:
        text, at = view.text, -1
        while (at := text.find(old, at + 1)) >= 0:
            edits += view.raw_edits(Edit(at, at + len(old), new))
    return apply(raw, edits)


def test_html_text_nodes_alone_change() -> None:
    raw = (
        '<!doctype html><title>The overseas minister</title><p class="overseas">The <b>overseas</b> minister&#8217;s aide &amp; overseas'
        "&nbsp;staff</p><script>overseas()</script><!-- overseas --><pre>overseas</pre>"
    )
    restored = _replace(raw, page(raw), "overseas", "R&D")
    assert restored == raw.replace("The overseas", "The R&amp;D").replace("<b>overseas", "<b>R&amp;D").replace("overseas&nbsp;", "R&amp;D&nbsp;")


def test_html_view_reads_like_the_page() -> None:
    raw = "<ul><li>It<em>alic</em> &amp; caf&eacute;<br>next</ul>AT&T &bogus; &"
    assert page(raw)[0].text.split("\n") == ["", "", "Italic & café", "next", "AT&T &bogus; &"]


def test_an_edit_across_markup_keeps_the_markup() -> None:
    raw = "<p>the <b>overseas</b> minister spoke</p>"
    assert _replace(raw, page(raw), "overseas minister", "foreign secretary") == "<p>the <b>foreign secretary</b> spoke</p>"


def test_markdown_prose_alone_changes() -> None:
    raw = (
        "---\ntitle: old\n---\n# The old *old* law\n\nSee [the old page](http://old.org/old) and `old` code.\n\n"
        "```\nold\n```\n\n| old | table |\n\n- an old item\n\n    old code\n\n<div old>old</div>\n"
    )
    expected = (
        "---\ntitle: old\n---\n# The NEW *NEW* law\n\nSee [the NEW page](http://old.org/old) and `old` code.\n\n"
        "```\nold\n```\n\n| old | table |\n\n- an NEW item\n\n    old code\n\n<div old>NEW</div>\n"
    )
    assert _replace(raw, markdown(raw), "old", "NEW") == expected


def test_json_lines_keep_other_keys_order_and_escapes() -> None:
    raw = '{"id": 1, "note": "old",  "text" : "an \\"old\\" caf\\u00e9 \\ud83d\\ude00 old\\n"}\n\n{"text":"old"}\r\n'
    restored = _replace(raw, json_lines(raw), "old", "“new”")
    assert restored == raw.replace('\\"old\\"', '\\"\\u201cnew\\u201d\\"').replace(" old\\n", " \\u201cnew\\u201d\\n").replace(
        '"text":"old"', '"text":"\\u201cnew\\u201d"'
    )
    assert json.loads(restored.splitlines()[0])["text"] == 'an "“new”" café 😀 “new”\n'


@pytest.mark.parametrize(
    ("raw", "complaint"), [("{", "line 1 is no JSON"), ('{"a": 1}', "line 1 has no text under 'text', it has a"), ("3", "it has int")]
)
def test_json_lines_that_cannot_be_read_are_named(raw: str, complaint: str) -> None:
    with pytest.raises(FormatError, match=complaint):
        json_lines(raw)


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
    assert page(raw)[0].text.strip() == text


@given(st.text(alphabet=st.sampled_from("ab <>&;/\"'=!-#*_`[]()|\\\n\r\t{}:,é😀" + "pbr"), max_size=80))
def test_any_text_can_be_viewed_and_only_edits_change_it(raw: str) -> None:
    for read in (FORMATS[".txt"], FORMATS[".md"], FORMATS[".html"]):
        (view,) = read(raw)
        assert all(0 <= start <= end <= len(raw) for start, end in zip(view.starts, view.ends, strict=True))
        assert list(view.starts) == sorted(view.starts)
        same = [e for i, c in enumerate(view.text) for e in view.raw_edits(Edit(i, i + 1, c)) if raw[e.start : e.end] == e.replacement]
        assert apply(raw, same) == raw


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.lists(st.text()))), st.text(), st.booleans())
def test_any_json_line_is_viewed_as_its_text(record: dict[str, object], text: str, ascii_only: bool) -> None:
    raw = json.dumps({**record, "text": text}, ensure_ascii=ascii_only)
    assert json_lines(raw)[0].text == text


def test_ten_thousand_nested_tags() -> None:
    raw = "<div>" * 10_000 + "old" + "</div>" * 10_000
    assert _replace(raw, page(raw), "old", "new") == raw.replace("old", "new")
