"""Documents whose text is XML inside a zip archive: exact places of text nodes, views of them, and writing them back.

python-docx, odfpy and ebooklib write every part anew and lose what they do not know. Here expat, the standard library's
parser, only says where each text node stands, and edits are spliced into the characters of those nodes. Styles, runs,
comments, notes, pictures and fields are therefore kept byte for byte. Declarations of entities are refused, nothing is
fetched, and there is nothing to expand.

The raw text of such a document is the concatenation of its parts. Whatever interrupts a sentence, such as a note or a
text box inside a paragraph, is moved behind the text that it interrupts, and is put back when the document is written.
Cost: about 0.3 seconds per megabyte of XML, and two 32-bit offsets per readable character.
"""

from __future__ import annotations

import codecs
import html
import re
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import ClassVar, NamedTuple
from xml.parsers import expat

from unspin.edits import Edit, Replacement, apply
from unspin.infer.documents.archives import Archive
from unspin.infer.documents.base import (
    DEFAULT_OPTIONS,
    OFFSET,
    Document,
    DocumentError,
    DocumentOptions,
    FormatError,
    View,
    ViewBuilder,
    spread,
    unescape,
)
from unspin.infer.restoration import Restoration

MAX_DEPTH = 1000  # of nested elements
_MAX_STYLE_DEPTH = 30  # styles that inherit from each other; more must be a circle
_XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_DECLARED = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]+)")
_START_TAG = re.compile(r"<[^>\"']*(?:\"[^\"]*\"[^>\"']*|'[^']*'[^>\"']*)*>")
_CHARACTERS = re.compile(r"&[^;]*;|[^&]+")
NOT_IN_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_ENDS = str.maketrans("\t\n\r", "   ")  # white space inside a text node is shown as a space

_CODE_STYLE = re.compile(  # names of styles for text that is not prose, in lower case
    r"(html (preformatted|code|keyboard|sample|typewriter|variable)|(source|program) (code|text|listing)"
    r"|code( (block|sample|example|listing|inline))?|preformatted( text)?|macro text|verbatim|listing)( char)?"
)


def is_code_style(name: str) -> bool:
    """Whether a style of a word processor, by its name, is for code and the like."""
    return _CODE_STYLE.fullmatch(" ".join(re.findall(r"[A-Z]*[a-z]+|[A-Z]+", name)).lower()) is not None


def is_foreign(language: str) -> bool:
    """Whether a language tag names another language than English, or none; an empty tag says nothing."""
    return language.lower() not in ("", "x-none", "und") and not language.lower().startswith("en")


@dataclass(frozen=True)
class Style:
    """What a style of a word processor says about its text: the language (empty: nothing said), code, hidden text."""

    parent: str = ""
    language: str = ""
    is_code: bool = False
    is_hidden: bool = False


def resolve_style(styles: Mapping[str, Style], name: str) -> Style:
    """A style together with what it inherits."""
    resolved = Style()
    for _ in range(_MAX_STYLE_DEPTH):
        if name not in styles:
            break
        style = styles[name]
        language = resolved.language or style.language
        resolved = Style("", language, resolved.is_code or style.is_code, resolved.is_hidden or style.is_hidden)
        name = style.parent
    return resolved


@dataclass(frozen=True)
class XmlFile:
    """The text of an XML file, its encoding, and its byte-order mark (empty if it has none)."""

    text: str
    encoding: str
    mark: bytes

    @classmethod
    def decode(cls, name: str, data: bytes) -> XmlFile:
        """Decode an XML file by its byte-order mark or declaration. Raises `FormatError` if it is not valid."""
        mark, encoding = next((pair for pair in _MARKS if data.startswith(pair[0])), (b"", ""))
        if not encoding:
            declared = _DECLARED.match(data)
            sniffed = {b"<\0": "utf-16-le", b"\0<": "utf-16-be"}.get(data[:2], "utf-8")
            encoding = declared[1].decode() if declared else sniffed
        try:
            text = data[len(mark) :].decode(encoding)
            if text.encode(encoding) != data[len(mark) :]:
                raise LookupError
        except (LookupError, ValueError):
            raise FormatError(f"{name} is not text in its encoding, {encoding}") from None
        return cls(text, encoding, mark)

    def encode(self, text: str) -> bytes:
        """Another text in the same encoding. Characters that the encoding lacks become character references."""
        return self.mark + text.encode(self.encoding, errors="xmlcharrefreplace")


