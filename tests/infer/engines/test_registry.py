"""Every registered engine and architecture is a class that implements its contract."""

from pathlib import Path
from pkgutil import resolve_name

import pytest
from unspin.infer.engines import ENGINES, load_engine
from unspin.infer.engines.base import LoadableEngine
from unspin.infer.models import ARCHITECTURES
from unspin.infer.models.backbone import ModelError
from unspin.infer.models.base import DecodingModel
from unspin.infer.models.checkpoint import Checkpoint


@pytest.mark.parametrize(
    ("entry", "contract"),
    [*((entry, LoadableEngine) for entry in ENGINES.values()), *((e, DecodingModel) for e in ARCHITECTURES.values())],
)
def test_a_registered_class_implements_its_contract(entry: str, contract: type) -> None:
    assert contract in resolve_name(entry).__mro__


def test_an_unknown_engine_is_refused_with_the_names_of_all() -> None:
    with pytest.raises(ValueError, match="engine 'fast' is unknown: choose one of draft, ctranslate2, transformers"):
        load_engine("fast", Checkpoint.open("default"))


@pytest.mark.parametrize("engine", ["transformers", "ctranslate2"])
def test_engines_agree_how_much_better_a_text_reads(engine: str, tiny_adapter: Path) -> None:
    checkpoint = Checkpoint.open(str(tiny_adapter))
    sentences, texts = (
        ["The warfare ended.", "The warfare ended.", "A zxqφ."],
        ["The war ended.", "The warfare ended.", "A zφ."],
    )
    ratios = load_engine("draft", checkpoint).log_ratios(sentences, texts)
    assert ratios[0] != 0 == ratios[1]
    assert load_engine(engine, checkpoint).log_ratios(sentences, texts) == pytest.approx(ratios, abs=0.15)


SENTENCES = ["The warfare ended.", "A zxqφ — “naïve” 👍 text.", "Ten of 2,000 persons left for Astana in 1999."]


@pytest.mark.parametrize("engine", ["draft", "transformers"])
def test_a_copy_has_the_log_probability_of_each_token_of_the_text(engine: str, tiny_adapter: Path) -> None:
    loaded = load_engine(engine, Checkpoint.open(str(tiny_adapter)))
    expected = load_engine("transformers", Checkpoint.open(str(tiny_adapter))).copies(SENTENCES)
    for sentence, copy, other in zip(SENTENCES, loaded.copies(SENTENCES), expected, strict=True):
        assert copy.text == sentence
        assert copy.ends[-1] == len(sentence) and list(copy.ends) == sorted(copy.ends)
        assert len(copy.log_probabilities) == len(copy.ends) + 1
        assert copy.log_probabilities == pytest.approx(other.log_probabilities, abs=0.3)
        assert len(copy.runner_ups) == len(copy.ends)


@pytest.mark.parametrize("engine", ["draft", "transformers"])
def test_what_an_engine_writes_it_finds_as_likely_in_a_copy(engine: str, tiny_adapter: Path) -> None:
    """A text that the model leaves as it is has the same log probabilities, decoded and read."""
    loaded = load_engine(engine, Checkpoint.open(str(tiny_adapter)))
    texts = [sentence for sentence in SENTENCES if loaded.rewrite([sentence])[0].text == sentence]
    for decoded, copy in zip(loaded.rewrite(texts), loaded.copies(texts), strict=True):
        assert copy.ends == decoded.ends
        assert copy.log_probabilities == pytest.approx(decoded.log_probabilities, abs=0.05)


def test_an_engine_that_cannot_read_texts_says_which_can(tiny_adapter: Path) -> None:
    with pytest.raises(ModelError, match="does not screen them: use the draft engine"):
        load_engine("ctranslate2", Checkpoint.open(str(tiny_adapter))).copies(SENTENCES)
