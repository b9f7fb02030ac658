"""The page in a browser: reviewing, editing, downloading. Hostile text stays text; a phone and a keyboard suffice."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

ARTICLE = "The overseas minister spoke.\n\nHe will not always say that he will go. <b>Overseas</b> & away, he said 😀."
PAGE = b"<h2>News</h2><p>The overseas man left.</p><table><tr><td>Cell</table><ul><li>Item</ul>"
PHONE = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}
WIDE = {"viewport": {"width": 1200, "height": 800}}
SHIFTS = """() => new Promise((resolve) => new PerformanceObserver((list) =>
    resolve(list.getEntries().reduce((sum, entry) => sum + entry.value, 0))
).observe({ type: "layout-shift", buffered: true }) ?? setTimeout(() => resolve(0), 500))"""


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page; the test fails if its script fails or it logs an error."""
    with _open(browser, address, **WIDE) as page:
        yield page


@contextmanager
def _open(browser: Any, address: str, **options: Any) -> Iterator[Any]:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"], **options)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(address)
    yield page
    context.close()
    # The browser itself reports the answer to a document that cannot be read.
    assert [problem for problem in problems if "422 (Unprocessable Entity)" not in problem] == []


def _restore(page: Any, text: str = ARTICLE, format_name: str = "txt") -> None:
    page.get_by_label("Article", exact=True).fill(text)
    page.get_by_label("Format").select_option(format_name)
    page.get_by_role("button", name="Restore", exact=True).press("Enter")
    _wait(page)


def _wait(page: Any) -> None:
    page.get_by_role("status").filter(has_text="Done").wait_for()


def _restored(page: Any) -> str:
    return "\n".join(page.locator("#rows .after").all_inner_texts())


def _download(page: Any, name: str) -> tuple[str, bytes]:
    page.get_by_role("button", name="Download …").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def _files(**contents: bytes) -> list[dict[str, Any]]:
    return [
        {"name": name.replace("_", "."), "mimeType": "application/octet-stream", "buffer": content}
        for name, content in contents.items()
    ]


def _edit(page: Any, text: str) -> Any:
    return page.locator("#rows .after button", has_text=text).first


def test_edits_follow_the_threshold_and_the_reader(page: Any) -> None:
    hostile = f"{ARTICLE} <img src=x onerror=alert(1)><script>document.title='taken'</script>"
    _restore(page, hostile)
    assert page.title() == "unspin" and page.locator("img").count() == 0
    assert _restored(page).startswith("The foreign minister spoke.")
    page.get_by_label("Minimum confidence").fill("0.05")
    assert _restored(page).startswith("The foreign minister talked.")
    page.get_by_label("Minimum confidence").fill("0.9")
    assert _restored(page).startswith("The foreign minister spoke.")
    _edit(page, "foreign").press("Enter")
    page.get_by_role("button", name="alien").click()
    assert _restored(page).startswith("The alien minister")
    _edit(page, "alien").click()
    page.get_by_role("button", name="Keep “overseas”").click()
    _edit(page, "not").click()
    page.get_by_role("button", name="Insert nothing").click()  # edits of a group are undone together
    assert "He will not always say that he will go." in _restored(page)
    assert page.locator("#count").inner_text().startswith("1 of 4 edits accepted")
    name, data = _download(page, "Restored file")
    assert (name, data.decode()) == ("article.restored.txt", hostile.replace("<b>Overseas", "<b>Foreign"))


def test_alternatives_are_listed_once(page: Any) -> None:
    _restore(page)
    _edit(page, "foreign").click()
    page.get_by_role("button", name="external").wait_for()
    options = [re.sub(r"\s*\d$", "", text) for text in page.locator("#options button").all_inner_texts()]
    assert options == ["foreign", "Keep “overseas”", "alien", "external"]


