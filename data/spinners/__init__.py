"""The engines that garble clean sentences, one module each, behind one protocol and one registry.

An engine proposes `Substitution`s for a sentence; the mixture chooses among them. Whatever an engine decides is a pure
function of the persona and the words it looks at, so that a row depends on nothing else.
"""

from unspin.data.spinners.mixture import Mixture, spin_article
from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence, Spinner, Substitution, Word
from unspin.data.spinners.registry import EngineError, engine_names, load_engine

__all__ = ["EngineError", "Mixture", "Persona", "Sentence", "Spinner", "Substitution", "Word", "engine_names", "load_engine", "spin_article"]
