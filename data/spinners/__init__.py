"""Spinners: the substitution methods that garble clean sentences, one module each.

A spinner proposes `Substitution`s for a sentence, and `Mixture` chooses among the proposals of all spinners that a
sampled tool (`Persona`) uses. Every decision is a pure function of the persona and the words concerned, so a spun
sentence depends on nothing else. `protocol.py` says how to write a spinner.
"""

from unspin.data.spinners.mixture import Mixture, spin_article
from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence, Spinner, Substitution, Word
from unspin.data.spinners.registry import SpinnerError, load_spinner, spinner_names

__all__ = [
    "Mixture",
    "Persona",
    "Sentence",
    "Spinner",
    "SpinnerError",
    "Substitution",
    "Word",
    "load_spinner",
    "spin_article",
    "spinner_names",
]
