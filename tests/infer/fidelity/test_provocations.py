"""Provocations: an engine alters one fact in each of thousands of sentences, and the fidelity check must stop it.

The sentences come from the project's own articles, clean and garbled by spinners. Facts are chosen by hand-written
lists and patterns, never by the checker's own finders, which would hide what those miss.
"""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from unspin.data.spinners.mixture import Mixture
from unspin.data.spinners.persona import Persona
from unspin.infer.engines.base import Rewriting
from unspin.infer.restorer import Restorer
from unspin.segment import split_sentences

ARTICLES = Path(__file__).parents[3] / "data" / "articles"
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
PERSONS = {"he": "she", "she": "he", "his": "her", "He": "She", "She": "He", "we": "they"}
SURNAMES = """Delacroix Dunmire Ellison Haddadin Harcourt Harlow Larkham Nordgren Okonjo Pemberton Penrose Prather
    Prosser Quiroga Solheim Stroh Szymanski Tidmarsh Tillinghast Tolliver Vickery Whitlock Wickramanayake
    Winstanley""".split()
PLACES = """Afghanistan Africa Armenia Asia Australia Azerbaijan Bangladesh Beijing Belgium Boston Brazil Britain
    Brussels California Cambodia Canada Chicago Chile China Congo Copenhagen Dakar Egypt England Ethiopia Europe
    Florida France Geneva Germany Ghana Guinea Honduras India Iran Iraq Ireland Israel Italy Japan Kentucky Kenya
    Kosovo Libya London Malawi Mali Manila Mexico Minnesota Morocco Myanmar Nairobi Netherlands Nigeria Norway Ohio
    Oregon Panama Paris Peru Philippines Poland Portugal Russia Rwanda Scotland Serbia Spain Sudan Taiwan Thailand
    Tokyo Toronto Turkey Ukraine Vietnam Wales Yemen Yerevan""".split()


def _other_number(sentence: str, rng: random.Random) -> str:
    return re.sub(r"(?<![\w.,])\d{1,3}(?![\w.,]?\d)", lambda m: str(int(m[0]) + rng.randint(1, 9)), sentence, count=1)


def _other_day(sentence: str, rng: random.Random) -> str:
    return re.sub(
        rf"\b(?:{'|'.join(DAYS)})\b", lambda m: DAYS[(DAYS.index(m[0]) + rng.randint(1, 6)) % 7], sentence, count=1
    )


def _not_dropped(sentence: str, rng: random.Random) -> str:
    """Not the "not" of "more often than not" and "not to mention", which denies nothing."""
    return re.sub(r"(?<!ore often than) not\b(?! to mention)|(?<=\w)n['’]t\b", "", sentence, count=1)


def _not_added(sentence: str, rng: random.Random) -> str:
    return re.sub(r"\b(is|was|are|were|has|had|will|would|could)\b(?! not|n['’]t)", r"\1 not", sentence, count=1)


def _other_person(sentence: str, rng: random.Random) -> str:
    return re.sub(r"\b(?:he|she|his|He|She|we)\b", lambda m: PERSONS[m[0]], sentence, count=1)


def _other_surname(sentence: str, rng: random.Random) -> str:
    return _replace_one(SURNAMES, sentence, rng)


def _surname_dropped(sentence: str, rng: random.Random) -> str:
    return re.sub(rf"\b(?:{'|'.join(SURNAMES)})\b", "", sentence, count=1)


def _invented_place(sentence: str, rng: random.Random) -> str:
    return re.sub(rf"\b(?:{'|'.join(PLACES)})\b", "Vandrakovia", sentence, count=1)


def _other_place(sentence: str, rng: random.Random) -> str:
    return _replace_one(PLACES, sentence, rng)


def _replace_one(names: list[str], sentence: str, rng: random.Random) -> str:
    """The sentence with the first of these names replaced by another of them."""

    def other(match: re.Match[str]) -> str:
        return names[(names.index(match[0]) + rng.randrange(1, len(names))) % len(names)]

    return re.sub(rf"\b(?:{'|'.join(names)})\b", other, sentence, count=1)


def _quotation_mark_moved(sentence: str, rng: random.Random) -> str:
    return re.sub(r"(?<=\s)([\w'’-]+[,.]?)([”\"])", r"\2\1", sentence, count=1)


