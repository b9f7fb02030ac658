"""OpenDocument texts: what is read, and that edits land in text nodes only."""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unspin.edits import Edit, apply
from unspin.infer.documents.base import Document, DocumentError, DocumentOptions
from unspin.infer.documents.formats import decode_document
from unspin.infer.restoration import Restoration, RestoredEdit

NS = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in {
        "office": "office",
        "text": "text",
        "style": "style",
        "draw": "drawing",
        "table": "table",
        "fo": "xsl-fo-compatible",
        "svg": "svg-compatible",
    }.items()
)
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
AUTOMATIC = (
    '<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Standard"/>'
    '<style:style style:name="P2" style:family="paragraph" style:parent-style-name="Preformatted_20_Text"/>'
    '<style:style style:name="T1" style:family="text"><style:text-properties fo:font-weight="bold"/></style:style>'
    '<style:style style:name="T2" style:family="text"><style:text-properties fo:language="de"/></style:style>'
    '<style:style style:name="T3" style:family="text"><style:text-properties text:display="none"/></style:style>'
    '<style:style style:name="T4" style:family="text"><style:text-properties fo:language="en"/></style:style>'
    '<style:style style:name="P3" style:family="paragraph"><style:text-properties fo:language="fr"/></style:style>'
)
NAMED = (
    '<style:default-style style:family="paragraph"><style:text-properties fo:language="de"/></style:default-style>'
    '<style:style style:name="Standard"/><style:style style:name="Preformatted_20_Text" '
    'style:display-name="Preformatted Text"/><style:style style:name="Source_20_Text"/>'
)


def odt(text: str, header: str = "", extra: Mapping[str, bytes] | None = None) -> bytes:
    """An OpenDocument text with a body and a header, given by their inner XML."""
    members = {
        "mimetype": b"application/vnd.oasis.opendocument.text",
        "content.xml": f"{DECLARATION}<office:document-content {NS}><office:automatic-styles>{AUTOMATIC}"
        f"</office:automatic-styles><office:body><office:text>{text}</office:text></office:body>"
        "</office:document-content>".encode(),
        "Pictures/old.png": b"\x89PNG" + bytes(range(256)),
        "styles.xml": f"{DECLARATION}<office:document-styles {NS}><office:styles>{NAMED}</office:styles>"
        f"<office:master-styles><style:master-page><style:header>{header}</style:header></style:master-page>"
        "</office:master-styles></office:document-styles>".encode(),
        "META-INF/manifest.xml": b'<!DOCTYPE manifest:manifest PUBLIC "-//OpenOffice.org//DTD Manifest 1.0//EN" '
        b'"Manifest.dtd"><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        **(extra or {}),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in members.items():
            method = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            file.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, method)
    return buffer.getvalue()


def read(data: bytes) -> Document:
    return decode_document("x.odt", data)


def views(data: bytes) -> dict[str, str]:
    return {view.name: view.text for view in read(data).views}


def p(text: str, style: str = "P1") -> str:
    return f'<text:p text:style-name="{style}">{text}</text:p>'


def span(text: str, style: str = "T1") -> str:
    return f'<text:span text:style-name="{style}">{text}</text:span>'


def content(data: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.testzip() is None and file.infolist()[0].compress_type == zipfile.ZIP_STORED
        text = file.read("content.xml").decode()
    return text[text.index("<office:text>") + 13 : text.index("</office:text>")]


def write(document: Document, edits: list[Edit]) -> bytes:
    made = tuple(RestoredEdit(e.start, e.end, "", "", e.replacement, "word", 1.0) for e in edits)
    return document.encode(Restoration(document.text, apply(document.text, edits), made, ()))


def restore(data: bytes, old: str, new: str) -> bytes:
    document = read(data)
    edits = []
    for view in document.views:
        for match in re.finditer(old, view.text):
            edit = view.raw_edit(document.text, Edit(match.start(), match.end(), new))
            assert edit is not None, (view.name, match)
            edits.append(edit)
    return write(document, edits)


NOTE = (
    '<text:note text:id="n1" text:note-class="footnote"><text:note-citation>1</text:note-citation><text:note-body>'
    "{}</text:note-body></text:note>"
)


def test_a_note_does_not_interrupt_the_sentence_around_it() -> None:
    note = NOTE.format(p("an overseas note") + p("again"))
    data = odt(p(f"the over{span('sea')}s minis{note}ter spoke") + p(f"end{NOTE.format(p('two'))}"))
    assert views(data) == {"text": "the overseas minister spoke\nend", "notes": "an overseas note\nagain\ntwo"}
    expected = p(f"the foreign{span('')} minis{note.replace('overseas', 'foreign')}ter spoke")
    assert content(restore(data, "overseas", "foreign")).startswith(expected)
    changed = p(f"the over{span('sea')}s secretary{note} spoke")
    assert content(restore(data, "minister", "secretary")).startswith(changed)


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        ("<text:s text:c='3'/>", "a   b"),
        ("<text:tab/>", "a \t b"),
        ("<text:line-break/>", "a \n b"),
        ("x\n y", "a x  y b"),
        ("&lt;&#233;", "a <é b"),
        ("<text:a>link</text:a>", "a link b"),
        ("<text:page-number>3</text:page-number>", "a 3 b"),
        (span("alt", "T2"), "a alt b"),
        (span(f"alt {span('new', 'T4')}", "T2"), "a alt new b"),
        (span("code", "Source_20_Text"), "a code b"),
        (span("gone", "T3"), "a  b"),
        (f"<office:annotation>{p('remark')}</office:annotation>", "a  b"),
        (
            "<text:ruby><text:ruby-base>base</text:ruby-base><text:ruby-text>ruby</text:ruby-text></text:ruby>",
            "a base b",
        ),
        ("<draw:frame><draw:image/><svg:title>old</svg:title></draw:frame>", "a  b"),
        ("<text:soft-page-break/><!-- c --><?pi?>", "a  b"),
    ],
    ids=range(15),
)
def test_only_what_a_reader_sees_is_read(inner: str, text: str) -> None:
    assert views(odt(p(f"a {inner} b"))) == {"text": text}


