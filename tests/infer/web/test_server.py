"""The page and its endpoints: requests are answered or refused with a reason, hostile text stays text, and users take
turns.

The browser tests run in Debian's chromium and are skipped if it is not installed.
"""

import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, assume, given, settings
from starlette.testclient import TestClient
from unspin.infer.documents.formats import TEXT_FORMATS
from unspin.infer.engines.base import Rewriting
from unspin.infer.restorer import Restorer
from unspin.infer.web.server import MAX_REQUEST_BYTES, make_app

ARTICLE = "The overseas minister spoke.\n\nHe will not always say that he will go. <b>Overseas</b> & away, he said 😀."
PAIRS = {
    "overseas": "foreign",
    "Overseas": "Foreign",
    "not always say that he will go": "always say that he will not go",
    "spoke": "talked",
}


class Replacing:
    """An engine that replaces some words, and knows alternatives for "overseas"."""

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        return [self._output(sentence, PAIRS) for sentence in sentences]

    def variants(self, sentence: str, opening: str, count: int) -> list[Rewriting]:
        return [self._output(sentence, {"overseas": word}) for word in ("alien", "external")]

    def _output(self, sentence: str, pairs: dict[str, str]) -> Rewriting:
        for spun, restored in pairs.items():
            sentence = sentence.replace(spun, restored)
        unsure = sentence.find("talked")
        scores = [-0.3 if unsure <= i < unsure + 6 and unsure >= 0 else 0.0 for i in range(len(sentence) + 1)]
        return Rewriting(sentence, tuple(range(1, len(sentence) + 1)), tuple(scores))


def _app() -> Any:
    engine = Replacing()
    return make_app(lambda level: Restorer(engine, min_confidence=level), 0.5, ("127.0.0.1", "testserver"))


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(_app()) as client:
        yield client


def test_the_edits_of_an_answer_lead_to_its_text(client: TestClient) -> None:
    answer = client.post("/api/restore", json={"text": ARTICLE, "min_confidence": 0}).json()
    assert answer["text"].startswith("The foreign minister talked.")
    chars, shift = list(ARTICLE), 0
    for edit in answer["edits"]:
        assert "".join(ARTICLE[edit["start"] : edit["end"]]) == edit["spun"]
        chars[edit["start"] + shift : edit["end"] + shift] = edit["restored"]
        shift += len(edit["restored"]) - (edit["end"] - edit["start"])
    assert "".join(chars) == answer["text"] and any(edit["group"] for edit in answer["edits"])


def test_a_stream_grows_and_ends_with_the_whole_restoration(client: TestClient) -> None:
    text = "\n\n".join([ARTICLE] * 6)
    lines = [json.loads(line) for line in client.post("/api/stream", json={"text": text}).text.splitlines()]
    whole = client.post("/api/restore", json={"text": text}).json()
    done = [line["done"] for line in lines]
    assert len(done) > 2 and done == sorted(set(done)) and done[-1] == len(text)
    assert lines[-1]["edits"] == whole["edits"] and lines[-1]["spun_share"] == whole["spun_share"]


def test_a_page_that_is_left_alone_says_why(client: TestClient) -> None:
    body = {"text": "<p lang=fr>Tout est dit.", "format": "html"}
    warning = "all its text is marked as being in another language or not to be translated: left unchanged"
    assert client.post("/api/restore", json=body).json()["warnings"] == [warning]
    assert json.loads(client.post("/api/stream", json=body).text)["warnings"] == [warning]


def test_html_is_spliced_and_alternatives_are_offered(client: TestClient) -> None:
    page = '<p class="overseas">The <b>overseas</b> minister &amp; co.</p>'
    answer = client.post("/api/restore", json={"text": page, "format": "html"}).json()
    assert answer["text"] == page.replace(">overseas", ">foreign")
    request = {"paragraph": "It rained. The overseas minister left.", "start": 15, "end": 23, "restored": "foreign"}
    assert client.post("/api/alternatives", json=request).json() == {"alternatives": ["alien", "external"]}
    assert client.post("/api/alternatives", json=request | {"start": 5, "end": 20}).json() == {"alternatives": []}


