"""EPUB books: the chapters in reading order, each a view of its own that is named by its file.

Chapters are XHTML and are read as XML, in which ``<title/>`` and ``<script/>`` are complete elements, unlike in HTML.
Left alone: the table of contents, preformatted text, scripts and pictures. Code, formulas and text marked as another
language than English are shown to the model and cannot be edited. Books whose text is encrypted are refused. `xml_text`
writes the book.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from unspin.infer.documents.archives import Archive
from unspin.infer.documents.base import DEFAULT_OPTIONS, Contents, DocumentOptions, FormatError
from unspin.infer.documents.xml_text import (
    ArchiveFormat,
    Package,
    Part,
    ProseReader,
    XmlFile,
    language_warnings,
    refuse_tracked_changes,
    start_tags,
)

_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_XHTML = "application/xhtml+xml"
_HIDDEN = frozenset(
    "h:head h:script h:style h:pre h:template h:noscript h:textarea h:object h:iframe h:audio h:video h:canvas h:rp "
    "h:rt h:nav svg:svg".split()
)
_FIXED = frozenset("h:code h:kbd h:samp h:var m:math".split())
_INLINE = frozenset(  # every other element of XHTML begins and ends a paragraph
    "a abbr acronym b bdi bdo big cite data del dfn em font i img ins label map mark q rb ruby s small span strike "
    "strong sub sup time tt u wbr".split()
)
_NOTE_MARK = re.compile(r"\s*[\[(]?[\d*†‡§]{1,4}[\])]?\s*")


class _ChapterReader(ProseReader):
    """Reads the body of an XHTML document. The text between two block tags is a paragraph."""

    prefixes: ClassVar = {
        "http://www.w3.org/1999/xhtml": "h",
        "http://www.w3.org/2000/svg": "svg",
        "http://www.w3.org/1998/Math/MathML": "m",
        "http://www.idpf.org/2007/ops": "epub",
    }
    html_entities = True

    def __init__(self, raw: str, name: str) -> None:
        super().__init__(raw, name)
        self._languages: list[str] = []  # of the open elements

    def start_tag(self, name: str, attributes: Mapping[str, str], start: int, end: int) -> None:
        """Begin a paragraph at a block tag."""
        language = attributes.get("xml:lang", attributes.get("lang", self._languages[-1] if self._languages else ""))
        self._languages.append("" if name in ("h:html", "h:body") else language)  # that of books is often wrong
        if name in _HIDDEN or "noteref" in attributes.get("epub:type", "").split():
            self.mark("hidden")
        if name in _FIXED:
            self.mark("fixed")
        if name == "h:br":
            self.add_fixed("\n", start + 1)
        elif name == "h:body" and not self.in_paragraph:
            self.open_paragraph(start, "")
        elif self._is_block(name):
            self._break(start)

    def end_tag(self, name: str, start: int, end: int) -> None:
        """End a paragraph at a block tag."""
        self._languages.pop()
        if name == "h:body" and name not in self.path:
            self.close_paragraph(end)
        elif self._is_block(name) and name != "h:br":
            self._break(start)

    def characters(self, start: int, end: int, in_cdata: bool) -> None:
        """Add a text node, unless it is the number of a note."""
        in_link = "h:a" in self.path[-4:] and "h:sup" in self.path[-4:]
        if not (in_link and _NOTE_MARK.fullmatch(self.raw, start, end)):
            self.add_text(start, end, in_cdata, self._languages[-1])

    def _is_block(self, name: str) -> bool:
        return name.startswith("h:") and name[2:] not in _INLINE and name not in _FIXED and name != "h:br"

    def _break(self, position: int) -> None:
        """End the open paragraph and begin another; none is open outside the body."""
        if self.in_paragraph:
            self.close_paragraph(position)
            self.open_paragraph(position, "")


def _open(archive: Archive, options: DocumentOptions = DEFAULT_OPTIONS) -> Package:
    """The chapters of a book. Raises `FormatError` if it is encrypted, not an EPUB book, or a chapter is damaged."""
    refuse_tracked_changes(options)
    names = _chapter_names(archive)
    encrypted = set(_encrypted(archive))
    if not encrypted.isdisjoint(names):
        raise FormatError("it is protected by DRM, so its text is encrypted: give a copy without protection")
    views = Counter(posixpath.basename(name) for name in names)
    parts, faults, languages = [], [], set[str]()
    for name in names:
        base = posixpath.basename(name)
        try:
            file = XmlFile.decode(name, archive.read(name))
            reader = _ChapterReader(file.text, base if views[base] == 1 else name)
            parts.append(Part.read(name, file, reader))
            languages |= reader.languages
        except FormatError as error:
            faults.append(str(error))
    warnings = [*Contents([], faults).checked(options.skip_faults).faults, *language_warnings(languages)]
    if "META-INF/signatures.xml" in archive:
        warnings.append("the book is signed: any edit makes its signature invalid")
    return Package(archive, parts, warnings, may_empty=False)


def _chapter_names(archive: Archive) -> list[str]:
    """The names of the XHTML documents in reading order, without tables of contents."""
    if _CONTAINER not in archive:
        raise FormatError(f"not an EPUB book: it holds no {_CONTAINER}")
    package = next((tag["full-path"] for _, tag in start_tags(archive, _CONTAINER) if "full-path" in tag), "")
    if package not in archive:
        raise FormatError(f"not an EPUB book: {_CONTAINER} names no package document")
    tags = start_tags(archive, package)
    items = {tag.get("id", ""): tag for name, tag in tags if name == "item"}
    spine = [items.get(tag.get("idref", ""), {}) for name, tag in tags if name == "itemref"]
    chapters = [
        _path(package, item.get("href", ""))
        for item in spine
        if item.get("media-type") == _XHTML and "nav" not in item.get("properties", "").split()
    ]
    if not chapters:
        raise FormatError("not an EPUB book: its reading order names no XHTML document")
    return list(dict.fromkeys(chapters))


def _path(base: str, address: str) -> str:
    """The name of the member that a relative address in the member `base` leads to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), unquote(urlsplit(address).path)))


def _encrypted(archive: Archive) -> Iterator[str]:
    """The names of the encrypted members; obfuscated fonts are among them."""
    if _ENCRYPTION in archive:
        for name, tag in start_tags(archive, _ENCRYPTION):
            if name == "CipherReference":
                yield posixpath.normpath(unquote(tag.get("URI", "")))


EPUB = ArchiveFormat("epub", "EPUB book", (".epub",), _open)
