"""The endpoints: requests are answered or refused with a reason, and users take turns."""

import base64
import contextlib
import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from starlette.testclient import TestClient
from unspin.infer.documents.formats import FORMATS_BY_NAME, TEXT_FORMATS
from unspin.infer.restorer import Restorer
from unspin.infer.web.schema import MAX_REACH, MAX_REQUEST_BYTES, AlternativesRequest, Article
from unspin.infer.web.server import SHORT_BYTES, hosts_of, make_app

ARTICLE = "The overseas minister spoke.\n\nHe will not always say that he will go. <b>Overseas</b> & away, he said 😀."
PLAIN = {"text": ARTICLE, "format": "txt"}


def test_the_edits_of_an_answer_lead_to_its_text(client: TestClient) -> None:
    answer = client.post("/api/restore", json=PLAIN | {"min_confidence": 0}).json()
    assert answer["text"].startswith("The foreign minister talked.")
    chars, shift = list(ARTICLE), 0
    for edit in answer["edits"]:
        assert "".join(ARTICLE[edit["start"] : edit["end"]]) == edit["spun"]
        chars[edit["start"] + shift : edit["end"] + shift] = edit["restored"]
        shift += len(edit["restored"]) - (edit["end"] - edit["start"])
    assert "".join(chars) == answer["text"] and any(edit["group"] for edit in answer["edits"])


def test_a_stream_grows_and_ends_with_the_whole_restoration(client: TestClient) -> None:
    body = {"text": "\n\n".join(f"{i}. {ARTICLE}" for i in range(6)), "format": "txt"}
    lines = [json.loads(line) for line in client.post("/api/stream", json=body).text.splitlines()]
    whole = client.post("/api/restore", json=body).json()
    done = [line["done"] for line in lines]
    assert len(done) > 2 and done == sorted(done) and done[-1] == 1
    assert lines[-1]["edits"] == whole["edits"] and lines[-1]["spun_share"] == whole["spun_share"]


def test_listed_phrases_and_protected_terms_are_those_of_the_server(listing_client: TestClient) -> None:
    text = "The overseas warfare used a haze machine."
    answer = listing_client.post("/api/restore", json={"text": text, "format": "txt"}).json()
    assert answer["text"] == "The foreign warfare used a fog computer."
    assert [edit["kind"] for edit in answer["edits"]] == ["word", "dictionary"]
    place = {"paragraph": text, "start": 28, "end": 40, "restored": "fog computer"}
    assert "mist computer" in listing_client.post("/api/alternatives", json=place).text


def test_a_page_that_is_left_alone_says_why(client: TestClient) -> None:
    body = {"text": "<p lang=fr>Tout est dit.", "format": "html"}
    warning = "all its text is marked as being in another language or not to be translated: left unchanged"
    assert client.post("/api/restore", json=body).json()["warnings"] == [warning]
    assert json.loads(client.post("/api/stream", json=body).text)["warnings"] == [warning]


def test_html_is_spliced_and_alternatives_are_offered(client: TestClient) -> None:
    page = '<p class="overseas">The <b>overseas</b> minister &amp; co.</p>'
    answer = client.post("/api/restore", json={"text": page}).json()
    assert answer["text"] == page.replace(">overseas", ">foreign")
    request = {"paragraph": "It rained. The overseas minister left.", "start": 15, "end": 23, "restored": "foreign"}
    assert client.post("/api/alternatives", json=request).json() == {"alternatives": ["alien", "external"]}
    assert client.post("/api/alternatives", json=request | {"start": 5, "end": 20}).json() == {"alternatives": []}


