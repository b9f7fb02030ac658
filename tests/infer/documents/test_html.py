"""HTML: the view reads like the page in a browser, edits land in its text, and all else stays byte for byte."""

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unspin.edits import Edit, apply
from unspin.infer.documents.base import DocumentError, DocumentOptions, View
from unspin.infer.documents.formats import decode_document
from unspin.infer.documents.html import html_views
from unspin.infer.restoration import Restoration

PIECES = st.lists(
    st.sampled_from(
        """<p> </p> <b> </b> <a> </a> <sup> </sup> <br> <wbr> </i> <svg> </svg> <math> <title> </title> <textarea>
        </textarea> <script> </script> <!-- --> <![CDATA[ ]]> <?x <!x > < / </ </> </3> <table> <tr> <td> </table>
        <template> </template> <code> </code> <pre> <noscript> <foreignObject> <select> <option> <body> <plaintext>
        &amp; &amp &notit; &#8217 &#x & &shy; \u200b lt; # ; " ' = word é 😀 \ue000 1 [1] -- \x00 \ud800""".split()
    )
    | st.sampled_from(["\n", "\r\n", "\r", "\t", "\f", " ", "<a href=#n>", "<i lang=fr>"]),
    max_size=40,
).map("".join)


def _view(raw: str) -> View:
    (view,) = html_views(raw).views
    return view


def _replace(raw: str, old: str, new: str) -> str:
    view = _view(raw)
    edits = []
    for match in re.finditer(re.escape(old), view.text):
        edit = view.raw_edit(raw, Edit(match.start(), match.end(), new))
        assert edit is not None
        edits.append(edit)
    assert edits
    return apply(raw, edits)


