"""Derives ``terms.tsv.gz``, ``antonyms.tsv.gz`` and ``names.tsv.gz`` from the WordNet 3.0 database files.

``python -m unspin.english.make_terms /usr/share/wordnet`` writes the tables beside this script; the same input gives
the same bytes. `unspin.english.terms` reads them.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from unspin.english.lexicons import frequency, write_table
from unspin.english.wordnet import PARTS_OF_SPEECH, PartOfSpeech, lemma_of
from unspin.logs import log_to_terminal

# Fields of terms, each with the nouns whose hyponyms belong to it; the number is that of WordNet's sense.
FIELDS = {
    "illness": (("ill health", 1), ("symptom", 1)),
    "body": (("body part", 1),),
    "drug": (("drug", 1), ("medicine", 2)),
    "substance": (
        ("chemical element", 1),
        ("compound", 2),
        ("metal", 2),
        ("mineral", 1),
        ("fuel", 1),
        ("fabric", 1),
        ("wood", 1),
        ("gas", 2),
    ),
    "animal": (("animal", 1),),
    "food or plant": (("edible fruit", 1), ("vegetable", 1), ("grain", 2), ("meat", 1), ("tree", 1), ("herb", 1)),
    "crime": (("crime", 1),),
    "vehicle": (("vehicle", 1),),
    "weapon": (("weapon", 1),),
    "garment": (("garment", 1),),
    "instrument": (("musical instrument", 1),),
}
# The share of a word's occurrences that must have a meaning in the field.
MIN_SHARE = {"body": 0.1, "illness": 0.1, "animal": 0.3, "food or plant": 0.3}
USUAL_MIN_SHARE = 0.5
MAX_ANTONYM_SENSE = {"noun": 1, "verb": 2, "adj": 2, "adv": 1}
_WORD = re.compile(r"[a-z]+(-[a-z]+)*")
_TERM = re.compile(r"[a-z]+([ -][a-z]+){0,3}")
_COMPOUND = re.compile(r"[a-z]+( [a-z]+){1,2}")
COMMON = 300  # occurrences in 100 million words of the rarest word of a compound
_NAME = re.compile(r"[A-Z][A-Za-z.'’-]*( [A-Za-z][A-Za-z.'’-]*)*")


@dataclass(frozen=True)
class Usage:
    """How often WordNet's annotated texts have each meaning: (lemma, part of speech, number of the sense) -> count."""

    counts: dict[tuple[str, str, int], int]
    totals: dict[str, int]
    senses: dict[str, int]

    @classmethod
    def read(cls, wordnet: Path, parts: dict[str, PartOfSpeech]) -> Usage:
        """Read ``cntlist.rev``."""
        counts: dict[tuple[str, str, int], int] = {}
        totals: dict[str, int] = defaultdict(int)
        for line in (wordnet / "cntlist.rev").read_text(encoding="latin-1").splitlines():
            key, number, count = line.split()
            lemma, _, rest = key.partition("%")
            counts[lemma_of(lemma), rest[0], int(number)] = int(count)
            totals[lemma_of(lemma)] += int(count)
        senses: dict[str, int] = defaultdict(int)
        for part in parts.values():
            for lemma, offsets in part.senses.items():
                senses[lemma] += len(offsets)
        return cls(counts, totals, senses)

    def share(self, noun: str, numbers: list[int]) -> float:
        """The share of a word's occurrences, as any part of speech, that have one of these senses of the noun.

        One occurrence is added to each sense, so that a word that the texts do not have is shared among its senses.
        """
        own = sum(self.counts.get((noun, "1", number), 0) + 1 for number in numbers)
        return own / (self.totals.get(noun, 0) + self.senses[noun])


def term_rows(nouns: PartOfSpeech, adjectives: PartOfSpeech, usage: Usage) -> list[str]:
    """``word <TAB> field <TAB> concepts <TAB> wider concepts``: nouns of a field, and adjectives that pertain to them.

    A wider concept is a more general one, or a whole that the thing is a part of.
    """
    hyponyms = defaultdict(list)
    for offset, synset in nouns.synsets.items():
        for above in synset.targets("@ @i"):
            hyponyms[above].append(offset)
    rows = set()
    for field, roots in FIELDS.items():
        members = _below([nouns.senses[noun][number - 1] for noun, number in roots], hyponyms)
        concepts = {
            noun: own
            for noun, senses in nouns.senses.items()
            if (own := [offset for offset in senses if offset in members])
            and _spelt_small(noun, own, nouns)
            and usage.share(noun, [number for number, offset in enumerate(senses, 1) if offset in members])
            >= MIN_SHARE.get(field, USUAL_MIN_SHARE)
        }
        for adjective, senses in adjectives.senses.items():
            related = [  # only single words: "cardiovascular" pertains to a system, not to an organ
                nouns.synsets[target].lemmas[number - 1].lower()
                for offset in senses[:1]
                for symbol, target, _, number in adjectives.synsets[offset].pointers
                if symbol == "\\" and target in nouns.synsets and number
            ]
            for noun in related:
                if noun in concepts and " " not in noun and adjective not in concepts:
                    concepts[adjective] = concepts[noun]
        for word, own in concepts.items():
            wider = {above for offset in own for above in _wider(offset, nouns) if above in members}
            if _TERM.fullmatch(word):
                rows.add(f"{word}\t{field}\t{' '.join(own)}\t{' '.join(sorted(wider))}")
    return sorted(rows)


