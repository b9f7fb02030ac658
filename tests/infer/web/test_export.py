"""The files for download: made from the document and the edits that stand, in every format."""

import base64
import io
import json
import re
import zipfile
from typing import Any

import pytest
from starlette.testclient import TestClient
from unspin.infer.documents.docx import DOCX

EDIT = {"article": 0, "start": 4, "end": 12, "restored": "foreign", "kind": "word", "confidence": 0.9}
HTML_REQUEST = {"text": "The overseas <i>.", "format": "txt", "target": "html", "spun_share": 0.15}
PAGE = b'<meta charset="windows-1252"><p title="overseas">The <b>overseas</b> caf\xe9 &amp; bar</p>'


def _export(client: TestClient, body: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    answer = client.post("/api/export", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json(), base64.b64decode(answer.json()["data"])


def test_the_restored_file_keeps_its_encoding_and_its_markup(client: TestClient) -> None:
    body = {"data": base64.b64encode(PAGE).decode(), "name": "my page.html", "edits": [EDIT | {"restored": "A&E <in>"}]}
    file, data = _export(client, body)
    assert data == PAGE.replace(b"<b>overseas", b"<b>A&amp;E &lt;in&gt;")
    assert (file["name"], file["media_type"], file["problems"]) == ("my page.restored.html", "text/html", [])


def test_an_edit_that_markup_does_not_allow_is_named_and_the_others_are_made(client: TestClient) -> None:
    text = "The *overseas* `code` minister."
    code = {"article": 0, "start": 13, "end": 17, "restored": "words"}
    file, data = _export(client, {"text": text, "format": "md", "edits": [code, EDIT]})
    assert data.decode() == "The *foreign* `code` minister."
    assert file["problems"] == ["line 1: “code” cannot become “words”, which the markup does not allow"]


def test_edits_that_overlap_are_not_both_made(client: TestClient) -> None:
    other = EDIT | {"start": 8, "end": 21, "restored": "x"}
    file, data = _export(client, {"text": "The overseas minister.", "edits": [EDIT, other]})
    assert data == b"The foreign minister."
    assert file["problems"] == ["line 1: “seas minister” cannot become “x”, since it overlaps the edit of “overseas”"]


@pytest.mark.parametrize("target", ["document", "tracked", "html", "json"])
@pytest.mark.parametrize("change", [{"article": 1}, {"article": 10**12}, {"end": 100}, {"start": 13}])
def test_an_edit_outside_its_article_is_refused(client: TestClient, change: dict[str, int], target: str) -> None:
    body = {"text": "The overseas man.", "edits": [EDIT | change], "target": target}
    answer = client.post("/api/export", json=body)
    assert answer.status_code == 422 and "do not exist" in answer.json()["detail"]


def test_an_article_without_text_has_no_edits(client: TestClient) -> None:
    body = {"text": "<p></p>", "edits": [EDIT | {"start": 0, "end": 0}], "target": "tracked"}
    assert client.post("/api/export", json=body).status_code == 422


def test_edits_of_a_group_are_made_together_or_not_at_all(client: TestClient) -> None:
    other = EDIT | {"start": 13, "end": 17, "restored": "words", "group": 1}
    single = EDIT | {"start": 18, "end": 21, "restored": "woman", "group": 2}
    body = {"text": "The overseas `code` man.", "format": "md", "edits": [EDIT | {"group": 1}, other, single]}
    file, data = _export(client, body)
    assert data.decode() == "The overseas `code` woman."
    assert file["problems"] == [
        "line 1: “code” cannot become “words”, which the markup does not allow; "
        "the edits that belong to it are not made either"
    ]


def test_edits_that_overlap_a_group_that_is_not_made_are_made(client: TestClient) -> None:
    text = "The overseas minister `code`."
    fallen = [EDIT | {"end": 21, "restored": "x", "group": 1}, EDIT | {"start": 23, "end": 27, "group": 1}]
    later = EDIT | {"start": 13, "end": 21, "restored": "secretary", "group": 2}
    file, data = _export(client, {"text": text, "format": "md", "edits": [*fallen, later]})
    assert data == b"The overseas secretary `code`." and len(file["problems"]) == 1


CUE = "1\n00:00:01,000 --> 00:00:04,000\nThe overseas minister.\n"


@pytest.mark.parametrize(
    ("file", "name", "words"),
    [
        (CUE.encode(), "a.srt", "<x>"),
        (CUE.encode(), "a.srt", "[laughs]"),
        ("The overseas café.".encode("cp1252"), "a.txt", "→"),
        (b"text\nThe overseas minister.\n", "a.csv", "<i>&amp;</i>"),
    ],
)
def test_own_words_that_the_file_would_not_show_are_left_out_and_named(
    client: TestClient, file: bytes, name: str, words: str
) -> None:
    own = EDIT | {"restored": words, "kind": "manual"}
    article = EDIT | {"start": 0, "end": 3, "restored": "An", "kind": "manual"}
    answer, data = _export(client, {"data": base64.b64encode(file).decode(), "name": name, "edits": [article, own]})
    assert data == file.replace(b"The", b"An")
    (problem,) = answer["problems"]
    assert f"“overseas” cannot become “{words}”, since the text would be read as something else" in problem


def test_own_words_are_not_blamed_for_characters_that_other_edits_bring(client: TestClient) -> None:
    file = "The overseas café minister.".encode("cp1252")
    edits = [EDIT | {"restored": "→"}, EDIT | {"start": 18, "end": 26, "restored": "man", "kind": "manual"}]
    answer, data = _export(client, {"data": base64.b64encode(file).decode(), "name": "a.txt", "edits": edits})
    assert data == "The ? café man.".encode("cp1252") and answer["problems"] == []


def test_half_a_surrogate_pair_in_own_words_is_refused(client: TestClient) -> None:
    body = {"text": "The `code`.", "format": "md", "edits": [EDIT | {"start": 5, "end": 9, "restored": "\ud800"}]}
    headers = {"content-type": "application/json"}
    answer = client.post("/api/export", content=json.dumps(body), headers=headers)
    assert answer.status_code == 422 and "Invalid JSON" in answer.json()["detail"]


def test_edits_that_share_a_line_end_are_not_both_made(client: TestClient) -> None:
    edits = [EDIT | {"start": 2, "end": 4, "restored": "a b"}, EDIT | {"start": 3, "end": 5, "restored": "c d"}]
    file, _ = _export(
        client, {"text": "<p>One<p>two", "format": "html", "edits": [e | {"kind": "manual"} for e in edits]}
    )
    assert file["problems"]


def test_own_words_that_no_text_can_hold_are_named(client: TestClient) -> None:
    file, data = _export(client, {"text": "The overseas.", "edits": [EDIT | {"restored": "a\0", "kind": "manual"}]})
    assert data == b"The overseas."
    assert file["problems"] == ["line 1: “overseas” cannot become “a\0”, since it has the control character U+0000"]


def test_insertions_and_deletions_that_cannot_be_made_are_named(client: TestClient) -> None:
    inserted = EDIT | {"start": 5, "end": 5, "restored": " new"}
    deleted = EDIT | {"start": 4, "end": 8, "restored": ""}
    file, data = _export(client, {"text": "The `code`.", "format": "md", "edits": [inserted, deleted]})
    assert data == b"The `code`."
    assert file["problems"] == [
        "line 1: “code” cannot be deleted, which the markup does not allow",
        "line 1: “new” cannot be inserted, which the markup does not allow",
    ]


@pytest.mark.parametrize(
    ("name", "file_name"),
    [
        ("../../etc/passwd", "passwd.restored.txt"),
        ("C:\\texts\\a.txt", "a.restored.txt"),
        ("..", "article.restored.txt"),
        ("/", "article.restored.txt"),
        (" ", "article.restored.txt"),
    ],
)
def test_a_download_has_the_name_of_the_file_without_folders(client: TestClient, name: str, file_name: str) -> None:
    file, _ = _export(client, {"text": "The overseas.", "name": name, "format": "txt", "edits": []})
    assert file["name"] == file_name


def test_the_list_of_edits_has_their_confidences(client: TestClient) -> None:
    own = {"article": 0, "start": 13, "end": 21, "restored": "secretary"}
    body = {"text": "The overseas minister.", "name": "a.txt", "edits": [own, EDIT], "target": "json"}
    file, data = _export(client, body)
    edits = json.loads(data)["edits"]
    assert [(edit["spun"], edit["restored"], edit["kind"], edit["confidence"]) for edit in edits] == [
        ("overseas", "foreign", "word", 0.9),
        ("minister", "secretary", "manual", 1.0),
    ]
    assert file["name"] == "a.txt.edits.json"


def test_the_page_has_both_versions(client: TestClient) -> None:
    file, data = _export(client, {**HTML_REQUEST, "edits": [EDIT]})
    assert "1 edit, about 15% of the words garbled" in data.decode()
    assert file["name"] == "article.html" and ">overseas</del>" in data.decode() and "&lt;i&gt;" in data.decode()


def _tracked(data: bytes) -> str:
    """The text of a Word document, with its tracked changes as in "[-old-]{+new+}"."""
    xml = zipfile.ZipFile(io.BytesIO(data)).read("word/document.xml").decode()
    xml = re.sub(r"<w:del .*?<w:delText[^>]*>(.*?)</w:delText>.*?</w:del>", r"[-\1-]", xml)
    xml = re.sub(r"<w:ins .*?<w:t[^>]*>(.*?)</w:t>.*?</w:ins>", r"{+\1+}", xml)
    return re.sub(r"<[^>]*>", "", xml.replace("</w:p>", "\n")).strip()


def test_any_format_becomes_a_word_document_with_tracked_changes(client: TestClient) -> None:
    rows = 'text\nThe overseas man & <co>.\n"One. \U0001f600\n\nThe overseas woman.\x0b"\n'
    late = EDIT | {"article": 1, "start": 12, "end": 20}
    body = {"text": rows, "format": "csv", "name": "rows.csv", "edits": [late, EDIT], "target": "tracked"}
    file, data = _export(client, body)
    assert file["name"] == "rows.tracked.docx" and file["problems"] == []
    assert _tracked(data).split("\n") == [
        "The [-overseas-]{+foreign+} man &amp; &lt;co&gt;.",
        "One. \U0001f600",
        "The [-overseas-]{+foreign+} woman.",
    ]
    assert _export(client, body)[1] == data


def test_edits_keep_their_place_in_indented_paragraphs(client: TestClient) -> None:
    text = "First line.\n\n  Second word. Third.\n"
    second = {"article": 0, "start": 15, "end": 21, "restored": "Other"}
    across = {"article": 0, "start": 6, "end": 18, "restored": "gone"}
    file, data = _export(client, {"text": text, "edits": [second], "target": "tracked"})
    assert _tracked(data) == "First line.\n[-Second-]{+Other+} word. Third." and file["problems"] == []
    file, data = _export(client, {"text": text, "edits": [across], "target": "tracked"})
    assert _tracked(data) == "First line.\nSecond word. Third." and len(file["problems"]) == 1


def test_a_word_document_keeps_everything_but_its_edits(client: TestClient) -> None:
    plain = {"text": "The overseas man.", "edits": [], "target": "tracked"}
    _, source = _export(client, plain)
    body = {"data": base64.b64encode(source).decode(), "name": "Letter.docx", "edits": [EDIT]}
    file, restored = _export(client, body)
    assert file["name"] == "Letter.restored.docx" and DOCX.read("x", restored).views[0].text == "The foreign man."
    _, tracked = _export(client, body | {"target": "tracked"})
    assert _tracked(tracked) == "The [-overseas-]{+foreign+} man."


def test_of_groups_that_overlap_the_first_is_made(client: TestClient) -> None:
    places = [(4, 12, 1), (13, 21, 2), (22, 27, 1), (13, 27, 3)]
    edits = [EDIT | {"start": start, "end": end, "restored": "x", "group": group} for start, end, group in places]
    answer, data = _export(client, {"text": "The overseas minister spoke.", "edits": edits})
    assert data == b"The x x x." and len(answer["problems"]) == 1


def test_many_edits_of_one_place_and_many_unreadable_words_end_soon(client: TestClient) -> None:
    edits = [EDIT | {"start": 0, "end": 3, "restored": "A", "group": i + 1, "kind": "word"} for i in range(20_000)]
    answer, data = _export(client, {"text": "The man.", "edits": edits})
    assert data == b"A man." and len(answer["problems"]) == len(edits) - 1
    words = [EDIT | {"start": 4 * i, "end": 4 * i + 3, "restored": f"<b{i}>", "kind": "manual"} for i in range(500)]
    body = {"data": base64.b64encode(b"1\n00:00:01,000 --> 00:00:04,000\n" + b"one " * 500).decode(), "name": "a.srt"}
    answer, _ = _export(client, body | {"edits": words})
    assert len(answer["problems"]) == len(words)
