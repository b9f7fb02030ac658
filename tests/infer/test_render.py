"""A restoration displayed: in the terminal, as a page and in a notebook."""

from rich.text import Span
from unspin.infer.render import html_page, terminal_diff
from unspin.infer.restoration import Restoration, RestoredEdit

SOURCE = "The <b>overseas</b> minister & his wife came."
EDIT = RestoredEdit(7, 15, "overseas", "foreign", "foreign", "word", 0.9, ("alien", "<i>"), offset=7)
RESTORATION = Restoration(SOURCE, SOURCE.replace("overseas", "foreign"), (EDIT,), (SOURCE,), 0.1, ("line 1: <u>",))


def test_the_page_shows_both_versions_and_all_notes_escaped() -> None:
    page = html_page(RESTORATION, "<script>")
    assert not any(tag in page for tag in ("<b>", "<script>", "<i>", "<u>"))
    assert "<del>overseas</del>" in page and ">foreign</ins>" in page
    assert "word, confidence 90%, was “overseas”; alternatives: “alien”, “&lt;i&gt;”" in page
    assert "<li>line 1: &lt;u&gt;</li>" in page and "Edits: 1." in page


def test_the_terminal_diff_strikes_out_what_was_replaced() -> None:
    diff = terminal_diff(RESTORATION)
    assert diff.plain == SOURCE.replace("overseas", "overseas foreign")
    assert diff.spans == [Span(7, 15, "red strike"), Span(16, 23, "bold green")]


def test_a_notebook_displays_the_table_escaped() -> None:
    table = RESTORATION._repr_html_()
    assert table.startswith("<table>") and "<del>overseas</del>" in table and "<b>" not in table
