"""Turns the model's probability of an edit into a calibrated confidence."""

from __future__ import annotations

import math
from dataclasses import dataclass

PHRASE_SLOPE, PHRASE_INTERCEPT = 0.81, -2.56  # of the released model, by unspin.evaluation.phrases
# Of the released model, by unspin.evaluation.detection.
SCREEN_FLOOR, SCREEN_RATE, SCREEN_SPREAD, SCREEN_WORD_SPREAD = 0.002, 4.3, 0.014, 1.65
MAX_EXPONENT = 700.0  # exp overflows beyond 709
MAX_LOGIT = 10.0  # keeps the confidence of an edit of a phrase table off 0 and 1
CLEARLY_SPUN = 0.1  # share of garbled words above which a still larger share says nothing more about an edit


@dataclass(frozen=True)
class Calibration:
    """Maps the model's own probability of an edit to the chance that the edit is right.

    The map is a logistic function (Platt 1999) of the edit's log odds, of how spun the article looks (the same doubtful
    edit is likely right in a spun article and wrong in a clean one), and of the edit's length (a probability is a
    product over its words).

    `slope`, `spun_weight`, `size_weight` and `intercept` are its coefficients. Edits with a confidence below
    `threshold` are not made. `phrase_slope` and `phrase_intercept` are the coefficients for the edits of a phrase
    table: a logistic function of how much better the sentence reads with the edit. `support` is the weight of other
    places where the same words were restored alike: 0 ignores them, 1 counts them as independent evidence.
    `share_floor` is the share of words that the model suspects in clean text. `share_rate` is the number of garbled
    words per word that the model suspects beyond that share. `screen_floor` and `screen_rate` are the same for a text
    that the model only reads (`garbled_share`). The half width of its interval, in roots of shares, is the root of
    ``screen_spread + screen_word_spread / words``.
    """

    slope: float = 1.0
    spun_weight: float = 0.0
    size_weight: float = 0.0
    intercept: float = 0.0
    phrase_slope: float = PHRASE_SLOPE
    phrase_intercept: float = PHRASE_INTERCEPT
    threshold: float = 0.5
    support: float = 0.0
    share_floor: float = 0.0
    share_rate: float = 1.0
    screen_floor: float = SCREEN_FLOOR
    screen_rate: float = SCREEN_RATE
    screen_spread: float = SCREEN_SPREAD
    screen_word_spread: float = SCREEN_WORD_SPREAD

    def confidence(self, probability: float, suspected: float, size: int) -> float:
        """The chance, 0..1, that an edit is right.

        `suspected` is the share of the article's words that the model suspects, `size` the number of words the edit
        touches.
        """
        odds, spun, length = features(probability, self.spun_share(suspected), size)
        logit = self.slope * odds + self.spun_weight * spun + self.size_weight * length + self.intercept
        return 1 / (1 + math.exp(min(-logit, MAX_EXPONENT)))

    def phrase_confidence(self, log_ratio: float) -> float:
        """The chance, 0..1, that an edit of a phrase table is right; `log_ratio` is that of `Engine.log_ratios`."""
        logit = self.phrase_slope * log_ratio + self.phrase_intercept
        return 1 / (1 + math.exp(-max(min(logit, MAX_LOGIT), -MAX_LOGIT)))

    def garbled_share(self, garbling: float, words: int) -> tuple[float, float, float]:
        """The estimated share of garbled words, 0..1, and the ends of an interval around it.

        Of texts like those of the fit (`unspin.evaluation.detection`), it holds the true share of nine in ten.
        `garbling` is the sum of `unspin.infer.screening.garbling` over the `words` of a text.
        """
        share = 1 - math.exp(-self.screen_rate * max(garbling / words - self.screen_floor, 0.0)) if words else 0.0
        spread = math.sqrt(self.screen_spread + self.screen_word_spread / words) if words else 1.0
        low, high = math.sqrt(share) - spread, math.sqrt(share) + spread
        return share, max(low, 0.0) ** 2, min(high, 1.0) ** 2

    def spun_share(self, suspected: float) -> float:
        """The estimated share of an article's words that a spinner garbled, 0..1, from the share the model suspects."""
        return 1 - math.exp(-self.share_rate * max(suspected - self.share_floor, 0.0))


def features(probability: float, spun_share: float, size: int) -> tuple[float, float, float]:
    """The features of an edit: its log odds, the log of the article's spun share, and the log of the edit's size."""
    clipped = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(clipped / (1 - clipped)), math.log(min(spun_share, CLEARLY_SPUN) + 0.003), math.log(size)