def _opposite(sentence: str, rng: random.Random) -> str:
    swapped = {
        "more": "less",
        "less": "more",
        "before": "after",
        "after": "before",
        "rose": "fell",
        "fell": "rose",
        "days": "weeks",
        "years": "months",
        "kilometres": "miles",
        "metres": "feet",
        "tonnes": "kilos",
        "euros": "dollars",
        "pounds": "pence",
        "twice": "once",
        "half": "a third",
        "may": "will",
        "would": "might",
    }
    return re.sub(rf"\b(?:{'|'.join(swapped)})\b", lambda m: swapped[m[0]], sentence, count=1)


def _bound_dropped(sentence: str, rng: random.Random) -> str:
    return re.sub(
        r"\b(?:[Aa]t least|[Mm]ore than|[Aa]bout|[Nn]early|[Aa]lmost|[Uu]p to) (?=\d|half|two|three|four|five|six)",
        "",
        sentence,
        count=1,
    )


def _negative_prefix_dropped(sentence: str, rng: random.Random) -> str:
    return re.sub(
        r"\b(?:un|il|dis|in)(?=(?:able|likely|clear|known|usual|employed|certain|expected|legal|appear|cover|dependent|direct|accura)\w*)",
        "",
        sentence,
        count=1,
    )


LIES = [
    _other_number,
    _other_day,
    _not_dropped,
    _not_added,
    _other_person,
    _other_surname,
    _surname_dropped,
    _invented_place,
    _quotation_mark_moved,
    _opposite,
    _bound_dropped,
    _negative_prefix_dropped,
]


class Liar:
    """An engine that alters one fact in every sentence and is sure of it."""

    def __init__(self, lie: Callable[[str, random.Random], str]) -> None:
        self._lie, self._rng = lie, random.Random(5)

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        texts = [self._lie(sentence, self._rng) for sentence in sentences]
        return [Rewriting(text, tuple(range(1, len(text) + 1)), (0.0,) * (len(text) + 1)) for text in texts]


@pytest.fixture(scope="module")
def clean() -> list[str]:
    """The sentences of the project's articles."""

    files = sorted(ARTICLES.rglob("*.txt"))
    return [sentence for file in files for sentence in split_sentences(file.read_text(encoding="utf-8"))]


@pytest.fixture(scope="module")
def spun(clean: list[str]) -> list[str]:
    """The same sentences, heavily spun."""
    spinners = {"phrases": 1.0, "thesaurus": 0.8}
    mixture = Mixture(spinners)
    personas = [replace(Persona.sample("provocations", i, spinners=spinners), strength=0.4) for i in range(20)]
    return [mixture.spin(sentence, personas[i % 20]).text for i, sentence in enumerate(clean)]


@pytest.mark.parametrize("kind", ["clean", "spun"])
@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__.lstrip("_"))
def test_no_lie_gets_through(
    kind: str, lie: Callable[[str, random.Random], str], request: pytest.FixtureRequest
) -> None:
    rng = random.Random(5)
    provoked = [sentence for sentence in request.getfixturevalue(kind) if lie(sentence, rng) != sentence]
    assert len(provoked) > 50
    slipped = _slipped(lie, provoked)
    assert not slipped, f"{len(slipped)} of {len(provoked)}, for instance {slipped[:4]}"


def test_one_place_in_twenty_at_most_is_exchanged_for_another(clean: list[str]) -> None:
    """A known gap: no name is found in "Brazil" and "Japan", whose lower case is in the dictionary."""
    rng = random.Random(5)
    provoked = [sentence for sentence in clean if _other_place(sentence, rng) != sentence]
    assert len(provoked) > 400
    assert len(_slipped(_other_place, provoked)) <= 0.05 * len(provoked)


def _slipped(lie: Callable[[str, random.Random], str], provoked: Sequence[str]) -> list[tuple[str, str]]:
    """The sentences that were altered in spite of the check, with what became of them."""
    restored = Restorer(Liar(lie)).restore_sentences(provoked).sentences
    return [(source, r.text) for source, r in zip(provoked, restored, strict=True) if r.text != source]


def test_there_are_over_two_thousand_provocations(clean: list[str]) -> None:
    rng = random.Random(5)
    assert sum(lie(sentence, rng) != sentence for lie in LIES for sentence in clean) > 2000
