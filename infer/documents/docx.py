"""Word documents (.docx): the text, notes, headers and footers, and text boxes, as views of their own.

Word splits words between runs at will; a view joins the runs of a paragraph. Left alone: comments, deleted text of
tracked changes, hidden text, tables of contents, and paragraphs in a style for code. Fields, formulas, content that is
bound to data, and runs that are marked as another language than English or as exempt from proofing are shown to the
model and cannot be edited. A text box that is stored twice, for new and for old readers, is changed in both copies.
Macros are neither read nor run. `xml_text` writes the document.

With `track_changes`, every edit is a deletion and an insertion by "unspin" that a person can accept or reject. They
bear no date, so that the same document always becomes the same file.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count

from unspin.edits import Edit, apply
from unspin.infer.documents.archives import Archive
from unspin.infer.documents.base import DEFAULT_OPTIONS, DocumentOptions, FormatError
from unspin.infer.documents.xml_text import (
    ArchiveFormat,
    Package,
    Part,
    ProseReader,
    Style,
    XmlFile,
    XmlReader,
    is_code_style,
    language_warnings,
    resolve_style,
    shown,
    start_tags,
)

AUTHOR = "unspin"  # of tracked changes
_SIGNATURES = "_xmlsignatures/"
_PREFIXES = {
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main": "w",
    "http://purl.oclc.org/ooxml/wordprocessingml/main": "w",
    "http://schemas.openxmlformats.org/officeDocument/2006/math": "m",
    "http://purl.oclc.org/ooxml/officeDocument/math": "m",
    "http://schemas.openxmlformats.org/markup-compatibility/2006": "mc",
}
_HIDDEN = frozenset("w:del w:moveFrom w:rt mc:Fallback".split())
_SHOWN_AS = {"w:tab": "\t", "w:ptab": "\t", "w:br": "\n", "w:cr": "\n", "w:noBreakHyphen": "-", "w:sym": "\ufffc"}
_LOCKS = frozenset("w:dataBinding w:showingPlcHdr w:dropDownList w:comboBox w:date".split())  # of content controls
_REGENERATED = frozenset("TOC TOA INDEX BIBLIOGRAPHY".split())  # fields that Word fills with whole paragraphs
_EDITABLE_FIELDS = frozenset(["", "HYPERLINK"])
_FALSE = frozenset(["0", "false", "off"])
_SPACE = " \t\r\n"  # what Word drops at the ends of a text that does not ask to keep it
_SPACE_ATTRIBUTE = re.compile(r"\s+xml:space\s*=\s*(\"[^\"]*\"|'[^']*')")
_CHANGE_ID = re.compile(r"(<[^\s<>]*rPrChange\b[^<>]*?\bid=[\"'])[^\"']*")


@dataclass(slots=True)
class _Run:
    """The ``w:r`` element ``start:end``. Its properties end at `content`, its end tag begins at `close`."""

    start: int
    content: int
    language: str
    close: int = 0
    end: int = 0


@dataclass(slots=True)
class _TextNode:
    """The shown text ``start:end`` of a ``w:t`` element; its start tag is ``tag:opened``, its end tag ``closed:after``.

    Without `keeps_space`, Word drops the white space at the ends of the text, which then is not part of ``start:end``.
    """

    tag: int
    opened: int
    start: int
    end: int
    closed: int
    after: int
    keeps_space: bool
    run: _Run


@dataclass(slots=True)
class _Field:
    """A field that is open: its instruction, and how its text is marked at present."""

    instruction: str = ""
    mark: str = "hidden"


class _StyleReader(XmlReader):
    """Reads styles.xml. The language of the default style is not kept: it is that of Word, not of the text."""

    prefixes = _PREFIXES

    def __init__(self, raw: str) -> None:
        super().__init__(raw)
        self.styles: dict[str, Style] = {}
        self._name = self._default = ""

    def start_tag(self, name: str, attributes: Mapping[str, str], start: int, end: int) -> None:
        """Keep what is said about the text of a style."""
        value = attributes.get("w:val", "")
        if name == "w:style":
            self._name = attributes.get("w:styleId", "")
            self._default = attributes.get("w:default", "0")
            self.styles[self._name] = Style()
        elif self.path[-1:] == ["w:style"] and name == "w:basedOn":
            self._update(parent=value)
        elif self.path[-1:] == ["w:style"] and name == "w:name":
            self._update(is_code=is_code_style(value))
        elif self.path[-2:] == ["w:style", "w:rPr"] and name == "w:lang" and self._default in _FALSE:
            self._update(language=value)
        elif self.path[-2:] == ["w:style", "w:rPr"] and name in ("w:vanish", "w:noProof") and value not in _FALSE:
            self._update(**{"is_hidden" if name == "w:vanish" else "is_code": True})

    def _update(self, **changes: str | bool) -> None:
        self.styles[self._name] = replace(self.styles[self._name], **changes)  # type: ignore[arg-type]


class _DocxReader(ProseReader):
    """Reads a part, and collects its text nodes, also those that are not shown, and the identifiers in use."""

    prefixes = _PREFIXES

    def __init__(self, raw: str, name: str, styles: Mapping[str, Style]) -> None:
        super().__init__(raw, name)
        self.nodes: list[_TextNode] = []
        self.copies: dict[int, list[_TextNode]] = {}  # of the text node that starts at an offset
        self.identifiers: set[str] = set()
        self.root = ""
        self._styles = styles
        self._boxes = "text boxes" if name == "text" else f"text boxes, {name}"
        self._keeps_space: list[bool] = []  # of the open elements
        self._paragraph_languages: list[str] = []
        self._runs: list[_Run] = []
        self._fields: list[_Field] = []
        self._alternatives: list[list[list[_TextNode]]] = []  # the nodes of each branch of open mc:AlternateContent
        self._properties = 0  # where those of the open run begin
        self._tag = (0, 0)  # of the open w:t element
        self._spans: list[tuple[int, int, bool]] = []  # of its text; the last item tells CDATA

    @property
    def namespace(self) -> str:
        """The namespace of WordprocessingML in this part."""
        return next((name.split(" ")[0] for name, short in self._names.items() if short == "w:r"), "")

    def start_tag(self, name: str, attributes: Mapping[str, str], start: int, end: int) -> None:
        """Find out how the element's text is to be read."""
        self.root = self.root or name
        inherited = "preserve" if self._keeps_space[-1:] == [True] else ""
        self._keeps_space.append(attributes.get("xml:space", inherited) == "preserve")
        if "w:id" in attributes:
            self.identifiers.add(attributes["w:id"])
        if name in _HIDDEN:
            self.mark("hidden")
        if name == "w:p":
            self.open_paragraph(start, self._boxes)
            self._paragraph_languages.append("")
        elif name == "w:r":
            self._runs.append(_Run(start, end, "".join(self._paragraph_languages[-1:])))
        elif name == "w:rPr" and self.path[-1:] == ["w:r"]:
            self._properties = start
        elif name == "w:t":
            self._tag, self._spans = (start, end), []
        elif name in _SHOWN_AS and self.path[-1:] == ["w:r"]:
            self.add_fixed(_SHOWN_AS[name], start + 1)
        elif name == "w:fldSimple":
            self.mark(_field_mark(attributes.get("w:instr", "")))
        elif name == "w:fldChar":
            self._read_field(attributes.get("w:fldCharType", ""))
        elif name == "mc:AlternateContent":
            self._alternatives.append([])
        elif name in ("mc:Choice", "mc:Fallback") and self._alternatives:
            self._alternatives[-1].append([])
            if len(self._alternatives[-1]) > 1:
                self.mark("hidden")
        else:
            self._read_property(name, attributes.get("w:val", ""))

    def end_tag(self, name: str, start: int, end: int) -> None:
        """Add the text of a ``w:t`` element, or close what the element has opened."""
        keeps_space = self._keeps_space.pop()
        if name == "w:t" and self.path[-1:] == ["w:r"]:
            self._add_text_node(start, end, keeps_space)
        elif name == "w:rPr" and self.path[-1:] == ["w:r"]:
            run = self._runs[-1]
            if not self.raw[run.content : self._properties].strip():
                run.content = end
        elif name == "w:r":
            run = self._runs.pop()
            run.close, run.end = start, end
        elif name == "w:p":
            self._paragraph_languages.pop()
            self.close_paragraph(end)
        elif name == "mc:AlternateContent":
            self._pair_copies(self._alternatives.pop())

    def characters(self, start: int, end: int, in_cdata: bool) -> None:
        """Keep a text node of ``w:t`` until the element is complete."""
        parent = self.path[-1]
        if parent == "w:t":
            self._spans.append((start, end, in_cdata))
        elif parent == "m:t":
            self.add_fixed(shown(self.raw[start:end]), start)
        elif parent == "w:instrText" and self._fields and len(self._fields[-1].instruction) < 100:
            self._fields[-1].instruction += self.raw[start:end]

    def _add_text_node(self, closed: int, after: int, keeps_space: bool) -> None:
        spans, self._spans = self._spans, []
        start, end = self._tag[1], closed
        if spans != [(start, end, False)]:  # empty, or interrupted by CDATA, a comment or an element
            for first, last, _ in spans:
                self.add_fixed(self.raw[first:last], first)
            return
        if not keeps_space:
            text = self.raw[start:end]
            start, end = end - len(text.lstrip(_SPACE)), start + len(text.rstrip(_SPACE))
        if start < end:
            node = _TextNode(*self._tag, start, end, closed, after, keeps_space, self._runs[-1])
            self.nodes.append(node)
            self.add_text(start, end, language=node.run.language)
            if self._alternatives and self._alternatives[-1]:
                self._alternatives[-1][-1].append(node)

    def _read_property(self, name: str, value: str) -> None:
        """A property of a paragraph, a run or a content control, which is the third last of the open elements."""
        parents = self.path[-2:]
        if parents == ["w:p", "w:pPr"] and name == "w:pStyle":
            style = resolve_style(self._styles, value)
            self._paragraph_languages[-1] = style.language
            if style.is_code or style.is_hidden:
                self.mark("hidden", -3)
        elif parents == ["w:r", "w:rPr"] and name == "w:rStyle":
            style = resolve_style(self._styles, value)
            self._runs[-1].language = style.language or self._runs[-1].language
            self._mark_run(style.is_code, style.is_hidden)
        elif parents == ["w:r", "w:rPr"] and name == "w:lang":
            self._runs[-1].language = value or self._runs[-1].language
        elif parents == ["w:r", "w:rPr"] and value not in _FALSE:
            self._mark_run(name == "w:noProof", name == "w:vanish")
        elif parents == ["w:sdt", "w:sdtPr"] and (name in _LOCKS or (name == "w:lock" and "ontentLocked" in value)):
            self.mark("fixed", -3)

    def _mark_run(self, is_fixed: bool, is_hidden: bool) -> None:
        if is_fixed:
            self.mark("fixed", -3)
        if is_hidden:
            self.mark("hidden", -3)

    def _read_field(self, kind: str) -> None:
        """Follow a field from its "begin" over its instruction, which is hidden, to "separate", its text and "end"."""
        if kind == "begin":
            self._fields.append(_Field())
            self._counts["hidden"] += 1
        elif self._fields:
            self._counts[self._fields[-1].mark] -= 1
            if kind == "end":
                self._fields.pop()
            else:
                self._fields[-1].mark = _field_mark(self._fields[-1].instruction)
                self._counts[self._fields[-1].mark] += 1

    def _pair_copies(self, branches: list[list[_TextNode]]) -> None:
        """Note which text nodes of other branches are copies of those of the first, which is the one that is shown."""
        shown_nodes = branches[0] if branches else []
        for branch in branches[1:]:
            pairs = list(zip(shown_nodes, branch, strict=False))
            if len(shown_nodes) == len(branch) and all(self._same_text(*pair) for pair in pairs):
                for node, copy in pairs:
                    self.copies.setdefault(node.start, []).append(copy)
        if self._alternatives and self._alternatives[-1]:
            self._alternatives[-1][-1] += shown_nodes

    def _same_text(self, a: _TextNode, b: _TextNode) -> bool:
        return self.raw[a.start : a.end] == self.raw[b.start : b.end]