def test_a_document_is_opened_by_the_code_of_the_command(client: TestClient) -> None:
    page = '<meta charset="windows-1252"><title>Caf\xe9</title><p>The <b>overseas</b> <code>x</code> man.'
    body = {"data": base64.b64encode(page.encode("cp1252")).decode(), "name": "a.html"}
    document = client.post("/api/open", json=body).json()
    assert document["articles"] == [{"name": "", "text": "Café\nThe overseas x man.", "fixed": [[18, 19]]}]
    assert document["blocks"][0] == {"article": 0, "tree": ["title", [0, 4]]}
    assert document["format"] == "html"


def test_half_a_surrogate_pair_is_shown_as_a_replacement_character(client: TestClient) -> None:
    body = {"text": '{"text": "The \\ud800 overseas man."}', "format": "json"}
    assert client.post("/api/open", json=body).json()["articles"][0]["text"] == "The \ufffd overseas man."
    assert client.post("/api/stream", json=body).status_code == 200
    assert client.post("/api/restore", json=body).status_code == 200


def test_the_model_reads_only_the_surroundings_of_a_place_in_a_long_sentence() -> None:
    text = " ".join(f"word{i}" for i in range(2000))
    start = text.index("word1000")
    located = AlternativesRequest(paragraph=text, start=start, end=start + 8, restored="x").sentence_edit()
    assert located is not None
    sentence, edit = located
    assert sentence[edit.start : edit.end] == "word1000" and 2 * MAX_REACH <= len(sentence) < 2 * MAX_REACH + 30
    assert all(re.fullmatch(r"word\d+", word) for word in sentence.split())


@pytest.mark.parametrize(
    ("text", "format_name"),
    [
        ("Just some text, with <b>bold</b>.", "txt"),
        ("<p>The overseas man.</p>", "html"),
        ('{"text": "The overseas man."}', "json"),
        ("1\n00:00:01,000 --> 00:00:04,000\nThe overseas man.\n", "srt"),
    ],
)
def test_a_text_without_a_format_is_read_as_what_it_looks_like(client: TestClient, text: str, format_name: str) -> None:
    assert client.post("/api/open", json={"text": text}).json()["format"] == format_name


def test_every_format_is_offered_and_every_text_format_restored(client: TestClient) -> None:
    answer = client.get("/api/settings").json()
    assert answer["sample"].startswith("The overseas") and answer["threshold"] == 0.5
    assert {format["name"]: format["is_text"] for format in answer["formats"]} == {
        name: name in TEXT_FORMATS for name in FORMATS_BY_NAME
    }
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
    for name in TEXT_FORMATS:
        text = samples.get(name, sentence)
        body = {"text": text, "format": name, "field": "body", "min_confidence": 0}
        restored = client.post("/api/restore", json=body).json()["text"]
        assert restored == text.replace("overseas", "foreign").replace("spoke", "talked"), name


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({}, 422, "give either `text` or `data`"),
        ({"text": ""}, 422, "text: String should have at least 1 character"),
        ({"text": "a", "data": "YQ=="}, 422, "give either `text` or `data`"),
        ({"text": "a", "format": "exe"}, 422, "format: unknown format 'exe'"),
        ({"text": "a", "format": "jsonl"}, 422, "`skip_faults` leaves what cannot be read as it is"),
        ({"text": "a", "more": 1}, 422, "more: Extra inputs are not permitted"),
        ({"text": "a,b\n1,2\n", "format": "csv"}, 422, "name the column with “Column or key”"),
        ({"text": "%PDF-1.7"}, 422, "article is a PDF file"),
        ({"data": "YQ==", "name": "a.pdf"}, 422, "files of type .pdf cannot be read"),
        ({"data": "UEsDBA==", "name": "a.docx"}, 422, "a.docx: "),
        ({"data": "?"}, 422, "data: not base64"),
        ({"data": "YQ-_"}, 422, "data: not base64"),
        ({"data": ""}, 422, "data: the file is empty"),
        ({"data": base64.b64encode(b"a" * 10_000_001).decode()}, 422, "the limit is 10,000,000 bytes a file"),
        ({"text": "a" * MAX_REQUEST_BYTES}, 413, "the limit is 20,000,000 bytes"),
    ],
)
@pytest.mark.parametrize("path", ["open", "restore", "stream"])
def test_a_bad_request_is_refused_with_a_reason(
    client: TestClient, path: str, body: dict[str, Any], status: int, reason: str
) -> None:
    answer = client.post(f"/api/{path}", json=body)
    assert answer.status_code == status and reason in answer.json()["detail"]


