"""The interface of a spinner, and the types it reads and yields.

To add a spinner, write one module and register its class::

    class Shouting(Spinner):
        name = "shouting"

        def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
            for word in sentence.words:
                if persona.knows(self.name, word.lower):
                    yield Substitution(word.start, word.end, word.text.upper(), self.name, "upper case")

    # pyproject.toml
    [project.entry-points."unspin.spinners"]
    shouting = "mypackage.shouting:Shouting"

A build config can then name it under ``spinners``. It may live in any installed package.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from unspin.segment import is_word, tokenize

if TYPE_CHECKING:
    from unspin.data.spinners.persona import Persona


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a sentence and its character offsets, ``sentence.text[start:end]``."""

    start: int
    end: int
    text: str

    @property
    def lower(self) -> str:
        """The word in lower case with straight apostrophes, as dictionaries spell it."""
        return self.text.lower().replace("’", "'")


@dataclass(frozen=True)
class Sentence:
    """A sentence and its words. Build it with `Sentence.of`; all spinners share one instance."""

    text: str
    words: tuple[Word, ...] = ()

    @classmethod
    def of(cls, text: str) -> Sentence:
        """Tokenize `text`; punctuation and whitespace are not words."""
        words, position = [], 0
        for token in tokenize(text):
            if is_word(token):
                words.append(Word(position, position + len(token), token))
            position += len(token)
        return cls(text, tuple(words))

    def adjacent(self, first: int, last: int) -> bool:
        """Whether only whitespace separates the words with the indices `first` to `last`."""
        return all(self.text[self.words[i].end : self.words[i + 1].start].isspace() for i in range(first, last))

    def named(self, index: int) -> bool:
        """Whether the word looks like part of a name: it is capitalised and does not open a sentence or quotation."""
        word = self.words[index]
        before = self.text[: word.start].rstrip()
        opens = not before or before[-1] in '.!?:“"‘('
        return word.text[0].isupper() and not opens


@dataclass(frozen=True, slots=True)
class Substitution:
    """A proposal to replace ``sentence.text[start:end]`` with `replacement`.

    A dictionary spinner gives the entry it used as `headword` and the chosen substitute as `term`, both as lemmas.
    They decide whether the proposal is held out from training. Any other spinner gives the name of its rule as
    `headword` and leaves `term` empty. An empty range inserts text; an empty `replacement` deletes it.
    """

    start: int
    end: int
    replacement: str
    spinner: str
    headword: str
    term: str = ""

    @property
    def rule(self) -> str:
        """What the data set records for the edit: ``headword > term``, or the name of the rule."""
        return f"{self.headword} > {self.term}" if self.term else self.headword


class Spinner(Protocol):
    """Proposes substitutions for a sentence.

    The class is called once per process, without arguments or with the text after the colon of a name such as
    ``roundtrip:apertium:spa``, or with the path of its dictionary file. It raises `SpinnerError` if a program, model
    or file is missing, so that a build fails before it reads any article. An instance is pickled to worker processes:
    load weights and start processes in the first call of `propose`, not in the constructor.
    """

    name: str
    """The registered name; `Substitution.spinner` repeats it."""

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        """Yield all substitutions that this tool could make, in any order; they may overlap.

        The result must depend on `sentence` and `persona` only. Take random numbers from `Persona.draw`, never from a
        running generator. The mixture resolves overlaps, protects names and quotations, and decides how many
        proposals a tool carries out.
        """
        ...
