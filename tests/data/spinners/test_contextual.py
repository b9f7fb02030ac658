"""The contextual spinner: it proposes the model's best word, inflected and reproducibly, and refuses unfit models."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from unspin.data.spinners import Mixture, Persona, Sentence, SpinnerError, Substitution
from unspin.data.spinners import contextual as module
from unspin.data.spinners.contextual import Contextual
from unspin.data.spinners.persona import is_held_out_term
from unspin.english.word_classes import IMMUTABLE

PERSONA = replace(
    Persona.sample("contextual", spinners={"contextual": 1}),
    strength=1.0,
    protects_names=False,
    protects_quotations=False,
)
SENTENCES = [
    "The foreign minister told Paris on Monday that two companies had left the country because of the war.",
    "“Companies often fail,” she said, and children who sleep badly perform worse at school.",
]
WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] the two companies left firm firms enterprises Monday , ##es quickly".split()


@pytest.fixture
def tiny_masked(tmp_path: Path) -> Path:
    """A BERT with random weights whose likeliest fillers are, in this order: firm, ##es, the, companies, firms."""
    from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

    folder = tmp_path / "masked"
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizerFast(vocab=str(folder / "vocab.txt"), model_max_length=64).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
    )
    model = BertForMaskedLM(config)
    with torch.no_grad():
        for order, word in enumerate(["firm", "##es", "the", "companies", "firms"]):
            model.cls.predictions.bias[WORDS.index(word)] = 1000.0 - 100 * order
    model.save_pretrained(folder)
    return folder


def proposals(model: Path, sentence: str) -> list[Substitution]:
    return list(Contextual(str(model)).propose(Sentence.of(sentence), PERSONA))


