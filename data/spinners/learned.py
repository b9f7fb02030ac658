"""The `learned` spinner: words and phrases as one tool replaces them, from a list of them with counts.

`unspin build --phrases` learns such a list from pairs, and `unspin self-train` from spun texts whose
originals nobody has. The build config names the file under `dictionaries`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from unspin.data.spinners.counted import counted_index
from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence, Spinner, Substitution
from unspin.data.spinners.registry import SpinnerError
from unspin.data.spinners.tables import Index, propose_substitutions
from unspin.data.substitutions import TermPair
from unspin.phrase_lists import read_counts


@lru_cache(maxsize=4)
def index(counts: tuple[tuple[TermPair, int], ...]) -> Index:
    """The dictionary of a list of (expected, garbled) pairs with counts."""
    phrases, words = Counter[TermPair](), Counter[TermPair]()
    for (expected, garbled), count in counts:
        (phrases if " " in expected else words)[expected.lower(), garbled.lower()] += count
    return counted_index(phrases, words)


class Learned(Spinner):
    """Replaces the listed words and phrases, each substitute as often as the list counts it. `file` is the list.

    Raises `SpinnerError` if no file is named or it is missing, and `PhraseListError` if it is not such a list.
    """

    name = "learned"

    def __init__(self, file: str = "") -> None:
        if not file or not Path(file).is_file():
            what = f"spinners: learned: {f'no file {file}' if file else 'no file given'}"
            raise SpinnerError(f"{what}; set dictionaries.learned.path to a list that `unspin build --phrases` printed")
        self._counts = tuple(read_counts(Path(file)).items())

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        yield from propose_substitutions(index(self._counts), sentence, persona, self.name)