def test_only_the_text_changes() -> None:
    raw = (
        '<!doctype html><title>The overseas minister</title><p class="overseas" title="a > overseas">The '
        "<b>overseas</b> minister&#8217;s aide &amp; overseas&nbsp;staff</p><script>overseas()</script>"
        "<!-- overseas --><pre>overseas</pre>"
    )
    expected = (
        '<!doctype html><title>The R&amp;D minister</title><p class="overseas" title="a > overseas">The '
        "<b>R&amp;D</b> minister&#8217;s aide &amp; R&amp;D&nbsp;staff</p><script>overseas()</script>"
        "<!-- overseas --><pre>overseas</pre>"
    )
    assert _replace(raw, "overseas", "R&D") == expected


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        # White space is collapsed; blocks and <br> are line ends, inline tags are invisible.
        ("<p>The minister\n   said\r\nso <b>and\n</b> so.</p>\n  <p>Next</p>\n", "The minister said so and so.\nNext"),
        ("<ul><li>It<em>alic</em> &amp; caf&eacute;<br>next</ul>", "Italic & café\nnext"),
        ("a&#32;b&#10;c&Tab;d&nbsp;e", "a b c d\xa0e"),
        ("<table><caption>a</caption><tr><td>b<td>c<tr><th>d</table>e", "a\nb\nc\nd\ne"),
        ("<select><option>a<option>b</select><dl><dt>c<dd>d</dl>", "a\nb\nc\nd"),
        ("one <img src=x> and <a href=y>two</a> <span>three</span>", "one and two three"),
        ("<title>a</title><h1>b</h1>c<hr>d<figure>e<figcaption>f</figure>", "a\nb\nc\nd\ne\nf"),
        # Unclosed and misnested tags.
        ("a<svg><path><p>b<p>c", "a\nb\nc"),
        ("<p>a <code>x<p>b</p>c", "a\nb\nc"),
        ("<p>a <kbd>x</p>b", "a\nb"),
        ("<div>a<samp>x<p>b</div>c", "a\nb\nc"),
        ("a<pre>x <i>y</i><p>b", "a\nb"),
        ("<pre>x<p>y</p></pre>a", "a"),
        ("<p>a <b>b <i>c</b> d</i></p></div></b>e", "a b c d\ne"),
        ("x<table><tr><td>c</td></tr></table>y</foo>z", "x\nc\nyz"),
        # What is not shown, or no prose.
        ("a<noscript><p>x</noscript>b<template>x</template>c", "abc"),
        ("a<textarea>x</textarea>b<iframe>x</iframe>c<xmp><p>x</xmp>d", "a\nb\nc\nd"),
        ("<style>x</style>a<script>if (a < b) '</p>'</script>b", "ab"),
        ("<title>x", ""),
        ("<title>x <b>", ""),
        ("a<plaintext>x<b>", "a"),
        ("<math><mi>x</mi></math>a<svg><text>x</text><foreignObject><p>b</p></foreignObject></svg>c", "xa\nb\nc"),
        ("a <svg><g><path/></g><text>x</text></svg> b <math><mi>x</mi></math> c", "a b x c"),
        ("<ruby>kan<rp>(</rp><rt>x</rt></ruby>ji", "kanji"),
        ("<div hidden>a</div><p aria-hidden=true>b", "a\nb"),
        # Comments and what browsers take for comments.
        ("a <!--[if IE]><p>x</p><![endif]--> b <![if !IE]>c<![endif]> d", "a b c d"),
        ("a<!-- x --!>b<!-->c<?php x ?>d<!x>e</3>f</>g", "abcdefg"),
        ("<svg><![CDATA[ > <p>x</p> > ]]></svg>a", "a"),
        ("a <![: x", "a"),
        ("a < b, 3 <4 & <>", "a < b, 3 <4 & <>"),
        # Character references.
        ("AT&T &bogus; &ampc &notit; &copyright &#8217s &hellip &lt", "AT&T &bogus; &c ¬it; ©right ’s &hellip <"),
        ("fish &amp<b>chips</b> &#x80; &fjlig;", "fish &chips € fj"),
        # Soft hyphens and other invisible characters in words.
        ("extra&shy;ordin\u200bari<wbr>ly \u00adgood<wbr> x", "extraordinarily good x"),
    ],
)
def test_a_view_reads_like_the_page(raw: str, text: str) -> None:
    assert _view(raw).text == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("warfare<sup><a href='#fn1'>1</a></sup>, and", "warfare, and"),
        ("warfare<a href='page.html#n'><sup>1</sup></a> and", "warfare and"),
        ("warfare<sup>[2]</sup> and<sup>[<i><a href=/w>citation needed</a></i>]</sup>.", "warfare and."),
        ("warfare<sup>*</sup> and<sup>(a)</sup>", "warfare and"),
        ("H<sub>2</sub>O, 10<sup>3</sup>, the 1<sup>st</sup>", "H2O, 103, the 1st"),
        ("<a href=#top>the 2<sup>nd</sup> law</a>", "the 2nd law"),
    ],
)
def test_references_to_notes_are_left_out_and_other_superscripts_are_not(raw: str, text: str) -> None:
    assert _view(raw).text == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("<p lang=fr>x<p lang=en-GB>a<p>b", "a\nb"),
        ("<html lang=de><p>x<p lang=EN>a<div lang=''>b</div><div xml:lang=und>c", "a\nb\nc"),
        ("<p lang=de_DE>x<p lang=en_US>a<p lang='{{ lang }}'>b<p lang=english>c", "a\nb\nc"),
        ("He said <i lang=fr>x <b lang=en>a</b> x</i> and left.", "He said x a x and left."),
        ("He said <i lang=fr>x and left.", "He said"),
        ("<p><i lang=fr>x</i></p>a <span lang=fr><p>x</p></span> b", "a\nb"),
        ("a <b translate=no>x</b> b <i class='c notranslate'>x</i> c", "a x b x c"),
        ("<div translate=NO>x<p translate=yes>a</div>", "a"),
        ("<li lang=fr>x<li>a", "a"),
        ("<p><font lang=fr>x<p>x</font>a", "a"),
    ],
)
def test_text_in_other_languages_is_left_alone(raw: str, text: str) -> None:
    assert _view(raw).text == text


@pytest.mark.parametrize(
    ("raw", "old", "new", "expected"),
    [
        ("the <b>overseas</b> minister", "overseas minister", "foreign secretary", "the <b>foreign</b> secretary"),
        ("<b>overseas</b> <i>minister</i>", "overseas minister", "foreign aide", "<b>foreign</b> <i>aide</i>"),
        ("the overseas\n  minister", "overseas minister", "foreign secretary", "the foreign\n  secretary"),
        ("the overseas\n  minister.", "overseas minister", "secretary", "the\n  secretary."),
        ("overseas &nbsp;&nbsp; minister", "overseas \xa0\xa0 minister", "foreign aide", "foreign &nbsp;&nbsp; aide"),
        ("an extra&shy;ordinary law", "extraordinary", "odd", "an odd law"),
        ("a super<wbr>power won", "superpower", "state", "a state won"),
        ("the &fjlig;ord", "fjord", "bay", "the bay"),
        ("old", "old", '"new", it\'s <&', '"new", it\'s &lt;&amp;'),
        ("AT&amp;T old", "old", "new", "AT&amp;T new"),
    ],
)
def test_an_edit_lands_in_its_place(raw: str, old: str, new: str, expected: str) -> None:
    assert _replace(f"<p>{raw}</p>", old, new) == f"<p>{expected}</p>"


