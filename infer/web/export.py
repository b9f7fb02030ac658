"""The files that the page offers for download: the restored document, tracked changes, a page and a list of edits.

Every file is made from the document and the edits that stand, so nothing has to be kept between requests.
"""

from __future__ import annotations

import base64
import html
import io
import re
import zipfile
from bisect import bisect_right, insort
from collections import defaultdict, deque
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from mimetypes import guess_type
from pathlib import PureWindowsPath

from unspin.edits import Edit, apply, target_spans
from unspin.infer.documents.base import Document, DocumentError, DocumentOptions
from unspin.infer.documents.docx import DOCX
from unspin.infer.documents.formats import FORMATS_BY_NAME
from unspin.infer.documents.xml_text import NOT_IN_XML
from unspin.infer.restoration import Restoration, RestoredEdit, dump_json
from unspin.infer.web.schema import EditIn, ExportOut, ExportRequest
from unspin.segment import paragraphs

MAX_READINGS = 20  # of a file, to find the words that it does not hold as they are

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

    Edits of a group are made together or not at all. Of edits that overlap, those are made whose group begins first.
    Raises `EditError` for an edit outside its article.
    """
    units: dict[object, list[EditIn]] = {}  # a group, or an edit without one
    for edit in sorted(edits, key=lambda edit: (edit.article, edit.start, edit.end)):
        _check(document, edit)
        units.setdefault(edit.group or object(), []).append(edit)
    made: list[RestoredEdit] = []
    problems: list[str] = []
    for unit in units.values():
        additions: list[RestoredEdit] = []
        refusals = []
        for edit in unit:
            raw = document.views[edit.article].raw_edit(document.text, Edit(edit.start, edit.end, edit.restored))
            if reason := _obstacle(edit, raw, made, additions):
                refusals.append(_problem(document, edit, reason))
            elif raw is not None:
                additions.append(_restored_edit(document, edit, raw))
        problems += refusals
        for addition in additions if not refusals else ():
            insort(made, addition, key=_place)
    readable = tuple(view.text for view in document.views)
    return Restoration(document.text, apply(document.text, made), tuple(made), readable, spun_share), problems


def _obstacle(
    edit: EditIn, raw: Edit | None, made: Sequence[RestoredEdit], additions: Sequence[RestoredEdit]
) -> str | None:
    """Why an edit cannot be made beside those that are made or about to be, which do not overlap and are in order."""
    if raw is None:
        return "which the markup does not allow"
    if edit.kind == "manual" and (control := NOT_IN_XML.search(edit.restored)):
        return f"since it has the control character U+{ord(control[0]):04X}"
    after = bisect_right(made, (edit.article, edit.start, edit.end), key=_place)
    for other in [*additions[-1:], *made[max(after - 1, 0) : after + 1]]:
        if _overlap(edit, raw, other):
            return f"since it overlaps the edit of “{other.spun}”"
    return None


def _place(edit: RestoredEdit) -> tuple[int, int, int]:
    return edit.article, edit.offset, edit.offset + len(edit.spun)


def _overlap(edit: EditIn, raw: Edit, made: RestoredEdit) -> bool:
    """Whether two edits overlap, in the document or in an article: at a line end, the document does not tell."""
    article, start, end = _place(made)
    if (article, start, end) <= (edit.article, edit.start, edit.end):
        return raw.start < made.end or (edit.article == article and edit.start < end)
    return made.start < raw.end or (edit.article == article and start < edit.end)


def _restored_edit(document: Document, edit: EditIn, raw: Edit) -> RestoredEdit:
    return RestoredEdit(
        raw.start,
        raw.end,
        document.views[edit.article].text[edit.start : edit.end],
        edit.restored,
        raw.replacement,
        edit.kind,
        edit.confidence,
        group=edit.group,
        article=edit.article,
        offset=edit.start,
    )


def _check(document: Document, edit: EditIn) -> None:
    text = document.views[edit.article].text if edit.article < len(document.views) else ""
    if not text or not edit.start <= edit.end <= len(text):
        raise EditError(f"characters {edit.start} to {edit.end} of article {edit.article} do not exist")


def _problem(document: Document, edit: EditIn, reason: str) -> str:
    view = document.views[edit.article]
    where = view.place(document.text, min(edit.start, len(view.text) - 1))
    together = "; the edits that belong to it are not made either" if edit.group else ""
    described = _described(view.text[edit.start : edit.end], edit.restored)
    return f"{where}: {described}, {reason}{together}".encode(errors="replace").decode()  # no half surrogate pairs


def _described(spun: str, restored: str) -> str:
    """That an edit cannot be made, in words."""
    if not spun.strip():
        return f"“{restored.strip()}” cannot be inserted"
    if not restored.strip():
        return f"“{spun.strip()}” cannot be deleted"
    return f"“{spun}” cannot become “{restored}”"


def _make_legible_edits(document: Document, request: ExportRequest, format_name: str) -> tuple[Restoration, list[str]]:
    """Make the edits of a request as `make_edits` does, but only those whose words the restored file holds as they are.

    Words of a person's own may mean something else in the format, as ``<i>`` does in subtitles, or have characters that
    the file's encoding lacks. So the file is read again; those that are read differently are not made. If not all of
    them are found in `MAX_READINGS`, no words of a person's own are made.
    """
    edits: Sequence[EditIn] = request.edits
    problems: list[str] = []
    restoration, refused = make_edits(document, edits, request.spun_share)
    if all(edit.kind != "manual" for edit in restoration.edits):
        return restoration, refused
    find_misread = partial(_misread, document=document, request=request, format_name=format_name)
    misread = find_misread(restoration)
    others = [edit for edit in edits if edit.kind != "manual"]
    ignored = find_misread(make_edits(document, others)[0]) if misread else {}
    readings = 0
    while lost := _culprit(restoration, {number: at for number, at in misread.items() if number not in ignored}):
        readings += 1
        left_out = [
            edit for edit in edits if edit.kind == "manual" and (readings == MAX_READINGS or _is_alike(edit, lost))
        ]
        problems += [_problem(document, edit, "since the text would be read as something else") for edit in left_out]
        keys, groups = {id(edit) for edit in left_out}, {edit.group for edit in left_out if edit.group}
        edits = [edit for edit in edits if id(edit) not in keys and edit.group not in groups]
        restoration, refused = make_edits(document, edits, request.spun_share)
        misread = find_misread(restoration)
    return restoration, [*problems, *refused]


def _is_alike(edit: EditIn, lost: RestoredEdit) -> bool:
    """Whether an edit has the words of one that is misread; if those are none, whether it is that one."""
    is_there = (edit.article, edit.start) == (lost.article, lost.offset)
    return edit.restored == lost.restored and (bool(lost.restored) or is_there)


def _misread(restoration: Restoration, document: Document, request: ExportRequest, format_name: str) -> dict[int, int]:
    """Where the first word ends that the restored file reads differently, by the article's number."""
    data = {"text": None, "data": document.encode(restoration), "format": format_name}
    try:
        texts = [view.text for view in request.model_copy(update=data).document()[0].views]
    except DocumentError:
        texts = []
    positions: dict[int, int] = {}
    for number, edits in groupby(restoration.edits, lambda edit: edit.article):
        wanted = apply(restoration.articles[number], [_in_article(edit) for edit in edits])
        position = _first_difference(wanted, texts[number] if number < len(texts) else "")
        if position is not None:
            positions[number] = position
    return positions


