"""Word documents: what is read, where edits land, and that tracked changes can be accepted and rejected."""

from __future__ import annotations

import io
import random
import re
import time
import zipfile
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unspin.edits import Edit, apply
from unspin.infer.documents.base import Document, DocumentError, DocumentOptions
from unspin.infer.documents.formats import decode_document
from unspin.infer.restoration import Restoration, RestoredEdit

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
SPACE = "{http://www.w3.org/XML/1998/namespace}space"
PLAIN = DocumentOptions()
TRACKED = DocumentOptions(track_changes=True)
NAMESPACES = (
    f'xmlns:w="{W}" xmlns:r="{OFFICE}/relationships" xmlns:m="{OFFICE}/math" xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
)
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
STYLES = (
    '<w:docDefaults><w:rPrDefault><w:rPr><w:lang w:val="de-DE"/></w:rPr></w:rPrDefault></w:docDefaults>'
    '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/>'
    '<w:rPr><w:lang w:val="de-DE"/></w:rPr></w:style>'
    '<w:style w:type="paragraph" w:styleId="HTMLPreformatted"><w:name w:val="HTML Preformatted"/></w:style>'
    '<w:style w:styleId="Small"><w:name w:val="Small"/><w:basedOn w:val="HTMLPreformatted"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Loop"><w:name w:val="Loop"/><w:basedOn w:val="Loop"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Zitat"><w:name w:val="Zitat"/><w:basedOn w:val="Normal"/>'
    '<w:rPr><w:lang w:val="fr-FR"/></w:rPr></w:style>'
    '<w:style w:type="character" w:styleId="VerbatimChar"><w:name w:val="Verbatim Char"/></w:style>'
)
KINDS = ("styles", "footnotes", "endnotes", "comments", "header1", "header2", "footer1")


def docx(body: str, encoding: str = "utf-8", extra: Mapping[str, bytes] | None = None, **parts: str) -> bytes:
    """A Word document with a body and other parts, given by their inner XML."""
    parts = {"styles": STYLES, **parts}
    roots = {"header": "hdr", "footer": "ftr"}
    relations = "".join(
        f'<Relationship Id="r{i}" Type="{OFFICE}/relationships/{kind.rstrip("12")}" Target="{kind}.xml"/>'
        for i, kind in enumerate(parts)
    )
    declaration = DECLARATION.replace("UTF-8", encoding.upper())
    rels = "http://schemas.openxmlformats.org/package/2006/relationships"
    members = {
        "[Content_Types].xml": b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        b'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        b'<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        b'wordprocessingml.document.main+xml"/>'
        + b"".join(
            f'<Override PartName="/word/{kind}.xml" ContentType="application/vnd.openxmlformats-officedocument.'
            f'wordprocessingml.{kind.rstrip("12")}+xml"/>'.encode()
            for kind in parts
        )
        + b"</Types>",
        "_rels/.rels": f'<Relationships xmlns="{rels}"><Relationship Id="r1" Type="{OFFICE}/relationships/'
        'officeDocument" Target="word/document.xml"/></Relationships>'.encode(),
        "word/_rels/document.xml.rels": (
            f'<Relationships xmlns="{rels}">{relations}<Relationship Id="x" Type="{OFFICE}/relationships/hyperlink" '
            'Target="http://old.org" TargetMode="External"/></Relationships>'
        ).encode(),
        "word/document.xml": f"{declaration}<w:document {NAMESPACES}><w:body>{body}<w:sectPr/></w:body>"
        "</w:document>".encode(encoding),
        "word/media/image1.png": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        **(extra or {}),
    }
    for kind, inner in parts.items():
        root = roots.get(kind.rstrip("12"), kind)
        members[f"word/{kind}.xml"] = f"{declaration}<w:{root} {NAMESPACES}>{inner}</w:{root}>".encode(encoding)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def p(*runs: str, properties: str = "") -> str:
    return f"<w:p>{properties and f'<w:pPr>{properties}</w:pPr>'}{''.join(runs)}</w:p>"