class XmlReader:
    """Reads XML text and calls `start_tag`, `end_tag` and `characters` with exact spans of the text.

    Names are those of `prefixes`, a prefix for each namespace that is of interest, such as "w:p"; names without a
    namespace have no prefix, and names of other namespaces begin with ":". `path` holds the names of the open
    elements.
    """

    prefixes: ClassVar[Mapping[str, str]] = {}
    html_entities: ClassVar[bool] = False

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self.path: list[str] = []
        self._data = raw.encode("utf-8", "surrogatepass")
        self._byte = self._character = 0
        self._text_start = -1
        self._in_cdata = False
        self._names: dict[str, str] = {}

    def start_tag(self, name: str, attributes: Mapping[str, str], start: int, end: int) -> None:
        """An element begins with the tag ``raw[start:end]``; its name is not in `path` yet."""

    def end_tag(self, name: str, start: int, end: int) -> None:
        """An element ends with the tag ``raw[start:end]``, empty for a self-closing one; `path` has lost its name."""

    def characters(self, start: int, end: int, in_cdata: bool) -> None:
        """``raw[start:end]`` is text, as long as no markup interrupts it."""

    def read(self, name: str) -> None:
        """Read the text. Raises `FormatError`, with the name of the file, if it is not well-formed or not harmless."""
        parser = self._parser = expat.ParserCreate("utf-8", " ")
        if self.html_entities:  # as if there were a DTD, which is not read: then unknown entities are no error
            parser.UseForeignDTD(True)
            parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_ALWAYS)
        parser.StartElementHandler = self._on_start
        parser.EndElementHandler = self._on_end
        parser.CharacterDataHandler = self._on_text
        parser.SkippedEntityHandler = self._on_text
        parser.CommentHandler = parser.ProcessingInstructionHandler = self._on_markup
        parser.StartCdataSectionHandler = self._on_cdata
        parser.EndCdataSectionHandler = self._on_cdata_end
        parser.EntityDeclHandler = _refuse_entities
        try:
            parser.Parse(self._data, True)
        except expat.ExpatError as error:
            raise FormatError(f"{name} is not well-formed XML ({error})") from None
        except FormatError as error:
            raise FormatError(f"{name} {error}") from None

    def _on_start(self, name: str, attributes: dict[str, str]) -> None:
        start = self._next()
        if len(self.path) >= MAX_DEPTH:
            raise FormatError(f"nests elements more than {MAX_DEPTH} deep")
        tag = _START_TAG.match(self.raw, start)
        assert tag, "expat found a tag here"
        short = self._short(name)
        self.start_tag(short, {self._short(key): value for key, value in attributes.items()}, start, tag.end())
        self.path.append(short)
        self._tag_end = tag.end() if tag[0].endswith("/>") else -1

    def _on_end(self, name: str) -> None:
        start = self._next()
        end = start if start == self._tag_end else self.raw.index(">", start) + 1
        self._tag_end = -1
        self.end_tag(self.path.pop(), start, end)

    def _on_text(self, *_: object) -> None:
        self._tag_end = -1
        if self._text_start < 0:
            self._text_start = self._position()

    def _on_markup(self, *_: object) -> None:
        self._next()
        self._tag_end = -1

    def _on_cdata(self) -> None:
        self._on_markup()
        self._in_cdata = True

    def _on_cdata_end(self) -> None:
        self._on_markup()
        self._in_cdata = False

    def _next(self) -> int:
        """The position of the markup that the parser has come to; the text before it is complete."""
        position = self._position()
        if self._text_start >= 0:
            start, self._text_start = self._text_start, -1
            self.characters(start, position, self._in_cdata)
        return position

    def _position(self) -> int:
        """The parser's position in `raw`: bytes are decoded as far as the parser has come."""
        byte = self._parser.CurrentByteIndex
        self._character += len(self._data[self._byte : byte].decode("utf-8"))
        self._byte = byte
        return self._character

    def _short(self, name: str) -> str:
        if name not in self._names:
            namespace, _, local = name.rpartition(" ")
            prefix = self.prefixes.get(namespace, "xml" if namespace == _XML_NAMESPACE else "")
            self._names[name] = f"{prefix}:{local}" if namespace else local
        return self._names[name]


def _refuse_entities(*_: object) -> None:
    raise FormatError("declares entities, which are not read")


class _StartTags(XmlReader):
    """Collects the start tags of a small XML file."""

    def __init__(self, raw: str) -> None:
        super().__init__(raw)
        self.tags: list[tuple[str, Mapping[str, str]]] = []

    def start_tag(self, name: str, attributes: Mapping[str, str], start: int, end: int) -> None:
        """Keep the local name and the attributes."""
        self.tags.append((name.rpartition(":")[2], attributes))