@pytest.mark.parametrize(
    ("raw", "old", "new"),
    [
        ("war<b>fare</b>", "warfare", "war"),  # a tag would be left without text
        ("war<!-- -->fare", "warfare", "war"),
        ("a &not 1", " 1", "in;"),  # "&notin;" is another character
        ("a &#57 1", " 1", "1"),
        ("a <3", "3", "b"),  # "<b" is a tag
        ("AT&T", "T", "amp"),
        ("fish &ampchips", "chips", "fries"),
    ],
)
def test_an_edit_that_would_break_markup_is_refused(raw: str, old: str, new: str) -> None:
    view = _view(raw)
    start = view.text.rindex(old)
    assert view.raw_edit(raw, Edit(start, start + len(old), new)) is None


def test_an_insertion_lands_at_its_place() -> None:
    raw = "<p>a&amp;b</p><p>c</p>"
    assert _view(raw).raw_edit(raw, Edit(2, 2, "<")) == Edit(9, 9, "&lt;")
    assert _view(raw).raw_edit(raw, Edit(0, 0, "x")) == Edit(3, 3, "x")
    assert _view(raw).raw_edit(raw, Edit(4, 4, "x")) == Edit(17, 17, "x")


@given(PIECES)
def test_every_readable_character_stands_in_the_raw_text(raw: str) -> None:
    view = _view(raw)
    assert list(view.starts) == sorted(view.starts)
    for start, end, character in zip(view.starts, view.ends, view.text, strict=True):
        assert 0 <= start <= end <= len(raw)
        if character == "\n":
            assert start == end
        elif character == " ":
            assert html.unescape(raw[start:end]).strip(" \t\n\r\f") == ""
        else:
            assert character in html.unescape(raw[start:end])


@given(PIECES, st.data())
def test_an_edit_changes_nothing_else_on_the_page(raw: str, data: st.DataObject) -> None:
    view = _view(raw)
    if not view.text:
        return
    start = data.draw(st.integers(0, len(view.text) - 1))
    end = data.draw(st.integers(start, min(len(view.text), start + 9)))
    edit = view.raw_edit(raw, Edit(start, end, data.draw(st.text("xyz<&1; ", max_size=5))))
    if edit is None or "\n" in view.text[start:end]:
        return
    restored = apply(raw, [edit])
    assert restored.startswith(raw[: edit.start]) and restored.endswith(raw[edit.end :])


@given(st.lists(st.sampled_from("old <b>old</b> <i>o</i>ld &amp; <br> old&shy;er <p> </p> \n".split(" ")), min_size=1))
def test_words_are_replaced_wherever_they_stand(pieces: list[str]) -> None:
    raw = " ".join(pieces)
    view = _view(raw)
    words = list(re.finditer(r"\w+", view.text))
    edits = [view.raw_edit(raw, Edit(word.start(), word.end(), "new")) for word in words]
    restored = _view(apply(raw, [edit for edit in edits if edit])).text
    kept = iter(edits)
    assert restored == re.sub(r"\w+", lambda word: "new" if next(kept) else word[0], view.text)


@pytest.mark.parametrize(
    "page",
    [
        "<p class='x > y'>The minister said <a href='http://a.b/c?d=e&f'>that</a> it was &amp;\n so.</p>\n" * 20_000,
        "<div>" * 10_000 + "a" + "</div>" * 10_000,
        "<b>" * 50_000 + "a",
        "".join(f"<p><font color=#{i} id={i} a{i}>a" for i in range(10_000)),
        "".join(f"<p><b class={i}>a" for i in range(10_000)),
        "<sup>" * 20_000 + "1",
        "<a href=#x>" + "<sup>1</sup>" * 20_000,
        "<table>a" * 10_000,
        "<" * 300_000,
        "&#" * 300_000,
        "<!--" * 100_000,
        "<a b='" * 100_000,
    ],
    ids=lambda page: page[:12],
)
def test_long_pages_of_odd_markup_are_read(page: str) -> None:  # quadratic time would be minutes
    (view,) = html_views(page).views
    assert len(view.text) <= len(page)


def _decode(data: bytes) -> str:
    return decode_document("x.html", data).text


