"""Every registered engine and architecture is a class that implements its contract."""

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
