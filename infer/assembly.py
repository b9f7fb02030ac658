"""Puts a document together from its restored articles: edits in the raw text, and warnings with line numbers.

Text outside the edits is kept byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count

from unspin.edits import Edit, apply
from unspin.infer.decision import RestoredArticle, RestoredSentence
from unspin.infer.restoration import Restoration, RestoredEdit
from unspin.segment import quotations, words

NOT_ENGLISH = "does not read as English: left unchanged"
FindAlternatives = Callable[[RestoredSentence, Edit], tuple[str, ...]]


def assemble(
    text: str, articles: Sequence[RestoredArticle], find_alternatives: FindAlternatives, keep_quotations: bool
) -> Restoration:
    """The restoration of a document from its articles, in order.

    `find_alternatives` is called once for every edit; with `keep_quotations`, edits between double quotation marks are
    left out.
    """
    assembler = _Assembler(text, find_alternatives, keep_quotations)
    edits = tuple(edit for article in articles for edit in assembler.edits(article))
    warnings = tuple(
        f"line {line}: {warning}" if line else warning
        for article in articles
        for line, warning in _warnings(text, article, alone=len(articles) == 1)
    )
    restored = apply(text, (Edit(edit.start, edit.end, edit.restored) for edit in edits))
    return Restoration(text, restored, edits, _spun_share(articles), warnings)


class _Assembler:
    """Places the edits of a document's articles in its raw text and numbers their groups."""

    def __init__(self, text: str, find_alternatives: FindAlternatives, keep_quotations: bool) -> None:
        self._text, self._find_alternatives, self._keep_quotations = text, find_alternatives, keep_quotations
        self._groups = count(1)

    def edits(self, article: RestoredArticle) -> Iterator[RestoredEdit]:
        """The edits of an article, in the raw text."""
        quoted = quotations(article.draft.view.text)
        for sentence in article.sentences:
            group = next(self._groups) if sentence.tied else 0
            offsets = sentence.draft.offsets
            for edit, confidence in sentence.edits:
                in_view = replace(edit, start=offsets[edit.start], end=offsets[edit.end])
                in_quotation = any(span.start <= in_view.start < span.end for span in quoted)
                if in_quotation and self._keep_quotations:
                    continue
                alternatives = self._find_alternatives(sentence, edit)
                edit_group = group if edit in sentence.tied else 0
                for raw in article.draft.view.raw_edits(in_view):  # several if markup stands inside the edit
                    yield self._describe(raw, confidence, in_quotation, alternatives, edit_group)

    def _describe(
        self, edit: Edit, confidence: float, in_quotation: bool, alternatives: tuple[str, ...], group: int
    ) -> RestoredEdit:
        spun = self._text[edit.start : edit.end]
        kind = "quotation" if in_quotation else _kind(spun, edit.replacement)
        return RestoredEdit(
            edit.start, edit.end, spun, edit.replacement, kind, round(confidence, 4), alternatives, group
        )


def _kind(spun: str, restored: str) -> str:
    if not restored.strip():
        return "deletion"
    if not spun.strip():
        return "insertion"
    return "phrase" if " " in spun.strip() or " " in restored.strip() else "word"


def _warnings(text: str, article: RestoredArticle, alone: bool) -> Iterator[tuple[int, str]]:
    """The (line, warning) pairs of an article; a warning about the whole document has line 0."""
    view = article.draft.view
    if not article.draft.is_english:
        yield 0 if alone else _line(text, view.starts[0]), NOT_ENGLISH
    for sentence in article.sentences:
        if sentence.refusals:
            line = _line(text, view.starts[sentence.draft.offsets[0]])
            yield from ((line, reason) for reason in sentence.refusals)


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _spun_share(articles: Sequence[RestoredArticle]) -> float:
    """The mean of the articles' shares of spun words, weighted by their numbers of words."""
    spun = total = 0.0
    for article in articles:
        for sentence in article.sentences:
            size = len(words(sentence.source))
            spun, total = spun + size * article.spun_share, total + size
    return spun / total if total else 0.0