def test_every_format_is_offered_and_accepted(client: TestClient) -> None:
    offered = client.get("/api/settings").json()["formats"]
    assert [format["name"] for format in offered] == list(TEXT_FORMATS)
    sentence = "The overseas minister spoke to us."
    record = json.dumps({"body": sentence})
    cue = f"00:00:01.000 --> 00:00:04.000\n{sentence}\n"
    samples = {
        "json": record,
        "jsonl": record,
        "csv": f"body\n{sentence}\n",
        "srt": f"1\n{cue}",
        "vtt": f"WEBVTT\n\n{cue}",
    }
    for format in offered:
        text = samples.get(format["name"], sentence)
        body = {"text": text, "format": format["name"], "field": "body", "min_confidence": 0}
        answer = client.post("/api/restore", json=body)
        assert answer.json()["text"] == text.replace("overseas", "foreign").replace("spoke", "talked"), format


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": ""}, 422),
        ({"text": "a", "format": "exe"}, 422),
        ({"text": "a", "format": "jsonl"}, 422),
        ({"text": "a", "more": 1}, 422),
        ({"text": "a" * MAX_REQUEST_BYTES}, 413),
    ],
)
def test_a_bad_request_is_refused_with_a_reason(client: TestClient, body: dict[str, Any], status: int) -> None:
    answer = client.post("/api/restore", json=body)
    assert answer.status_code == status and answer.json()["detail"]


def test_no_other_origin_is_allowed(client: TestClient) -> None:
    for path in ("/", "/app.js", "/style.css", "/openapi.json"):
        answer = client.get(path)
        assert answer.status_code == 200 and "default-src 'none'" in answer.headers["content-security-policy"]
        assert "://" not in answer.text or path == "/openapi.json"
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400
    assert client.get("/../server.py").status_code == 404 and client.get("/server.py").status_code == 404


def test_the_endpoints_conform_to_their_schema() -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", _app())
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) == 4
    for operation in operations:

        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def check(case: Any) -> None:
            # The schema cannot say that the text of this format must be JSON, so such a request may be refused.
            assume(
                not (isinstance(case.body, dict) and case.body.get("format") in ("csv", "json", "jsonl", "srt", "vtt"))
            )
            case.headers = {**(case.headers or {}), "Host": "127.0.0.1"}
            case.call_and_validate()

        check()


def test_a_short_article_does_not_wait_for_a_long_one() -> None:
    slow = Replacing()
    plain = slow.rewrite

    def rewrite(sentences: Sequence[str]) -> list[Rewriting]:
        time.sleep(0.02 * len(sentences))
        return plain(sentences)

    slow.rewrite = rewrite  # type: ignore[method-assign]
    app = make_app(lambda level: Restorer(slow, min_confidence=level), 0.5, ("testserver",))
    article = "\n\n".join(ARTICLE.replace("He", f"He, {i},") for i in range(40))
    with TestClient(app) as client, ThreadPoolExecutor(2) as users:
        long = users.submit(client.post, "/api/stream", json={"text": article})
        time.sleep(0.1)
        short = users.submit(client.post, "/api/restore", json={"text": ARTICLE})
        assert short.result().status_code == 200
        assert not long.done()
        assert long.result().status_code == 200


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(_app(), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


def test_the_page_restores_undoes_an_edit_and_downloads(browser: Any, address: str, tmp_path: Path) -> None:
    page = browser.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(address)
    hostile = f"{ARTICLE} <img src=x onerror=alert(1)><script>document.title='taken'</script>"
    page.get_by_label("Article").fill(hostile)
    page.get_by_role("button", name="Restore", exact=True).press("Enter")
    page.get_by_role("status").filter(has_text="Done").wait_for()
    assert page.title() == "unspin" and page.locator("img").count() == 0
    assert page.locator("#after").inner_text().startswith("The foreign minister spoke.")
    page.get_by_label("Minimum confidence").fill("0.05")
    assert page.locator("#after").inner_text().startswith("The foreign minister talked.")
    page.get_by_label("Minimum confidence").fill("0.9")
    assert "foreign minister spoke" in page.locator("#after").inner_text()
    page.locator("#after button", has_text="foreign").first.press("Enter")
    page.get_by_role("button", name="alien").click()
    assert "alien minister" in page.locator("#after").inner_text()
    page.locator("#after button", has_text="alien").click()
    page.get_by_role("button", name="Keep “overseas”").click()
    page.locator("#after button", has_text="not").first.click()
    page.get_by_role("button", name="Keep").click()
    # edits of a group are undone together
    assert "He will not always say that he will go." in page.locator("#after").inner_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    download.value.save_as(tmp_path / "restored.txt")
    assert (tmp_path / "restored.txt").read_text() == hostile.replace("<b>Overseas", "<b>Foreign")
    assert problems == []


def test_the_empty_page_says_what_to_do_and_fits_a_phone(browser: Any, address: str) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 640}, color_scheme="dark")
    page.goto(address)
    page.get_by_role("button", name="Restore", exact=True).click()
    assert page.get_by_role("status").inner_text() == "Paste an article or drop a file first."
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(25, 26, 29)"
    page.locator("#file").set_input_files(
        {"name": "mine.md", "mimeType": "text/markdown", "buffer": b"The *overseas* minister."}
    )
    page.get_by_role("status").filter(has_text="Opened mine.md").wait_for()
    assert page.locator("#format").input_value() == "md"