def r(text: str, properties: str = "") -> str:
    return (
        f"<w:r>{properties and f'<w:rPr>{properties}</w:rPr>'}"
        f'<w:t xml:space="preserve">{text.replace("&", "&amp;").replace("<", "&lt;")}</w:t></w:r>'
    )


def field(instruction: str, result: str) -> str:
    """A complex field."""
    char = '<w:r><w:fldChar w:fldCharType="{}"/></w:r>'
    code = f'<w:r><w:instrText xml:space="preserve">{instruction}</w:instrText></w:r>'
    return char.format("begin") + code + char.format("separate") + result + char.format("end")


def read(data: bytes, options: DocumentOptions = PLAIN) -> Document:
    return decode_document("x.docx", data, options)


def views(data: bytes) -> dict[str, str]:
    return {view.name: view.text for view in read(data).views}


def text_of(*runs: str, **parts: str) -> str:
    """What is read of a paragraph."""
    return views(docx(p(*runs), **parts)).get("text", "")


def restoration(document: Document, edits: list[Edit]) -> Restoration:
    made = tuple(RestoredEdit(e.start, e.end, "", "", e.replacement, "word", 1.0) for e in edits)
    return Restoration(document.text, apply(document.text, edits), made, ())


def restore(data: bytes, old: str, new: str, options: DocumentOptions = PLAIN, name: str = "x.docx") -> bytes:
    """Replace a word wherever it can be read, as the restorer would."""
    document = decode_document(name, data, options)
    edits = []
    for view in document.views:
        for match in re.finditer(re.escape(old), view.text):
            edit = view.raw_edit(document.text, Edit(match.start(), match.end(), new))
            assert edit is not None, (view.name, match)
            edits.append(edit)
    return document.encode(restoration(document, edits))


def part(data: bytes, name: str = "word/document.xml") -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.testzip() is None
        return file.read(name).decode("utf-8")


def body(data: bytes) -> str:
    text = part(data)
    return text[text.index("<w:body>") + 8 : text.index("<w:sectPr/></w:body>")]


def restored(old: str, new: str, *runs: str, options: DocumentOptions = PLAIN) -> str:
    """What becomes of a paragraph's content."""
    return body(restore(docx(p(*runs)), old, new, options)).removeprefix("<w:p>").removesuffix("</w:p>")


def resolve(xml: str, accept: bool) -> ET.Element:
    """The part after accepting or rejecting all tracked changes."""
    root = ET.fromstring(xml)

    def children(element: ET.Element) -> Iterator[ET.Element]:
        for child in list(element):
            if child.tag == f"{{{W}}}{'del' if accept else 'ins'}":
                continue
            if child.tag == f"{{{W}}}{'ins' if accept else 'del'}":
                yield from children(child)
                continue
            child[:] = list(children(child))
            child.tag = child.tag.replace("delText", "t")
            yield child

    root[:] = list(children(root))
    return root


def _runs(element: ET.Element) -> Iterator[ET.Element]:
    """The runs of a paragraph, without those of text boxes in it."""
    for child in element:
        if child.tag == f"{{{W}}}r":
            yield child
        elif child.tag != f"{{{W}}}p":
            yield from _runs(child)


def formatted(root: ET.Element) -> list[list[tuple[str, str]]]:
    """The characters of each paragraph with the properties of their runs; other run content is a character too."""
    paragraphs = []
    for paragraph in root.iter(f"{{{W}}}p"):
        characters = []
        for run in _runs(paragraph):
            properties = run.find(f"{{{W}}}rPr")
            look = "" if properties is None else ET.tostring(properties, encoding="unicode")
            for child in run:
                if child.tag == f"{{{W}}}t":
                    text = child.text or ""
                    characters += [(c, look) for c in (text if child.get(SPACE) == "preserve" else text.strip())]
                elif child.tag != f"{{{W}}}rPr":
                    characters.append((child.tag, look))
        paragraphs.append(characters)
    return paragraphs


