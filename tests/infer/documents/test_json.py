"""JSON and JSON Lines: the strings under a path are found, faults are named, and all else stays byte for byte."""

import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from unspin.edits import Edit, apply
from unspin.infer.documents.base import Contents, DocumentOptions, FormatError
from unspin.infer.documents.json_text import json_views
from unspin.infer.documents.jsonl import jsonl_views

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(max_size=4), values, max_size=4),
)


def _replace(raw: str, contents: Contents, old: str, new: str) -> str:
    edits = []
    for view in contents.views:
        at = -1
        while (at := view.text.find(old, at + 1)) >= 0:
            edit = view.raw_edit(raw, Edit(at, at + len(old), new))
            assert edit is not None
            edits.append(edit)
    return apply(raw, edits)


def _options(field: str) -> DocumentOptions:
    return DocumentOptions(field=field)


def _named(contents: Contents) -> list[tuple[str, str]]:
    return [(view.name, view.text) for view in contents.views]


def test_json_lines_keep_other_keys_order_and_escapes() -> None:
    raw = '{"id": 1, "note": "old",  "text" : "an \\"old\\" caf\\u00e9 \\ud83d\\ude00 old\\n"}\n\n{"text":"old"}\r\n'
    expected = (
        '{"id": 1, "note": "old",  "text" : "an \\"\\u201cnew\\u201d\\" caf\\u00e9 \\ud83d\\ude00 '
        '\\u201cnew\\u201d\\n"}\n\n{"text":"\\u201cnew\\u201d"}\r\n'
    )
    restored = _replace(raw, jsonl_views(raw), "old", "“new”")
    assert restored == expected
    assert json.loads(restored.splitlines()[0])["text"] == 'an "“new”" café 😀 “new”\n'


def test_a_replacement_is_escaped_only_if_the_file_is_ascii() -> None:
    raw = '{"text": "old"}\n{"text": "é"}'
    assert _replace(raw, jsonl_views(raw), "old", "“new”\t") == '{"text": "“new”\\t"}\n{"text": "é"}'


@pytest.mark.parametrize("first", ['"old"', "1", "{}", "null"])
def test_of_a_repeated_key_the_last_counts(first: str) -> None:
    raw = f'{{"text": {first}, "text": "old"}}'
    assert _replace(raw, jsonl_views(raw), "old", "new") == f'{{"text": {first}, "text": "new"}}'


def test_a_null_is_passed_over_and_other_rows_are_restored() -> None:
    raw = '{"text": null}\n{"text": "old"}\n{"text": null}\n'
    assert _named(jsonl_views(raw)) == [("line 2", "old")]
    assert jsonl_views(raw).faults == []
    assert jsonl_views('{"text": null}') == json_views('{"text": null}') == Contents([], [])


def test_each_faulty_line_is_named() -> None:
    raw = (
        '{"text": "old"}\n{"id": 1, "body": ""}\n{"text": 1}\n{"text": {}}\n{"text": true}\n{"text": NaN}\n'
        '3\n["old"]\nnull\n{"text": "a\n{}\n{"text": ["x", 1]}\n{"text": "\\x"}'
    )
    contents = jsonl_views(raw)
    assert _named(contents) == [("line 1", "old"), ("line 12, text[0]", "x")]
    assert contents.faults == [
        "line 2 has no key 'text' (keys: id, body)",
        "line 3 has a number under the key 'text'",
        "line 4 has an object under the key 'text'",
        "line 5 has true or false under the key 'text'",
        "line 6 has a number under the key 'text'",
        "line 7 is a number, not an object",
        "line 8 is an array, not an object",
        "line 9 is null, not an object",
        "line 10 is not JSON: Invalid control character at column 12",
        "line 11 has no key 'text' (keys: none)",
        "line 12, text[1] is a number",
        "line 13 is not JSON: Invalid \\escape at column 11",
    ]
    with pytest.raises(FormatError, match=r"line 2 has no key .* \(and 11 more\); --on-error skip"):
        contents.checked()


def test_if_no_line_has_the_field_the_message_says_where_text_stands() -> None:
    raw = '{"id": "7", "article": {"body": "A long text.", "title": "A text"}}\n' * 3 + "{"
    message = "nothing has the key 'text'; text stands under 'article.body', 'article.title', 'id': name the key with"
    with pytest.raises(FormatError, match=message):
        jsonl_views(raw)
    with pytest.raises(FormatError, match="nothing has the key 'text'; nothing has text"):
        jsonl_views('{"id": 7}')
    with pytest.raises(FormatError, match="text stands under 'f', 'e', 'd', 'c', 'b': name"):
        json_views(json.dumps({"abcdef"[i]: "x" * i for i in range(6)}))


