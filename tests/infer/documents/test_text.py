"""Plain text: lines are paragraphs, and those that wrapping made are read as one."""

import re
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.edits import Edit, apply
from unspin.infer.documents.base import View
from unspin.infer.documents.text import text_views

PARAGRAPH = (
    "The overseas minister said on Tuesday that the council would close the old road in the town for some days, since "
    "the bridge was not safe. “We regret it,” she said, and added that drivers should take the northern road."
)
OTHER = "Shops in the town asked for money, which the council, whose budget is small, did not promise to any of them."


def _view(raw: str) -> View:
    (view,) = text_views(raw).views
    return view


@pytest.mark.parametrize("width", [45, 60, 72, 79, 120])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r", " \n"])
@pytest.mark.parametrize("indents", [("", ""), ("    ", "    "), ("   ", ""), ("- ", "  "), ("12. ", "")])
def test_wrapped_lines_are_read_as_one_paragraph(width: int, line_end: str, indents: tuple[str, str]) -> None:
    first, other = indents
    wrapped = [
        textwrap.fill(text, width, initial_indent=first, subsequent_indent=other, break_on_hyphens=False)
        for text in (PARAGRAPH, OTHER)
    ]
    raw = "\n\n".join(["TOWN CLOSES ROAD", *wrapped]).replace("\n", line_end)
    text = _view(raw).text
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert [line for line in lines if line] == ["TOWN CLOSES ROAD", first.lstrip() + PARAGRAPH, first.lstrip() + OTHER]
    assert len(text) == len(raw)


@pytest.mark.parametrize(
    "raw",
    [
        PARAGRAPH + "\n" + OTHER + "\n" + PARAGRAPH,
        "Dear Sir,\nI write since the road of our town has been shut for days.\nYours,\nJane Doe",
        "The town of the old road\nThe council of the old town\nThe drivers of the old road",
        "Roses are red and violets are as blue,\nsugar is sweet, my dear, and so\nare you, and so is the day.",
        "- the old road of the town by the river\n- the new road of the town by the sea\n- the bridge",
        "1. the old road of the town by the river\n2) the new road of the town by the sea\n(c) the bridge",
        "> the old road of the town by the river\n> the new road of the town by the sea\n> and the bridge",
        "10 High Street, Old Town, Westshire, AB1\nphone 01234 567 890, and extension 12\n\n" + OTHER,
        "road\nbridge\ntown",
        "name of the old road   length in miles\nriver road of the town             12\nsea road    " + " " * 20 + "3",
    ],
    ids=["paragraphs", "letter", "titles", "poem", "list", "numbers", "quoted", "address", "words", "table"],
)
def test_other_lines_stay_apart(raw: str) -> None:
    assert _view(raw).text == raw


def test_a_title_above_a_wrapped_paragraph_stays_apart() -> None:
    raw = f"Town closes the road\n{textwrap.fill(PARAGRAPH, 70)}\n\nSigned: Jane"
    title, paragraph, _, signed = _view(raw).text.split("\n")
    assert (title, paragraph, signed) == ("Town closes the road", PARAGRAPH, "Signed: Jane")


def test_a_word_broken_by_a_hyphen_is_not_joined() -> None:
    raw = "The overseas minister said that the inter-\nnational road would be closed for the whole of the\nweek."
    assert _view(raw).text == raw.replace("the\nweek", "the week")