BOLD = "<w:b/>"
OLD = [r("the overseas minister spoke")]


def test_words_that_word_splits_between_runs_are_read_whole() -> None:
    runs = (
        r("the ov"),
        '<w:proofErr w:type="spellStart"/><w:bookmarkStart w:id="0" w:name="b"/>',
        '<w:r w:rsidR="00A1"><w:t>er</w:t></w:r><w:bookmarkEnd w:id="0"/>',
        r("seas", BOLD),
        r(" minister"),
    )
    assert text_of(*runs) == "the overseas minister"
    assert restored("overseas", "foreign", *runs) == "".join(
        [r("the foreign"), runs[1], runs[2].replace(">er<", "><"), r("", BOLD), runs[4]]
    )


def test_an_edit_over_several_runs_keeps_their_formatting() -> None:
    runs = (r("the "), r("overseas", BOLD), r(" "), r("minister", "<w:i/>"), r(" spoke"))
    expected = (r("the "), r("foreign", BOLD), r(" "), r("secretary", "<w:i/>"), r(" spoke"))
    assert restored("overseas minister", "foreign secretary", *runs) == "".join(expected)
    fewer = (r("the "), r("secretary", BOLD), r(""), r("", "<w:i/>"), r(" spoke"))
    assert restored("overseas minister", "secretary", *runs) == "".join(fewer)


def test_white_space_at_the_ends_of_a_text_is_kept_by_the_attribute() -> None:
    plain = "<w:r><w:t>overseas minister</w:t></w:r>"
    kept = '<w:r><w:t xml:space="preserve">overseas </w:t></w:r>'
    assert restored("minister", "", plain, r("spoke")) == kept + r("spoke")
    default = "<w:r><w:t  xml:space = 'default' >overseas minister</w:t></w:r>"
    assert restored("minister", "", default) == kept.replace("<w:t ", "<w:t  ")
    assert restored("overseas", "foreign", plain) == "<w:r><w:t>foreign minister</w:t></w:r>"


def test_white_space_that_word_does_not_show_is_not_read() -> None:
    runs = ("<w:r><w:t> over </w:t></w:r>", "<w:r><w:t>\nseas</w:t></w:r>", "<w:r><w:t> </w:t></w:r>", r(" minister"))
    assert text_of(*runs) == "overseas minister"
    assert restored("overseas", "foreign ", *runs).startswith('<w:r><w:t xml:space="preserve">foreign </w:t></w:r>')
    kept = "<w:p xml:space='preserve'><w:r><w:t> over </w:t></w:r></w:p>"
    assert views(docx(kept)) == {"text": " over "} and body(restore(docx(kept), "over", "x ")) == kept.replace(
        "over", "x "
    )


def test_special_characters_are_shown_and_cannot_be_edited() -> None:
    special = (
        "<w:r><w:t>a</w:t><w:tab/><w:t>well</w:t><w:noBreakHyphen/><w:t>known ca</w:t><w:softHyphen/><w:t>fe</w:t>"
        '<w:sym w:font="Wingdings" w:char="F0E0"/><w:br/><w:t>line &amp; &#8220;</w:t></w:r>'
    )
    assert text_of(special) == "a\twell-known cafe\ufffc\nline & “"
    document = read(docx(p(special)))
    (view,) = document.views
    assert view.raw_edit(document.text, Edit(2, 12, "famous")) is None
    assert view.raw_edit(document.text, Edit(1, 2, " ")) is None
    cafe = view.text.index("cafe")
    edit = view.raw_edit(document.text, Edit(cafe, cafe + 4, "bar & grill"))
    assert edit and edit.replacement == "bar &amp; grill</w:t><w:softHyphen/><w:t>"
    tab = view.raw_edit(document.text, Edit(0, 6, "an expert"))
    assert tab and tab.replacement == "an</w:t><w:tab/><w:t>expert"
    assert view.raw_edit(document.text, Edit(0, 6, "one")) is None  # which side of the tab?