@pytest.mark.parametrize(
    ("head", "text", "codec"),
    [
        ("<meta charset=koi8-r>", "Он был", "koi8-r"),
        ('<META name=x><meta content="text/html; charset=ISO-8859-1" http-equiv=content-type>', "“é”", "cp1252"),
        ("<meta charset = 'us-ascii'>", "“é”", "cp1252"),
        ('<?xml version="1.0" encoding="iso-8859-2"?>', "żółw", "iso8859-2"),
        ("<meta charset=gb2312>", "镕基", "gb18030"),
        ("<!-- <meta charset=koi8-r> -->", "café", "cp1252"),
        ("<meta charset=utf-8>", "café", "cp1252"),
        ("<meta charset=utf-16>", "café", "cp1252"),
        ("<meta charset=bogus>", "café", "cp1252"),
        ("<meta charset=shift_jis>", "Le café était", "cp1252"),
    ],
)
def test_the_declared_encoding_counts_if_it_can(head: str, text: str, codec: str) -> None:
    data = f"{head}<p>{text} fermé</p>".encode(codec, "ignore")
    assert _decode(data) == data.decode(codec)


def test_the_encoding_lacks_a_character() -> None:
    document = decode_document("x.html", b"<meta charset=latin1><p>caf\xe9</p>")
    restored = document.text.replace("caf", "→ x™ ")
    assert document.encode(Restoration(document.text, restored, (), ())).endswith(b"<p>&#8594; x\x99 \xe9</p>")


@pytest.mark.parametrize(
    ("raw", "warning"),
    [
        ("<html lang=de><p>Das ist so.", "all its text is marked as being in another language or not to be translated"),
        ("<p translate=no>Acme", "all its text is marked as being in another language or not to be translated"),
        ("<frameset><frame src=x></frameset>", "it has no text to restore"),
        ("<script>x</script><!-- x -->", "it has no text to restore"),
    ],
)
def test_a_page_without_text_to_restore_is_left_unchanged_and_says_why(raw: str, warning: str) -> None:
    document = decode_document("x.html", raw.encode())
    assert [view.text for view in document.views] == [""]
    assert list(document.warnings) == [f"{warning}: left unchanged"]
    assert not decode_document("x.html", b"<p>a").warnings


SENTENCE = "The overseas minister said on Tuesday that the council would close the {} road in the town for some days."
ARTICLE = [SENTENCE.format(word) for word in ("old", "long", "broad", "narrow", "northern")]


def test_only_the_article_is_the_main_content() -> None:
    pytest.importorskip("trafilatura")
    raw = f"""<!doctype html><html lang=en><head><title>Road shut - The Daily</title></head><body>
    <header><a href=/>The Daily</a><nav><ul><li><a href=/n>News</a>
    <li><a href=/s>All of the sport today</a><li><a href=/r>Minister shuts the road</a>
    <li><a href=/r>{ARTICLE[0]}</a></ul></nav></header>
    <div class="cookie-banner">
    <p>We use cookies to improve your experience, and by continuing you agree to our policy.</p></div>
    <main><article><h1>Minister shuts the road</h1>
    <p class="byline">By <a rel=author href=/a>Jane Doe</a>, correspondent
    <p>{ARTICLE[0]}</p><p>{ARTICLE[1].replace("minister", "<b>minister</b><sup>[1]</sup>")}<br>{ARTICLE[2]}</p>
    <h2>What happens next</h2><ul><li>The road stays shut until the end of the month of May.</ul>
    <p>{ARTICLE[3]} {ARTICLE[4]}</p>
    <div class="related"><h3>Related stories</h3><ul><li><a href=/1>Another minister opens another road in the north</a>
    <li><a href=/2>Town council votes on the budget for the next year</a></ul></div></article>
    <aside><p><a href=/r>{ARTICLE[3]}</a>
    <p>Sign up to our newsletter to get the day's top stories in your inbox every morning.</p></aside></main>
    <footer><p>© 2021 The Daily. All rights reserved. No part of this site may be reproduced.</p></footer>"""
    (view,) = html_views(raw, DocumentOptions(main_content=True)).views
    assert view.text.splitlines() == [
        "Minister shuts the road",
        *ARTICLE[:3],
        "What happens next",
        "The road stays shut until the end of the month of May.",
        f"{ARTICLE[3]} {ARTICLE[4]}",
    ]
    start = view.text.index("overseas")
    edit = view.raw_edit(raw, Edit(start, start + 8, "foreign"))
    article = raw.index("<article>")
    assert edit is not None and apply(raw, [edit]) == raw[:article] + raw[article:].replace("overseas", "foreign", 1)


