"""Markdown: the view reads like the rendered text, and edits land in the prose and leave all markup as it is."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from unspin.edits import Edit, apply
from unspin.infer.documents.base import View
from unspin.infer.documents.markdown import markdown_views

PIECES = st.sampled_from(
    [*"*_`~[]()<>#!|\\&;:-+=.$\n\r\t ", "\r\n", "\n\n", "    ", "> ", "- ", "1. ", "```\n", "---\n", "| a |\n| - |\n"]
    + ["&amp;", "[a](b)", "![a](b)", "<b>", "</b>", "<!-- x -->", "[^1]: ", "$x$", "{{< y >}}", "[[p|q]]", "!!! note\n"]
    + ["word", "other", "4*2", "é😀", "\0", "\u2028", "\f"]
)
TEXTS = st.lists(PIECES, max_size=40).map("".join)


def _view(raw: str) -> View:
    (view,) = markdown_views(raw).views
    return view


def _replaced(raw: str, old: str, new: str) -> str:
    view = _view(raw)
    edits = [view.raw_edit(raw, Edit(match.start(), match.end(), new)) for match in re.finditer(old, view.text)]
    assert edits
    return apply(raw, [edit for edit in edits if edit])


def test_only_prose_changes() -> None:
    raw = (
        "---\ntitle: old\n---\n# The old *old* law\n\nSee [the old page](http://old.org/old) and `old` code.\n\n"
        "```\nold\n```\n\nRun this:\n\n    old code\n\n| old | table |\n| --- | --- |\n| old | cell |\n\n"
        "<div old>old</div>\n\n- an old item\n"
    )
    expected = (
        "---\ntitle: old\n---\n# The NEW *NEW* law\n\nSee [the NEW page](http://old.org/old) and `old` code.\n\n"
        "```\nold\n```\n\nRun this:\n\n    old code\n\n| NEW | table |\n| --- | --- |\n| NEW | cell |\n\n"
        "<div old>NEW</div>\n\n- an NEW item\n"
    )
    assert _replaced(raw, "old", "NEW") == expected


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("An *old* __law__ and ~~one~~ a_b_c", "An old law and one a_b_c"),
        ("Growth of < 5 percent and > 3 percent, 4*2.", "Growth of < 5 percent and > 3 percent, 4*2."),
        ("a\n> b\n> c\nd", "a\nb c d"),
        ("- item\n\n  its second paragraph\n\n      code", "item\nits second paragraph"),
        ("1. item\n   wrapped\n2. next", "item wrapped\nnext"),
        ("a hard  \nbreak\\\nand a soft\nbreak", "a hard\nbreak\nand a soft break"),
        ("Setext\nof two lines\n====\n\nB\n-", "Setext of two lines\nB"),
        ("####### seven\n\n## two ##", "####### seven\ntwo"),
        (r"AT&amp;T &lt;3 \*so\* &bogus;", "AT&T <3 *so* &bogus;"),
        ("a ![x](y) b <i class='z'>c</i> <!-- d -->e", "a  b c e"),
        ("see <http://x.y> or http://x_y_z.", "see http://x.y or http://x_y_z."),
        ("[a]: http://b.c 'd'\n\nsee [a], [e][a]", "see a, e"),
        ("- [ ] to do\n- [x] done", "to do\ndone"),
        ("> [!NOTE]\n> Take care.", "Take care."),
        ('!!! note "x"\n    The body.\n\n    More.\n\nAfter.', "The body.\nMore.\nAfter."),
        ("::: tip\nInside.\n:::", "Inside."),
        ("Text[^1].\n\n[^1]: A note\n    goes on.", "Text.\nA note goes on."),
        ("Term\n: Its meaning", "Term\nIts meaning"),
        ("$$\na = b\n$$\n\nIt is $x_1 * y_1$ for $5 and $6.", "It is $x_1 * y_1$ for $5 and $6."),
        ('{{< figure >}}\n\nA {{< ref "x" >}} b.', 'A {{< ref "x" >}} b.'),
        ("A [[target|label]], [[page]] and ![[file]].", "A label, [[page]] and ."),
        ("# Title {#id}", "Title "),
        ("| a | b |\n|---|---|\n| c \\| d | *e* |", "a\nb\nc | d\ne"),
        ("+++\r\na = 1\r\n+++\r\nText\r\nhere\r\n", "Text here"),
        ("---\nold: 1\n...\nText", "Text"),
        ("<script>x</script>\n\n<p>The\ntext</p>", "The text"),
        ("`` a ` b `` c", "a ` b c"),
    ],
)
def test_a_view_reads_like_the_page(raw: str, text: str) -> None:
    assert _view(raw).text == text


@pytest.mark.parametrize(
    ("raw", "old", "new", "restored"),
    [
        ("the\n> old\n> law", "old law", "new rule", "the\n> new\n> rule"),
        ("the **old** law", "old law", "new rule", "the **new** rule"),
        ("the war**fare** ended", "warfare", "war", "the war**fare** ended"),
        ("run `old` code", "old", "new", "run `old` code"),
        ("the old law", "old", "a*b_c [d]", r"the a\*b\_c \[d\] law"),
        ("the old law", "old", "Smith's & Co. - “yes”", "the Smith's & Co. - “yes” law"),
        ("<p>the old law</p>", "old", "R&D", "<p>the R&amp;D law</p>"),
        ("old law", "old", "1. new", "old law"),
        ("> - old law", "old", "# new", "> - old law"),
        ("the old law", "old", "- new", "the - new law"),
    ],
)
def test_an_edit_keeps_the_markup(raw: str, old: str, new: str, restored: str) -> None:
    assert _replaced(raw, old, new) == restored


@given(TEXTS)
def test_every_character_of_a_view_stands_in_the_raw_text(raw: str) -> None:
    view = _view(raw)
    assert list(view.starts) == sorted(view.starts)
    for start, end, character in zip(view.starts, view.ends, view.text, strict=True):
        source = raw[start:end]
        assert 0 <= start <= end <= len(raw)
        assert (
            character in (source, "\n")
            or character in html.unescape(source)
            or source == "\\" + character
            or (character == " " and not re.search(r"[^\s>\\]", source))
            or (character == "\ufffd" and source == "\0")
        )


@given(TEXTS, st.integers(0, 9))
def test_another_word_changes_nothing_but_that_word(raw: str, number: int) -> None:
    view = _view(raw)
    words = [*re.finditer(r"\bword\b", view.text)]
    if not words:
        return
    word = words[number % len(words)]
    edit = view.raw_edit(raw, Edit(word.start(), word.end(), "term"))
    if edit is None:  # it stands in code
        return
    render = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render
    before, after = render(raw), render(apply(raw, [edit]))
    place = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), None)
    assert place is not None and before[place : place + 4] == "word" and after[place : place + 4] == "term"
    assert before[:place] + "term" + before[place + 4 :] == after


REPEATED = ("[", "[[", "{{", "\\[\n", "*a ", "$a ", "![", "<a ", "`a``", "a\n", "$$\n", "> ", "&a;", "- a\n", "**")


@pytest.mark.parametrize("raw", [*(it * 6000 for it in REPEATED), "|a|\n|-|\n" + "|x|\n" * 6000, "---\n" * 6001])
def test_long_repetitive_text_is_read(raw: str) -> None:  # quadratic time would be minutes
    assert len(_view(raw).text) <= len(raw)