@pytest.mark.parametrize(
    ("run", "text"),
    [
        (f'<w:del w:id="1" w:author="A">{r("gone").replace("w:t", "w:delText")}{r("gone")}</w:del>', "a  b"),
        (f'<w:moveFrom w:id="1" w:author="A">{r("gone")}</w:moveFrom>', "a  b"),
        (f'<w:ins w:id="1" w:author="A">{r("new")}</w:ins>', "a new b"),
        (f'<w:moveTo w:id="1" w:author="A">{r("new")}</w:moveTo>', "a new b"),
        (r("hidden", "<w:vanish/>"), "a  b"),
        (r("shown", '<w:vanish w:val="0"/>'), "a shown b"),
        (field(' HYPERLINK "http://old.org" ', r("link")), "a link b"),
        (field(" TOC \\o ", r("Contents") + field("PAGEREF x", r("3"))), "a  b"),
        (field(f" IF </w:instrText></w:r>{field('NAME', r('x'))}<w:r><w:instrText>", r("shown")), "a shown b"),
        (f'<w:hyperlink r:id="x">{r("link")}</w:hyperlink>', "a link b"),
        (f"<w:smartTag><w:smartTagPr/>{r('place')}</w:smartTag>", "a place b"),
        ('<w:r><w:footnoteReference w:id="2"/></w:r>', "a  b"),
        ('<w:r><w:rPr/><w:drawing><a xmlns="x" descr="old"><t>old</t></a></w:drawing></w:r>', "a  b"),
        (
            f"<w:ruby><w:rubyPr/><w:rt>{r('ruby')}</w:rt><w:rubyBase>{r('base')}</w:rubyBase></w:ruby>",
            "a base b",
        ),
        ("<m:oMath><m:r><w:rPr/><m:t>x&lt;1</m:t></m:r></m:oMath>", "a x<1 b"),
    ],
    ids=range(15),
)
def test_only_what_a_reader_sees_is_read(run: str, text: str) -> None:
    assert text_of(r("a "), run, r(" b")) == text


@pytest.mark.parametrize(
    "run",
    [
        r("alt", '<w:lang w:val="de-DE"/>'),
        r("alt", "<w:noProof/>"),
        r("alt", '<w:rStyle w:val="VerbatimChar"/>'),
        field(" REF _Ref1 ", r("alt")),
        f'<w:fldSimple w:instr=" DATE ">{r("alt")}</w:fldSimple>',
        f"<w:sdt><w:sdtPr><w:dataBinding/></w:sdtPr><w:sdtContent>{r('alt')}</w:sdtContent></w:sdt>",
        f'<w:sdt><w:sdtPr><w:lock w:val="sdtContentLocked"/></w:sdtPr><w:sdtContent>{r("alt")}</w:sdtContent></w:sdt>',
        "<w:r><w:t><![CDATA[alt]]></w:t></w:r>",
        "<w:r><w:t>a<!-- c -->lt</w:t></w:r>",
    ],
    ids=range(9),
)
def test_what_must_stay_is_shown_but_not_edited(run: str) -> None:
    data = docx(p(r("the "), run, r(" end")))
    document = read(data)
    (view,) = document.views
    assert view.text == "the alt end"
    assert view.raw_edit(document.text, Edit(4, 7, "old")) is None
    assert view.raw_edit(document.text, Edit(0, 7, "an old")) is None
    assert body(restore(data, "end", "stop")) == p(r("the "), run, r(" stop"))


def test_english_is_the_default_and_other_languages_are_told() -> None:
    data = docx(p(r("English", '<w:lang w:val="en-ZA"/>'), r(" plain"), r(" deutsch", '<w:lang w:val="de-AT"/>')))
    assert read(data).warnings == ["text that the document marks as another language (de-AT) is left unchanged"]
    quote = p(r("le mot"), properties='<w:pStyle w:val="Zitat"/>')
    english = p(r("the word", '<w:lang w:val="en-GB"/>'), properties='<w:pStyle w:val="Zitat"/>')
    data = docx(quote + english)
    assert views(data) == {"text": "the word"} and "(fr-FR)" in read(data).warnings[0]


