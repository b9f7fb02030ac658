"""Views: an edit of readable text becomes one edit of the raw text, which keeps the markup and never empties it."""

import re
from collections.abc import Iterator

import pytest
from unspin.edits import Edit, apply
from unspin.infer.documents.base import Contents, FormatError, View, spread, unescape
from unspin.infer.documents.html import html_views


def _edited(raw: str, old: str, new: str) -> str | None:
    (view,) = html_views(raw).views
    start = view.text.index(old)
    edit = view.raw_edit(raw, Edit(start, start + len(old), new))
    return None if edit is None else apply(raw, [edit])


@pytest.mark.parametrize(
    ("raw", "old", "new", "restored"),
    [
        ("<p>the <b>overseas</b> minister</p>", "overseas", "foreign", "<p>the <b>foreign</b> minister</p>"),
        (
            "<p>the <b>overseas</b> minister</p>",
            "overseas minister",
            "foreign secretary",
            "<p>the <b>foreign</b> secretary</p>",
        ),
        ("<p><b>a</b> <i>b</i></p>", "a b", "c d e", "<p><b>c d</b> <i>e</i></p>"),
        ("<p><b>so big </b>a b</p>", "so big a b", "as large c", "<p><b>as large </b>c</p>"),
        ("<p>war<b>fare</b></p>", "warfare", "war", None),
        ("<p><b>mobile</b> <i>telephone</i></p>", "mobile telephone", "phone", None),
        ("<p>a <b>very</b> big</p>", "very", "", None),
        ("<p>a <b> very </b> big</p>", "very", "", None),
        ("<p>a <b>very so</b> big</p>", "very ", "", "<p>a <b>so</b> big</p>"),
        ("<p>very</p><p>big</p>", "very", "", None),
        ("<p>fish &amp; chips</p>", "& chips", "and fries", "<p>fish and fries</p>"),
        ("<p>a<b>b</b> c</p>", "ab c", "d e", None),
    ],
)
def test_an_edit_keeps_markup_and_never_empties_it(raw: str, old: str, new: str, restored: str | None) -> None:
    assert _edited(raw, old, new) == restored


def test_the_runs_of_a_word_processor_may_become_empty() -> None:
    raw = "[war][fare] ends"
    view = View(starts=[1, 2, 3, 6, 7, 8, 9], ends=[2, 3, 4, 7, 8, 9, 10], text="warfare", may_empty=True)
    assert view.raw_edit(raw, Edit(0, 7, "war")) == Edit(1, 10, "war][")


def test_words_are_spread_over_stretches() -> None:
    assert spread("a b c d", ["x ", "y z w"]) == ["a ", "b c d"]
    assert spread("a b", ["x", " ", "y"]) == ["a", " ", "b"]
    assert spread("a", ["x ", "y"]) is None and spread("a b", ["x", "y"]) is None


def test_a_place_is_a_line_of_the_file_or_a_part_with_its_paragraph() -> None:
    raw = "one\ntwo"
    assert View(starts=range(7), ends=range(1, 8), text=raw).place(raw, 4) == "line 2"
    assert View(starts=range(7), ends=range(1, 8), text=raw, name="row 3").place(raw, 4) == "row 3, paragraph 2"
    assert View(starts=range(3), ends=range(1, 4), text="one", name="row 3").place(raw, 1) == "row 3"


def test_the_places_of_many_warnings_are_found_with_one_look_at_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []

    def finditer(pattern: str, text: str) -> Iterator[re.Match[str]]:
        searched.append(text)
        return re.compile(pattern).finditer(text)

    monkeypatch.setattr("unspin.infer.documents.base.re.finditer", finditer)
    raw = "one\n" * 999
    for name in ("", "row 3"):
        view = View(starts=range(len(raw)), ends=range(1, len(raw) + 1), text=raw, name=name)
        places = [view.place(raw, position) for position in range(0, len(raw), 4)]
        assert places[::998] == ([f"{name}, paragraph 1", f"{name}, paragraph 999"] if name else ["line 1", "line 999"])
    assert searched == [raw, raw]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("&#65;&#x41;&amp;&#0;", "AA&\ufffd"),
        (f"&#{'0' * 5000}65;", "A"),
        (f"&#{'9' * 5000};", "\ufffd"),
        (f"&#x{'f' * 5000};", "\ufffd"),
        ("9" * 5000, "9" * 5000),
    ],
    ids=range(5),
)
def test_character_references_may_have_any_number_of_digits(raw: str, text: str) -> None:
    assert unescape(raw) == text


def test_faulty_rows_refuse_their_file_unless_they_are_skipped() -> None:
    contents = Contents([], ["line 2 is odd", "line 5 is odd"])
    assert contents.checked(skip_faults=True) is contents
    with pytest.raises(FormatError, match=r"line 2 is odd \(and 1 more\); --on-error skip"):
        contents.checked()
