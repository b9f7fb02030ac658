"""Decides which edits of an article are made: those that are confident enough and keep every fact of their sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from unspin.edits import Edit, apply
from unspin.infer.article import ArticleDraft, SentenceDraft
from unspin.infer.confidence import Calibration
from unspin.infer.fidelity.context import NO_CONTEXT, Context
from unspin.infer.fidelity.judge import judge
from unspin.infer.fitting import fit, fit_articles
from unspin.infer.voting import ScoredEdit, confident_edits, suspected_share

SURE = 0.7  # confidence from which an edit may put a word that no thesaurus relates to the old one: 6 in 10 are right
NO_RESTORATION = "the model's output does not restore the sentence: left unchanged"


@dataclass(frozen=True)
class RestoredSentence:
    """A sentence and the edits made in it, sorted.

    `tied` are the edits that keep the sentence's facts only together; `refusals` say why edits were not made.
    `context` is the article.
    """

    draft: SentenceDraft
    edits: tuple[ScoredEdit, ...]
    tied: frozenset[Edit]
    refusals: tuple[str, ...]
    context: Context = field(default=NO_CONTEXT, repr=False)

    @property
    def source(self) -> str:
        """The sentence before restoring."""
        return self.draft.text

    @property
    def text(self) -> str:
        """The sentence after restoring."""
        return apply(self.source, (scored.edit for scored in self.edits))


@dataclass(frozen=True)
class RestoredArticle:
    """The restored sentences of an article.

    `suspected_share` is the share of its words that the model suspects, `spun_share` the estimated share that a spinner
    garbled.
    """

    draft: ArticleDraft
    sentences: tuple[RestoredSentence, ...]
    suspected_share: float
    spun_share: float


def decide(article: ArticleDraft, calibration: Calibration, threshold: float) -> RestoredArticle:
    """Decide on the edits of the sentences that the model has read so far; edits below `threshold` are not made."""
    sentences = article.read_sentences
    restored = tuple(
        _decide_sentence(sentence, [scored for scored in candidates if scored.confidence >= threshold], article.context)
        for sentence, candidates in zip(sentences, confident_edits(sentences, calibration), strict=True)
    )
    share = suspected_share(sentences)
    return RestoredArticle(article, restored, share, calibration.spun_share(share))


def _decide_sentence(sentence: SentenceDraft, candidates: Sequence[ScoredEdit], context: Context) -> RestoredSentence:
    confidences: dict[Edit, float] = {}
    for candidate in candidates:
        if fitted := fit(sentence.text, candidate.edit, context):
            confidences[fitted] = candidate.confidence
    sure = [edit for edit, confidence in confidences.items() if confidence >= SURE]
    verdict = judge(sentence.text, list(confidences), context, sure)
    final = dict(zip(verdict.kept, fit_articles(sentence.text, list(verdict.kept)), strict=True))
    edits = tuple(ScoredEdit(final[edit], confidences[proposed]) for edit, proposed in verdict.kept.items())
    tied = frozenset(final[edit] for edit in verdict.tied)
    refusals = (NO_RESTORATION,) if sentence.is_rejected else verdict.refusals
    return RestoredSentence(sentence, edits, tied, refusals, context)
