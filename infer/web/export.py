"""The files that the page offers for download: the restored document, tracked changes, a page and a list of edits.

Every file is made from the document and the edits that stand, so nothing has to be kept between requests.
"""

from __future__ import annotations

import base64
import html
import io
import json
import zipfile
from collections import deque
from collections.abc import Sequence
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


def make_edits(document: Document, edits: Sequence[EditIn], spun_share: float = 0) -> tuple[Restoration, list[str]]:
    """Make edits of articles in the document that holds them; returns the problems of those that cannot be made too.

    Edits of a group are made together or not at all. Raises `EditError` for an edit outside its article.
    """
    made: list[RestoredEdit] = []
    refused: list[EditIn] = []
    for edit in sorted(edits, key=lambda edit: (edit.article, edit.start, edit.end)):
        _check(document, edit)
        view = document.views[edit.article]
        raw = view.raw_edit(document.text, Edit(edit.start, edit.end, edit.restored))
        if raw is None or (made and raw.start < made[-1].end):
            refused.append(edit)
            continue
        made.append(
            RestoredEdit(
                raw.start,
                raw.end,
                view.text[edit.start : edit.end],
                edit.restored,
                raw.replacement,
                edit.kind,
                edit.confidence,
                group=edit.group,
                article=edit.article,
                offset=edit.start,
            )
        )
    lost = {edit.group for edit in refused if edit.group}
    kept = tuple(edit for edit in made if edit.group not in lost)
    readable = tuple(view.text for view in document.views)
    restoration = Restoration(document.text, apply(document.text, kept), kept, readable, spun_share)
    return restoration, [_problem(document, edit) for edit in refused]


def _check(document: Document, edit: EditIn) -> None:
    text = document.views[edit.article].text if edit.article < len(document.views) else ""
    if not text or not edit.start <= edit.end <= len(text):
        raise EditError(f"characters {edit.start} to {edit.end} of article {edit.article} do not exist")


def _problem(document: Document, edit: EditIn) -> str:
    view = document.views[edit.article]
    where = view.place(document.text, min(edit.start, len(view.text) - 1))
    together = ", nor the edits that belong to it" if edit.group else ""
    spun = view.text[edit.start : edit.end]
    return f"{where}: “{spun}” cannot become “{edit.restored}”, which the markup does not allow{together}"


def export(request: ExportRequest) -> ExportOut:
    """Make the file that a request asks for. Raises `DocumentError` if the document cannot be read, and `EditError`."""
    document, format_name = request.document()
    is_tracked_docx = request.target == "tracked" and format_name == "docx"
    if is_tracked_docx:
        document, _ = request.document(track_changes=True)
    restoration, problems = make_edits(document, request.edits, request.spun_share)
    path = PurePath(request.name)
    stem = path.stem or "article"
    match request.target:
        case "html":
            name, data = f"{path.name}.html", restoration.html(path.name).encode(errors="replace")
        case "json":
            rows = {"document": path.name, "edits": list(restoration.edit_rows())}
            name = f"{path.name}.edits.json"
            data = json.dumps(rows, ensure_ascii=False, indent=1).encode(errors="replace")
        case "tracked":
            name = f"{stem}.tracked.docx"
            data = document.encode(restoration) if is_tracked_docx else _tracked_docx(restoration, problems)
        case "document":
            name = f"{stem}.restored{path.suffix or FORMATS_BY_NAME[format_name].suffixes[0]}"
            data = document.encode(restoration)
    media_type = guess_type(name)[0] or "application/octet-stream"
    return ExportOut(name=name, media_type=media_type, data=base64.b64encode(data).decode(), problems=problems)


def _tracked_docx(restoration: Restoration, problems: list[str]) -> bytes:
    """The readable text of a restoration as a Word document of plain paragraphs, with the edits as tracked changes.

    Adds edits that reach beyond a paragraph to the problems.
    """
    lines: list[str] = []
    edits: list[EditIn] = []
    position = 0  # of the paragraph in the text of the Word document
    for number, text in enumerate(restoration.articles):
        pending = deque(edit for edit in restoration.edits if edit.article == number)
        for span in paragraphs(text):
            lines.append(NOT_IN_XML.sub("\ufffd", text[span.start : span.end]))
            while pending and pending[0].offset <= span.end:
                edit = pending.popleft()
                start, end = edit.offset + position - span.start, edit.offset + len(edit.spun) + position - span.start
                if position <= start and end <= position + len(lines[-1]):
                    edits.append(EditIn(article=0, start=start, end=end, restored=edit.restored))
                else:
                    problems.append(f"“{edit.spun}” cannot become “{edit.restored}”: it reaches beyond a paragraph")
            position += len(lines[-1]) + 1
    document = DOCX.read("article.docx", _plain_docx(lines), DocumentOptions(track_changes=True))
    return document.encode(make_edits(document, edits)[0])


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
