"""The pipeline: called as those of transformers are."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
import unspin
from unspin.infer.engines.base import Rewriting
from unspin.infer.pipeline import Pipeline
from unspin.infer.restorer import Restorer

SPUN = "The overseas minister spoke."


class Foreign:
    """An engine that restores "overseas", with full confidence."""

    def rewrite(self, sentences: Sequence[str]) -> list[Rewriting]:
        texts = [sentence.replace("overseas", "foreign") for sentence in sentences]
        return [Rewriting(text, tuple(range(1, len(text) + 1)), (-0.1,) * (len(text) + 1)) for text in texts]


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The arguments that restorers are loaded with."""
    calls: list[dict[str, Any]] = []

    def load(name: str, *, engine: str, device: str, **options: Any) -> Restorer:
        calls.append({"name": name, "engine": engine, "device": device, **options})
        return Restorer(Foreign(), **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Restorer, "from_pretrained", load)
    return calls


def test_one_text_gives_a_list_of_one_dict(loaded: list[dict[str, Any]]) -> None:
    (output,) = unspin.pipeline(min_confidence=0.4)(SPUN)
    assert output["generated_text"] == "The foreign minister spoke."
    assert output.keys() == {"generated_text", "edits", "spun_share", "warnings"}
    (edit,) = output["edits"]
    assert (edit["spun"], edit["restored"], edit["restored_start"], edit["restored_end"]) == (
        "overseas",
        "foreign",
        4,
        11,
    )
    assert output["warnings"] == [] and 0 < output["spun_share"] < 1
    assert loaded == [
        {
            "name": "default",
            "engine": "draft",
            "device": "cpu",
            "min_confidence": 0.4,
            "keep_quotations": False,
            "alternatives": 0,
        }
    ]


def test_a_list_gives_a_list_and_an_iterator_an_iterator_that_reads_lazily() -> None:
    restore = Pipeline(Restorer(Foreign(), min_confidence=0.4))  # type: ignore[arg-type]
    outputs = restore([SPUN, "It rained."])
    assert isinstance(outputs, list)
    assert [output["generated_text"] for output in outputs] == ["The foreign minister spoke.", "It rained."]
    asked: list[int] = []

    def texts() -> Iterator[str]:
        for number in range(1000):
            asked.append(number)
            yield SPUN * 1000

    lazy = restore(texts())
    assert asked == [] and isinstance(lazy, Iterator)
    assert [output.keys() for output in next(lazy)] == [outputs[0].keys()]
    assert 1 <= len(asked) < 10


def test_a_call_may_have_options_of_its_own_which_are_checked_at_once() -> None:
    restore = Pipeline(Restorer(Foreign(), min_confidence=0.4))  # type: ignore[arg-type]
    (output,) = restore(SPUN, min_confidence=0.9)
    assert output["generated_text"] == SPUN
    with pytest.raises(ValueError, match="min_confidence is 7"):
        restore(iter([SPUN]), min_confidence=7)
    with pytest.raises(TypeError, match="batch_size"):
        restore([SPUN], batch_size=8)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("device", "name"),
    [(None, "cpu"), (-1, "cpu"), (0, "cuda:0"), (1, "cuda:1"), ("cuda", "cuda"), (torch.device("cpu"), "cpu")],
    ids=str,
)
def test_a_device_may_be_given_as_to_transformers(device: Any, name: str, loaded: list[dict[str, Any]]) -> None:
    unspin.pipeline(model="folder", device=device)
    assert (loaded[0]["name"], loaded[0]["device"]) == ("folder", name)
