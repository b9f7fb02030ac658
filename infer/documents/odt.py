"""OpenDocument text (.odt): paragraphs and headings of content.xml, then the headers and footers of styles.xml.

Notes and text boxes are views of their own. Left alone: comments, deleted text of tracked changes, tables of contents,
hidden text, text in a style for code, and text whose style names another language than English. Fields, such as page
numbers, are shown to the model and cannot be edited. `xml_text` writes the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from unspin.infer.documents.archives import Archive
from unspin.infer.documents.base import DEFAULT_OPTIONS, DocumentOptions, FormatError
from unspin.infer.documents.xml_text import (
    ArchiveFormat,
    Package,
    Part,
    ProseReader,
    Style,
    XmlFile,
    is_code_style,
    language_warnings,
    refuse_tracked_changes,
    resolve_style,
    shown,
    start_tags,
)

_MANIFEST = "META-INF/manifest.xml"
_NAMESPACE = "urn:oasis:names:tc:opendocument:xmlns:"
_PARAGRAPHS = frozenset(["text:p", "text:h"])
_INLINE = _PARAGRAPHS | {"text:span", "text:a", "text:meta", "text:ruby-base"}  # their own text is prose
_SHOWN_AS = {"text:s": " ", "text:tab": "\t", "text:line-break": "\n"}
_HIDDEN = frozenset(
    "office:annotation text:tracked-changes text:note-citation text:ruby-text text:number text:script text:hidden-text "
    "text:hidden-paragraph text:table-of-content text:illustration-index text:table-index text:object-index "
    "text:user-index text:alphabetical-index text:bibliography svg:title svg:desc".split()
)


class _OdtReader(ProseReader):
    """Reads content.xml or styles.xml. `styles` holds the named styles and grows by those that the file defines."""

    prefixes: ClassVar = {
        **{f"{_NAMESPACE}{name}:1.0": name for name in ("office", "text", "style")},
        f"{_NAMESPACE}xsl-fo-compatible:1.0": "fo",
        f"{_NAMESPACE}svg-compatible:1.0": "svg",
    }

    def __init__(self, raw: str, name: str, styles: Mapping[str, Style]) -> None:
        super().__init__(raw, name)
        self.styles = dict(styles)
        self._style = ""
        self._languages: list[str] = []  # of the open elements

    def start_tag(self, name: str, attributes: Mapping[str, str], start: int, end: int) -> None:
        """Find out how the element's text is to be read."""
        parent = self.path[-1] if self.path else ""
        self._languages.append(self._languages[-1] if self._languages else "")
        if name in _HIDDEN:
            self.mark("hidden")
        if name == "style:style":
            self._define(attributes)
        elif name == "style:text-properties" and parent == "style:style":
            self._describe(attributes)
        elif name in _INLINE:
            self._apply(attributes.get("text:style-name", ""))
        if name in _PARAGRAPHS:
            if parent in _INLINE:
                self.mark("hidden")  # not valid, and no place to put a text of its own
            self.open_paragraph(start, "notes" if "text:note-body" in self.path else "text boxes")
        elif name in _SHOWN_AS:
            self.add_fixed(_SHOWN_AS[name], start + 1)

    def end_tag(self, name: str, start: int, end: int) -> None:
        """Close a paragraph."""
        self._languages.pop()
        if name in _PARAGRAPHS:
            self.close_paragraph(end)

    def characters(self, start: int, end: int, in_cdata: bool) -> None:
        """Add a text node; that of a field is fixed."""
        if self.path[-1] in _INLINE:
            self.add_text(start, end, in_cdata, self._languages[-1])
        elif not self.raw[start:end].isspace():
            self.add_fixed(shown(self.raw[start:end]), start)

    def _define(self, attributes: Mapping[str, str]) -> None:
        """A style begins."""
        self._style = attributes.get("style:name", "")
        name = attributes.get("style:display-name") or self._style.replace("_20_", " ")
        parent = attributes.get("style:parent-style-name", "")
        self.styles[self._style] = Style(parent, is_code=is_code_style(name))

    def _describe(self, attributes: Mapping[str, str]) -> None:
        """The properties of the text of a style."""
        language, is_hidden = attributes.get("fo:language", ""), attributes.get("text:display") == "none"
        self.styles[self._style] = replace(self.styles[self._style], language=language, is_hidden=is_hidden)

    def _apply(self, name: str) -> None:
        """Read the text of an element in a style."""
        style = resolve_style(self.styles, name)
        self._languages[-1] = style.language or self._languages[-1]
        if style.is_code:
            self.mark("fixed")
        if style.is_hidden:
            self.mark("hidden")


def _open(archive: Archive, options: DocumentOptions = DEFAULT_OPTIONS) -> Package:
    """The prose of an OpenDocument text. Raises `FormatError` if it is encrypted or not one."""
    refuse_tracked_changes(options)
    if "content.xml" not in archive:
        raise FormatError("not an OpenDocument text: it holds no content.xml")
    manifest = start_tags(archive, _MANIFEST) if _MANIFEST in archive else []
    if any(name == "encryption-data" for name, _ in manifest):
        raise FormatError("protected by a password: save the document without one")
    parts, languages, styles = [], set[str](), dict[str, Style]()
    for name, view in (("styles.xml", "headers and footers"), ("content.xml", "text")):
        if name in archive:
            file = XmlFile.decode(name, archive.read(name))
            reader = _OdtReader(file.text, view, styles)
            parts.append(Part.read(name, file, reader))
            styles, languages = reader.styles, languages | reader.languages
    warnings = language_warnings(languages)
    if "META-INF/documentsignatures.xml" in archive:
        warnings.append("the document is signed: any edit makes its signature invalid")
    return Package(archive, parts[::-1], warnings)


ODT = ArchiveFormat("odt", "OpenDocument text", (".odt",), _open)
