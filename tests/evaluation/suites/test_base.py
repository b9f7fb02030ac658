"""Suites: digests, groups, parts per tool, and the order in which sources take turns."""

from dataclasses import replace

from unspin.evaluation.suites.base import Row, Suite, interleave_sources

ROW = Row("a/1", "x", ("y",))


def test_a_digest_changes_with_content_but_not_with_empty_new_fields() -> None:
    digest = Suite("s", (ROW,)).digest
    assert digest == "698463a1c744aafa", "stored outputs and released results name suites by this digest"
    assert Suite("other name", (ROW,)).digest == digest
    assert Suite("s", (replace(ROW, spun="z"),)).digest != digest
    assert Suite("s", (replace(ROW, tool="A"),)).digest != digest


def test_rows_are_grouped_by_group_or_else_by_article() -> None:
    rows = [
        Row("a", "1", ("",)),
        Row("a", "2", ("",)),
        Row("a", "3", ("",), group="g"),
        Row("b", "4", ("",), group="g"),
    ]
    assert [[row.spun for row in group] for group in Suite("s", tuple(rows)).groups()] == [["1", "2"], ["3", "4"]]


def test_parts_per_tool_know_their_rows() -> None:
    suite = Suite("s", tuple(replace(ROW, spun=str(i), tool=tool) for i, tool in enumerate("ABA")))
    parts = [(part.name, [row.spun for row in part.rows], indices) for part, indices in suite.by_tool()]
    assert parts == [("s: A", ["0", "2"], [0, 2]), ("s: B", ["1"], [1])]
    assert not list(Suite("s", suite.rows[:1]).by_tool()), "a single tool is the whole suite"


def test_sources_take_turns_with_ten_rows_of_an_article() -> None:
    rows = [
        Row(article, str(i), ("",)) for article, count in (("a/1", 12), ("a/2", 3), ("b/1", 2)) for i in range(count)
    ]
    order = [(row.article, row.spun) for row in interleave_sources(rows)]
    long = [("a/1", str(i)) for i in range(12)]
    assert order == [*long[:10], ("b/1", "0"), ("b/1", "1"), ("a/2", "0"), ("a/2", "1"), ("a/2", "2"), *long[10:]]