def test_a_path_leads_through_objects_and_arrays() -> None:
    raw = '{"articles": [{"body": "old"}, {"body": null}, {"body": ["old", "b"]}, [{"body": "c"}]], "body": "old"}'
    named = [
        ("articles[0].body", "old"),
        ("articles[2].body[0]", "old"),
        ("articles[2].body[1]", "b"),
        ("articles[3][0].body", "c"),
    ]
    assert _named(json_views(raw, _options("articles.body"))) == named
    assert _named(jsonl_views(raw, _options("articles.body")))[0] == ("line 1, articles[0].body", "old")
    assert _named(jsonl_views('{"a": {"b": "old"}}', _options("a.b"))) == [("line 1", "old")]
    restored = _replace(raw, json_views(raw, _options("articles.body")), "old", "new")
    assert restored == raw.replace("old", "new", 2)


def test_an_array_or_a_string_may_be_the_whole_text() -> None:
    assert _named(json_views('[{"text": "a"}, {"text": "b"}]')) == [("[0].text", "a"), ("[1].text", "b")]
    assert _named(json_views('["a", "b"]', _options(""))) == [("[0]", "a"), ("[1]", "b")]
    assert _named(json_views('"a"', _options(""))) == [("", "a")]
    assert json_views("[]") == Contents([], [])


def test_a_key_with_dots_wins_over_a_path() -> None:
    raw = '{"a": {"b": {"c": "path"}, "b.c": "longer key"}, "a.b": {"c": "longest key"}}'
    assert [view.text for view in json_views(raw, _options("a.b.c")).views] == ["longest key"]
    raw = '{"a": {"b": {"c": "path"}, "b.c": "longer key"}}'
    assert [view.text for view in json_views(raw, _options("a.b.c")).views] == ["longer key"]


