"""Plain text: everything is readable, and the view is the text itself."""

from __future__ import annotations

from unspin.infer.documents.base import DEFAULT_OPTIONS, Contents, DocumentOptions, View
from unspin.infer.documents.text_files import TextFormat


def text_views(raw: str, options: DocumentOptions = DEFAULT_OPTIONS) -> Contents:
    """One view of the whole text."""
    return Contents([View(starts=range(len(raw)), ends=range(1, len(raw) + 1), text=raw)])


TEXT = TextFormat("txt", "plain text", (".txt", ".text"), text_views)