def _field_mark(instruction: str) -> str:
    """How the text of a field is to be marked."""
    kind = "".join(instruction.split()[:1]).upper()
    return "" if kind in _EDITABLE_FIELDS else "hidden" if kind in _REGENERATED else "fixed"


def _changed_nodes(reader: _DocxReader, edits: Sequence[Edit]) -> list[tuple[_TextNode, list[Edit]]]:
    """The text nodes that edits change, and their copies, in order, with their edits."""
    starts = [node.start for node in reader.nodes]
    changes: dict[int, tuple[_TextNode, list[Edit]]] = {}
    for edit in edits:
        node = reader.nodes[bisect_right(starts, edit.start) - 1]
        for copy in (node, *reader.copies.get(node.start, ())):
            shift = copy.start - node.start
            moved = Edit(edit.start + shift, edit.end + shift, edit.replacement)
            changes.setdefault(copy.start, (copy, []))[1].append(moved)
    return [changes[start] for start in sorted(changes)]


def _spliced(reader: _DocxReader, edits: Sequence[Edit]) -> str:
    """The text of a part after edits. A text that now begins or ends with white space is made to keep it."""
    raw = reader.raw
    spliced: list[Edit] = []
    for node, changes in _changed_nodes(reader, edits):
        shift = -node.start
        moved = [Edit(edit.start + shift, edit.end + shift, edit.replacement) for edit in changes]
        text = apply(raw[node.start : node.end], moved)
        if node.keeps_space or text == text.strip(_SPACE):
            spliced += changes
        else:
            tag = _SPACE_ATTRIBUTE.sub("", raw[node.tag : node.opened - 1])
            spliced.append(Edit(node.tag, node.closed, f'{tag} xml:space="preserve">{text}'))
    return apply(raw, spliced)


