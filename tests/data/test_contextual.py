"""The contextual engine: what it proposes is the model's best, in the word's form, the same each time; wrong models are told."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from unspin.data.spinners import EngineError, Mixture, Persona, Sentence, Substitution
from unspin.data.spinners import contextual as module
from unspin.data.spinners.contextual import Contextual
from unspin.data.spinners.persona import held_out
from unspin.data.spinners.tables import IMMUTABLE

PERSONA = replace(Persona.sample("contextual", engines={"contextual": 1}), strength=1.0, protects_names=False, protects_quotations=False)
SENTENCES = [
    "The foreign minister told Paris on Monday that two companies had left the country because of the war.",
    "“Companies often fail,” she said, and children who sleep badly perform worse at school.",
]
WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] the two companies left firm firms enterprises Monday , ##es quickly".split()


@pytest.fixture
def tiny_masked(tmp_path: Path) -> Path:
    """A BERT with random weights that fills every mask with, in this order: firm, ##es, the, companies, firms."""
    from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

    folder = tmp_path / "masked"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizerFast(vocab=str(folder / "vocab.txt"), model_max_length=64).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, max_position_embeddings=64
    )
    model = BertForMaskedLM(config)
    with torch.no_grad():
        for order, word in enumerate(["firm", "##es", "the", "companies", "firms"]):
            model.cls.predictions.bias[WORDS.index(word)] = 1000.0 - 100 * order
    model.save_pretrained(folder)
    return folder


def proposals(model: Path, sentence: str) -> list[Substitution]:
    return list(Contextual(str(model)).propose(Sentence.of(sentence), PERSONA))


def summed(model: Path, context: str, put: str) -> float:
    """The log probability of `put` after `context`, by one reading of both."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    before, ids = ([2, *tokenizer(text, add_special_tokens=False)["input_ids"]] for text in (context, context + put))
    with torch.inference_mode():
        logits = AutoModelForCausalLM.from_pretrained(model)(torch.tensor([ids])).logits[0].log_softmax(-1)
    return sum(float(logits[i - 1, ids[i]]) for i in range(len(before), len(ids)))


def test_a_masked_model_puts_its_first_whole_word_of_the_same_form_and_another_lemma(tiny_masked: Path) -> None:
    assert proposals(tiny_masked, "the two companies") == [Substitution(8, 17, "firms", "contextual", "company", "firm")]
    assert proposals(tiny_masked, "Companies left quickly, Companies")[0].replacement == "Firms"


def test_a_causal_model_puts_the_synonym_of_the_highest_summed_probability(tiny_base: Path) -> None:
    text = "The foreign minister told reporters"
    sentence = Sentence.of(text)
    synonyms = module._synonyms(sentence, range(len(sentence.words)))
    for made in proposals(tiny_base, text):
        same = {c.text for c in synonyms if sentence.words[c.at].start == made.start}
        context = text[: made.start].rstrip()
        gap = text[len(context) : made.start]
        scores = {put: summed(tiny_base, context, gap + put) for put in same}
        assert scores[made.replacement] == pytest.approx(max(scores.values()), abs=1e-3)
    assert len(proposals(tiny_base, text)) >= 3


def test_a_synonym_far_less_likely_than_the_original_is_not_put(tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORST", 1000.0)
    assert proposals(tiny_base, "Nobody is that much likelier than the original.") == []


@pytest.mark.parametrize("sentence", SENTENCES)
def test_names_closed_classes_and_short_words_are_left_and_a_word_has_one_proposal(tiny_base: Path, sentence: str) -> None:
    made = proposals(tiny_base, sentence)
    originals = [sentence[s.start : s.end] for s in made]
    assert made and len({s.start for s in made}) == len(made)
    assert not {"Paris", "Monday"} & set(originals) and not IMMUTABLE & {word.lower() for word in originals}
    assert all(s.replacement[0].isupper() == word[0].isupper() and s.replacement != word for s, word in zip(made, originals, strict=True))


def test_results_are_the_same_afresh_and_after_pickling_and_copying(tiny_base: Path) -> None:
    engine = Contextual(str(tiny_base))
    first = list(engine.propose(Sentence.of(SENTENCES[0]), PERSONA))
    state = pickle.dumps(engine)
    assert len(state) < 1000  # no weights in it
    for other in (pickle.loads(state), copy.deepcopy(engine)):
        module._substitutions.cache_clear()
        module._load.cache_clear()
        assert list(other.propose(Sentence.of(SENTENCES[0]), PERSONA)) == first


def test_batches_of_rows_change_nothing(tiny_base: Path, tiny_masked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = [(tiny_base, SENTENCES[0]), (tiny_masked, "the two companies left quickly, the firm left quickly")]
    together = [proposals(*it) for it in models]
    module._substitutions.cache_clear()
    monkeypatch.setattr(module, "ROWS", 1)
    assert [proposals(*it) for it in models] == together


def test_a_model_that_gives_all_logits_ranks_alike(tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted_only = proposals(tiny_base, SENTENCES[0])
    module._substitutions.cache_clear()
    monkeypatch.setattr(module, "signature", lambda _: inspect.signature(lambda input_ids: None))
    assert proposals(tiny_base, SENTENCES[0]) == wanted_only


def test_a_sentence_longer_than_the_model_and_one_without_words_are_left(tiny_base: Path, tiny_masked: Path) -> None:
    for model in (tiny_base, tiny_masked):
        assert proposals(model, "companies left " * 400) == []
        assert proposals(model, "") == proposals(model, "—") == []
    assert proposals(tiny_masked, "companies [MASK] left") == []


def test_held_out_heads_hold_in_the_mixture(tiny_base: Path) -> None:
    name = f"contextual:{tiny_base}"
    persona = replace(PERSONA, engines=(name,))
    text = " and ".join(SENTENCES)
    seen, unseen = (Mixture([name], kind).spin(text, persona).edits for kind in ("exclude", "only"))
    assert seen and not any(held_out(term) for edit in seen for term in edit.rule.split(" > "))
    assert all(any(map(held_out, edit.rule.split(" > "))) for edit in unseen)


def test_without_a_model_the_converted_default_is_used_or_asked_for(tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "user_cache_path", lambda _: tmp_path)
    with pytest.raises(EngineError, match=r"write contextual:FOLDER.*gemma-3-270m"):
        Contextual()
    (tmp_path / "gemma-3-270m").symlink_to(tiny_base)
    assert list(Contextual().propose(Sentence.of(SENTENCES[0]), PERSONA)) == proposals(tiny_base, SENTENCES[0])


def test_a_folder_without_a_model_or_with_one_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no model there; name a transformers folder"):
        Contextual(str(tmp_path / "none"))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vit", "architectures": ["ViTModel"]}))
    with pytest.raises(EngineError, match="a vit model is neither masked nor causal"):
        Contextual(str(tmp_path))


def test_weights_without_a_language_model_head_are_refused(tiny_masked: Path) -> None:
    from transformers import BertModel

    BertModel.from_pretrained(tiny_masked).save_pretrained(tiny_masked)
    with pytest.raises(EngineError, match="saved without its language-model head"):
        proposals(tiny_masked, "the two companies left")


def test_weights_that_are_not_safetensors_are_refused(tiny_masked: Path) -> None:
    (tiny_masked / "model.safetensors").rename(tiny_masked / "pytorch_model.bin")
    with pytest.raises(EngineError, match="needs safetensors weights"):
        proposals(tiny_masked, "the two companies left")