def test_each_fault_of_a_path_is_named() -> None:
    raw = '{"a": [{"b": "old"}, {"c": 1}, {"b": 1}, "x", {"b": [2]}, 3]}'
    contents = json_views(raw, _options("a.b"))
    assert contents.faults == [
        "a[1] has no key 'b' (keys: c)",
        "a[2] has a number under the key 'b'",
        "a[3] is text, not an object",
        "a[4].b[0] is a number",
        "a[5] is a number, not an object",
    ]
    assert jsonl_views('{"a": "x"}\n{"a": {"b": "y"}}', _options("a.b")).faults == [
        "line 1 has text under the key 'a', not an object"
    ]
    assert json_views('{"text": 1}').faults == ["the document has a number under the key 'text'"]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ('{"text":\n "a}', "line 2 is not JSON: Unterminated string starting at column 2"),
        (
            '{"text": "a"}\n{"text": "b"}',
            "line 2 is not JSON: Extra data .*; for one object per line, give --format",
        ),
        ("", "line 1 is not JSON: Expecting value"),
        ("[" * 100_000, "its arrays or objects are nested too deeply"),
        ('{"a":' * 100_000, "its arrays or objects are nested too deeply"),
    ],
)
def test_invalid_json_is_refused(raw: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        json_views(raw)


def test_a_line_that_is_nested_too_deeply_is_a_fault() -> None:
    contents = jsonl_views('{"text": "a"}\n{"text": ' + "[" * 100_000)
    assert _named(contents) == [("line 1", "a")] and contents.faults == ["line 2 is nested too deeply"]


def test_odd_lines_are_read() -> None:
    rows = [
        '\ufeff{"text": "byte-order mark"}',
        "",
        " \t",
        '{"n": ' + "1" * 5000 + ', "text": "number of 5,000 digits"}',
        '{"n": 1e999, "m": -Infinity, "text": "other numbers"}',
        '{"text": "line\u2028separator\u0085"}\r',
        '\r{"text":\r"carriage\\rreturns"\r}\r',
        '{"text": "lone \\ud800\\ud800 surrogates \\udc00"}',
    ]
    contents = jsonl_views("\n".join(rows))
    assert contents.faults == []
    assert _named(contents) == [
        ("line 1", "byte-order mark"),
        ("line 4", "number of 5,000 digits"),
        ("line 5", "other numbers"),
        ("line 6", "line\u2028separator\u0085"),
        ("line 7", "carriage\rreturns"),
        ("line 8", "lone \ud800\ud800 surrogates \udc00"),
    ]
    assert jsonl_views('{"text": "a"}\r{"text": "b"}').faults == ["line 1 is not JSON: Extra data at column 15"]


def test_the_tags_of_html_in_a_string_stay() -> None:
    raw = '{"text": "<p class=\\"old\\">An <b>old<\\/b> law &amp; caf\\u00e9<\\/p>\\n<pre>old</pre><!-- old -->"}'
    (view,) = json_views(raw).views
    assert view.text.strip() == "An old law & café" and view.name == "text"
    assert _replace(raw, json_views(raw), "old", "“R&D”") == raw.replace(">old<\\", ">\\u201cR&amp;D\\u201d<\\")
    across = view.text.index("old law")
    edit = view.raw_edit(raw, Edit(across, across + len("old law"), "new rule"))
    assert edit and apply(raw, [edit]) == raw.replace("old<\\/b> law", "new<\\/b> rule")


@pytest.mark.parametrize("text", ["1 < 2 > 0", "I <3 you", "Dear <name>, AT&T & R&D;", "a<b and c>d"])
def test_text_with_angle_brackets_is_no_html(text: str) -> None:
    raw = json.dumps({"text": text})
    assert json_views(raw).views[0].text == text
    assert _replace(raw, json_views(raw), text, "a & b") == '{"text": "a & b"}'


def _strings(value: Any, path: list[str]) -> list[str]:
    """The strings under a path of keys that hold no dots."""
    if isinstance(value, list):
        return [text for item in value for text in _strings(item, path)]
    if path:
        return _strings(value[path[0]], path[1:]) if isinstance(value, dict) and path[0] in value else []
    return [value] if isinstance(value, str) else []


@example(value={"a": [{"b": "\ud83d"}, {"b": '"\\\u2028😀'}]}, ascii_only=False, indent=1)
@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text('ab"\\/<\n\u2028\ud83d\ude00é😀'),
        lambda values: st.lists(values, max_size=3) | st.dictionaries(st.sampled_from("abc"), values, max_size=3),
    ),
    st.booleans(),
    st.sampled_from([None, 1]),
)
def test_any_value_is_viewed_as_its_strings(value: Any, ascii_only: bool, indent: int | None) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    value = json.loads(raw)  # joins surrogates that were apart
    try:
        contents = json_views(raw, _options("a.b"))
    except FormatError as error:
        assert "nothing has the key 'a.b'" in str(error) and not _strings(value, ["a", "b"])
        return
    assert [view.text for view in contents.views] == _strings(value, ["a", "b"])
    for view in contents.views:
        assert list(view.starts) == sorted(view.starts)
        if view.text:
            assert json.loads(f'"{raw[view.starts[0] : view.ends[-1]]}"') == view.text


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20), st.booleans())
def test_an_edit_changes_its_string_alone(before: str, after: str, replacement: str, ascii_only: bool) -> None:
    value = {"a": before, "text": f"{before}old{after}", "z": [after]}
    raw = json.dumps(value, ensure_ascii=ascii_only)
    (view,) = json_views(raw).views
    start = len(json.loads(json.dumps(before)))
    edit = view.raw_edit(raw, Edit(start, start + 3, replacement))
    if edit is not None and view.text == value["text"]:  # not taken for HTML
        assert json.loads(apply(raw, [edit])) == {**value, "text": f"{before}{replacement}{after}"}


@given(st.dictionaries(st.text(), JSON_VALUES), st.text(), st.booleans())
def test_any_json_line_is_viewed_as_its_text(record: dict[str, object], text: str, ascii_only: bool) -> None:
    raw = json.dumps({**record, "text": text}, ensure_ascii=ascii_only)
    assert jsonl_views(raw).views[0].text == text


@given(st.text('{}[]",:\\tex \n\r1\ufeff\u2028', max_size=60))
def test_any_text_is_read_or_refused(raw: str) -> None:
    for views in (json_views, jsonl_views):
        try:
            contents = views(raw)
        except FormatError:
            continue
        assert all(list(v.starts) == sorted(v.starts) and max(v.ends, default=0) <= len(raw) for v in contents.views)


def test_markup_of_templates_in_a_string_is_fixed() -> None:
    raw = json.dumps({"text": 'An {{ old }} law [caption id="old"] is\n{% if old %}old.'})
    (view,) = json_views(raw).views
    edits = [view.raw_edit(raw, Edit(*match.span(), "new")) for match in re.finditer("old", view.text)]
    assert apply(raw, [edit for edit in edits if edit]) == raw.replace("old.", "new.")
