"""What the endpoints of the local page take and return. Offsets count characters (Unicode code points)."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    EncodedBytes,
    EncoderProtocol,
    FailFast,
    Field,
    WithJsonSchema,
    model_validator,
)
from unspin.edits import Edit
from unspin.infer.documents.base import TEXT_FIELD, Document, DocumentOptions
from unspin.infer.documents.formats import FORMATS_BY_NAME, choose_format, guess_format
from unspin.segment import sentences

MAX_FILE_BYTES = 10_000_000
MAX_REACH = 150  # characters of a sentence on each side of a place that the model reads to find other words
MAX_REQUEST_BYTES = 2 * MAX_FILE_BYTES  # a file takes a third more in base64, and its edits come on top

Kind = Literal["word", "phrase", "insertion", "deletion", "quotation", "dictionary", "manual"]


def _known_format(name: str) -> str:
    if name not in FORMATS_BY_NAME:
        raise ValueError(f"unknown format {name!r}: give one of {', '.join(FORMATS_BY_NAME)}")
    return name


FormatName = Annotated[
    str, AfterValidator(_known_format), WithJsonSchema({"type": "string", "enum": list(FORMATS_BY_NAME)})
]


class _StrictBase64(EncoderProtocol):
    """Base64, perhaps in lines, and nothing else: pydantic's own decoder ignores whatever does not belong to it."""

    @classmethod
    def decode(cls, data: bytes) -> bytes:
        """Decode a file. Raises ValueError if it is not base64 or empty."""
        try:
            content = base64.b64decode(data.translate(None, b" \t\r\n"), validate=True)
        except binascii.Error as error:
            raise ValueError(f"not base64: {error}") from None
        if not content:
            raise ValueError("the file is empty")
        return content

    @classmethod
    def get_json_format(cls) -> str:
        """The name of the format in the schema."""
        return "base64"


FileBytes = Annotated[bytes, EncodedBytes(encoder=_StrictBase64)]


class Article(BaseModel):
    """A document: either its text or the bytes of its file."""

    model_config = ConfigDict(extra="forbid")
    text: str | None = Field(None, min_length=1, max_length=MAX_FILE_BYTES, description="the article")
    data: FileBytes | None = Field(None, description="the bytes of the file, in base64")
    name: str = Field("article", min_length=1, max_length=255, description="name of the file")
    format: FormatName | None = Field(
        None, description="document format; null takes that of the file's suffix, or what a text looks like"
    )
    field: str = Field(
        TEXT_FIELD, description="column or key that holds the article in CSV and JSON; other formats ignore it"
    )
    main_content: bool = Field(False, description="only the article of an HTML page, without navigation and footers")
    skip_faults: bool = Field(False, description="leave out rows that cannot be read instead of refusing the file")

    @model_validator(mode="after")
    def _one_of_two(self) -> Article:
        if (self.text is None) == (self.data is None):
            raise ValueError("give either `text` or `data`")
        if len(self.data or b"") > MAX_FILE_BYTES:
            raise ValueError(f"the limit is {MAX_FILE_BYTES:,} bytes a file; `unspin restore` takes files of any size")
        return self

    def document(self, track_changes: bool = False) -> tuple[Document, str]:
        """The document, and the name of its format. Raises `DocumentError` if it cannot be read."""
        format_name = self.format
        if format_name is None and self.text is not None and "." not in self.name:
            format_name = guess_format(self.name, self.text).name
        options = DocumentOptions(format_name, self.field, self.skip_faults, self.main_content, track_changes)
        data = self.data if self.text is None else self.text.encode()
        assert data is not None, "the validator asks for one of both"
        format = choose_format(self.name, data, options)
        return format.read(self.name, data, options), format.name


class RestoreRequest(Article):
    """A document to restore."""

    min_confidence: float | None = Field(
        None, ge=0, le=1, description="minimum confidence of an edit; null takes the checkpoint's threshold"
    )