def summed(model: Path, context: str, substitute: str) -> float:
    """The log probability of `substitute` after `context`, from one forward pass over both."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    before, ids = (
        [2, *tokenizer(text, add_special_tokens=False)["input_ids"]] for text in (context, context + substitute)
    )
    with torch.inference_mode():
        logits = AutoModelForCausalLM.from_pretrained(model)(torch.tensor([ids])).logits[0].log_softmax(-1)
    return sum(float(logits[i - 1, ids[i]]) for i in range(len(before), len(ids)))


def test_a_masked_model_proposes_its_likeliest_whole_word_of_the_same_form_and_another_lemma(tiny_masked: Path) -> None:
    assert proposals(tiny_masked, "the two companies") == [
        Substitution(8, 17, "firms", "contextual", "company", "firm")
    ]
    assert proposals(tiny_masked, "Companies left quickly, Companies")[0].replacement == "Firms"


def test_a_causal_model_proposes_the_synonym_of_the_highest_summed_probability(tiny_base: Path) -> None:
    text = "The foreign minister told reporters"
    sentence = Sentence.of(text)
    synonyms = module._synonyms(sentence, range(len(sentence.words)))
    proposed = proposals(tiny_base, text)
    assert len(proposed) >= 3
    for proposal in proposed:
        candidates = {c.text for c in synonyms if sentence.words[c.at].start == proposal.start}
        context = text[: proposal.start].rstrip()
        gap = text[len(context) : proposal.start]
        scores = {candidate: summed(tiny_base, context, gap + candidate) for candidate in candidates}
        assert scores[proposal.replacement] == pytest.approx(max(scores.values()), abs=1e-3)


def test_a_synonym_far_less_likely_than_the_original_is_not_proposed(
    tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MIN_SCORE", 1000.0)
    assert proposals(tiny_base, "Nobody is that much likelier than the original.") == []


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_content_word_has_one_proposal_and_names_and_function_words_none(tiny_base: Path, sentence: str) -> None:
    proposed = proposals(tiny_base, sentence)
    originals = [sentence[s.start : s.end] for s in proposed]
    assert proposed and len({s.start for s in proposed}) == len(proposed)
    assert not {"Paris", "Monday"} & set(originals) and not IMMUTABLE & {word.lower() for word in originals}
    assert all(
        s.replacement[0].isupper() == word[0].isupper() and s.replacement != word
        for s, word in zip(proposed, originals, strict=True)
    )


def test_results_are_the_same_without_the_cache_and_after_pickling_and_copying(tiny_base: Path) -> None:
    spinner = Contextual(str(tiny_base))
    first = list(spinner.propose(Sentence.of(SENTENCES[0]), PERSONA))
    state = pickle.dumps(spinner)
    assert len(state) < 1000  # no weights in it
    for other in (pickle.loads(state), copy.deepcopy(spinner)):
        module._substitutions.cache_clear()
        module._load.cache_clear()
        assert list(other.propose(Sentence.of(SENTENCES[0]), PERSONA)) == first


def test_the_batch_size_changes_nothing(tiny_base: Path, tiny_masked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = [(tiny_base, SENTENCES[0]), (tiny_masked, "the two companies left quickly, the firm left quickly")]
    together = [proposals(*it) for it in models]
    module._substitutions.cache_clear()
    monkeypatch.setattr(module, "BATCH_SIZE", 1)
    assert [proposals(*it) for it in models] == together


def test_a_model_without_logits_to_keep_ranks_alike(tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted_only = proposals(tiny_base, SENTENCES[0])
    module._substitutions.cache_clear()
    monkeypatch.setattr(module, "signature", lambda _: inspect.signature(lambda input_ids: None))
    assert proposals(tiny_base, SENTENCES[0]) == wanted_only


def test_sentences_that_are_too_long_or_without_words_get_no_proposals(tiny_base: Path, tiny_masked: Path) -> None:
    for model in (tiny_base, tiny_masked):
        assert proposals(model, "companies left " * 400) == []
        assert proposals(model, "") == proposals(model, "—") == []
    assert proposals(tiny_masked, "companies [MASK] left") == []


def test_the_mixture_separates_held_out_headwords(tiny_base: Path) -> None:
    name = f"contextual:{tiny_base}"
    persona = replace(PERSONA, spinners=(name,))
    text = " and ".join(SENTENCES)
    seen, unseen = (Mixture([name], kind).spin(text, persona).edits for kind in ("exclude", "only"))
    assert seen and not any(is_held_out_term(term) for edit in seen for term in edit.rule.split(" > "))
    assert unseen and all(any(map(is_held_out_term, edit.rule.split(" > "))) for edit in unseen)


def test_without_a_name_the_converted_default_model_is_used_or_asked_for(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path)
    with pytest.raises(SpinnerError, match=r"write contextual:FOLDER.*gemma-3-270m"):
        Contextual()
    (tmp_path / "gemma-3-270m").symlink_to(tiny_base)
    assert list(Contextual().propose(Sentence.of(SENTENCES[0]), PERSONA)) == proposals(tiny_base, SENTENCES[0])


def test_a_folder_without_a_model_or_with_one_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpinnerError, match="no model there; name a transformers folder"):
        Contextual(str(tmp_path / "none"))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vit", "architectures": ["ViTModel"]}))
    with pytest.raises(SpinnerError, match="a vit model is neither masked nor causal"):
        Contextual(str(tmp_path))


def test_weights_without_a_language_model_head_are_refused(tiny_masked: Path) -> None:
    from transformers import BertModel

    BertModel.from_pretrained(tiny_masked).save_pretrained(tiny_masked)
    with pytest.raises(SpinnerError, match="saved without its language-model head"):
        proposals(tiny_masked, "the two companies left")


def test_weights_that_are_not_safetensors_are_refused(tiny_masked: Path) -> None:
    (tiny_masked / "model.safetensors").rename(tiny_masked / "pytorch_model.bin")
    with pytest.raises(SpinnerError, match="needs safetensors weights"):
        proposals(tiny_masked, "the two companies left")