def test_words_of_ones_own_undo_and_redo(page: Any) -> None:
    _restore(page)
    _edit(page, "foreign").click()
    page.get_by_label("Other words").fill("distant <i>")
    page.get_by_label("Other words").press("Enter")
    assert _restored(page).startswith("The distant <i> minister spoke.")
    assert page.locator("#rows .manual").count() == 1
    page.locator("#rows .after").first.get_by_text("minister").dblclick(position={"x": 20, "y": 8})
    page.get_by_label("Other words").wait_for()
    page.get_by_label("Other words").fill("secretary")
    page.get_by_role("button", name="Use").click()
    first = page.locator("#rows .after").first.inner_text()
    assert "secretary" in first
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert _restored(page).startswith("The foreign minister spoke.")
    assert page.get_by_role("button", name="Undo", exact=True).is_disabled()
    page.get_by_role("button", name="Redo").click()
    page.keyboard.press("Control+Shift+z")
    assert page.locator("#rows .after").first.inner_text() == first
    assert _download(page, "Restored file")[1].decode().startswith(first)


def test_everything_can_be_done_with_keys(page: Any) -> None:
    _restore(page)
    page.keyboard.press("n")
    page.keyboard.press("x")
    assert _restored(page).startswith("The overseas minister spoke.")
    page.keyboard.press("a")
    assert _restored(page).startswith("The foreign minister spoke.")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.get_by_role("heading", name="“minister”").is_visible()
    page.get_by_label("Other words").fill("")
    page.get_by_label("Other words").press("Enter")
    assert _restored(page).startswith("The foreign spoke.")
    page.keyboard.press("p")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="external").wait_for()
    page.keyboard.press("3")
    assert _restored(page).startswith("The alien spoke.")
    for _ in range(5):
        page.keyboard.press("n")
    assert page.evaluate("document.activeElement.textContent") == "alien"
    for _ in range(3):
        page.get_by_role("button", name="Next edit").click()
    assert page.evaluate("document.activeElement.textContent.trim()") == "not"
    page.get_by_label("Original", exact=True).check()
    page.get_by_role("button", name="Next edit").click()
    assert page.locator("#rows .after button").first.is_visible()


def test_all_edits_of_a_kind_and_equal_edits_are_changed_together(page: Any) -> None:
    _restore(page, "The overseas man.\n\nThe overseas woman will not always say that he will go.")
    page.get_by_role("button", name="All edits …").click()
    page.get_by_role("button", name="Reject: One word").click()
    assert _restored(page).count("overseas") == 2 and "always say that he will not" in _restored(page)
    page.get_by_role("button", name="All edits …").click()
    page.get_by_role("button", name="Reject: All").click()
    assert page.locator("#count").inner_text().startswith("0 of 4 edits accepted")
    page.get_by_role("button", name="Undo", exact=True).click()
    _edit(page, "overseas").click()
    page.get_by_label("in the other place too").check()
    page.get_by_role("button", name="alien").click()
    assert _restored(page).count("alien") == 2


def test_a_reload_keeps_the_session(page: Any) -> None:
    _restore(page)
    _edit(page, "foreign").click()
    page.get_by_role("button", name="Keep “overseas”").click()
    page.get_by_label("Minimum confidence").fill("0.05")
    page.reload()
    page.locator("#rows .after button", has_text="talked").wait_for()
    assert _restored(page).startswith("The overseas minister talked.")
    page.get_by_role("button", name="Undo", exact=True).click()
    assert _restored(page).startswith("The foreign minister talked.")
    page.get_by_role("button", name="Close", exact=True).click()
    page.reload()
    assert page.get_by_label("Article", exact=True).input_value() == ""
    assert page.locator("#documents").is_hidden()


def test_a_restoration_is_stopped_and_goes_on(browser: Any, slow_address: str) -> None:
    with _open(browser, slow_address, **WIDE) as page:
        text = "\n\n".join(f"The overseas minister {i} spoke." for i in range(60))
        page.get_by_label("Article", exact=True).fill(text)
        page.get_by_role("button", name="Restore", exact=True).click()
        page.locator("#rows .after").nth(59).wait_for()  # the text is there before the first edit
        assert page.locator("#warned").is_hidden()
        _edit(page, "foreign").wait_for()
        page.get_by_role("button", name="Stop").click()
        assert "in the first" in page.locator("#count").inner_text()
        page.get_by_role("button", name="Start again").click()
        _wait(page)
        assert _restored(page).count("foreign") == 60