def _culprit(restoration: Restoration, misread: dict[int, int]) -> RestoredEdit | None:
    """The last edit by a person before the first word that is misread, or else the first edit by a person after it."""
    for number, group in groupby(restoration.edits, lambda edit: edit.article):
        edits = list(group)
        spans = zip(edits, target_spans([_in_article(edit) for edit in edits]), strict=True)
        by_hand = [(start, edit) for edit, (start, _) in spans if edit.kind == "manual"]
        if by_hand and number in misread:
            return next((edit for start, edit in reversed(by_hand) if start < misread[number]), by_hand[0][1])
    return None


def _in_article(edit: RestoredEdit) -> Edit:
    return Edit(edit.offset, edit.offset + len(edit.spun), edit.restored)


def _first_difference(wanted: str, found: str) -> int | None:
    """Where the first word ends that is missing or another one in the found text; None if there is none."""
    words = found.split()
    matches = list(re.finditer(r"\S+", wanted))
    for i, match in enumerate(matches):
        if i >= len(words) or words[i] != match[0]:
            return match.end()
    return None if len(words) == len(matches) else len(wanted)


def export(request: ExportRequest) -> ExportOut:
    """Make the file that a request asks for. Raises `DocumentError` if the document cannot be read, and `EditError`."""
    document, format_name = request.document()
    is_tracked_docx = request.target == "tracked" and format_name == "docx"
    if is_tracked_docx:
        document, _ = request.document(track_changes=True)
    if request.target == "document":
        restoration, problems = _make_legible_edits(document, request, format_name)
    else:
        restoration, problems = make_edits(document, request.edits, request.spun_share)
    path = PureWindowsPath(request.name)  # takes both separators
    path = path if path.name.strip(". ") else PureWindowsPath("article")
    stem = path.stem
    match request.target:
        case "html":
            name, data = f"{path.name}.html", restoration.html(path.name).encode(errors="replace")
        case "json":
            rows = {"document": path.name, "edits": list(restoration.edit_rows())}
            name = f"{path.name}.edits.json"
            data = dump_json(rows, indent=1).encode()
        case "tracked":
            name = f"{stem}.tracked{(is_tracked_docx and path.suffix) or '.docx'}"
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
    shifted: list[EditIn] = []
    position = 0  # of the paragraph in the text of the Word document
    edits_of: defaultdict[int, deque[RestoredEdit]] = defaultdict(deque)
    for edit in restoration.edits:
        edits_of[edit.article].append(edit)
    for number, text in enumerate(restoration.articles):
        pending = edits_of[number]
        for span in paragraphs(text):
            lines.append(NOT_IN_XML.sub("\ufffd", text[span.start : span.end]))
            while pending and pending[0].offset <= span.end:
                edit = pending.popleft()
                start, end = edit.offset + position - span.start, edit.offset + len(edit.spun) + position - span.start
                if position <= start and end <= position + len(lines[-1]):
                    same = {"kind": edit.kind, "confidence": edit.confidence, "group": edit.group}
                    shifted.append(EditIn(article=0, start=start, end=end, restored=edit.restored, **same))
                else:
                    problems.append(f"{_described(edit.spun, edit.restored)}, since it reaches beyond a paragraph")
            position += len(lines[-1]) + 1
    document = DOCX.read("article.docx", _plain_docx(lines), DocumentOptions(track_changes=True))
    restoration, refused = make_edits(document, shifted)
    problems += refused
    return document.encode(restoration)


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
