"""reStructuredText: paragraphs are read, edits keep their markup and lines, and all other blocks stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.edits import Edit, apply
from unspin.infer.documents.base import View
from unspin.infer.documents.rst import rst_views


def _view(raw: str) -> View:
    (view,) = rst_views(raw).views
    return view


def _replaced(raw: str, old: str, new: str) -> str | None:
    view = _view(raw)
    start = view.text.index(old)
    edit = view.raw_edit(raw, Edit(start, start + len(old), new))
    return apply(raw, [edit]) if edit else None


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_paragraphs_are_read_line_by_line_and_without_marks(line_end: str) -> None:
    raw = (
        "=====\nTitle\n=====\n\n:Author: Old Man\n\nSection\n-------\nThe *overseas* minister **said\n"
        "that** it was.\n\n* an old item\n  that goes on\n\n"
        "  second::\n\n     code\n\n  after\n* another\n\n  1. nested\n     item\n  2. two\n\n"
        ".. note:: The old note\n   goes on.\n\n   More.\n\n.. warning::\n   :class: x\n\n   Old text.\n\n"
        ".. topic:: Old title\n\n   Topic.\n\nTerm\n    The definition\n    of it.\n\n    A quotation.\n\n"
        "A. Lincoln was\na president."
    )
    assert _view(raw.replace("\n", line_end)).text.split("\n") == [
        "The overseas minister said that it was.",
        "an old item that goes on",
        "second",
        "after",
        "another",
        "nested item",
        "two",
        "The old note goes on.",
        "More.",
        "Old text.",
        "Topic.",
        "The definition of it.",
        "A quotation.",
        "A. Lincoln was a president.",
    ]


@pytest.mark.parametrize(
    "block",
    [
        "Old title\n=========",
        ".. old comment\n   goes on\n\n   and on",
        ".. image:: old.png\n   :alt: old\n\n   old",
        ".. code:: python\n\n   old()",
        ".. _old: http://old.org",
        ".. |old| replace:: old",
        "__ http://old.org",
        "::\n\n  old code\n\n  more",
        "::\n\n> old quote\n> more",
        "+-----+\n| old |\n+-----+",
        "===  ===\nold  old\n===  ===\na    b\n\nc    old\n===  ===",
        '>>> print("old")\nold',
        "| old line\n| old block",
        "--old  an old option",
        ":old: a field\n  goes on",
        "An *old star.",
        "An \\*old\\* escape.",
        "An `old tick.",
        "An old\u2028.. comment",
        "-----",
    ],
)
def test_other_blocks_are_left_alone(block: str) -> None:
    assert _view(f"Before.\n\n{block}\n\nAfter.\n").text == "Before.\nAfter."


def test_inline_markup_is_read_but_only_prose_and_link_texts_change() -> None:
    raw = "`The old page <http://old.org>`_, ``old code``, :ref:`old label <old>`, |old name|, Old_, x@old.org [1]_."
    assert _view(raw).text == "The old page, old code, old label, old name, Old, x@old.org ."
    assert _replaced(raw, "The old page", "A new page") == raw.replace("The old page", "A new page")
    for frozen in ("old code", "old label", "old name", "Old", "x@old.org"):
        assert _replaced(raw, frozen, "new") is None
    assert _replaced("`old page <http://a.b>`_ and `Old Page`_.", "old page", "new page") is None


def test_an_edit_that_would_change_the_markup_is_refused() -> None:
    raw = "The *old* law of\nmen.\n"
    for new in ("*new", "new`", "|new|", "", "new\\", "*", " new", "new "):
        assert _replaced("The *old* law.", "old", new) is None
    for new in ("- A", "1. A", ".. A", ":a: b", "--all", "| A", "", "...."):
        assert _replaced("The law.", "The law.", new) is None
    assert _replaced("- The law.\n\n    More.\n", "law.", "law::") is None
    assert _replaced("The old\nlaw goes.", "law", "") is None
    assert _replaced("The *old* law.", " law", "s law") is None
    assert _replaced(raw, "The old", "A new") == raw.replace("The *old", "A *new")


def test_an_edit_over_two_lines_keeps_the_line_end() -> None:
    raw = "* The overseas\n  minister *spoke* at length.\n"
    expected = "* The foreign\n  secretary *talked* at length.\n"
    assert _replaced(raw, "overseas minister spoke", "foreign secretary talked") == expected
    expected = "* The minister\n  *spoke* at length.\n"
    assert _replaced(raw, "overseas minister", "minister") == expected
    assert _replaced(raw, "minister spoke", "spoke") is None


def test_long_lines_of_odd_markup_are_read() -> None:
    for odd in (
        "* ",
        "`",
        "a_",
        ":+",
        "a ``b ",
        "- ",
        "**a *b ",
        "|a ",
        "`a <",
        "[a",
        " ",
        "a",
        "a@",
        ":a",
        "=== ===\n",
    ):
        assert len(_view(odd * 50_000 + "a").text) <= len(odd) * 50_000 + 1
    assert _view("\n".join(" " * i + "a" for i in range(1000))) is not None


LINES = st.lists(
    st.sampled_from(
        [
            "a b",
            "*a* b",
            "  c d::",
            "- e",
            "  f",
            "",
            "",
            "===",
            ".. note:: g",
            ":h: i",
            "``j",
            "`` k_",
            "    l",
            "::",
            "1. m",
        ]
    ),
    max_size=12,
)


@given(LINES, st.integers(0, 30), st.integers(0, 12), st.sampled_from(["x", "x y z", "", "*", "- x", "x::", " "]))
def test_an_edit_keeps_the_lines_and_everything_around_it(lines: list[str], at: int, length: int, new: str) -> None:
    raw = "\n".join(lines)
    view = _view(raw)
    assert list(view.starts) == sorted(view.starts) and max(view.ends, default=0) <= len(raw)
    for start, end, character in zip(view.starts, view.ends, view.text, strict=True):
        assert raw[start:end] == character or ("\n" in raw[start:end] and character in " \n")
    if at + length <= len(view.text) and view.text and (edit := view.raw_edit(raw, Edit(at, at + length, new))):
        restored = apply(raw, [edit])
        assert restored.startswith(raw[: edit.start]) and restored.endswith(raw[edit.end :])
        assert restored.count("\n") == raw.count("\n")
        assert _view(restored).text.count("\n") == view.text.count("\n")


def test_markup_of_templates_is_fixed() -> None:
    assert _replaced("The {{ old }} law.", "old", "new") is None


def test_in_a_long_paragraph_only_words_amid_words_are_replaced() -> None:
    raw = "See the old notes, *an old note* and 3 old_ ones. " + "More words follow here. " * 400
    assert _replaced(raw, "old notes", "new pages") == raw.replace("old notes", "new pages")
    assert _replaced(raw, "old note*"[:-1] + " and", "note and") is None
    assert _replaced(raw, "an old note", "a note") is None
    assert _replaced(raw, "ones.", "*ones*.") is None