def start_tags(archive: Archive, name: str) -> list[tuple[str, Mapping[str, str]]]:
    """The local names and attributes of the start tags of a part. Raises `FormatError` if it cannot be read."""
    reader = _StartTags(XmlFile.decode(name, archive.read(name)).text)
    reader.read(name)
    return reader.tags


class Piece(NamedTuple):
    """Readable text of a part: a text node, or text that cannot be edited, which then is `fixed`."""

    start: int
    end: int
    fixed: str = ""


@dataclass
class Region:
    """A stretch of a part that reads on by itself: the part without what interrupts it, or one interruption.

    `slices` are the spans of the part that it consists of, `paragraphs` its readable text.
    """

    name: str
    resume: int = 0
    slices: list[tuple[int, int]] = field(default_factory=list)
    paragraphs: list[list[Piece]] = field(default_factory=list)


class ProseReader(XmlReader):
    """An `XmlReader` that collects paragraphs of readable text, in regions.

    Elements may be hidden, which hides their text, or fixed, which shows their text but keeps edits away from it.
    """

    def __init__(self, raw: str, name: str) -> None:
        super().__init__(raw)
        self.regions = [Region(name)]
        self.languages: set[str] = set()  # other languages, whose text was left alone
        self._open_regions = [self.regions[0]]
        self._paragraphs: list[list[Piece]] = []
        self._marks: list[list[str]] = []
        self._counts: Counter[str] = Counter()

    def read(self, name: str) -> None:
        """Read the text and close the first region. Raises `FormatError` like `XmlReader.read`."""
        super().read(name)
        self._open_regions[0].slices.append((self._open_regions[0].resume, len(self.raw)))
        self._data = b""

    def _on_start(self, name: str, attributes: dict[str, str]) -> None:
        self._marks.append([])
        super()._on_start(name, attributes)

    def _on_end(self, name: str) -> None:
        super()._on_end(name)
        self._counts.subtract(self._marks.pop())

    def mark(self, mark: str, depth: int = -1) -> None:
        """Make an open element "hidden" or "fixed": the one that begins now, or the one at an index of `path`."""
        self._marks[depth].append(mark)
        self._counts[mark] += 1

    def is_marked(self, mark: str) -> bool:
        """Whether an open element has a mark."""
        return self._counts[mark] > 0

    @property
    def in_paragraph(self) -> bool:
        """Whether a paragraph is open."""
        return bool(self._paragraphs)

    def open_paragraph(self, start: int, name: str) -> None:
        """Begin a paragraph at `start`. If it interrupts another one, it becomes a region called `name`."""
        if self._paragraphs and not self.is_marked("hidden"):
            outer, inner = self._open_regions[-1], Region(name, start)
            outer.slices.append((outer.resume, start))
            self.regions.append(inner)
            self._open_regions.append(inner)
            self.mark("region")
        self._paragraphs.append([])

    def close_paragraph(self, end: int) -> None:
        """End the paragraph at `end`, and keep it if any of its text can be edited."""
        pieces = self._paragraphs.pop()
        region = self._open_regions[-1]
        if any(not piece.fixed and not self.raw[piece.start : piece.end].isspace() for piece in pieces):
            region.paragraphs.append(pieces)
        if "region" in self._marks[-1]:
            self._open_regions.pop()
            region.slices.append((region.resume, end))
            self._open_regions[-1].resume = end

    def add_text(self, start: int, end: int, in_cdata: bool = False, language: str = "") -> None:
        """Add a text node to the open paragraph, if it is to be shown. No paragraph is open outside the prose.

        Text in another language than English cannot be edited, and neither can CDATA, in which nothing can be escaped.
        """
        if not self._paragraphs or self.is_marked("hidden"):
            return
        raw = self.raw[start:end]
        if is_foreign(language) and not raw.isspace():
            self.languages.add(language)
        if in_cdata:
            self.add_fixed(raw.translate(_LINE_ENDS), start)
        elif self.is_marked("fixed") or is_foreign(language):
            self.add_fixed(shown(raw), start)
        else:
            self._paragraphs[-1].append(Piece(start, end))

    def add_fixed(self, text: str, start: int) -> None:
        """Add text that cannot be edited to the open paragraph. `start` lies inside the markup or text behind it."""
        if self._paragraphs and not self.is_marked("hidden"):
            self._paragraphs[-1].append(Piece(start, start, text))