class _TrackedChanges:
    """Writes edits of a part as tracked changes: a run that holds edits is split into what stays, goes and comes."""

    def __init__(self, reader: _DocxReader, edits: Sequence[Edit], identifiers: Iterator[str]) -> None:
        self._raw, self._identifiers, self._namespace = reader.raw, identifiers, reader.namespace
        runs: dict[int, list[tuple[_TextNode, list[Edit]]]] = {}
        for node, changes in _changed_nodes(reader, edits):
            runs.setdefault(node.run.start, []).append((node, changes))
        self._runs = deque(runs[start] for start in sorted(runs))

    def text(self) -> str:
        """The new text of the part."""
        return self._between(0, len(self._raw))

    def _between(self, start: int, end: int) -> str:
        """The new text of ``raw[start:end]``, in which whole runs lie. Runs are asked for in order."""
        pieces: list[str] = []
        while self._runs and self._runs[0][0][0].run.start < end:
            nodes = self._runs.popleft()
            run = nodes[0][0].run
            pieces += self._raw[start : run.start], self._split(run, nodes)
            start = run.end
        return "".join([*pieces, self._raw[start:end]])

    def _split(self, run: _Run, nodes: Iterable[tuple[_TextNode, list[Edit]]]) -> str:
        """A run with edits, as a row of runs. A run may hold a text box, which holds runs with edits of their own."""
        pieces: list[str] = []
        kept: list[str] = []
        position = run.content
        for node, changes in nodes:
            kept.append(self._between(position, node.tag))
            start = node.start
            for edit in changes:
                kept.append(self._text_element(run, "t", start, edit.start))
                pieces += self._run(run, "".join(kept)), self._change(run, edit)
                kept, start = [], edit.end
            kept.append(self._text_element(run, "t", start, node.end))
            position = node.after
        kept.append(self._between(position, run.close))
        return "".join([*pieces, self._run(run, "".join(kept))])

    def _run(self, run: _Run, content: str) -> str:
        """A run with the properties of another one; nothing if it would be empty."""
        if not content.strip():
            return ""
        opening = _CHANGE_ID.sub(lambda match: match[1] + next(self._identifiers), self._raw[run.start : run.content])
        return f"{opening}{content}{self._raw[run.close : run.end]}"

    def _change(self, run: _Run, edit: Edit) -> str:
        """What an edit deletes and what it inserts."""
        prefix = self._prefix(run)
        declaration = "" if prefix else f' xmlns:w="{self._namespace}"'
        changes = []
        for name, content in (
            ("del", self._text_element(run, "delText", edit.start, edit.end)),
            ("ins", _preserving(f"{prefix}t", edit.replacement)),
        ):
            if content:
                attributes = f'{prefix or "w:"}id="{next(self._identifiers)}" {prefix or "w:"}author="{AUTHOR}"'
                tag = f"{prefix}{name}"
                changes.append(f"<{tag}{declaration} {attributes}>{self._run(run, content)}</{tag}>")
        return "".join(changes)

    def _text_element(self, run: _Run, name: str, start: int, end: int) -> str:
        return _preserving(self._prefix(run) + name, self._raw[start:end])

    def _prefix(self, run: _Run) -> str:
        """The namespace prefix of a run with its colon, such as "w:"."""
        return re.match(r"<([^\s:/>]+:)?", self._raw[run.start : run.content])[1] or ""  # type: ignore[index]


