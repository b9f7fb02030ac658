"""Systems: everything that can restore the texts of a spun article: ours, and what people could use instead.

The baselines are given a fair chance: the dictionaries that the spinners use, word counts from the training articles, a
margin tuned on the validation articles, and the base model's score of each candidate.

To add a system, write a module with a subclass of `systems.base.System` and add one line to `SYSTEMS`.
"""

from __future__ import annotations

from pkgutil import resolve_name

from unspin.evaluation.systems.base import System, SystemSettings

# Name in configs and tables -> class, imported only when the system is loaded.
SYSTEMS = {
    "unspin": "unspin.evaluation.systems.restorer:Unspin",
    "unspin int8": "unspin.evaluation.systems.restorer:UnspinInt8",
    "copy the input": "unspin.evaluation.systems.copy:Copy",
    "reverse lexicon": "unspin.evaluation.systems.reverse_lexicon:ReverseLexicon",
    "noisy channel": "unspin.evaluation.systems.noisy_channel:NoisyChannel",
    "few-shot": "unspin.evaluation.systems.few_shot:FewShot",
    "harper": "unspin.evaluation.systems.harper:Harper",
}


def load_system(name: str, settings: SystemSettings) -> System:
    """Create the system of that name. Models are loaded only when the first text is restored."""
    system: System = resolve_name(SYSTEMS[name])(settings)
    return system
