"""EPUB books: chapters are views in reading order, and edits land in text nodes only."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping

import pytest
from unspin.edits import Edit, apply
from unspin.infer.documents.base import Document, DocumentError, DocumentOptions
from unspin.infer.documents.formats import decode_document
from unspin.infer.restoration import Restoration, RestoredEdit

XHTML = (
    '<?xml version="1.0" encoding="UTF-8"?>\r\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" '
    '"http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd">\n<html xmlns="http://www.w3.org/1999/xhtml" '
    'xmlns:epub="http://www.idpf.org/2007/ops" xml:lang="de"><head><title/><script src="old.js"/>'
    '<link rel="stylesheet" href="old.css"/></head><body>{}</body></html>\n'
)
CONTAINER = (
    b'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    b'<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
ITEM = '<item id="{}" href="{}" media-type="application/xhtml+xml"{}/>'


def encryption(algorithm: str, name: str) -> bytes:
    method = f'<EncryptionMethod Algorithm="{algorithm}"/>'
    data = f'<EncryptedData>{method}<CipherData><CipherReference URI="{name}"/></CipherData></EncryptedData>'
    return f"<encryption>{data}</encryption>".encode()


def epub(*chapters: str, extra: Mapping[str, bytes] | None = None) -> bytes:
    """A book with chapters, given by their bodies, in reverse order in the archive."""
    items = [ITEM.format(f"c{i}", f"text%20files/chapter{i}.xhtml", "") for i in range(1, len(chapters) + 1)]
    spine = "".join(f'<itemref idref="c{i}"/>' for i in range(1, len(chapters) + 1))
    nav = ITEM.format("nav", "nav.xhtml", ' properties="nav"')
    package = (
        f'<package xmlns="http://www.idpf.org/2007/opf"><manifest>{nav}'
        f"{''.join(items)}<item id='pic' href='old.png' media-type='image/png'/></manifest>"
        f"<spine><itemref idref='nav'/>{spine}<itemref idref='pic'/><itemref idref='gone'/></spine></package>"
    )
    members = {
        "mimetype": b"application/epub+zip",
        "OEBPS/nav.xhtml": XHTML.format("<nav>old</nav>").encode(),
        **{
            f"OEBPS/text files/chapter{i}.xhtml": XHTML.format(chapters[i - 1]).encode()
            for i in range(len(chapters), 0, -1)
        },
        "OEBPS/book.opf": package.encode(),
        "OEBPS/old.png": b"\x89PNG" + bytes(range(256)),
        "META-INF/container.xml": CONTAINER,
        **(extra or {}),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in members.items():
            method = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            file.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, method)
    return buffer.getvalue()


def read(data: bytes, options: DocumentOptions = DocumentOptions()) -> Document:  # noqa: B008
    return decode_document("x.epub", data, options)


def text_of(body: str) -> str:
    return "|".join(view.text for view in read(epub(f"<p>start</p>{body}")).views).removeprefix("start").lstrip("\n")


def chapter(data: bytes, number: int) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.testzip() is None
        return file.read(f"OEBPS/text files/chapter{number}.xhtml").decode()


def restore(data: bytes, old: str, new: str) -> bytes:
    document = read(data)
    edits = []
    for view in document.views:
        for match in re.finditer(old, view.text):
            edit = view.raw_edit(document.text, Edit(match.start(), match.end(), new))
            assert edit is not None, (view.name, match)
            edits.append(edit)
    made = tuple(RestoredEdit(e.start, e.end, "", "", e.replacement, "word", 1.0) for e in edits)
    return document.encode(Restoration(document.text, apply(document.text, edits), made, ()))


def test_chapters_are_views_in_reading_order() -> None:
    data = epub("<h1>One</h1><p>the old road</p>", "<p>two</p>", "<pre>old</pre><svg xmlns='s'/>")
    document = read(data)
    assert [(view.name, view.text) for view in document.views] == [
        ("chapter1.xhtml", "One\nthe old road"),
        ("chapter2.xhtml", "two"),
    ]
    assert document.views[0].place(document.text, 5) == "chapter1.xhtml, paragraph 2"
    assert restore(data, "absent", "") == data
    restored = restore(data, "old", "<new> & “”")
    assert chapter(restored, 1) == chapter(data, 1).replace("the old", "the &lt;new&gt; &amp; “”")
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(io.BytesIO(restored)) as after:
        first = after.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        assert before.namelist() == after.namelist()
        for name in set(before.namelist()) - {"OEBPS/text files/chapter1.xhtml"}:
            assert before.read(name) == after.read(name)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<p>a&nbsp;caf&eacute; &#8212;\n  wrapped <em>line</em></p>", "a\xa0café —   wrapped line"),
        ("<div>a<p>b</p>c<br/>d</div><hr/>e", "a\nb\nc\nd\ne"),
        ("<p>call <code>old()</code> now</p><p><code>only</code></p>", "call old() now"),
        ('<p>ein <span xml:lang="de">alt</span> <i lang="en-GB">new</i></p>', "ein alt new"),
        ('<p>said<a epub:type="noteref" href="#n">1</a> so<sup><a href="#m">[2]</a></sup></p>', "said so"),
        ("<p>5 m<sup>2</sup> and 10<sup>th</sup></p>", "5 m2 and 10th"),
        ("<ruby>base<rp>(</rp><rt>ruby</rt></ruby>", "base"),
        ('<p>if <math xmlns="http://www.w3.org/1998/Math/MathML"><mi>x</mi></math> holds</p>', "if x holds"),
        ("<p>a <![CDATA[<b>]]> c<!-- d --></p>", "a <b> c"),
        ('<div/><p id="x"/><a id="y"/><p>p<a id="z"/>q</p>', "pq"),
        ("<p>a &bogus; b</p>", "a &bogus; b"),
        ("<nav>old</nav><script>old</script><svg xmlns='http://www.w3.org/2000/svg'><text>old</text></svg>", ""),
    ],
    ids=range(12),
)
def test_only_what_a_reader_sees_is_read(body: str, text: str) -> None:
    assert text_of(body) == text


def test_a_tag_that_an_author_wrote_is_not_left_empty() -> None:
    document = read(epub("<p>the <b>overseas</b> minister and <i>f</i>jord</p>"))
    (view,) = document.views
    assert view.raw_edit(document.text, Edit(4, 21, "secretary")) is None
    edit = view.raw_edit(document.text, Edit(4, 21, "foreign secretary"))
    assert edit and edit.replacement == "foreign</b> secretary"
    assert view.raw_edit(document.text, Edit(26, 31, "bay")) is None


DRM = encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "OEBPS/text%20files/chapter1.xhtml")
FONT = encryption("http://www.idpf.org/2008/embedding", "OEBPS/font.otf")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (epub("<p>a</p>", extra={"META-INF/encryption.xml": DRM}), "protected by DRM"),
        (epub("<p>a<p>"), r"chapter1\.xhtml is not well-formed.*--on-error skip"),
        (epub("<p>a</p>", extra={"META-INF/container.xml": b"<a/>"}), "names no package document"),
        (epub("<p>a</p>", extra={"OEBPS/book.opf": b"<a/>"}), "names no XHTML document"),
        (epub("<pre>a</pre>"), "holds no text"),
        (epub("", extra={"OEBPS/text files/chapter1.xhtml": b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>"}), "entities"),
    ],
    ids=range(6),
)
def test_odd_books_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(DocumentError, match=rf"^x\.epub:? .*{message}"):
        read(data)


def test_obfuscated_fonts_are_no_protection() -> None:
    assert read(epub("<p>a</p>", extra={"META-INF/encryption.xml": FONT})).views


def test_damaged_chapters_may_be_skipped() -> None:
    options = DocumentOptions(skip_faults=True)
    document = read(epub("<p>a</p>", "<p>b"), options)
    assert [view.text for view in document.views] == ["a"]
    assert "chapter2.xhtml is not well-formed XML" in document.warnings[0]


def test_tracked_changes_are_refused() -> None:
    with pytest.raises(DocumentError, match="--track-changes"):
        read(epub("<p>a</p>"), DocumentOptions(track_changes=True))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1"])
def test_the_encoding_of_a_chapter_is_kept(encoding: str) -> None:
    text = XHTML.replace("UTF-8", encoding.removesuffix("-sig")).format("<p>café old</p>")
    data = epub("", extra={"OEBPS/text files/chapter1.xhtml": text.encode(encoding)})
    with zipfile.ZipFile(io.BytesIO(restore(data, "old", "— new"))) as file:
        restored = file.read("OEBPS/text files/chapter1.xhtml")
    dash = "&#8212;" if encoding == "iso-8859-1" else "—"
    assert restored == text.replace("café old", f"café {dash} new").encode(encoding)