def _preserving(tag: str, text: str) -> str:
    """An element that keeps the white space at the ends of its text; nothing for an empty text."""
    return f'<{tag} xml:space="preserve">{text}</{tag}>' if text else ""


def _tracked(reader: _DocxReader, used: set[str], numbers: Callable[[], Iterator[int]], edits: Sequence[Edit]) -> str:
    """The text of a part with edits as tracked changes, whose identifiers are none of those in use."""
    identifiers = (str(number) for number in numbers() if str(number) not in used)
    return _TrackedChanges(reader, edits, identifiers).text()


def _open(archive: Archive, options: DocumentOptions = DEFAULT_OPTIONS) -> Package:
    """The prose of a Word document. Raises `FormatError` if it is not one or damaged."""
    main = next((target for kind, target in _related(archive, "") if kind == "officeDocument"), "")
    if not main:
        raise FormatError("not a Word document: it names no main part")
    related = [(kind, target) for kind, target in _related(archive, main) if target in archive]
    styles: dict[str, Style] = {}
    for kind, name in related:
        if kind == "styles":
            style_reader = _StyleReader(XmlFile.decode(name, archive.read(name)).text)
            style_reader.read(name)
            styles = style_reader.styles
    readers, parts = [], []
    used, languages = set[str](), set[str]()
    names = {main: "text", **_named_parts(related)}
    for index, (name, view) in enumerate(names.items()):
        file = XmlFile.decode(name, archive.read(name))
        reader = _DocxReader(file.text, view, styles)
        reader.read(name)
        readers.append(reader)
        used |= reader.identifiers
        languages |= reader.languages
        numbers = partial(count, index + 1, len(names))
        rewrite = partial(_tracked, reader, used, numbers) if options.track_changes else partial(_spliced, reader)
        parts.append(Part(name, file, reader.regions, rewrite))
    if readers[0].root != "w:document":
        raise FormatError("not a Word document, although it is an Office file")
    warnings = language_warnings(languages)
    if any(name.startswith(_SIGNATURES) for name in archive.names):
        warnings.append("the document is signed: any edit makes its signature invalid")
    return Package(archive, parts, warnings)


def _named_parts(related: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The parts that hold prose besides the main one, and what to call them: "footnotes", or "header 2"."""
    names: dict[str, str] = {}
    by_number = sorted(related, key=lambda item: (len(item[1]), item[1]))  # header10.xml comes after header2.xml
    for wanted in ("footnotes", "endnotes", "header", "footer"):
        targets = dict.fromkeys(target for kind, target in by_number if kind == wanted)
        for number, target in enumerate(targets, 1):
            names[target] = wanted if wanted.endswith("notes") else f"{wanted} {number}"
    return names


def _related(archive: Archive, part: str) -> Iterator[tuple[str, str]]:
    """The kind and the name of each part that a part, or the whole document (""), refers to."""
    folder, base = posixpath.split(part)
    relationships = posixpath.join(folder, "_rels", f"{base}.rels")
    if relationships not in archive:
        return
    for name, attributes in start_tags(archive, relationships):
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", "")))
            yield posixpath.basename(attributes.get("Type", "")), target.lstrip("/")


DOCX = ArchiveFormat("docx", "Word document", (".docx", ".docm"), _open)