WRAPPED = (
    "  The overseas minister said that the town council\r\n  would close the old part of the river road for\r\n  days,"
    " since the bridge is unsafe."
)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("overseas minister", "foreign secretary", "  The foreign secretary said that the town council\r\n"),
        ("council would close", "board will shut", "the town board\r\n  will shut the"),
        ("town council would", "council might", "that the council\r\n  might close"),
        # Words that are too few for two lines stay together.
        ("council would", "may", "the town may\r\n  close the"),
        ("council would ", "", "the town\r\n  close the"),
        ("town council ", "", "that the\r\n  would close"),
        ("road for days", "alley", "the river\r\n  alley, since"),
        ("The", "", "  overseas minister"),
        ("council would close the old part of the river road for", "x", "the town\r\n  x\r\n  days"),
        ("town council would close the old part of the river road for days", "x", None),
    ],
)
def test_an_edit_keeps_the_line_ends(old: str, new: str, expected: str | None) -> None:
    view = _view(WRAPPED)
    assert len(view.text.splitlines()) == 1
    found = re.search(old.replace(" ", r"\s+"), view.text)
    assert found
    edit = view.raw_edit(WRAPPED, Edit(*found.span(), new))
    if expected is None:
        assert edit is None
    else:
        assert edit is not None
        restored = apply(WRAPPED, [edit])
        assert expected in restored and restored.count("\r\n") == 2


def test_columns_stay_apart() -> None:
    raw = "Ann Jones\toverseas    individuals  here   1911"
    view = _view(raw)

    def restored(old: str, new: str) -> str | None:
        start = view.text.index(old)
        edit = view.raw_edit(raw, Edit(start, start + len(old), new))
        return edit and apply(raw, [edit])

    assert restored("overseas    individuals", "foreign people") == raw.replace("overseas", "foreign").replace(
        "individuals", "people"
    )
    assert restored("Jones\toverseas", "Smith foreign") == raw.replace("Jones", "Smith").replace("overseas", "foreign")
    assert restored("overseas    individuals", "people") is None
    assert restored("Jones\toverseas", "a foreign country") is None


def test_markup_of_templates_does_not_change() -> None:
    raw = "Dear {{ overseas }}, {% if old %}the [caption id='a' title='old']old road[/caption] <?php old ?> is old."
    view = _view(raw)
    edits = [view.raw_edit(raw, Edit(*match.span(), "new")) for match in re.finditer("old|overseas", view.text)]
    made = [edit for edit in edits if edit]
    assert apply(raw, made) == raw.replace("]old", "]new").replace("is old", "is new")


@pytest.mark.parametrize(
    "raw",
    [
        "Write <?php and go on about the old law.",
        "Cafe One ($$) is an old place.\nCafe Two ($$) is not.",
        "The [ending] of the old [endnote] is [sic].",
    ],
)
def test_what_only_begins_like_markup_is_read(raw: str) -> None:
    assert not any(_view(raw).fixed)


def test_a_paragraph_that_begins_with_an_indent_stays_apart() -> None:
    first = "    The overseas minister said that the town council\nwould close the old road in the town, as it is safe."
    second = "    Another paragraph begins here and goes on in the\nnext line."
    assert _view(f"{first}\n{second}").text == f"{first}\n{second}".replace("council\n", "council ").replace(
        "the\nnext", "the next"
    )


def test_long_white_space_takes_linear_time() -> None:
    raw = f"The old{' ' * 100_000}law\n" * 5 + f"of the town is\nas it was{' ' * 100_000}and more."
    view = _view(raw)
    for match in re.finditer("law|was", view.text):
        view.raw_edit(raw, Edit(*match.span(), ""))


def test_a_rule_is_not_a_part_of_a_paragraph() -> None:
    raw = f"{'=' * 60}\n{textwrap.fill(PARAGRAPH, 60)}"
    assert _view(raw).text == f"{'=' * 60}\n{PARAGRAPH}"


@given(
    st.text("ab.- \t\r\n\x0b\x85", max_size=60),
    st.integers(0, 60),
    st.integers(0, 9),
    st.sampled_from(["x", "", "x y"]),
)
def test_the_view_of_any_text_is_as_long_as_the_text(raw: str, start: int, length: int, new: str) -> None:
    view = _view(raw)
    assert "".join(view.text.split()) == "".join(raw.split()) and len(view.text) == len(raw)
    if start + length <= len(raw) and raw and (edit := view.raw_edit(raw, Edit(start, start + length, new))):
        assert apply(raw, [edit]).startswith(raw[: edit.start])
