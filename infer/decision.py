"""Decides which edits of an article are made: those that are confident enough and keep every fact of their sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from unspin.edits import Edit, apply, select_non_overlapping, split_by_word
from unspin.infer.article import ArticleDraft, SentenceDraft
from unspin.infer.confidence import Calibration
from unspin.infer.fidelity.context import NO_CONTEXT, Context
from unspin.infer.fidelity.judge import judge
from unspin.infer.fidelity.kinds import Evidence
from unspin.infer.fitting import fit, fit_articles
from unspin.infer.phrase_matching import PhraseMatch, PhraseMatcher
from unspin.infer.voting import ScoredEdit, scored_edits, suspected_share

SURE = 0.7  # confidence from which an edit may put a word that no thesaurus relates to the old one: 6 in 10 are right
NOTHING = PhraseMatcher(())
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


def decide(
    article: ArticleDraft, calibration: Calibration, threshold: float, protected: PhraseMatcher = NOTHING
) -> RestoredArticle:
    """Decide on the edits of the sentences that the model has read so far.

    Edits below `threshold` are not made, and none that touches a phrase of `protected`.
    """
    sentences = article.read_sentences
    restored = []
    for sentence, candidates in zip(sentences, scored_edits(sentences, calibration), strict=True):
        confident = [candidate for candidate in candidates if candidate.confidence >= threshold]
        spans = protected.find(sentence.text) if confident else []
        chosen = select_non_overlapping(_allowed(sentence.text, confident, spans))
        restored.append(_decide_sentence(sentence, chosen, article.context, spans))
    share = suspected_share(sentences)
    return RestoredArticle(article, tuple(restored), share, calibration.spun_share(share))


def _evidence(candidate: ScoredEdit) -> Evidence:
    if candidate.is_listed:
        return Evidence.LISTED
    return Evidence.SURE if candidate.confidence >= SURE else Evidence.NONE


def _allowed(source: str, candidates: Sequence[ScoredEdit], protected: Sequence[PhraseMatch]) -> list[ScoredEdit]:
    """The edits of a sentence that touch no protected phrase; of the model's edits also those words that touch none."""
    return [
        candidate._replace(edit=part)
        for candidate in candidates
        for part in (
            [candidate.edit]
            if candidate.is_listed or not touches(candidate.edit, protected)
            else split_by_word(source, candidate.edit)
        )
        if not touches(part, protected)
    ]


def touches(edit: Edit, spans: Sequence[PhraseMatch]) -> bool:
    """Whether an edit changes a character of a phrase that was found."""
    return any(edit.start < span.end and span.start < edit.end for span in spans)


def _decide_sentence(
    sentence: SentenceDraft, candidates: Sequence[ScoredEdit], context: Context, protected: Sequence[PhraseMatch]
) -> RestoredSentence:
    scored: dict[Edit, ScoredEdit] = {}
    for candidate in candidates:
        if fitted := fit(sentence.text, candidate.edit, context):
            scored[fitted] = candidate
    evidence = {edit: _evidence(candidate) for edit, candidate in scored.items()}
    verdict = judge(sentence.text, list(scored), context, evidence)
    final = dict(zip(verdict.kept, fit_articles(sentence.text, list(verdict.kept)), strict=True))
    final = {edit: edit if touches(fitted, protected) else fitted for edit, fitted in final.items()}  # "Serie A"
    edits = tuple(
        scored[proposed]._replace(edit=final[edit])
        for edit, proposed in verdict.kept.items()
        if final[edit].replacement != sentence.text[final[edit].start : final[edit].end]  # an article that is right
    )
    tied = frozenset(final[edit] for edit in verdict.tied)
    refusals = (NO_RESTORATION,) if sentence.is_rejected and not edits else verdict.refusals
    return RestoredSentence(sentence, edits, tied, refusals, context)
