"""The files that the page offers for download: the restored document, tracked changes, a page and a list of edits.

Every file is made from the document and the edits that stand, so nothing has to be kept between requests.
"""

from __future__ import annotations

import base64
import html
import io
import json
import zipfile
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import PurePath

from unspin.edits import Edit, apply
from unspin.infer.documents.base import Document, DocumentOptions
from unspin.infer.documents.docx import DOCX
from unspin.infer.documents.formats import FORMATS_BY_NAME
from unspin.infer.documents.xml_text import NOT_IN_XML
from unspin.infer.restoration import Restoration, RestoredEdit
from unspin.infer.web.schema import EditIn, ExportOut, ExportRequest
from unspin.segment import paragraphs

_XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_DOCX_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_DOCX_PARTS = {  # the parts of a Word document without any styles
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/word/document.xml" ContentType="{_DOCX_TYPE}.main+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Target="word/document.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>',
}
_DOCX_MAIN = '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{}</w:body></w:document>'


class EditError(ValueError):
    """An edit lies outside its article."""


@dataclass(frozen=True)
class Placed:
    """A restoration made of the edits that can be made in a document, and why the others cannot."""

    restoration: Restoration
    problems: list[str]


def place(document: Document, edits: Sequence[EditIn]) -> Placed:
    """Make edits of articles in the document that holds them. Raises `EditError` for an edit outside its article."""
    made: list[RestoredEdit] = []
    problems: list[str] = []
    for edit in sorted(edits, key=lambda edit: (edit.article, edit.start, edit.end)):
        if edit.article >= len(document.views) or not edit.start <= edit.end <= len(document.views[edit.article].text):
            raise EditError(f"characters {edit.start} to {edit.end} of article {edit.article} do not exist")
        view = document.views[edit.article]
        spun = view.text[edit.start : edit.end]
        raw = view.raw_edit(document.text, Edit(edit.start, edit.end, edit.restored))
        if raw is None or (made and raw.start < made[-1].end):
            where = view.place(document.text, min(edit.start, len(view.text) - 1))
            problems.append(f"{where}: “{spun}” cannot become “{edit.restored}”: the markup does not allow it")
            continue
        made.append(
            RestoredEdit(
                raw.start,
                raw.end,
                spun,
                edit.restored,
                raw.replacement,
                edit.kind,
                edit.confidence,
                article=edit.article,
                offset=edit.start,
            )
        )
    readable = tuple(view.text for view in document.views)
    restoration = Restoration(document.text, apply(document.text, made), tuple(made), readable)
    return Placed(restoration, problems)


def export(request: ExportRequest) -> ExportOut:
    """Make the file that a request asks for. Raises `DocumentError` if the document cannot be read, and `EditError`."""
    document, format_name = request.document()
    edits: Sequence[EditIn] = request.edits
    path = PurePath(request.name)
    if request.target == "tracked":
        name = f"{path.stem}.tracked.docx"
        if format_name == "docx":
            document, _ = request.document(track_changes=True)
        else:
            document, edits = _as_docx(document, edits)
    placed = place(document, edits)
    if request.target == "html":
        name, data = f"{path.name}.html", placed.restoration.html(path.name).encode(errors="replace")
    elif request.target == "json":
        rows = {"document": path.name, "edits": list(placed.restoration.edit_rows())}
        name, data = f"{path.name}.edits.json", json.dumps(rows, ensure_ascii=False, indent=1).encode(errors="replace")
    else:
        data = document.encode(placed.restoration)
    if request.target == "document":
        name = f"{path.stem}.restored{path.suffix or FORMATS_BY_NAME[format_name].suffixes[0]}"
    media_type = guess_type(name)[0] or "application/octet-stream"
    return ExportOut(name=name, media_type=media_type, data=base64.b64encode(data).decode(), problems=placed.problems)


def _as_docx(document: Document, edits: Sequence[EditIn]) -> tuple[Document, list[EditIn]]:
    """The readable text of a document as a Word document that tracks changes, and the edits in their places there."""
    lines: list[str] = []
    starts: dict[tuple[int, int], int] = {}  # of each paragraph of an article: where it begins in the Word document
    position = 0
    for number, view in enumerate(document.views):
        for span in paragraphs(view.text):
            starts[number, span.start] = position
            lines.append(NOT_IN_XML.sub("\ufffd", view.text[span.start : span.end]))
            position += len(lines[-1]) + 1
    order = sorted(starts)
    moved = []
    for edit in edits:
        first = order[max(bisect_right(order, (edit.article, edit.start)) - 1, 0)]
        shift = starts[first] - first[1]
        moved.append(edit.model_copy(update={"article": 0, "start": edit.start + shift, "end": edit.end + shift}))
    return DOCX.read("article.docx", _plain_docx(lines), DocumentOptions(track_changes=True)), moved


def _plain_docx(lines: Sequence[str]) -> bytes:
    """A Word document of plain paragraphs. The same paragraphs always give the same bytes."""
    body = "".join(
        f'<w:p><w:r><w:t xml:space="preserve">{html.escape(line, quote=False)}</w:t></w:r></w:p>' for line in lines
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (_DOCX_PARTS | {"word/document.xml": _DOCX_MAIN.format(body)}).items():
            archive.writestr(zipfile.ZipInfo(name), _XML_DECLARATION + content, zipfile.ZIP_DEFLATED)
    return file.getvalue()
