"""Provocations: over two thousand sentences of the project's own articles, one fact of each altered by a lying engine; no lie gets through."""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from unspin.data.segment import paragraphs, sentences
from unspin.data.spinners.mixture import Mixture
from unspin.data.spinners.persona import Persona
from unspin.infer.engines import Rewriting
from unspin.infer.fidelity import names
from unspin.infer.restorer import Restorer

ARTICLES = Path(__file__).parents[2] / "data" / "articles"
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
PERSONS = {"he": "she", "she": "he", "his": "her", "He": "She", "She": "He", "we": "they"}


def _other_number(sentence: str, rng: random.Random) -> str:
    return re.sub(r"(?<![\w.,])\d{1,3}(?![\w.,]?\d)", lambda m: str(int(m[0]) + rng.randint(1, 9)), sentence, count=1)


def _other_day(sentence: str, rng: random.Random) -> str:
    return re.sub(rf"\b(?:{'|'.join(DAYS)})\b", lambda m: DAYS[(DAYS.index(m[0]) + rng.randint(1, 6)) % 7], sentence, count=1)


def _not_dropped(sentence: str, rng: random.Random) -> str:
    """Not the "not" of "more often than not" and "not to mention", which denies nothing."""
    return re.sub(r"(?<!ore often than) not\b(?! to mention)|(?<=\w)n['’]t\b", "", sentence, count=1)


def _not_added(sentence: str, rng: random.Random) -> str:
    return re.sub(r"\b(is|was|are|were|has|had|will|would|could)\b(?! not|n['’]t)", r"\1 not", sentence, count=1)


def _other_person(sentence: str, rng: random.Random) -> str:
    return re.sub(r"\b(?:he|she|his|He|She|we)\b", lambda m: PERSONS[m[0]], sentence, count=1)


def _instead_of_a_name(sentence: str, rng: random.Random, other: str) -> str:
    spans = names(sentence)
    if not spans:
        return sentence
    start, end = rng.choice(spans)
    return f"{sentence[:start]}{other}{sentence[end:]}"


def _other_name(sentence: str, rng: random.Random) -> str:
    return _instead_of_a_name(sentence, rng, "Vandrakovic")


def _name_dropped(sentence: str, rng: random.Random) -> str:
    return _instead_of_a_name(sentence, rng, "")


def _quotation_mark_moved(sentence: str, rng: random.Random) -> str:
    return re.sub(r"(?<=\s)([\w'’-]+[,.]?)([”\"])", r"\2\1", sentence, count=1)


def _more_for_less(sentence: str, rng: random.Random) -> str:
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
    return re.sub(r"\b(?:[Aa]t least|[Mm]ore than|[Aa]bout|[Nn]early|[Aa]lmost|[Uu]p to) (?=\d|half|two|three|four|five|six)", "", sentence, count=1)


def _turned_round(sentence: str, rng: random.Random) -> str:
    return re.sub(
        r"\b(?:un|il|dis|in)(?=(?:able|likely|clear|known|usual|employed|certain|expected|legal|appear|cover|dependent|direct|accura)\w*)",
        "",
        sentence,
        count=1,
    )


LIES = [
    _other_number, _other_day, _not_dropped, _not_added, _other_person, _other_name, _name_dropped, _quotation_mark_moved, _more_for_less,
    _bound_dropped, _turned_round,
]  # fmt: skip


class Liar:
    """An engine that is sure of its lie."""

    def __init__(self, lie: Callable[[str, random.Random], str]) -> None:
        self._lie, self._rng = lie, random.Random(5)

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        texts = [self._lie(sentence, self._rng) for sentence in sentences]
        return [Rewriting(text, tuple(range(1, len(text) + 1)), (0.0,) * (len(text) + 1)) for text in texts]


@pytest.fixture(scope="module")
def clean() -> list[str]:
    def read() -> Iterator[str]:
        for file in sorted(ARTICLES.rglob("*.txt")):
            text = file.read_text(encoding="utf-8")
            for paragraph in paragraphs(text):
                body = text[paragraph.start : paragraph.end]
                yield from (body[s.start : s.end] for s in sentences(body))

    return list(read())


@pytest.fixture(scope="module")
def spun(clean: list[str]) -> list[str]:
    """The same sentences as a heavy tool garbles them."""
    engines = {"phrases": 1.0, "thesaurus": 0.8}
    mixture = Mixture(engines)
    personas = [replace(Persona.sample("provocations", i, engines=engines), strength=0.4) for i in range(20)]
    return [mixture.spin(sentence, personas[i % 20]).text for i, sentence in enumerate(clean)]


@pytest.mark.parametrize("kind", ["clean", "spun"])
@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__.lstrip("_"))
def test_no_lie_gets_through(kind: str, lie: Callable[[str, random.Random], str], request: pytest.FixtureRequest) -> None:
    rng = random.Random(5)
    provoked = [sentence for sentence in request.getfixturevalue(kind) if lie(sentence, rng) != sentence]
    assert len(provoked) > 50
    restored = Restorer(Liar(lie)).restore_sentences(provoked).sentences
    slipped = [(s, r.text) for s, r in zip(provoked, restored, strict=True) if r.text != s]
    assert not slipped, f"{len(slipped)} of {len(provoked)}, for instance {slipped[:4]}"


def test_the_provocations_are_two_thousand(clean: list[str]) -> None:
    rng = random.Random(5)
    assert sum(lie(sentence, rng) != sentence for lie in LIES for sentence in clean) > 2000
