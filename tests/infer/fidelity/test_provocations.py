"""Provocations: an engine alters one fact in each of thousands of sentences, and the fidelity check must stop it.

The sentences come from the project's own articles, clean and garbled by spinners. `benchmarks.lies` has the lies.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from unspin.data.spinners.mixture import Mixture
from unspin.data.spinners.persona import Persona
from unspin.infer.engines.base import Rewriting
from unspin.infer.restorer import Restorer
from unspin.segment import split_sentences

from benchmarks.lies import LIES, Lie

ARTICLES = Path(__file__).parents[3] / "data" / "articles"


class Liar:
    """An engine that alters one fact in every sentence and is sure of it."""

    def __init__(self, lie: Lie) -> None:
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


@pytest.mark.parametrize("text", ["clean", "spun"])
@pytest.mark.parametrize("kind", LIES)
def test_no_lie_gets_through(text: str, kind: str, request: pytest.FixtureRequest) -> None:
    lie, rng = LIES[kind], random.Random(5)
    provoked = [sentence for sentence in request.getfixturevalue(text) if lie(sentence, rng) != sentence]
    slipped = _slipped(lie, provoked)
    assert not slipped, f"{len(slipped)} of {len(provoked)}, for instance {slipped[:4]}"


def _slipped(lie: Lie, provoked: Sequence[str]) -> list[tuple[str, str]]:
    """The sentences that were altered in spite of the check, with what became of them."""
    restored = Restorer(Liar(lie)).restore_sentences(provoked).sentences
    return [(source, r.text) for source, r in zip(provoked, restored, strict=True) if r.text != source]


def test_there_are_over_ten_thousand_provocations(clean: list[str]) -> None:
    rng = random.Random(5)
    told = {kind: sum(lie(sentence, rng) != sentence for sentence in clean) for kind, lie in LIES.items()}
    assert sum(told.values()) > 10_000 and min(told.values()) > 5, told