def test_paragraphs_of_code_are_not_read() -> None:
    code = [p(r("x = 1"), properties=f'<w:pStyle w:val="{style}"/>') for style in ("HTMLPreformatted", "Small")]
    prose = [p(r("prose"), properties=f'<w:pStyle w:val="{style}"/>') for style in ("Loop", "Unknown")]
    assert views(docx("".join(code + prose))) == {"text": "prose\nprose"}


def test_tables_and_empty_paragraphs() -> None:
    cells = "".join(f"<w:tc><w:tcPr/>{p(r(text))}</w:tc>" for text in ("one", "two"))
    data = docx(p(r("a")) + p() + "<w:p/>" + p(r(" ")) + f"<w:tbl><w:tr>{cells}</w:tr></w:tbl>" + p(r("z")))
    (view,) = read(data).views
    assert view.text == "a\none\ntwo\nz"
    assert view.place(read(data).text, 6) == "text, paragraph 3"


BOX = "<w:txbxContent>{}</w:txbxContent>"
TWICE = (
    "<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wps:txbx>{0}</wps:txbx></w:drawing></mc:Choice>"
    "<mc:Fallback><w:pict><v:textbox>{1}</v:textbox></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
)


def test_a_text_box_does_not_interrupt_the_sentence_around_it() -> None:
    inner = BOX.format(p(r("an overseas")) + p(r("box")))
    data = docx(p(r("the over"), TWICE.format(inner, inner), r("seas minister")) + p(r("end")))
    assert views(data) == {"text": "the overseas minister\nend", "text boxes": "an overseas\nbox"}
    new = BOX.format(p(r("an foreign")) + p(r("box")))
    restored = restore(data, "overseas", "foreign")
    assert body(restored) == p(r("the foreign"), TWICE.format(new, new), r(" minister")) + p(r("end"))
    assert views(restored)["text boxes"] == "an foreign\nbox"


def test_a_copy_of_a_text_box_with_another_text_is_left_alone() -> None:
    inner, other = BOX.format(p(r("overseas"))), BOX.format(p(r("over"), r("seas")))
    data = docx(p(TWICE.format(inner, other)) + p(r("end")))
    expected = p(TWICE.format(BOX.format(p(r("foreign"))), other)) + p(r("end"))
    assert body(restore(data, "overseas", "foreign")) == expected


def test_notes_headers_and_footers_are_views_and_comments_are_not() -> None:
    note = '<w:footnote w:type="separator" w:id="-1">{}</w:footnote><w:footnote w:id="2">{}</w:footnote>'
    parts = {
        "footnotes": note.format(p("<w:r><w:separator/></w:r>"), p("<w:r><w:footnoteRef/></w:r>", r(" old note"))),
        "endnotes": f"<w:endnote w:id='2'>{p(r('old endnote'))}</w:endnote>",
        "comments": f'<w:comment w:id="0">{p(r("old comment"))}</w:comment>',
        "header2": p(r("old header two")),
        "header1": p(r("old header one")),
        "footer1": p(r("old footer")),
    }
    data = docx(p(r("old")), **parts)
    expected = {
        "text": "old",
        "footnotes": " old note",
        "endnotes": "old endnote",
        "header 1": "old header one",
        "header 2": "old header two",
        "footer 1": "old footer",
    }
    assert views(data) == expected
    for options in (PLAIN, TRACKED):
        changed = restore(data, "old", "new", options)
        assert views(changed) == {name: text.replace("old", "new") for name, text in expected.items()}
        for name in (*KINDS, "document"):
            same = name in ("styles", "comments")
            assert (part(changed, f"word/{name}.xml") == part(data, f"word/{name}.xml")) == same
        names = [f"word/{name}.xml" for name in KINDS if name not in ("styles", "comments")]
        ids = re.findall(
            r'w:id="(\d+)" w:author="unspin"', "".join(part(changed, n) for n in (*names, "word/document.xml"))
        )
        assert len(ids) == len(set(ids)) == (12 if options is TRACKED else 0) and "2" not in ids
    assert part(restore(data, "old", "new")) == part(data).replace("old", "new").replace("http://new", "http://old")


