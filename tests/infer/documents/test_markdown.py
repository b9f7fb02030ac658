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
        ("a `$x` b `$y` c `{{` d", "a $x b $y c {{ d"),
        ("Run\n```\n$$\n```\nprose\n```\n$$\n```", "Run\nprose"),
        ("a\n\\[\nx\n\\]\nb\n\n$$ y $$\n\n$$z$$ is\n\n\\begin{a}\nx\n\\end{a}", "a\nb\n$$z$$ is"),
        ("\\[edit\\] and \\[sic] cost $$", "[edit] and [sic] cost $$"),
        ("{% highlight c %}\nx\n\ny\n{% endhighlight %}\n{{% note %}}\nText\n{{% /note %}}", "Text"),
        ("??? note\n    Body\nAfter", "Body\nAfter"),
        ('=== "Tab"\n\n    Body\n\n        code', "Body"),
        ("> [!tip]- A title\n> The body\n>> nested", "A title\nThe body\nnested"),
        ("[^a]:\n    A note\n\n    goes on\n\n        code\n\nb", "A note\ngoes on\nb"),
        ("T\n: one\n  wrapped\n: two", "T\none wrapped\ntwo"),
        ("> - a | b\n>   - | -\n>   c", "a | b\n| - c"),
        ("> | *a* | b |\n> |--|--|\n> | | [c](d) |", "a\nb\nc"),
        ("a<br>\nb <code>*c*\nd</code><style>e</style> f", "a\nb c d f"),
        ("%%x%% a", " a"),
        ("a\u2028b\x0cc\0d\te", "a\u2028b\x0cc\ufffdd\te"),
        ("a\rb\r\rc\r\nd\n\r\ne", "a b\nc d\ne"),
        ("-\ta\n\n\tb\n\n\t\t\tc", "a\nb"),
        ("> <div>a\n> b</div>\n\n<p>{{ x }} c", "a b\n{{ x }} c"),
        ('[caption id="a" width="3"]![x](y) a[/caption] b [c d=e](f) [/g](h)', " a b c d=e /g"),
        ("<pre>\n\na</pre>\n\n<details>\n<summary>b</summary>\n\n*c*\n\n</details>", "b\nc"),
        ("---\n# c\nkey one: |\n\n  x\n---\nText", "Text"),
        ("---\n---\nText", "Text"),
        ("---\n\nA rule, and no front matter: so.\n\n---", "A rule, and no front matter: so."),
        ("![*a* `b`](c \"d\") [![e](f)](g) [h *i*][j] [k](<l m> 'n')\n\n[j]: o", "  h i k"),
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
        ("it is\n> the\nold law", "old", "1.", "it is\n> the\nold law"),
        (
            "see http://old.org/old, $old$ and <kbd>old</kbd>",
            "old",
            "new",
            "see http://old.org/old, $old$ and <kbd>old</kbd>",
        ),
        ("the *old* law", "old", " new", "the *old* law"),  # would show the asterisks
        ("**old**er", "old", "(new)", "**old**er"),
        ("old\n===", "old", "- new", "old\n==="),
        ("the am old; law", "am old", "AT&T", "the AT&T; law"),
        ("the &old; law", "old", "amp", "the &old; law"),
        ("[old] is [new]\n\n[new]: x", "old", "new", "[old] is [new]\n\n[new]: x"),
        ("| old | b |\n|--|--|\n| c \\| old | e |", "old", "new", "| new | b |\n|--|--|\n| c \\| new | e |"),
        ("an old\r\n  law", "old law", "new rule", "an new\r\n  rule"),
        ("a\n> an *x* old\n> law\n> b", "old law", "rule", "a\n> an *x*\n> rule\n> b"),
        (
            "a <span lang='fr'>old</span> <i translate=no>old</i> <b lang=en>old</b> <u>old</u>",
            "old",
            "new",
            "a <span lang='fr'>old</span> <i translate=no>old</i> <b lang=en>new</b> <u>new</u>",
        ),
        (
            "{% raw %}\nold\n{% endraw %}\n\n[code]\n\nold\n\n[/code]\n\n<% old %> old",
            "old",
            "new",
            "{% raw %}\nold\n{% endraw %}\n\n[code]\n\nold\n\n[/code]\n\n<% old %> new",
        ),
        (
            "`[code]` old `[/code]`, \\[old\\] and `<?php`, old",
            "old",
            "new",
            "`[code]` new `[/code]`, \\[new\\] and `<?php`, new",
        ),
        (
            "```\n[code] <?php\n```\nold\n```\n[/code]\n```\nold",
            "old",
            "new",
            "```\n[code] <?php\n```\nnew\n```\n[/code]\n```\nnew",
        ),
        ("[code]\n\n<div>old</div>\n\n[/code]", "old", "new", "[code]\n\n<div>old</div>\n\n[/code]"),
        (
            "<span lang=fr>a <span>b</span> old</span> <b data-lang=fr>old</b>",
            "old",
            "new",
            "<span lang=fr>a <span>b</span> old</span> <b data-lang=fr>new</b>",
        ),
        ("- An old\n  law", "An old law", "Rule", "- Rule"),
        (
            "[the old=er law](x) [gallery title='old'] old",
            "old",
            "new",
            "[the new=er law](x) [gallery title='old'] new",
        ),
        ("<p>an old\nlaw", "old law", "rule", "<p>an\nrule"),
        ("> <p>old law", "old", "new", "> <p>new law"),
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


@given(TEXTS, st.integers(0, 99), st.integers(0, 9), st.sampled_from(["", "x", "two words", "*a* `b`", "1.", "#", "|"]))
def test_an_edited_text_reads_as_intended(raw: str, start: int, length: int, new: str) -> None:
    view = _view(raw)
    start = min(start, len(view.text))
    end = min(start + length, len(view.text))
    edit = view.raw_edit(raw, Edit(start, end, new))
    if edit:
        assert _view(apply(raw, [edit])).text.split() == (view.text[:start] + new + view.text[end:]).split()


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
    if before == after and "[^" in raw:  # a footnote, which CommonMark takes for the address of a link
        return
    place = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), None)
    assert place is not None and before[place : place + 4] == "word" and after[place : place + 4] == "term"
    assert before[:place] + "term" + before[place + 4 :] == after


def test_in_a_very_long_paragraph_only_words_are_replaced() -> None:
    raw = "an old *law* " * 2000
    view = _view(raw)
    assert view.raw_edit(raw, Edit(3, 6, "new")) == Edit(3, 6, "new")
    assert view.raw_edit(raw, Edit(3, 6, "new*")) is None


REPEATED = ("[", "[[", "{{", "\\[\n", "*a ", "$a ", "![", "<a ", "`a``", "a\n", "$$\n", "> ", "&a;", "- a\n", "**")
REPEATED += (
    "!!! note\n    a\n",
    "\\begin{a}\n",
    "[[a|",
    "<code>",
    "{% a ",
    "[!a]\n",
    "%%a",
    "+++\n",
    "[^1]:\n",
    ": a\n",
    "% a\n",
    "import 'a\n",
    "{::comment}\n",
    "{/*",
    "<A.b '",
    '<a b={{"',
    "a^b",
    "\\\\(a",
)


@pytest.mark.parametrize("raw", [*(it * 3000 for it in REPEATED), "|a|\n|-|\n" + "|x|\n" * 6000, "---\n" * 6001])
def test_long_repetitive_text_is_read(raw: str) -> None:  # quadratic time would be minutes
    assert len(_view(raw).text) <= len(raw)