def test_base64_may_have_lines(client: TestClient) -> None:
    data = base64.encodebytes(b"The overseas minister spoke." * 9).decode()
    assert "\n" in data.strip()
    assert client.post("/api/open", json={"data": data, "name": "a.txt"}).status_code == 200


def test_a_request_that_does_not_say_that_it_is_json_is_told_so(client: TestClient) -> None:
    answer = client.post("/api/restore", content='{"text": "a"}', headers={"content-type": "text/plain"})
    assert (answer.status_code, answer.json()["detail"]) == (
        422,
        "send JSON, with the header Content-Type: application/json",
    )


def test_there_are_no_other_words_for_a_long_place(client: TestClient) -> None:
    place = {"paragraph": "overseas " * 100, "start": 0, "end": 800, "restored": "x"}
    assert client.post("/api/alternatives", json=place).json() == {"alternatives": []}


def test_faulty_rows_are_left_out_on_request(client: TestClient) -> None:
    body = {"text": '{"text": "The overseas man."}\nbroken\n', "format": "jsonl", "skip_faults": True}
    answer = client.post("/api/restore", json=body).json()
    assert answer["text"] == body["text"].replace("overseas", "foreign")  # type: ignore[attr-defined]
    assert len(answer["warnings"]) == 1 and answer["warnings"][0].startswith("line 2")


def test_no_other_origin_is_allowed(client: TestClient) -> None:
    page = client.get("/").text
    modules = [f"/{name}.js" for name in ("app", "article", "dialog", "gaps", "server", "view")]
    for path in ("/", *modules, "/style.css", "/openapi.json"):
        answer = client.get(path)
        assert answer.status_code == 200 and "default-src 'none'" in answer.headers["content-security-policy"]
        assert "://" not in answer.text or path == "/openapi.json"
    assert "style=" not in page and "onclick" not in page
    for host in ("evil.example", "", "[::2]", "[", "127.0.0.1.evil.example", "evil.example:127"):
        assert client.get("/", headers={"host": host}).status_code == 400, host
    for host in ("testserver:8000", "127.0.0.1", "[::1]:8000", "[::1]"):
        assert client.get("/", headers={"host": host}).status_code == 200, host
    assert client.get("/../server.py").status_code == 404 and client.get("/server.py").status_code == 404
    foreign = client.post("/api/open", json=PLAIN, headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403 and foreign.json() == {"detail": "requests of other sites are refused"}


def test_the_endpoints_conform_to_their_schema(app: Any) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) == 6
    for operation in operations:

        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def check(case: Any) -> None:
            # The schema cannot say which documents can be read, and which edits lie inside them.
            if isinstance(case.body, dict) and "paragraph" not in case.body:
                text = f"A word. {case.body.get('text') or ''}".replace("\0", " ")
                case.body |= {"text": text, "data": None, "format": "txt"}
                case.body |= {"edits": []} if "edits" in case.body else {}
            case.headers = {**(case.headers or {}), "Host": "127.0.0.1"}
            case.call_and_validate()

        check()


def _long(paragraphs: int) -> dict[str, str]:
    return {"text": "\n\n".join(ARTICLE.replace("He", f"He, {i},") for i in range(paragraphs)), "format": "txt"}


@pytest.mark.parametrize("path", ["/api/restore", "/api/stream"])
def test_a_short_article_does_not_wait_for_a_long_one(slow_client: TestClient, path: str) -> None:
    with ThreadPoolExecutor(2) as users:
        long = users.submit(slow_client.post, path, json=_long(60))
        time.sleep(0.1)
        short = users.submit(slow_client.post, "/api/restore", json=PLAIN)
        assert short.result().status_code == 200
        assert not long.done()
        assert long.result().status_code == 200


