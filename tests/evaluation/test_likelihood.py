"""Likelihood: log probabilities agree with those of transformers, also in padded batches."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM
from unspin.evaluation import likelihood
from unspin.evaluation.likelihood import Likelihood
from unspin.infer.models.prompt import Prompt

TEXTS = ["The war had ended.", "She left.", "The council voted on Monday to keep the old library open."]


def _expected(folder: Path, text: str) -> float:
    prompt = Prompt.from_folder(folder)
    ids = torch.tensor([[*prompt.bos_ids, *prompt.text_ids(text)]])
    model = AutoModelForCausalLM.from_pretrained(folder)
    logits = model(input_ids=ids).logits[0, :-1].detach().log_softmax(1)
    return float(logits[torch.arange(ids.shape[1] - 1), ids[0, 1:]].sum())


@pytest.mark.parametrize("tokens_per_batch", [1, 4096])
def test_log_probabilities_are_those_of_the_model(
    tiny_base: Path, monkeypatch: pytest.MonkeyPatch, tokens_per_batch: int
) -> None:
    monkeypatch.setattr(likelihood, "TOKENS_PER_BATCH", tokens_per_batch)
    expected = [_expected(tiny_base, text) for text in TEXTS]
    assert Likelihood(tiny_base, None)(TEXTS) == pytest.approx(expected, rel=0.01)


def test_a_smaller_vocabulary_makes_each_text_more_likely(tiny_base: Path) -> None:
    full, restricted = Likelihood(tiny_base, None)(TEXTS), Likelihood(tiny_base, range(50))(TEXTS)
    assert all(after > before for before, after in zip(full, restricted, strict=True))
