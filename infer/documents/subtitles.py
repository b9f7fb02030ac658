"""Subtitles: what is spoken in the cues of SRT and WebVTT files.

Numbers, times, settings, tags, line ends and all blocks that are no cue stay. The lines of a cue are read as one
paragraph, and so are cues whose sentence goes on in the next one; no edit moves a word into another cue. A new speaker,
whom a dash, a label such as "JOHN:" or a voice tag announces, begins a new paragraph.

Dashes, labels, descriptions of sounds, songs and lines in capitals are not read. A blank line ends a cue in WebVTT; in
SRT, where many players show what follows it, only the next cue does.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby

from unspin.infer.documents.base import DEFAULT_OPTIONS, Contents, DocumentOptions, FormatError, ViewBuilder, unescape
from unspin.infer.documents.templates import template_markup, with_fixed
from unspin.infer.documents.text_files import TextFormat
from unspin.infer.documents.wrapped import WrappedView

_LINE = re.compile(r"([^\r\n]*+)(?:\r\n|\r|\n|\Z)")
_LINE_OR_END = re.compile(r"(?P<end>[\r\n]+)|[^\r\n]+")
_TIMES = re.compile(r"\s*(?:\d+:)?\d+:\d\d(?:[,.]\d+)?\s*-->\s*(?:\d+:)?\d+:\d\d")
_BETWEEN_CUES = re.compile("-->")
_NOT_SPOKEN = re.compile(
    r"""[ \t]?<lang[.\w]*\s++(?!en\b)[^<>]*>[^<>]*</lang>          # words of another language
      | <v(?:\.[^\s<>]*)?\s(?P<voice>[^<>]*)>         # the speaker of what follows
      | </?[A-Za-z][^<>]*> | <[\d:.]+>                 # other tags, times inside a cue
      | \{\\[^{}]*\}                                   # positions, as in {\an8}
      | (?P<song>[♪♫][^♪♫]*[♪♫]?)
      | [ \t]?(?:\[[^\[\]]*\]|\([^()\r\n]*\))           # descriptions of sounds
      | (?P<reference>&(?:amp|lt|gt|nbsp|lrm|rlm|\#\d+|\#x[\dA-Fa-f]+);)""",
    re.VERBOSE,
)
_SPEAKER = re.compile(  # a dash, ">>", a label, or a dash and a label
    r"(?=[-–—‐>A-Z])(?:(?:[-–—‐]{1,2}|>>+)\s*)?(?:[A-Z][\w.'’-]*+(?:[ ](?:[A-Z][\w.'’-]*+|\#?\d+)){0,3}:(?:\s|$))?"
)
_SENTENCE_END = re.compile(r"[.!?…:;][\"”’')]*$")
_MAX_WORDS = 80  # in captions without punctuation, a paragraph ends at the first cue after so many words


def subtitle_views(raw: str, options: DocumentOptions = DEFAULT_OPTIONS, *, is_webvtt: bool) -> Contents:
    """One view of the paragraphs that are spoken. Raises `FormatError` if there is no cue.

    In WebVTT, "&amp;" stands for "&".
    """
    reader, is_empty = _Reader(raw, has_references=is_webvtt), True
    for lines in _cues(raw, end_at_blank_lines=is_webvtt):
        reader.add_cue(lines)
        is_empty = False
    if is_empty:
        raise FormatError("it has no cue, which begins with a line such as 00:00:01,000 --> 00:00:04,000")
    return Contents([with_fixed(reader.view(), template_markup(raw))])


def _cues(raw: str, *, end_at_blank_lines: bool) -> Iterator[list[tuple[int, int]]]:
    """The spans of the lines of each cue, without its times and blank lines."""
    cue: list[tuple[int, int]] | None = None
    for match in _LINE.finditer(raw):
        has_times, is_blank = _TIMES.match(match[1]) is not None, not match[1].strip()
        if cue is not None and (has_times or (is_blank and end_at_blank_lines)):
            if has_times and cue and raw[slice(*cue[-1])].strip().isdecimal():
                cue.pop()  # the number of the next cue, without a blank line before it
            yield cue
            cue = None
        if has_times:
            cue = []
        elif cue is not None and not is_blank:
            cue.append(match.span(1))
    if cue is not None:
        yield cue


class _Reader:
    """Builds the view of what is spoken, cue by cue."""

    def __init__(self, raw: str, has_references: bool) -> None:
        self._raw, self._has_references = raw, has_references
        self._builder = ViewBuilder()
        self._end = 0  # of what was read so far, in the raw text
        self._separator = ""  # what the view has before the text that is read next
        self._begins_line = False
        self._words = 0  # in the current paragraph
        self._voice = ""

    def view(self) -> WrappedView:
        """The view of all cues added so far."""
        escape = partial(html.escape, quote=False) if self._has_references else str
        text = "".join(self._builder.pieces)
        return WrappedView(escape, self._builder.starts, self._builder.ends, text, border=_BETWEEN_CUES)

    def add_cue(self, lines: Sequence[tuple[int, int]]) -> None:
        """Read the lines of the next cue, whose spans are given."""
        end_before = self._end
        if _SENTENCE_END.search("".join(self._builder.pieces[-3:])) or self._words > _MAX_WORDS:
            self._separator = "\n"
        for is_shouted, group in groupby(lines, lambda line: _is_shouted(self._raw[slice(*line)], len(lines) == 1)):
            if is_shouted:
                self._separator = "\n"
            else:
                run = list(group)
                self._add_lines(run[0][0], run[-1][1])
        if self._end == end_before:
            self._separator = "\n"

    def _add_lines(self, start: int, stop: int) -> None:
        self._begin_line()
        for match in _NOT_SPOKEN.finditer(self._raw, start, stop):
            self._add_literal(start, match.start())
            start = match.end()
            if match["reference"] and self._has_references:
                self._put(unescape(match[0]), *match.span())
            elif match["reference"]:
                self._add_literal(*match.span())
            elif match["song"] or match["voice"] not in (None, self._voice):
                self._separator, self._begins_line = "\n", True
                self._voice = match["voice"] or self._voice
        self._add_literal(start, stop)

    def _begin_line(self) -> None:
        self._separator, self._begins_line = self._separator or " ", True

    def _add_literal(self, start: int, stop: int) -> None:
        """Read what the raw text holds literally between two positions, which may be several lines."""
        for match in _LINE_OR_END.finditer(self._raw, start, stop):
            if match["end"]:
                self._begin_line()
                continue
            first, last = match.span()
            if self._begins_line:
                first = last - len(self._raw[first:last].lstrip())
                speaker = _SPEAKER.match(self._raw, first, last)
                if speaker and speaker[0]:
                    self._separator = "\n"
                    first = last - len(self._raw[speaker.end() : last].lstrip())
            text = self._raw[first:last]
            if last == len(self._raw) or self._raw[last] in "\r\n":
                text = text.rstrip()
            if text:
                self._put(text, first, first + len(text))

    def _put(self, text: str, start: int, end: int) -> None:
        """Append text that stands at ``raw[start:end]``, after the separator."""
        if self._separator and self._builder.pieces:
            self._builder.add_encoded(self._separator, self._end, start)
        self._words = len(text.split()) + (0 if self._separator == "\n" else self._words)
        if end - start == len(text):
            self._builder.add_literal(text, start)
        else:
            self._builder.add_encoded(text, start, end)
        self._separator, self._begins_line, self._end = "", False, end


def _is_shouted(line: str, is_only_line: bool) -> bool:
    """Whether a line is in capitals, as signs and shouts are; a single word may be a name that ends a sentence."""
    spoken = _NOT_SPOKEN.sub("", line)
    return spoken.isupper() and sum(map(str.isalpha, spoken)) > 3 and (is_only_line or len(spoken.split()) > 1)


SRT = TextFormat("srt", "SRT subtitles", (".srt",), partial(subtitle_views, is_webvtt=False))
WEBVTT = TextFormat("vtt", "WebVTT subtitles", (".vtt",), partial(subtitle_views, is_webvtt=True))