def shown(raw: str) -> str:
    """The characters of a text node as they are read."""
    return unescape(raw).translate(_LINE_ENDS)


def escape(text: str) -> str:
    """Encode text for a text node. Characters that XML cannot hold are dropped."""
    return html.escape(NOT_IN_XML.sub("", text), quote=False)


@dataclass(frozen=True)
class XmlView(View):
    """A view of text nodes. Characters with an empty span in the raw text, such as tabs, cannot be edited."""

    def raw_edit(self, raw: str, edit: Edit) -> Edit | None:
        """Translate an edit as `View.raw_edit` does. None also if it would change what cannot be edited."""
        if edit.start == edit.end:
            return self._insertion(edit)
        bounds = self.stretches(edit.start, edit.end)
        texts = self._texts(edit.replacement, bounds)
        filled = [rank for rank, (start, _) in enumerate(bounds) if self._is_editable(start)]
        if texts is None or not filled:
            return None
        pieces = [self.escape(texts[filled[0]])]
        for before, after in pairwise(filled):
            pieces += raw[self.ends[bounds[before][1] - 1] : self.starts[bounds[after][0]]], self.escape(texts[after])
        return Edit(self.starts[bounds[filled[0]][0]], self.ends[bounds[filled[-1]][1] - 1], "".join(pieces))

    def _insertion(self, edit: Edit) -> Edit | None:
        if edit.start and self._is_editable(edit.start - 1):
            position = self.ends[edit.start - 1]
        elif edit.start < len(self.text) and self._is_editable(edit.start):
            position = self.starts[edit.start]
        else:
            return None
        return Edit(position, position, self.escape(edit.replacement))

    def _texts(self, replacement: str, bounds: Sequence[tuple[int, int]]) -> list[str] | None:
        """The new text of each stretch of an edited span, or None if the edit cannot be made."""
        stretches = [self.text[start:end] for start, end in bounds]
        fixed = [text for (start, _), text in zip(bounds, stretches, strict=True) if not self._is_editable(start)]
        if any(text.strip() for text in fixed):
            return None
        heads = [rank for rank in range(len(bounds)) if not (self.may_empty and _runs_on(stretches, rank))]
        wholes = ["".join(stretches[start:end]) for start, end in pairwise([*heads, len(bounds)])]
        shares = spread(replacement, wholes)
        if shares is None and self.may_empty and not fixed:
            heads, shares = [0], [replacement]
        if shares is None:
            return None
        texts = dict(zip(heads, shares, strict=True))
        return [texts.get(rank, "") for rank in range(len(bounds))]

    def _is_editable(self, position: int) -> bool:
        return self.starts[position] < self.ends[position]


def _runs_on(stretches: Sequence[str], rank: int) -> bool:
    """Whether a word runs from the stretch before into the one at `rank`."""
    return rank > 0 and not stretches[rank - 1][-1].isspace() and not stretches[rank][0].isspace()


@dataclass
class Part:
    """An XML file of an archive that holds prose.

    `rewrite` makes its new text from edits of single text nodes, in order.
    """

    name: str
    file: XmlFile
    regions: Sequence[Region]
    rewrite: Callable[[Sequence[Edit]], str]

    @classmethod
    def read(cls, name: str, file: XmlFile, reader: ProseReader) -> Part:
        """Read a part whose edits are simply spliced in."""
        reader.read(name)
        return cls(name, file, reader.regions, lambda edits: apply(file.text, edits))


@dataclass
class Package:
    """The parts of a document that hold prose, in the order in which they are read, and the archive around them.

    `may_empty` is that of the views.
    """

    archive: Archive
    parts: Sequence[Part]
    warnings: Sequence[str] = ()
    may_empty: bool = True

    def document(self, name: str) -> Document:
        """The document called `name`, with one view for all regions of a part that share a name."""
        raw = _RawText()
        views = []
        for part in self.parts:
            regions: dict[str, list[Region]] = {}
            for region in part.regions:
                regions.setdefault(region.name, []).append(region)
            for region_name, same in regions.items():
                view = raw.add(part, same)
                if view.pieces:
                    text = "".join(view.pieces)
                    views.append(XmlView(escape, view.starts, view.ends, text, region_name, self.may_empty))
        text = "".join(raw.pieces)
        return Document(name, text, views, partial(self._encode, raw, text), self.warnings)

    def _encode(self, raw: _RawText, text: str, restoration: Restoration) -> bytes:
        """The bytes of the archive after the edits of a restoration of the raw text."""
        changes: dict[str, list[Edit]] = {}
        for edit in restoration.edits:
            for part, change in raw.changes(text, edit):
                changes.setdefault(part.name, []).append(change)
        parts = {part.name: part for part in self.parts}
        return self.archive.replace(
            {name: parts[name].file.encode(parts[name].rewrite(sorted(edits))) for name, edits in changes.items()}
        )