def test_several_files_of_any_format(page: Any) -> None:
    html = '<meta charset="windows-1252"><p>The <b>overseas</b> caf\xe9.</p>'.encode("cp1252")
    markdown = b"# News\n\nThe *overseas* minister left.\n"
    broken = b"%PDF-1.7"
    page.locator("#file").set_input_files(_files(a_html=html, b_md=markdown, c_pdf=broken))
    page.get_by_role("button", name="Leave out b.md").click()
    page.locator("#file").set_input_files(_files(b_md=markdown, d_txt=ARTICLE.encode("utf-16")))
    page.get_by_role("button", name="Restore", exact=True).click()
    page.locator("#documents button", has_text="d.txt").filter(has_text="edits").wait_for()
    states = page.locator("#documents button").all_inner_texts()
    assert [re.sub(r"\s+", " ", state) for state in states] == [
        "a.html 1 edit",
        "c.pdf failed",
        "b.md 1 edit",
        "d.txt 4 edits",
    ]
    assert _restored(page).strip() == "The foreign café." and page.locator("#rows .after b").count() == 1
    assert _download(page, "Restored file") == ("a.restored.html", html.replace(b"overseas", b"foreign"))
    page.get_by_role("button", name="c.pdf").click()
    assert "extract its text first" in page.locator("#problem").inner_text()
    page.get_by_role("button", name="b.md").click()
    assert _restored(page).split("\n") == ["News", "The foreign minister left."]
    page.get_by_role("button", name="d.txt").click()
    assert _download(page, "Restored file")[1].decode("utf-16").startswith("The foreign minister")