class EditOut(BaseModel):
    """One edit of a document."""

    start: int = Field(description="of the characters of the document that change")
    end: int
    spun: str = Field(description="the words that change, as a reader sees them")
    restored: str = Field(description="the words that replace them")
    replacement: str = Field(description="what replaces characters start to end: `restored` with markup")
    kind: Kind
    confidence: float
    alternatives: list[str]
    group: int = Field(description="edits with the same group, unless it is 0, must be applied together or not at all")
    article: int = Field(description="number of the article that the edit is in, from 0: that of the row in a table")
    offset: int = Field(description="index of the first changed character in the article's readable text")


class RestorationOut(BaseModel):
    """A restored document and its edits."""

    text: str
    edits: list[EditOut]
    spun_share: float = Field(description="estimated share of the words that a spinner garbled, 0 to 1")
    warnings: list[str]


class ArticleOut(BaseModel):
    """The readable text of an article, and the spans in it that must not change, such as code."""

    name: str
    text: str
    fixed: list[tuple[int, int]]


class BlockOut(BaseModel):
    """A paragraph, heading, list or table: a tag, then its children.

    A child is text that cannot be edited, a pair [start, end] of offsets in the article's text, or an element.
    """

    article: int
    tree: list[Any]


class DocumentOut(BaseModel):
    """A document as the page shows it."""

    format: str
    articles: list[ArticleOut]
    blocks: list[BlockOut]
    warnings: list[str]


class EditIn(BaseModel):
    """An edit that a person accepted or made: characters start to end of an article become `restored`."""

    model_config = ConfigDict(extra="forbid")
    article: int = Field(ge=0)
    start: int = Field(ge=0, description="of the characters of the article's readable text that change")
    end: int = Field(ge=0)
    restored: str
    kind: Kind = "manual"
    confidence: float = Field(1.0, ge=0, le=1)
    group: int = Field(
        0, ge=0, description="edits with the same group, unless it is 0, are made together or not at all"
    )


class ExportRequest(Article):
    """A document with the edits to make in it, and what to make of it.

    `document` is the restored file, `tracked` a Word document with the edits as tracked changes, `html` a page with
    both versions side by side, and `json` a list of the edits.
    """

    edits: Annotated[list[EditIn], FailFast()]
    target: Literal["document", "tracked", "html", "json"] = "document"
    spun_share: float = Field(0, ge=0, le=1, description="what the page with both versions says about the document")


class ExportOut(BaseModel):
    """A file. `problems` name the edits that could not be made in it."""

    name: str
    media_type: str
    data: str = Field(description="the bytes of the file, in base64")
    problems: list[str]


class AlternativesRequest(BaseModel):
    """A place for which other words are wanted: characters start to end of the paragraph, which became `restored`."""

    model_config = ConfigDict(extra="forbid")
    paragraph: str = Field(min_length=1, max_length=20_000)
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    restored: str = Field(max_length=20_000)

    def sentence_edit(self) -> tuple[str, Edit] | None:
        """The sentence that the edit lies in, and the edit with offsets in it.

        None if it does not lie in one sentence, or is so long that the model would hardly know other words for it.
        Of a long sentence, only the words within `MAX_REACH` characters of the edit.
        """
        if max(self.end - self.start, len(self.restored)) > MAX_REACH:
            return None
        for span in sentences(self.paragraph):
            if span.start <= self.start <= self.end <= span.end:
                first, last = span.start, span.end
                if first < self.start - MAX_REACH:
                    first = self.paragraph.rfind(" ", first, self.start - MAX_REACH) + 1 or self.start - MAX_REACH
                if last > self.end + MAX_REACH:
                    last = self.paragraph.find(" ", self.end + MAX_REACH, last)
                    last = self.end + MAX_REACH if last < 0 else last
                return self.paragraph[first:last], Edit(self.start - first, self.end - first, self.restored)
        return None


class Alternatives(BaseModel):
    """Other words for a place, most likely first."""

    alternatives: list[str]


class FormatOut(BaseModel):
    """A document format that the page offers; `is_text` is false of a format whose text cannot be pasted."""

    name: str
    label: str
    suffixes: list[str]
    is_text: bool


class Settings(BaseModel):
    """What the page needs to know before it restores anything."""

    threshold: float = Field(description="the checkpoint's own minimum confidence")
    max_file_bytes: int
    formats: list[FormatOut]
    sample: str = Field(description="an article to try the page with")


class Problem(BaseModel):
    """Why a request was refused."""

    detail: str