def test_everything_else_stays_bit_for_bit() -> None:
    data = docx(p(*OLD), extra={"word/vbaProject.bin": b"macro", "docProps/app.xml": b"<x/>"})
    assert read(data).encode(restoration(read(data), [])) == data
    for name in ("x.docx", "x.docm"):
        changed = restore(data, "overseas", "foreign", name=name)
        with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(io.BytesIO(changed)) as after:
            assert before.namelist() == after.namelist()
            for member in before.namelist():
                expected = before.read(member).replace(b"overseas", b"foreign")
                assert after.read(member) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_the_encoding_of_a_part_is_kept(encoding: str) -> None:
    data = docx(p(r("the “café” 😀 overseas minister")), encoding)
    with zipfile.ZipFile(io.BytesIO(restore(data, "overseas", "naïve 😀"))) as file:
        text = file.read("word/document.xml").decode(encoding)
    assert "the “café” 😀 naïve 😀 minister" in text


def test_a_signed_document_warns() -> None:
    data = docx(p(*OLD), extra={"_xmlsignatures/sig1.xml": b"<x/>"})
    assert read(data).warnings == ["the document is signed: any edit makes its signature invalid"]


BOMB = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"text", "not a complete zip archive"),
        (docx("<w:p>"), r"word/document\.xml is not well-formed XML"),
        (docx(p(r("&nbsp;").replace("&amp;", "&"))), "undefined entity"),
        (docx("<w:x>" * 1200 + "</w:x>" * 1200), "nests elements more than 1000 deep"),
        (docx(p(*OLD), extra={"word/document.xml": BOMB.encode()}), r"word/document\.xml declares entities"),
        (docx(p(*OLD), extra={"word/document.xml": b"\xff<x/>"}), r"word/document\.xml is not text in its encoding"),
        (docx(p(*OLD), extra={"word/document.xml": b"<workbook/>"}), "not a Word document, although"),
        (docx(p(*OLD), extra={"_rels/.rels": b"<Relationships/>"}), "not a Word document: it names no main part"),
        (docx(p()), "holds no text to restore"),
    ],
    ids=range(10),
)
def test_odd_documents_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(DocumentError, match=rf"^x\.docx:? .*{message}"):
        read(data)


def test_a_tracked_change_is_a_deletion_and_an_insertion() -> None:
    expected = (
        r("the ", BOLD) + '<w:del w:id="1" w:author="unspin"><w:r><w:rPr><w:b/></w:rPr>'
        '<w:delText xml:space="preserve">overseas</w:delText></w:r></w:del>'
        '<w:ins w:id="2" w:author="unspin"><w:r><w:rPr><w:b/></w:rPr>'
        '<w:t xml:space="preserve">foreign</w:t></w:r></w:ins>' + r(" minister", BOLD)
    )
    assert restored("overseas", "foreign", r("the overseas minister", BOLD), options=TRACKED) == expected
    assert restored("old", "new", r("old"), options=TRACKED).startswith("<w:del ")  # no empty run before it
    deletion = restored("overseas ", "", r("the overseas minister"), options=TRACKED)
    assert "w:del " in deletion and "w:ins " not in deletion


