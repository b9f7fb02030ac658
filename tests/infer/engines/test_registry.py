"""Every registered engine and architecture is a class that implements its contract."""

from pathlib import Path
from pkgutil import resolve_name

import pytest
from unspin.infer.engines import ENGINES, load_engine
from unspin.infer.engines.base import LoadableEngine
from unspin.infer.models import ARCHITECTURES
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