@pytest.mark.parametrize("path", ["/api/restore", "/api/stream"])
def test_an_article_that_nobody_waits_for_any_more_is_given_up(slow_address: str, slow_engine: Any, path: str) -> None:
    with (
        contextlib.suppress(httpx.ReadTimeout),
        httpx.Client(timeout=0.5) as client,
        client.stream("POST", f"{slow_address}{path}", json=_long(600)) as response,
    ):
        next(response.iter_lines())
    assert httpx.post(f"{slow_address}/api/restore", json=PLAIN, timeout=60).status_code == 200
    read = slow_engine.sentences
    time.sleep(0.5)
    assert slow_engine.sentences == read < 600


def test_other_words_that_nobody_waits_for_are_not_looked_for(slow_address: str, slow_engine: Any) -> None:
    place = {"paragraph": "The overseas minister.", "start": 4, "end": 12, "restored": "foreign"}
    slow_engine.resumed.clear()
    with ThreadPoolExecutor(1) as users:
        long = users.submit(httpx.post, f"{slow_address}/api/restore", json=PLAIN, timeout=60)
        while not slow_engine.sentences and not long.done():
            time.sleep(0.01)
        for _ in range(3):
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(f"{slow_address}/api/alternatives", json=place, timeout=httpx.Timeout(20, read=0.2))
        slow_engine.resumed.set()
        assert long.result().status_code == 200
    assert httpx.post(f"{slow_address}/api/alternatives", json=place, timeout=60).json()["alternatives"] != []
    assert slow_engine.asked == 1