class _RawText:
    """Puts the regions of parts one after another, and knows where in its part each text node stands.

    Text node `i` is ``starts[i]:ends[i]`` of the raw text, and starts `shifts[i]` characters later in `parts[i]`.
    """

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._length = 0
        self._starts, self._ends, self._shifts = array(OFFSET), array(OFFSET), array(OFFSET)
        self._parts: list[Part] = []

    def add(self, part: Part, regions: Iterable[Region]) -> ViewBuilder:
        """Append regions of a part to the raw text, and view their paragraphs."""
        view = ViewBuilder()
        for region in regions:
            slices = [(end, start - offset) for start, end, offset in self._append(part, region)]
            current = iter(slices)
            slice_end, shift = next(current)
            for paragraph in region.paragraphs:
                if view.pieces:
                    view.add_encoded("\n", view.ends[-1] + 1, view.ends[-1] + 1)
                for piece in paragraph:
                    while piece.start >= slice_end:
                        slice_end, shift = next(current)
                    self._show(part, piece, shift, view)
        return view

    def _append(self, part: Part, region: Region) -> Iterator[tuple[int, int, int]]:
        """Append a region, and yield its slices with their offsets in the raw text."""
        for start, end in region.slices:
            yield start, end, self._length
            self.pieces.append(part.file.text[start:end])
            self._length += end - start

    def _show(self, part: Part, piece: Piece, shift: int, view: ViewBuilder) -> None:
        start = piece.start - shift
        if piece.fixed:
            view.add_encoded(piece.fixed, start, start)
            return
        for match in _CHARACTERS.finditer(part.file.text, piece.start, piece.end):
            text, place = shown(match[0]), match.start() - shift
            if not match[0].startswith("&"):
                view.add_literal(text, place)
            elif len(text) == 1:
                view.add_encoded(text, place, place + len(match[0]))
            else:  # unknown, or two letters that cannot be edited one by one
                view.add_encoded(text, place + 1, place + 1)
        self._starts.append(start)
        self._ends.append(piece.end - shift)
        self._shifts.append(shift)
        self._parts.append(part)

    def changes(self, text: str, edit: Replacement) -> Iterator[tuple[Part, Edit]]:
        """Split an edit of the raw text into edits of text nodes, each in its part.

        The replacement repeats the markup between the nodes, which begins at the first "<" behind a node.
        """
        node = bisect_right(self._starts, edit.start) - 1
        start, used = edit.start, 0
        while True:
            end, shift = min(edit.end, self._ends[node]), self._shifts[node]
            cut = len(edit.replacement)
            if end < edit.end:
                cut = edit.replacement.index("<", used) - (text.index("<", end) - end)
            new = edit.replacement[used:cut]
            if text[start:end] != new:
                yield self._parts[node], Edit(start + shift, end + shift, new)
            if end == edit.end:
                return
            node += 1
            start = self._starts[node]
            used = cut + start - end


@dataclass(frozen=True)
class ArchiveFormat:
    """A format whose files are archives: `open` finds the parts that hold prose; `Format` describes the rest."""

    name: str
    label: str
    suffixes: tuple[str, ...]
    open: Callable[[Archive, DocumentOptions], Package]

    def read(self, name: str, data: bytes, options: DocumentOptions = DEFAULT_OPTIONS) -> Document:
        """Read a file. Raises `DocumentError` if it is damaged, protected, not of this format, or empty."""
        try:
            package = self.open(Archive(data), options)
        except FormatError as error:
            raise DocumentError(f"{name}: {error}") from None
        document = package.document(name)
        if not document.views and not document.warnings:
            raise DocumentError(f"{name} holds no text to restore")
        return document


def language_warnings(languages: Iterable[str]) -> list[str]:
    """A warning that text in other languages was left alone, if there was any."""
    named = ", ".join(sorted(languages))
    return [f"text that the document marks as another language ({named}) is left unchanged"] if named else []


def refuse_tracked_changes(options: DocumentOptions) -> None:
    """Raise `FormatError` if tracked changes are wanted of a format that has none."""
    if options.track_changes:
        raise FormatError("--track-changes writes Word documents (.docx) only")
