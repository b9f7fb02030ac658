"""A language-model baseline: candidates from the dictionaries, ranked by the base model, which was never fine-tuned.

It costs up to two forward passes per candidate and round, over about twenty words each.
"""

from __future__ import annotations

from collections.abc import Callable

from unspin.edits import Edit
from unspin.evaluation.systems.base import SystemSettings
from unspin.evaluation.systems.reverse_lexicon import ReverseLexicon
from unspin.infer.models.backbone import default_backbone
from unspin.infer.models.checkpoint import Checkpoint
from unspin.lazy import cached_property

WINDOW = 10  # words of context on either side of a candidate


class NoisyChannel(ReverseLexicon):
    """The reverse lexicon's candidates, scored by the log probability of their context with and without the edit.

    The channel model is uniform over candidates; its constant is the margin. There are two rounds, since a corrected
    neighbour improves the next score. Probabilities are normalised over the token ids that the released model saw in
    training.
    """

    rounds = 2
    max_candidates = 2  # with four, a benchmark takes hours

    def __init__(self, settings: SystemSettings) -> None:
        super().__init__(settings)
        self._vocabulary = Checkpoint.open("default").vocabulary()
        self._log_probabilities: dict[str, float] = {}

    @cached_property
    def _scorer(self) -> Callable[[list[str]], list[float]]:
        from unspin.evaluation.likelihood import Likelihood

        return Likelihood(default_backbone(), self._vocabulary)

    def gains(self, text: str) -> list[tuple[float, Edit]]:
        windows = [(edit, *_windows(text, edit)) for edit in self.candidates(text)]
        known = self._log_probabilities
        unknown = sorted({window for _, *both in windows for window in both} - known.keys())
        known |= zip(unknown, self._scorer(unknown), strict=True)
        return [(known[after] - known[before], edit) for edit, before, after in windows]


def _windows(text: str, edit: Edit) -> tuple[str, str]:
    """The text around an edit, `WINDOW` words on either side, before and after the edit."""
    left = " ".join(text[: edit.start].split(" ")[-WINDOW - 1 :])
    right = " ".join(text[edit.end :].split(" ")[: WINDOW + 1])
    return left + text[edit.start : edit.end] + right, left + edit.replacement + right