def test_downloads(page: Any) -> None:
    _restore(page)
    name, data = _download(page, "List of the edits")
    assert name == "article.edits.json" and json.loads(data)["edits"][0]["restored"] == "foreign"
    name, data = _download(page, "Page with both versions")
    assert name == "article.html" and b"<script" not in data
    name, data = _download(page, "Word document")
    assert name == "article.tracked.docx" and data.startswith(b"PK")
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("status").filter(has_text="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("The foreign minister spoke.\n\nHe will always say that he will not go. <b>Foreign</b>")


def test_a_hostile_page_is_shown_as_text(page: Any) -> None:
    hostile = (
        "<p onclick=alert(1) style='position:fixed'>The overseas <img src=x onerror=alert(1)><script>alert(1)</script>"
        "<iframe srcdoc='<script>alert(1)</script>'></iframe><svg onload=alert(1)><a href='javascript:x'>link</a>"
        "</svg> &lt;script&gt; <base href=//evil.example></p>"
    )
    _restore(page, hostile, "html")
    inside = page.locator("#rows :not(div):not(p):not(span):not(del):not(button)")
    assert inside.count() == 0 and page.locator("#rows [style], #rows [onclick], #rows [href]").count() == 0
    assert "<script>" in _restored(page)


def test_what_is_too_large_is_refused_with_the_limit(page: Any) -> None:
    page.locator("#file").set_input_files(_files(large_txt=b"a" * 10_000_001))
    assert page.get_by_role("status").inner_text().startswith("large.txt has 10.0 MB: the limit of this page is 10 MB.")
    page.get_by_role("button", name="Restore", exact=True).click()
    assert page.get_by_role("status").inner_text() == "Paste an article or open a file first."


def test_options_are_offered_where_they_count(page: Any) -> None:
    page.locator("#file").set_input_files(_files(rows_csv=b"id,body\n1,The overseas man.\n"))
    page.get_by_label("Column or key").fill("body")
    assert not page.get_by_label("Only the article").is_visible()
    page.get_by_role("button", name="Restore", exact=True).click()
    _wait(page)
    assert "The foreign man." in _restored(page)


def test_a_document_in_the_list_keeps_the_focus_while_others_are_restored(browser: Any, slow_address: str) -> None:
    with _open(browser, slow_address, **WIDE) as page:
        long = "\n\n".join(f"The overseas minister {i} spoke." for i in range(60)).encode()
        page.locator("#file").set_input_files(_files(a_txt=b"The overseas man.", b_txt=long))
        page.get_by_role("button", name="Restore", exact=True).click()
        page.locator("#documents button", has_text="a.txt").filter(has_text="1 edit").focus()
        page.locator("#documents button", has_text="b.txt").filter(has_text="edits").wait_for()
        assert page.evaluate("document.activeElement.textContent").startswith("a.txt")


def test_the_focus_stays_where_keys_work(page: Any) -> None:
    _restore(page, "The overseas minister spoke.")
    page.keyboard.press("n")
    page.keyboard.press("x")
    page.get_by_role("button", name="Undo", exact=True).click()  # its last step, so it is disabled
    page.keyboard.press("n")
    assert page.evaluate("document.activeElement.textContent") == "foreign"
    page.get_by_label("Minimum confidence").fill("0.4")
    page.keyboard.press("Control+Shift+z")
    assert _restored(page) == "The overseas minister spoke."


def test_a_text_that_cannot_be_read_is_not_lost(page: Any) -> None:
    text = '{"body": "The overseas man."}'
    page.get_by_label("Article", exact=True).fill(text)
    page.get_by_role("button", name="Restore", exact=True).click()
    page.get_by_role("status").filter(has_text="“Column or key”").wait_for()
    assert page.get_by_label("Article", exact=True).input_value() == text
    page.get_by_label("Column or key").fill("body")
    page.get_by_role("button", name="Restore", exact=True).click()
    _wait(page)
    assert _restored(page) == "The foreign man."


def test_a_text_and_files_are_opened_together_and_once(page: Any) -> None:
    page.get_by_label("Article", exact=True).fill("The overseas man.")
    page.locator("#file").set_input_files(_files(a_txt=b"The overseas woman."))
    page.get_by_role("button", name="Restore", exact=True).dblclick()
    page.locator("#documents button", has_text="a.txt").filter(has_text="1 edit").wait_for()
    assert page.locator("#documents button").count() == 2


def test_two_documents_with_own_words_survive_a_reload(page: Any) -> None:
    for text in ("The overseas minister spoke.", "The overseas man."):
        _restore(page, text)
        _edit(page, "foreign").click()
        page.get_by_label("Other words").fill("")
        page.get_by_label("Other words").press("Enter")
        page.get_by_role("button", name="New article").click()
    page.locator("#documents button").first.click()
    page.reload()
    page.locator("#documents button").nth(1).filter(has_text="1 edit").click()
    page.locator("#rows .after", has_text="man").wait_for()
    assert _download(page, "Restored file")[1] == b"The man."


def test_next_and_previous_go_on_from_the_word_that_was_visited(page: Any) -> None:
    _restore(page, "The overseas minister left.\n\nThe warfare is over.\n\nThe overseas man left.")
    focused = page.locator("#rows button:focus")
    for key, expected in [("n", "foreign"), ("n", "war"), ("ArrowRight", "is"), ("n", "foreign"), ("p", "war")]:
        page.keyboard.press(key)
        assert focused.inner_text() == expected


def test_undo_shows_what_it_changes(page: Any) -> None:
    _restore(page, "The overseas minister left.\n\n" + "A line of text.\n\n" * 100 + "The warfare is over.")
    _edit(page, "foreign").focus()
    page.keyboard.press("x")
    _edit(page, "war").focus()
    page.keyboard.press("Control+z")
    focused = page.locator("#rows button:focus")
    assert focused.inner_text() == "foreign"
    box = focused.bounding_box()
    assert 0 < box["y"] < WIDE["viewport"]["height"]
    assert page.locator("#status").inner_text() == ""


def test_the_dialog_keeps_its_place_while_the_text_is_drawn_anew(browser: Any, slow_address: str) -> None:
    with _open(browser, slow_address, **WIDE) as page:
        page.get_by_label("Article", exact=True).fill("\n\n".join(["The overseas minister spoke."] * 100))
        page.get_by_role("button", name="Restore", exact=True).press("Enter")
        _edit(page, "foreign").press("Enter")
        dialog = page.get_by_role("dialog")
        place = dialog.bounding_box()
        page.evaluate("document.querySelector('#rows .after').replaceChildren()")  # as if the row were drawn anew
        page.get_by_role("button", name="alien").wait_for()
        assert dialog.bounding_box()["x"] == place["x"] and dialog.bounding_box()["y"] == place["y"]
        page.keyboard.press("Escape")
        expect(page.locator("body")).not_to_be_focused()


def test_a_pasted_text_that_fails_later_closes_no_other_document(page: Any) -> None:
    _restore(page)
    _edit(page, "foreign").focus()
    page.keyboard.press("x")
    page.get_by_role("button", name="New article").click()
    requests: list[Any] = []
    page.route("**/api/open", lambda route: requests.append(route))
    page.get_by_label("Article", exact=True).fill("a,b\nbroken,2")
    page.get_by_label("Format").select_option("csv")
    page.get_by_role("button", name="Restore", exact=True).press("Enter")
    page.locator("#documents button").first.click()
    while not requests:
        page.wait_for_timeout(10)
    requests[0].continue_()
    page.locator("#documents button", has_text="failed").wait_for()
    assert _restored(page).startswith("The overseas minister spoke.")
    assert page.locator("#documents button").count() == 2


def test_a_text_that_was_not_restored_yet_survives_a_reload(page: Any) -> None:
    page.get_by_label("Article", exact=True).fill("Not yet.")
    page.reload()
    expect(page.get_by_label("Article", exact=True)).to_have_value("Not yet.")


def test_text_runs_in_its_own_direction(page: Any) -> None:
    _restore(page, "<p><b>ذهب الوزير</b> إلى المدينة.<p>The overseas minister spoke.", "html")
    directions = "rows => rows.map((row) => getComputedStyle(row.querySelector('p')).direction)"
    assert page.locator("#rows .after").evaluate_all(directions) == ["rtl", "ltr"]


def test_the_sample_is_a_click_away(page: Any) -> None:
    page.get_by_role("button", name="Try a sample").click()
    _wait(page)
    assert _restored(page) == "The foreign minister spoke.\nThe war is over."


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("options", [WIDE, PHONE], ids=["wide", "phone"])
def test_every_state_is_accessible(browser: Any, address: str, options: dict[str, Any], scheme: str) -> None:
    with _open(browser, address, color_scheme=scheme, **options) as page:

        def check() -> None:
            found = Axe().run(page).response["violations"]
            assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []

        check()
        page.locator("#file").set_input_files(
            _files(a_txt=ARTICLE.encode(), b_html=b"<h2>News</h2><p>The overseas man left.</p>")
        )
        check()
        page.get_by_role("button", name="Restore", exact=True).click()
        page.locator("#documents button", has_text="b.html").filter(has_text="1 edit").wait_for()
        check()
        _edit(page, "foreign").click()
        page.get_by_role("button", name="alien").wait_for()
        check()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="All edits …").click()
        check()
        page.keyboard.press("Escape")
        page.get_by_label("Both", exact=True).check()
        check()


def test_it_fits_a_phone(browser: Any, address: str) -> None:
    with _open(browser, address, **PHONE) as page:
        _restore(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        small = page.evaluate(
            """() => [...document.querySelectorAll("button, select, .button, .settings label")]
            .filter((node) => node.offsetParent && !node.closest("#rows"))
            .filter((node) => node.getBoundingClientRect().height < 44).map((node) => node.textContent)"""
        )
        assert small == []
        assert page.locator("#rows .before").first.is_hidden() and page.locator(".hint.touch").is_visible()
        page.get_by_label("Both", exact=True).check()
        assert page.locator("#rows .before").first.is_visible()
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        assert page.get_by_role("button", name="Next edit").bounding_box()["y"] >= 0


def test_the_text_does_not_move_while_it_is_restored(browser: Any, slow_address: str) -> None:
    with _open(browser, slow_address, **WIDE) as page:
        page.get_by_label("Article", exact=True).fill("\n\n".join(f"The overseas minister {i}." for i in range(40)))
        page.get_by_role("button", name="Restore", exact=True).click()
        _wait(page)
        assert page.evaluate(SHIFTS) < 0.05