def _below(roots: list[str], hyponyms: dict[str, list[str]]) -> set[str]:
    """The synsets under the roots, without the roots."""
    below: set[str] = set()
    level = [kind for root in roots for kind in hyponyms[root]]
    while level:
        below.update(level)
        level = [kind for above in level for kind in hyponyms[above] if kind not in below]
    return below - set(roots)


def _wider(offset: str, nouns: PartOfSpeech) -> set[str]:
    """The concepts right above a synset, and the wholes that it is a part of, directly or as a part of a part."""
    wholes, found = [offset], set(nouns.synsets[offset].targets("@ @i"))
    while wholes:
        new = set(nouns.synsets[wholes.pop()].targets("#p")) - found
        found |= new
        wholes += new
    return found


def _spelt_small(noun: str, offsets: list[str], nouns: PartOfSpeech) -> bool:
    return any(noun in nouns.synsets[offset].lemmas for offset in offsets)


def antonym_rows(parts: dict[str, PartOfSpeech]) -> list[str]:
    """``word <TAB> axes``: an axis is a pair of opposites with the side of the word, ``12+`` or ``12-``.

    Words of the same meaning, and adjectives similar to one, stand on its side.
    """
    sides: dict[str, set[str]] = defaultdict(set)
    number = 0
    for name, part in parts.items():
        axes: dict[str, set[str]] = defaultdict(set)
        for offset, synset in sorted(part.synsets.items()):
            for symbol, target, _, _ in synset.pointers:
                if symbol == "!" and offset < target:
                    number += 1
                    for side, head in (("+", offset), ("-", target)):
                        similar = part.synsets[head].targets("&") if name == "adj" else ()
                        for member in (head, *similar):
                            axes[member].add(f"{number}{side}")
        for word, senses in part.senses.items():
            if _WORD.fullmatch(word):
                for offset in senses[: MAX_ANTONYM_SENSE[name]]:
                    sides[word] |= axes[offset]
    return sorted(f"{word}\t{' '.join(sorted(own))}" for word, own in sides.items() if own)


# WordNet's lexicographer files: acts, artifacts, works, events, groups, places, persons, states and times have names
# of ordinary words; places, languages, and adjectives of both have names of one word.
NAMED_THINGS = {4, 6, 9, 10, 11, 14, 15, 18, 26, 28}
SINGLE_NAMES = {0, 1, 10, 15}


def name_rows(parts: dict[str, PartOfSpeech]) -> list[str]:
    """``name <TAB> kind``: names as they are written.

    The kind of a name of several words is ``phrase``, that of a term of two or three common words ``compound`` ("prime
    minister"). A single word is a ``word`` if it is always written with a capital ("Korean"), and a ``place`` if it is
    a place or a language and a common word too ("Turkey").
    """
    written = {lemma for part in parts.values() for synset in part.synsets.values() for lemma in synset.lemmas}
    rows = set()
    for part in parts.values():
        for synset in part.synsets.values():
            for lemma in synset.lemmas if part is parts["noun"] else ():
                if _COMPOUND.fullmatch(lemma) and frequency(lemma) >= COMMON:
                    rows.add(f"{lemma}\tcompound")
            for lemma in filter(_NAME.fullmatch, synset.lemmas):
                if " " in lemma:
                    if part is parts["noun"] and synset.lexicographer_file in NAMED_THINGS:
                        rows.add(f"{lemma}\tphrase")
                elif lemma.lower() not in written:
                    rows.add(f"{lemma}\tword")
                elif synset.lexicographer_file in SINGLE_NAMES:
                    rows.add(f"{lemma}\tplace")
    return sorted(rows)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m unspin.english.make_terms FOLDER")
    log_to_terminal()
    parts = {name: PartOfSpeech.read(Path(sys.argv[1]), name) for name in PARTS_OF_SPEECH}
    header = "Derived from WordNet 3.0, Copyright 2006 Princeton University (licence: WORDNET_LICENSE) by make_terms.py"
    folder = Path(__file__).parent
    write_table(
        folder / "terms.tsv.gz", header, term_rows(parts["noun"], parts["adj"], Usage.read(Path(sys.argv[1]), parts))
    )
    write_table(folder / "antonyms.tsv.gz", header, antonym_rows(parts))
    write_table(folder / "names.tsv.gz", header, name_rows(parts))