def test_headings_tables_lists_frames_and_what_is_not_prose() -> None:
    cell = f"<table:table><table:table-cell>{p('cell')}</table:table-cell></table:table>"
    listed = f"<text:list><text:list-item>{p('item')}</text:list-item></text:list>"
    box = f"<draw:frame><draw:text-box>{p('in a box')}</draw:text-box></draw:frame>"
    changes = f"<text:tracked-changes><text:deletion>{p('gone')}</text:deletion></text:tracked-changes>"
    contents = f"<text:table-of-content><text:index-body>{p('Contents')}</text:index-body></text:table-of-content>"
    body = f"{changes}{contents}<text:h>Title</text:h>\n {cell}{listed}{p(f'a {box}sentence')}"
    body += p("x = 1", "P2") + p("le", "P3")
    data = odt(body, header=p("The header"))
    assert views(data) == {
        "text": "Title\ncell\nitem\na sentence",
        "text boxes": "in a box",
        "headers and footers": "The header",
    }
    assert "(fr)" in read(data).warnings[0]
    assert content(restore(data, "sentence", "word")) == body.replace("sentence", "word")


def test_fields_and_spaces_cannot_be_edited() -> None:
    document = read(odt(p("page <text:page-number>3</text:page-number> of<text:s/>five")))
    (view,) = document.views
    assert view.text == "page 3 of five"
    assert view.raw_edit(document.text, Edit(0, 6, "leaf 4")) is None
    edit = view.raw_edit(document.text, Edit(7, 14, "by six"))
    assert edit and edit.replacement == "by<text:s/>six"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (odt(p("a"), extra={"META-INF/manifest.xml": b"<m><encryption-data/></m>"}), "protected by a password"),
        (odt(p("a"), extra={"content.xml": b"<a>"}), r"content\.xml is not well-formed"),
        (
            odt(p("a"), extra={"styles.xml": b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>"}),
            r"styles\.xml declares entities",
        ),
        (odt(""), "holds no text"),
    ],
    ids=range(4),
)
def test_odd_documents_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(DocumentError, match=rf"^x\.odt:? .*{message}"):
        read(data)


def test_tracked_changes_are_refused_and_signatures_told() -> None:
    with pytest.raises(DocumentError, match=r"x\.odt: --track-changes writes Word documents"):
        decode_document("x.odt", odt(p("a")), DocumentOptions(track_changes=True))
    assert "signed" in read(odt(p("a"), extra={"META-INF/documentsignatures.xml": b"<x/>"})).warnings[0]


def _random(draw: random.Random, depth: int = 0) -> str:
    pieces = []
    for _ in range(draw.randint(1, 4)):
        text = draw.choice(["old", "o", "ld ", " ", "a&amp;b", "x\ny", "<text:s/>", "<![CDATA[<&]]>", "é😀"])
        if depth < 3 and draw.random() < 0.5:
            inner = _random(draw, depth + 1)
            text = draw.choice([span(inner), NOTE.format(p(inner)), p(inner), span(inner, "T2"), span(inner, "T3")])
        pieces.append(text)
    return "".join(pieces)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 1 << 32))
def test_random_edits_of_random_documents(seed: int) -> None:
    draw = random.Random(seed)
    data = odt("".join(p(_random(draw)) for _ in range(3)) + p("end"))
    document = read(data)
    assert write(document, []) == data
    edits, words = [], 0
    for view in document.views:
        for match in re.finditer(r"\w+ ?\w*", view.text):
            edit = view.raw_edit(document.text, Edit(match.start(), match.end(), "<new> &"))
            edits += [edit] if edit else []
            words += edit is not None
    restored = write(document, edits)
    text = " ".join(views(restored).values())
    assert "".join(text.split()).count("<new>&") == words
    without_text = re.compile(r">[^<]*<|<!\[CDATA\[.*?\]\]>", re.DOTALL)
    assert without_text.sub("><", content(restored)) == without_text.sub("><", content(data))