DEEP = 100_000
EDITS = '{"text": "The man.", "edits": [%s]}'


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("restore", '{"text": "a", "min_confidence": NaN}', "min_confidence: "),
        ("restore", '{"text": "a", "min_confidence": -Infinity}', "min_confidence: "),
        ("stream", '{"text": "a", "min_confidence": 1e999}', "min_confidence: "),
        ("stream", '{"text": "a", "min_confidence": "nan"}', "min_confidence: "),
        ("export", '{"text": "a", "edits": [], "spun_share": NaN}', "spun_share: "),
        ("open", '{"text": "\\ud800"}', "Invalid JSON"),
        ("open", '{"text": "a", "name": "\\udc00"}', "Invalid JSON"),
        ("open", '{"text": "a", "field": "\\ud800"}', "Invalid JSON"),
        ("open", '{"text": "a", "\\ud800": 1}', "Invalid JSON"),
        ("alternatives", '{"paragraph": "a", "start": 0, "end": 1, "restored": "\\ud800"}', "Invalid JSON"),
        ("open", b'{"text": "\xff"}', "Invalid JSON"),
        ("open", "[" * DEEP, "Invalid JSON"),
        ("open", '{"text": ' + "[" * DEEP + "]" * DEEP + "}", "Invalid JSON"),
        ("open", '{"a":' * DEEP + "1" + "}" * DEEP, "Invalid JSON"),
        ("export", EDITS % f'{{"article": {"9" * 5000}}}', "Invalid JSON"),
        ("open", "null", "Input should be an object"),
        ("open", '{"text": ["a"]}', "text: Input should be a valid string"),
        ("open", "", "the request is empty"),
        ("export", EDITS % ("1," * 300_000 + "1"), "edits.0: Input should be an object"),
        ("open", '{"text": "a"' + "".join(f',"k{i}":1' for i in range(100_000)) + "}", "100,000 values"),
        ("open", '{"text": "a", "format": "%s"}' % ("x" * 1_000_000), "format: unknown format"),
        ("open", '{"text": "a", "%s": 1}' % ("x" * 1_000_000), "xxx"),
        ("open", '{"text": "a,b\\n1,2", "format": "csv", "field": "%s"}' % ("x" * 1_000_000), "no column has"),
    ],
)
def test_a_hostile_body_is_refused_and_not_repeated(
    client: TestClient, path: str, body: str | bytes, reason: str
) -> None:
    answer = client.post(f"/api/{path}", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422 and reason in answer.json()["detail"]
    assert len(answer.content) < 1500


def test_a_fault_of_the_program_is_logged_and_not_shown(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Restorer, "stream", lambda *arguments, **options: 1 / 0)
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.post("/api/restore", json=PLAIN)
    assert answer.status_code == 500
    assert answer.json() == {"detail": "an unexpected error, which the output of unspin serve describes"}
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    with TestClient(app) as client, pytest.raises(ZeroDivisionError):  # which uvicorn logs
        client.post("/api/restore", json=PLAIN)


def test_long_documents_hold_up_only_each_other(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []  # in which long documents are read
    reading, resumed = threading.Lock(), threading.Event()
    read = Article.document

    def read_slowly(article: Article, track_changes: bool = False) -> Any:
        if len(article.text or "") > SHORT_BYTES:
            assert reading.acquire(blocking=False), "two long documents are read at once"
            order.append(article.name)
            resumed.wait(60)
            reading.release()
        return read(article, track_changes)

    monkeypatch.setattr(Article, "document", read_slowly)
    with ThreadPoolExecutor(20) as users:
        opened = []
        for number in range(20):
            body = {"text": "The man. " * SHORT_BYTES, "name": str(number)}
            opened.append(users.submit(httpx.post, f"{address}/api/open", json=body, timeout=60))
            while not order:
                time.sleep(0.01)
        for path in ("open", "restore", "stream"):
            assert httpx.post(f"{address}/api/{path}", json=PLAIN, timeout=20).status_code == 200
        assert len(order) == 1
        resumed.set()
        assert [answer.result().status_code for answer in opened] == [200] * 20
    assert order[0] == "0" and len(set(order)) == 20


def test_documents_of_clients_that_have_gone_are_not_read(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    begun, resumed = threading.Event(), threading.Event()
    read = Article.document

    def read_slowly(article: Article, track_changes: bool = False) -> Any:
        names.append(article.name)
        begun.set()
        resumed.wait(60)
        return read(article, track_changes)

    monkeypatch.setattr(Article, "document", read_slowly)
    with ThreadPoolExecutor(1) as users:
        first = users.submit(httpx.post, f"{address}/api/open", json=PLAIN | {"name": "first"}, timeout=60)
        assert begun.wait(60)
        for _ in range(3):
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(f"{address}/api/open", json=PLAIN | {"name": "gone"}, timeout=httpx.Timeout(20, read=0.2))
        resumed.set()
        assert first.result().status_code == 200
    assert httpx.post(f"{address}/api/open", json=PLAIN | {"name": "last"}, timeout=60).status_code == 200
    assert names == ["first", "last"]


@pytest.mark.parametrize(
    ("address", "host", "is_answered"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("::1", "[::1]:8000", True),
        ("127.0.0.2", "127.0.0.2:8000", True),
        ("127.0.0.2", "evil.example", False),
        ("localhost", "evil.example", False),
        ("127.0.0.1", "127.0.0.2", False),
        ("127.0.0.1", "127.1", False),
        ("192.168.1.2", "my-computer.example", True),
        ("0.0.0.0", "my-computer.example", True),
    ],
)
def test_a_loopback_server_answers_for_loopback_names(
    slow_engine: Any, address: str, host: str, is_answered: bool
) -> None:
    app = make_app(Restorer(slow_engine), 0.5, hosts=hosts_of(address))
    with TestClient(app) as client:
        status = client.get("/api/settings", headers={"host": host}).status_code
    assert status == (200 if is_answered else 400)
