"""What an engine is: a name and a way to propose substitutions for a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from unspin.data.segment import is_word, tokenize

if TYPE_CHECKING:
    from unspin.data.spinners.persona import Persona

_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a sentence: its characters ``start:end`` and its lower-case form."""

    start: int
    end: int
    text: str

    @property
    def lower(self) -> str:
        return self.text.lower().replace("’", "'")


@dataclass(frozen=True)
class Sentence:
    """A sentence and its words; made once, read by every engine."""

    text: str
    words: tuple[Word, ...] = field(default=())

    @classmethod
    def of(cls, text: str) -> Sentence:
        found, position = [], 0
        for token in tokenize(text):
            if is_word(token):
                found.append(Word(position, position + len(token), token))
            position += len(token)
        return cls(text, tuple(found))

    def adjacent(self, first: int, last: int) -> bool:
        """Whether words `first` to `last` are parted by single white space alone."""
        return all(self.text[self.words[i].end : self.words[i + 1].start].isspace() for i in range(first, last))

    def quoted(self) -> list[tuple[int, int]]:
        return [m.span() for m in _QUOTED.finditer(self.text)]

    def named(self, index: int) -> bool:
        """Whether the word looks like part of a name: capitalised where no sentence opens."""
        word = self.words[index]
        before = self.text[: word.start].rstrip()
        opens = not before or before[-1] in '.!?:“"‘('
        return word.text[0].isupper() and not opens


@dataclass(frozen=True, slots=True)
class Substitution:
    """Put `replacement` for ``sentence[start:end]``.

    `head` is the dictionary entry used and `term` what it stands in for it, both as lemmas; a rule without a dictionary has its name as `head`
    and no `term`.
    """

    start: int
    end: int
    replacement: str
    engine: str
    head: str
    term: str = ""

    @property
    def rule(self) -> str:
        return f"{self.head} > {self.term}" if self.term else self.head


class Spinner(Protocol):
    """An engine."""

    name: str

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        """Substitutions that this persona's tool knows for the sentence, in any order, overlaps allowed."""
        ...
