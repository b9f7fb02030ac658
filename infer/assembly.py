"""Puts a document together from its restored articles: edits in the raw text, and warnings with their places.

Text outside the edits is kept byte for byte.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count

from unspin.edits import Edit, apply
from unspin.infer.decision import RestoredArticle, RestoredSentence
from unspin.infer.documents.base import View
from unspin.infer.restoration import Restoration, RestoredEdit
from unspin.infer.voting import ScoredEdit
from unspin.segment import Span, quotations, words

NOT_ENGLISH = "does not read as English: left unchanged"
NO_PLACE = "{spun!r} would become {restored!r}, which the markup around it does not allow: left unchanged"
FindAlternatives = Callable[[RestoredSentence, Edit], tuple[str, ...]]


def assemble(
    text: str, articles: Sequence[RestoredArticle], find_alternatives: FindAlternatives, keep_quotations: bool
) -> Restoration:
    """The restoration of a document from its articles, in order.

    `find_alternatives` is called once for every edit; with `keep_quotations`, edits between quotation marks are left
    out.
    """
    assembler = _Assembler(text, find_alternatives, keep_quotations)
    for article in articles:
        assembler.add(article)
    edits = tuple(assembler.edits)
    readable = tuple(article.draft.view.text for article in articles)
    warnings = tuple(f"{place}: {warning}" if place else warning for place, warning in assembler.warnings)
    return Restoration(text, apply(text, edits), edits, readable, _spun_share(articles), warnings)


class _Assembler:
    """Places the edits of a document's articles in its raw text, numbers their groups, and collects warnings."""

    def __init__(self, text: str, find_alternatives: FindAlternatives, keep_quotations: bool) -> None:
        self.edits: list[RestoredEdit] = []
        self.warnings: list[tuple[str, str]] = []  # place, warning
        self._text, self._find_alternatives, self._keep_quotations = text, find_alternatives, keep_quotations
        self._groups, self._article = count(1), -1

    def add(self, article: RestoredArticle) -> None:
        """Add the edits and warnings of the next article."""
        self._article += 1
        view = article.draft.view
        if not article.draft.is_english:
            self.warnings.append((view.name, NOT_ENGLISH))
        quoted = quotations(view.text)
        for sentence in article.sentences:
            offsets = sentence.draft.offsets
            self._warn(view, offsets[0], sentence.refusals)
            group = next(self._groups) if sentence.tied else 0
            placed = {
                scored.edit: self._place(
                    article, sentence, scored, quoted, group if scored.edit in sentence.tied else 0
                )
                for scored in sentence.edits
            }
            tied_is_whole = all(placed[edit] for edit in sentence.tied)
            self.edits += [edit for edit in placed.values() if edit and (tied_is_whole or not edit.group)]

    def _place(
        self,
        article: RestoredArticle,
        sentence: RestoredSentence,
        scored: ScoredEdit,
        quoted: Sequence[Span],
        group: int,
    ) -> RestoredEdit | None:
        """An edit of a sentence in its place in the raw text; None if it is not to be made there."""
        view, offsets, edit = article.draft.view, sentence.draft.offsets, scored.edit
        in_view = replace(edit, start=offsets[edit.start], end=offsets[edit.end])
        before = bisect_right(quoted, in_view.start, key=lambda span: span.start)
        in_quotation = before > 0 and in_view.start < quoted[before - 1].end
        if in_quotation and self._keep_quotations:
            return None
        spun = view.text[in_view.start : in_view.end]
        raw = view.raw_edit(self._text, in_view)
        if raw is None:
            self._warn(view, in_view.start, [NO_PLACE.format(spun=spun, restored=edit.replacement)])
            return None
        return RestoredEdit(
            raw.start,
            raw.end,
            spun,
            edit.replacement,
            raw.replacement,
            _kind(spun, edit.replacement, scored, in_quotation),
            round(scored.confidence, 4),
            self._find_alternatives(sentence, edit),
            group,
            self._article,
            in_view.start,
        )

    def _warn(self, view: View, position: int, reasons: Sequence[str]) -> None:
        if reasons:
            place = view.place(self._text, position)
            self.warnings += [(place, reason) for reason in reasons]


def _kind(spun: str, restored: str, scored: ScoredEdit, in_quotation: bool) -> str:
    if scored.is_listed:
        return "dictionary"
    if in_quotation:
        return "quotation"
    if not restored.strip():
        return "deletion"
    if not spun.strip():
        return "insertion"
    return "phrase" if " " in spun.strip() or " " in restored.strip() else "word"


def _spun_share(articles: Sequence[RestoredArticle]) -> float:
    """The mean of the articles' shares of spun words, weighted by their numbers of words."""
    spun = total = 0.0
    for article in articles:
        for sentence in article.sentences:
            size = len(words(sentence.source))
            spun, total = spun + size * article.spun_share, total + size
    return spun / total if total else 0.0