def test_tracked_changes_stand_inside_links_and_changes_of_others() -> None:
    for around in ('<w:hyperlink r:id="x">{}</w:hyperlink>', '<w:ins w:id="1" w:author="A">{}</w:ins>'):
        out = restored("old", "new", around.format(r("an old word")), options=TRACKED)
        opening, closing = around.split("{}")
        assert out.startswith(opening + r("an ") + '<w:del w:id="') and out.endswith(r(" word") + closing)
    change = '<w:rPrChange w:id="1" w:author="A"><w:rPr><w:i/></w:rPr></w:rPrChange>'
    out = restored("old", "new", r("an old word", BOLD + change), options=TRACKED)
    ids = re.findall(r'w:id="(\d+)"', out)
    assert len(ids) == 6 and sorted(set(ids)) == sorted(ids, key=str)


def test_tracked_changes_in_another_prefix() -> None:
    data = docx(p(r("an old word")))
    for prefix in ("ns0:", ""):
        xml = part(data)[len(DECLARATION) :].replace("xmlns:w=", f"xmlns{prefix and ':'}{prefix[:-1]}=")
        xml = re.sub(r"<(/?)w:", rf"<\1{prefix}", xml).replace(" w:", " q:" if not prefix else f" {prefix}")
        changed = part(restore(docx("", extra={"word/document.xml": xml.encode()}), "old", "new", TRACKED))
        assert formatted(resolve(changed, accept=False)) == formatted(ET.fromstring(xml))
        assert "".join(c for c, _ in formatted(resolve(changed, accept=True))[0]) == "an new word"


def _random_run(draw: random.Random, inner: bool = False) -> str:
    words = ["old", "the ", " o", "ld ", "a&b", " ", "“café” 😀", "x", "old old"]
    properties = draw.choice(
        ["", BOLD, "<w:i/>", '<w:lang w:val="de-DE"/>', '<w:rPrChange w:id="7"><w:rPr/></w:rPrChange>']
    )
    run = r(draw.choice(words), properties)
    if draw.random() < 0.2:
        run = run.replace("</w:r>", draw.choice(["<w:tab/>", "<w:softHyphen/>"]) + r(draw.choice(words))[5:])
    if draw.random() < 0.2:
        run = run.replace(' xml:space="preserve"', "")
    if draw.random() < 0.3:
        around = [
            '<w:ins w:id="3" w:author="A">{}</w:ins>',
            '<w:hyperlink r:id="x">{}</w:hyperlink>',
            "<w:smartTag>{}</w:smartTag>",
        ]
        run = draw.choice(around).format(run)
    if not inner and draw.random() < 0.15:
        box = BOX.format("".join(_random_paragraph(draw, inner=True) for _ in range(draw.randint(1, 2))))
        extra = TWICE.format(box, box)
        run = draw.choice([extra + run, run.replace("</w:r>", extra[5:], 1)])
    return run


def _random_paragraph(draw: random.Random, inner: bool = False) -> str:
    return p(*(_random_run(draw, inner) for _ in range(draw.randint(0, 6))))


