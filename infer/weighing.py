"""Lets a model compare what a phrase table proposes with the sentences as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import islice

from unspin.edits import apply
from unspin.infer.article import SentenceDraft
from unspin.infer.engines.base import Engine, engine_lock
from unspin.infer.fidelity.abbreviations import agreement
from unspin.infer.fidelity.judge import violation
from unspin.infer.fidelity.kinds import Evidence
from unspin.infer.phrase_table import PhraseTable
from unspin.infer.proposals import PhraseProposal

HITS_PER_CALL = 64  # places given to the engine at a time
AGREEMENT = 10.0  # added to the log ratio of a listed replacement that agrees with the abbreviation beside it


def weigh(sentences: Sequence[SentenceDraft], table: PhraseTable, engine: Engine) -> None:
    """Store in each sentence the edits that a phrase table proposes for it, with the model's comparison.

    Of several replacements for a place, the best that keeps the facts is proposed.
    """
    hits = [(sentence, hit) for sentence in sentences for hit in table.find(sentence.text)]
    for first in range(0, len(hits), HITS_PER_CALL):
        group = hits[first : first + HITS_PER_CALL]
        edits = [(sentence, edit) for sentence, hit in group for edit in hit.edits]
        with engine_lock:
            ratios = engine.log_ratios(
                [sentence.text for sentence, _ in edits],
                [apply(sentence.text, [edit]) for sentence, edit in edits],
            )
        weighed = iter(zip(ratios, edits, strict=True))
        for sentence, hit in group:
            proposals = [
                PhraseProposal(edit, ratio, not violation(sentence.text, edit, evidence=Evidence.LISTED))
                for ratio, (_, edit) in islice(weighed, len(hit.edits))
            ]
            sentence.reading.phrases += (max(proposals, key=partial(_rank, sentence.text)),)


def _rank(sentence: str, proposal: PhraseProposal) -> tuple[bool, float]:
    """The order of proposals for one place: facts first, then how well the sentence and its abbreviations read."""
    return proposal.keeps_facts, proposal.log_ratio + AGREEMENT * agreement(sentence, proposal.edit)
