"""The `tortured` spinner: technical terms as a real spinner garbled them, collected by readers of published papers.

The Problematic Paper Screener lists garbled terms with the expected ones (Cabanac, Labbé and Magazinov,
arXiv:2107.06751). Each pair is used as a whole. Aligned word by word, the pairs also give a sample of that spinner's
dictionary with the frequency of each substitute. The list is not part of this project: a build downloads it or reads
a local copy (`dictionaries` in the config; NOTICE has the attribution).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from unspin.data.spinners.counted import counted_index
from unspin.data.spinners.persona import Persona, is_held_out_term
from unspin.data.spinners.protocol import Sentence, Spinner, Substitution
from unspin.data.spinners.registry import SpinnerError
from unspin.data.spinners.tables import Index, propose_substitutions
from unspin.data.substitutions import TermPair, word_pairs
from unspin.english.lexicons import TERM
from unspin.phrase_lists import ADVICE, PhraseListError, read_phrases


def read(file: Path) -> list[TermPair]:
    """The pairs of a list of phrases that are plain terms, in lower case, in file order and without duplicates.

    Raises `PhraseListError` if the file cannot be read or holds no usable pair.
    """
    listed = ((term.lower(), pair.garbled.lower()) for pair in read_phrases(file) for term in pair.expected)
    usable = [pair for pair in dict.fromkeys(listed) if all(map(TERM.fullmatch, pair))]
    if not usable:
        raise PhraseListError(f"{file}: no pair of terms found: {ADVICE}")
    return usable


@lru_cache(maxsize=4)
def index(pairs: tuple[TermPair, ...]) -> Index:
    """Terms and their words as headwords, with each substitute's count. Held-out terms contribute no word pairs."""
    words = word_pairs(pair for pair in pairs if not is_held_out_term(pair[0]))
    return counted_index(Counter(pairs), words)


class Tortured(Spinner):
    """Garbles the listed terms, and single words as the list garbles them. `file` is the list.

    Raises `SpinnerError` if no file is named or it is missing, and `PhraseListError` if it is not such a list.
    """

    name = "tortured"

    def __init__(self, file: str = "") -> None:
        if not file or not Path(file).is_file():
            what = f"spinners: tortured: {f'no file {file}' if file else 'no file given'}"
            advice = "set dictionaries.tortured.path to a copy of the garbled terms (docs/real-spinners.md)"
            raise SpinnerError(f"{what}; {advice}")
        self._pairs = tuple(read(Path(file)))

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        yield from propose_substitutions(index(self._pairs), sentence, persona, self.name)
