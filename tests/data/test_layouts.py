"""Layouts: tags, detached punctuation, headlines and markup are removed."""

import bz2

from unspin.data.layouts import LAYOUTS


def test_brown_tokens_become_prose_without_headlines() -> None:
    first = "``/`` It/pps is/bez not/* the/at mayor's/nn$ plan/nn ''/'' ,/, he/pps said/vbd"
    rest = "(/( in/in New/jj-tl York/np-tl )/) ;/. ;/."
    last = "The/at vote/nn failed/vbd ./."
    data = f"\n\n\tCity/nn-hl Votes/vbz-hl ./.-hl\n\n\n\t{first} {rest}\n\n\n\t{last}\n".encode()
    ((_, text),) = LAYOUTS["brown"](data)
    assert text == "“It is not the mayor's plan,” he said (in New York);\n\nThe vote failed."


def test_each_line_is_an_article_and_double_hyphens_become_dashes() -> None:
    assert list(LAYOUTS["lines"](b"One -- two.\nThree.\n")) == [("1", "One  –  two."), ("2", "Three.")]


def test_files_in_the_windows_code_page_are_read() -> None:
    assert list(LAYOUTS["text"](b"caf\xe9")) == [("", "café")]


def test_a_wiki_dump_gives_the_prose_of_its_articles() -> None:
    prose = (
        "The '''town''' is [[Place|a place]] of some size" + " in the north of the country" * 5 + ".<ref>A book</ref>"
    )
    page = "<page><ns>{}</ns><id>{}</id><revision><text>{}</text></revision></page>"
    escaped = (prose + "\n\n{{Infobox|a=b}}\n\nshort").replace("<", "&lt;").replace(">", "&gt;")
    dump = (
        '<mediawiki xmlns="http://www.mediawiki.org/x/">'
        + page.format(0, 7, escaped)
        + page.format(1, 8, escaped)
        + "</mediawiki>"
    )
    ((place, text),) = LAYOUTS["wikipedia"](bz2.compress(dump.encode()))
    assert place == "7" and text == "The town is a place of some size" + " in the north of the country" * 5 + "."
