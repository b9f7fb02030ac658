"""The text of one field of a row or an object: the path to it, and the HTML that it may hold.

Content systems export an article's body as HTML inside a JSON string or a table's cell. Such a text is read as HTML,
so that its tags and references stay.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace

from unspin.infer.documents.base import OFFSET, View, unescape
from unspin.infer.documents.html import html_views
from unspin.infer.documents.templates import template_markup, with_fixed

_TAG = re.compile(  # a tag of HTML or a comment; not "<3", "x < y" or "<name>"
    r"</?(?:a|abbr|article|aside|b|blockquote|br|button|center|cite|code|dd|del|details|dfn|div|dl|dt|em|figcaption|figure"
    r"|font|footer|form|h[1-6]|header|hr|i|iframe|img|input|ins|label|li|main|mark|nav|ol|p|picture|pre|q|s|script|section"
    r"|small|source|span|strike|strong|style|sub|summary|sup|svg|table|tbody|td|tfoot|th|thead|time|tr|tt|u|ul|video"
    r"|wbr)(?:\s*/?>|\s[^<>=]*=[^<>]*>)|<!--",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"&#?\w+;")


def path_prefixes(path: str) -> Iterator[str]:
    """The path itself, then without its last key, and so on: which keys it may begin with, the longest first."""
    yield path
    while "." in path:
        path = path.rpartition(".")[0]
        yield path


def field_views(field: View) -> Sequence[View]:
    """The views of a field's text: `field` itself, or those of the HTML in it, mapped on to the raw text."""
    if not _is_html(field.text):
        return [with_fixed(field, template_markup(field.text), in_raw=False)]
    return [_composed(field, inner) for inner in html_views(field.text).views]


def _is_html(text: str) -> bool:
    """Whether a text holds a tag or a reference of HTML."""
    references = (match[0] for match in _REFERENCE.finditer(text))
    return bool(_TAG.search(text)) or any(unescape(reference) != reference for reference in references)


def _composed(outer: View, inner: View) -> View:
    """The view `inner` of the text of `outer`, as a view of the raw text of `outer`."""
    # An empty span, such as that of a line end which a tag stands for, stays empty.
    starts = array(OFFSET, outer.starts)
    starts.append(outer.ends[-1])
    spans = zip(inner.starts, inner.ends, strict=True)
    return replace(
        inner,
        escape=lambda text: outer.escape(inner.escape(text)),
        starts=array(OFFSET, (starts[start] for start in inner.starts)),
        ends=array(OFFSET, (outer.ends[end - 1] if end > start else starts[start] for start, end in spans)),
        name=", ".join(filter(None, [outer.name, inner.name])),
    )
