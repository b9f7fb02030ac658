"""Formats: a view reads like the rendered document, edits land in the raw text, and all else stays byte for byte."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.edits import Edit, apply
from unspin.infer.documents.base import Contents, DocumentError, FormatError
from unspin.infer.documents.formats import FORMATS, FORMATS_BY_NAME, TEXT_FORMATS, format_of
from unspin.infer.documents.jsonl import jsonl_views
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


def test_json_lines_keep_other_keys_order_and_escapes() -> None:
    raw = '{"id": 1, "note": "old",  "text" : "an \\"old\\" caf\\u00e9 \\ud83d\\ude00 old\\n"}\n\n{"text":"old"}\r\n'
    expected = (
        '{"id": 1, "note": "old",  "text" : "an \\"\\u201cnew\\u201d\\" caf\\u00e9 \\ud83d\\ude00 '
        '\\u201cnew\\u201d\\n"}\n\n{"text":"\\u201cnew\\u201d"}\r\n'
    )
    restored = _replace(raw, jsonl_views(raw), "old", "“new”")
    assert restored == expected
    assert json.loads(restored.splitlines()[0])["text"] == 'an "“new”" café 😀 “new”\n'


@pytest.mark.parametrize("first", ['"old"', "1", "{}"])
def test_of_a_repeated_key_the_last_counts(first: str) -> None:
    raw = f'{{"text": {first}, "text": "old"}}'
    assert _replace(raw, jsonl_views(raw), "old", "new") == f'{{"text": {first}, "text": "new"}}'


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ('{"text": "a"}\n{', "line 2 is not JSON"),
        ('{"a": 1}', r"line 1 has no text under the key 'text' \(keys: a\): name the key with --field"),
        ('{"text": 1}', r"line 1 has no text under the key 'text' \(keys: text\)"),
        ("3", "line 1 is not a JSON object but of type int"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(raw: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        jsonl_views(raw)


def test_a_format_is_found_by_suffix_and_by_name() -> None:
    assert format_of("folder.md/A.HTML").name == "html" and format_of("README").name == "txt"
    with pytest.raises(DocumentError, match=r"a\.rst: files of type \.rst cannot be restored"):
        format_of("a.rst")
    assert all(FORMATS_BY_NAME[format.name] is format for format in FORMATS.values())
    assert all(f".{name}" in format.suffixes for name, format in FORMATS_BY_NAME.items())


@given(st.text(alphabet=ALPHABET, max_size=80))
def test_every_character_of_a_view_stands_in_the_raw_text(raw: str) -> None:
    for suffix in ("txt", "md"):
        (view,) = TEXT_FORMATS[suffix].views(raw).views
        assert list(view.starts) == sorted(view.starts)
        for start, end, character in zip(view.starts, view.ends, view.text, strict=True):
            assert 0 <= start <= end <= len(raw)
            assert character in raw[start:end]


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


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.lists(st.text()))), st.text(), st.booleans())
def test_any_json_line_is_viewed_as_its_text(record: dict[str, object], text: str, ascii_only: bool) -> None:
    raw = json.dumps({**record, "text": text}, ensure_ascii=ascii_only)
    assert jsonl_views(raw).views[0].text == text
