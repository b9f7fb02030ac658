"""Plain text: everything is readable, and the view is the text itself."""

from __future__ import annotations

from unspin.infer.documents.base import TEXT_FIELD, Format, View


def text_views(raw: str, field: str = TEXT_FIELD) -> list[View]:
    """One view of the whole text."""
    return [View(starts=range(len(raw)), ends=range(1, len(raw) + 1), text=raw)]


TEXT = Format("txt", "plain text", (".txt", ".text"), text_views)
