"""A restoration displayed: in the terminal, as a page and in a notebook."""

from dataclasses import replace
from typing import Any

import pytest
from rich.text import Span
from unspin.infer.render import html_page, level, terminal_diff
from unspin.infer.restoration import Restoration, RestoredEdit

SOURCE = "The <b>overseas</b> minister & his wife came."
EDIT = RestoredEdit(7, 15, "overseas", "foreign", "foreign", "word", 0.9, ("alien", "<i>"), offset=7)
RESTORATION = Restoration(SOURCE, SOURCE.replace("overseas", "foreign"), (EDIT,), (SOURCE,), 0.1, ("line 1: <u>",))


def test_the_page_shows_both_versions_and_all_notes_escaped() -> None:
    page = html_page(RESTORATION, "<script>")
    assert not any(tag in page for tag in ("<b>", "<script>", "<i>", "<u>"))
    assert "<title>&lt;script&gt; – restored</title>" in page
    assert ">overseas</del>" in page and ">foreign</ins>" in page
    assert "word, confidence 90%, “overseas” became “foreign”; alternatives: “alien”, “&lt;i&gt;”" in page
    assert "<p>1 edit, about 10% of the words garbled.</p>" in page
    assert "<summary>1 warning</summary><ul><li>line 1: &lt;u&gt;</li></ul>" in page


def test_page_and_notebook_have_one_look() -> None:
    shown = RESTORATION._repr_html_()
    assert shown.startswith('<div class="unspin">') and "<b>" not in shown and "<script" not in shown
    assert shown in RESTORATION.html("a") == html_page(RESTORATION, "a")
    assert "$" not in shown


@pytest.mark.parametrize(
    ("confidence", "name"),
    [(1.0, "sure"), (0.8, "sure"), (0.79, "likely"), (0.5, "likely"), (0.49, "doubtful"), (0.0, "doubtful")],
)
def test_an_edit_has_the_colour_of_its_confidence(confidence: float, name: str) -> None:
    assert level(confidence) == name
    shown = replace(RESTORATION, edits=(replace(EDIT, confidence=confidence),), warnings=())._repr_html_()
    assert f'<del class="{name}"' in shown and f'<ins class="{name}"' in shown and "<details>" not in shown


def test_a_paragraph_copies_no_edits_but_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    class Edits(list[RestoredEdit]):
        copied = 0

        def __getitem__(self, index: Any) -> Any:
            found = super().__getitem__(index)
            Edits.copied += len(found) if isinstance(index, slice) else 0
            return found

    edits = Edits(replace(EDIT, offset=EDIT.offset + i * (len(SOURCE) + 1)) for i in range(100))
    source = f"{SOURCE}\n" * 100
    monkeypatch.setattr("unspin.infer.render._by_article", lambda restoration: [(source, edits)])
    assert html_page(RESTORATION, "a").count(">overseas</del>") == 100
    assert Edits.copied == 100


def test_the_terminal_diff_strikes_out_what_was_replaced() -> None:
    diff = terminal_diff(RESTORATION)
    assert diff.plain == SOURCE.replace("overseas", "overseas foreign")
    assert terminal_diff(replace(RESTORATION, articles=(SOURCE + "\x1b[2J\r\x9b",))).plain == f"{diff.plain}[2J"
    assert diff.spans == [Span(7, 15, "red strike"), Span(16, 23, "bold green")]