def _random_edits(draw: random.Random, document: Document) -> list[tuple[int, Edit, Edit]]:
    """Edits of the views that do not overlap, with the view that each belongs to, in the view and in the raw text."""
    edits = []
    for index, view in enumerate(document.views):
        position = 0
        while position < len(view.text):
            start = position + draw.randint(0, 6)
            end = min(start + draw.randint(0, 5), len(view.text))
            if start > end or "\n" in view.text[start:end]:
                position += 1
                continue
            new = draw.choice(["", "new", "two words", " x", "<&>", "y "])
            raw = view.raw_edit(document.text, Edit(start, end, new))
            if raw is not None:
                edits.append((index, Edit(start, end, new), raw))
            position = end + 1
    return edits


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 1 << 32))
def test_random_edits_of_random_documents(seed: int) -> None:
    draw = random.Random(seed)
    data = docx("".join(_random_paragraph(draw) for _ in range(draw.randint(1, 4))) + p(r("end")))
    document, tracked = read(data), read(data, TRACKED)
    assert document.encode(restoration(document, [])) == data
    for view in document.views:
        assert list(view.starts) == sorted(view.starts)
        for start, end, character in zip(view.starts, view.ends, view.text, strict=True):
            raw = document.text[start:end]
            assert start == end or character == {"&amp;": "&", "&lt;": "<"}.get(raw, raw)
    edits = _random_edits(draw, document)
    made = restoration(document, [raw for _, _, raw in edits])
    plain = document.encode(made)
    texts = {view.name: view.text for view in document.views}
    if not all(edit.replacement for _, edit, _ in edits):
        texts = {}  # a paragraph that becomes empty, but for what cannot be edited, is no longer shown
    for name in texts:
        of_view = [edit for index, edit, _ in edits if document.views[index].name == name]
        expected = apply(texts[name], of_view)
        found = next((view.text for view in read(plain).views if view.name == name), "")
        assert "".join(found.split()) == "".join(expected.split())
    before, after = ET.fromstring(part(data)), ET.fromstring(part(plain))
    assert [e.tag for e in before.iter()] == [e.tag for e in after.iter()]
    with_changes = tracked.encode(made)
    assert with_changes == tracked.encode(made)
    xml = part(with_changes)
    reject_ours = re.sub(r'<w:ins w:id="\d+" w:author="unspin">.*?</w:ins>', "", xml)
    reject_ours = re.sub(r'<w:del w:id="\d+" w:author="unspin">(.*?)</w:del>', r"\1", reject_ours)
    root = ET.fromstring(reject_ours.replace("delText", "t"))
    ids = r'(w:rPrChange w:id=")\d+'
    neutral = ET.fromstring(re.sub(ids, r"\1", ET.tostring(root, encoding="unicode")))
    assert _without_ids(formatted(neutral)) == _without_ids(formatted(before))
    for accept, expected_xml in ((False, part(data)), (True, part(plain))):
        resolved = _without_ids(formatted(resolve(xml, accept)))
        assert resolved == _without_ids(formatted(resolve(expected_xml, accept)))
    new_ids = re.findall(r'w:id="(\d+)" w:author="unspin"', xml)
    assert len(new_ids) == len(set(new_ids)) and not set(re.findall(r'w:id="(\d+)"', part(data))) & set(new_ids)


NAMES = (
    "w:p w:r w:t w:rPr w:pPr w:del w:ins w:sdt w:fldChar w:instrText w:tab w:txbxContent mc:Choice mc:Fallback "
    "mc:AlternateContent"
).split()


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(NAMES), st.sampled_from(NAMES), st.booleans())
def test_elements_in_odd_places_do_no_harm(name: str, other: str, nested: bool) -> None:
    box = TWICE.format(*[BOX.format(p(r("old")))] * 2)
    xml = part(docx(p(*OLD) + p(box, r("old", BOLD), field("PAGE", r("old"))) + p(r("an old", BOLD), "<w:t>old</w:t>")))
    xml = re.sub(rf"(</?){name}(?=[ >/])", rf"\1{other}", xml)
    if nested:
        xml = xml.replace(f"<{other}>", f"<{other}>old<{name}>old", 1).replace(
            f"</{other}>", f"</{name}>old</{other}>", 1
        )
    data = docx("", extra={"word/document.xml": xml.encode()})
    for options in (PLAIN, TRACKED):
        try:
            document = read(data, options)
        except DocumentError:
            return
        assert document.encode(restoration(document, [])) == data
        edits = [raw for _, _, raw in _random_edits(random.Random(1), document)]
        ET.fromstring(part(document.encode(restoration(document, edits))))


def _without_ids(paragraphs: list[list[tuple[str, str]]]) -> list[list[tuple[str, str]]]:
    return [[(c, re.sub(r'id="\d*"', "", look)) for c, look in paragraph] for paragraph in paragraphs]


def test_a_long_book_takes_seconds() -> None:
    words = [r(f"word{i} old ", '<w:rFonts w:ascii="Garamond"/>') for i in range(12)]
    data = docx("".join(p(*words) for _ in range(1500)))
    start = time.perf_counter()
    restore(data, "old", "new", TRACKED)
    assert time.perf_counter() - start < 20