@pytest.mark.parametrize("raw", ["<p>Home", "<div>" * 5000 + "<p>Home", "<p>\ufffd"], ids=range(3))
def test_a_page_without_an_article_has_no_main_content(raw: str) -> None:
    pytest.importorskip("trafilatura")
    with pytest.raises(DocumentError, match=r"x\.html: no article was found in the page"):
        decode_document("x.html", raw.encode(), DocumentOptions(main_content=True))


@pytest.mark.parametrize(
    ("raw", "text", "fixed"),
    [
        ("<p>Run <code>make <b>all</b></code> to see <var>x</var>.", "Run make all to see x.", "make allx"),
        ("Is <math><mi>x</mi><annotation>y</annotation></math> so?", "Is x so?", "x"),
        (
            "The <i lang=fr>coup d'état</i> of <b class=notranslate>Acme</b>",
            "The coup d'état of Acme",
            "coup d'étatAcme",
        ),
        ("<p><code>x y</code></p><p>{{ body }}</p><pre>x</pre>a", "a", ""),
        ("<p>a <code><script>x</script></code> b", "a b", ""),
        (
            "{% if a < 3 %}a{% else %}b{% endif %}",
            "{% if a < 3 %}a{% else %}b{% endif %}",
            "{% if a < 3 %}{% else %}{% endif %}",
        ),
        (
            r"a \(x &lt; \frac{y}{z}\) b $$w$$ c \[v\] $5 $6",
            r"a \(x < \frac{y}{z}\) b $$w$$ c \[v\] $5 $6",
            r"\(x < \frac{y}{z}\)$$w$$\[v\]",
        ),
        (
            "Dear {{ user.name }}, {{{ greeting }}}!",
            "Dear {{ user.name }}, {{{ greeting }}}!",
            "{{ user.name }}{{{ greeting }}}",
        ),
    ],
)
def test_what_is_no_prose_inside_a_sentence_is_shown_but_fixed(raw: str, text: str, fixed: str) -> None:
    view = _view(raw)
    assert view.text == text
    assert "".join(c for c, is_fixed in zip(text, view.fixed, strict=True) if is_fixed) == fixed
    for i in range(len(text)):
        edit = view.raw_edit(raw, Edit(i, i + 1, "Q"))
        assert (edit is None) == bool(view.fixed[i]) or text[i] == " "


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (
            '[caption id="a_6" width="300"]<img src=x> The road[/caption] was <b>[sic]</b> shut',
            "The road was [sic] shut",
        ),
        ("[b]a[/b] [code]x <b>y</b> &lt;[/code] b [Code lang='x']y[/CODE] c [video src=x][/video]", "a b c"),
        ('[gallery ids="1,2"]<p>a [1] and [see below] and [a = b]', "a [1] and [see below] and [a = b]"),
        ("{# a 'b' #}a <a href={{ url }}>b</a> <a href='{{ url }}'>c</a>", "a b c"),
        ("a {% raw %}{{ x }} y{% endraw %} b {%- comment -%} x <b>y</b> {%- endcomment -%} c", "a b c"),
        ("<p class='<?php echo $a->b; ?>'>a <?= $x->y ?> b <% if x > 3 %>c<% end %> d", "a b c d"),
        (
            "<code>[code]</code> a <code>[/code]</code> b <a title='[pre]'>c</a> <b title='[/pre]'>d",
            "[code] a [/code] b c d",
        ),
        ("5 <% and {{ and {% and [a b", "5 <% and {{ and {% and [a b"),
    ],
)
def test_the_markup_of_templates_is_left_out(raw: str, text: str) -> None:
    assert _view(raw).text == text


@settings(max_examples=100, deadline=None)
@given(PIECES)
def test_a_page_comes_back_byte_for_byte(raw: str) -> None:
    data = raw.encode("utf-8", "ignore")
    try:
        document = decode_document("x.html", data)
    except DocumentError as error:
        assert str(error).startswith("x.html")
        return
    assert document.encode(Restoration(document.text, document.text, (), ())) == data


@pytest.mark.parametrize(
    "part",
    [
        *("<p>a {{ b }} c", "[b c=d] e ", "<% f %>", "[code]", "<?php ", "<?php\n", "{{{ ", "a<code>b</code>"),
        *("${a", "{#a", "%a", "$a= ", "\\begin{a}"),
    ],
)
def test_a_page_of_many_parts_takes_linear_time(part: str) -> None:
    html_views(part * 50_000)
