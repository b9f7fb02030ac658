"""Copy-draft decoding writes, token for token, what plain greedy decoding writes."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    MT5Config,
    MT5ForConditionalGeneration,
    T5Config,
    T5ForConditionalGeneration,
)
from unspin.infer.engines import decoding
from unspin.infer.engines.decoding import CopyDecoder, Output
from unspin.infer.engines.transformers import TransformersEngine
from unspin.infer.models.base import Int8Linear, PackedTokens, attend, int8_pays
from unspin.infer.models.gemma3 import Gemma3
from unspin.infer.models.prompt import EncoderDecoderPrompt, Prompt, Source
from unspin.infer.models.t5 import T5

SENTENCES = [
    "The council voted on Monday.",
    "“We have listened to the people who use this building every day,” said Joan Keller, the mayor.",
    "x",
    2
    * (
        "The library was built in 1911 and has not been repaired for two decades. "
        "Its roof leaks in winter and the heating often fails. "
    ),
]


@pytest.fixture(scope="module")
def peaked(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny base, briefly trained to copy with some changes, so that drafts are accepted in part."""
    torch.manual_seed(0)
    prompt = Prompt.from_folder(tiny_base)
    model = AutoModelForCausalLM.from_pretrained(tiny_base)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    rows = [
        (prompt.source_ids(s), prompt.target_ids(s.replace("the", "one").replace("has", "had long")))
        for s in SENTENCES[:2]
    ]
    for _ in range(60):
        for source, target in rows:
            ids = torch.tensor([source + target])
            labels = torch.tensor([[-100] * len(source) + target])
            model(input_ids=ids, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    folder = tmp_path_factory.mktemp("peaked")
    model.save_pretrained(folder)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (folder / file).write_bytes((tiny_base / file).read_bytes())
    return folder


def _packed(ids: torch.Tensor, start: int = 0) -> PackedTokens:
    return PackedTokens.of([(row, start) for row in ids.tolist()], "cpu")


def test_hidden_states_equal_those_of_transformers(tiny_base: Path) -> None:
    theirs = AutoModelForCausalLM.from_pretrained(tiny_base, dtype=torch.float64).eval()
    ours = Gemma3(tiny_base, torch.float64)
    longer_than_window = 90  # the sliding window is 64
    ids = torch.randint(0, 300, (2, longer_than_window), generator=torch.Generator().manual_seed(3))
    cache = ours.cache([(), ()], 100)
    whole = theirs.model(input_ids=ids).last_hidden_state
    first = ours.forward(_packed(ids[:, :70]), cache)[:140].unflatten(0, (2, 70))
    rest = ours.forward(_packed(ids[:, 70:], 70), cache)[:40].unflatten(0, (2, 20))
    torch.testing.assert_close(torch.cat([first, rest], 1), whole, rtol=1e-5, atol=1e-5)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No output is cut short, however little it has to do with its source."""
    monkeypatch.setattr(decoding, "MAX_ASTRAY", math.inf)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("model", ["tiny_base", "peaked"])
def test_outputs_equal_those_of_greedy_generate(model: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(model)
    prompt = Prompt.from_folder(folder)
    theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64).eval()
    decoder = CopyDecoder(Gemma3(folder, torch.float64), prompt.eos, range(theirs.config.vocab_size))
    sources = [prompt.source(sentence) for sentence in SENTENCES]
    outputs = decoder.decode(sources)
    copied = 0
    for source, output in zip(sources, outputs, strict=True):
        made = theirs.generate(
            torch.tensor([source.prompt]),
            do_sample=False,
            max_new_tokens=source.max_output_tokens,
            eos_token_id=prompt.eos,
            pad_token_id=0,
        )
        expected = made[0, len(source.prompt) :].tolist()
        expected = expected[: expected.index(prompt.eos)] if prompt.eos in expected else expected
        assert output.ids == expected
        copied += sum(a == b for a, b in zip(output.ids, source.ids, strict=False))
    assert model == "tiny_base" or copied > 20


def test_probabilities_equal_those_of_the_model(peaked: Path) -> None:
    prompt = Prompt.from_folder(peaked)
    theirs = AutoModelForCausalLM.from_pretrained(peaked, dtype=torch.float64).eval()
    source = prompt.source(SENTENCES[0])
    output = CopyDecoder(Gemma3(peaked, torch.float64), prompt.eos, range(theirs.config.vocab_size)).decode([source])[0]
    ids = torch.tensor([[*source.prompt, *output.ids]])
    expected = theirs(ids).logits[0, len(source.prompt) - 1 :].log_softmax(-1).max(-1).values
    torch.testing.assert_close(
        torch.tensor(output.log_probabilities[: len(expected)]), expected.float(), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("limit", [1, 3, 7])
def test_an_output_is_cut_at_its_limit_wherever_the_draft_ends(peaked: Path, limit: int) -> None:
    prompt = Prompt.from_folder(peaked)
    decoder = CopyDecoder(Gemma3(peaked, torch.float32), prompt.eos, range(400))
    whole, cut = decoder.decode(
        [source := prompt.source(SENTENCES[0]), replace(source, max_output_tokens=limit)],
    )
    assert cut.ids == whole.ids[:limit]
    assert len(cut.log_probabilities) == len(cut.runner_ups) == limit


def test_an_output_that_strays_from_its_source_is_cut_short(tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = Prompt.from_folder(tiny_base)
    source = prompt.source(" ".join(SENTENCES))

    def output(max_astray: float) -> Output:
        monkeypatch.setattr(decoding, "MAX_ASTRAY", max_astray)
        return CopyDecoder(Gemma3(tiny_base, torch.float32), prompt.eos, range(400)).decode([source])[0]

    whole, cut = output(math.inf), output(32)
    assert len(cut.ids) < 0.6 * len(whole.ids) and cut.ids == whole.ids[: len(cut.ids)]
    assert len(cut.log_probabilities) == len(cut.runner_ups) == len(cut.ids) > 32


def test_an_output_uses_only_the_vocabulary_and_the_tokens_of_its_source(tiny_base: Path) -> None:
    prompt = Prompt.from_folder(tiny_base)
    sources = [prompt.source(sentence) for sentence in SENTENCES]
    known = {5, 6, 7}
    outputs = CopyDecoder(Gemma3(tiny_base, torch.float32), prompt.eos, [5, 6, 7]).decode(sources)
    assert all({*output.ids} <= known | {*source.ids} for source, output in zip(sources, outputs, strict=True))


@pytest.mark.parametrize("copied", [0, 1, 5])
def test_an_output_continues_its_prefix_as_generate_does(peaked: Path, copied: int) -> None:
    prompt = Prompt.from_folder(peaked)
    theirs = AutoModelForCausalLM.from_pretrained(peaked, dtype=torch.float64).eval()
    decoder = CopyDecoder(Gemma3(peaked, torch.float64), prompt.eos, range(theirs.config.vocab_size))
    source = prompt.source(SENTENCES[0])
    prefix = [*source.ids[:copied], *prompt.text_ids("x")[-1:]]
    (output,) = decoder.decode([source], [prefix])
    ids = torch.tensor([[*source.prompt, *prefix]])
    made = theirs.generate(
        ids,
        do_sample=False,
        max_new_tokens=source.max_output_tokens - len(prefix),
        eos_token_id=prompt.eos,
        pad_token_id=0,
    )
    expected = made[0, len(source.prompt) :].tolist()
    assert output.ids == (expected[: expected.index(prompt.eos)] if prompt.eos in expected else expected)
    assert decoder.likeliest_next(source, prefix, 3) == theirs(ids).logits[0, -1].topk(3).indices.tolist()


@pytest.fixture(scope="module", params=["T5", "T5 1.1", "mT5"])
def t5(request: pytest.FixtureRequest, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny T5, T5 1.1 (as Flan-T5) or mT5, briefly trained to copy with some changes."""
    folder = tmp_path_factory.mktemp("t5")
    tokenizer = Tokenizer.from_file(str(tiny_base / "tokenizer.json"))
    tokenizer.post_processor = TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_bytes((tiny_base / "tokenizer_config.json").read_bytes())
    prompt = EncoderDecoderPrompt.from_folder(folder)
    torch.manual_seed(0)
    first = request.param == "T5"
    config_class, kind = (
        (MT5Config, MT5ForConditionalGeneration) if request.param == "mT5" else (T5Config, T5ForConditionalGeneration)
    )
    config = config_class(
        vocab_size=400, d_model=64, d_kv=32, d_ff=64, num_layers=2, num_heads=2, dropout_rate=0.0,
        feed_forward_proj="relu" if first else "gated-gelu", tie_word_embeddings=first,
        relative_attention_num_buckets=8, relative_attention_max_distance=20,
        decoder_start_token_id=0, pad_token_id=0, eos_token_id=1,
    )  # fmt: skip
    model = kind(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(150):
        for sentence in SENTENCES[:2]:
            target = prompt.target_ids(sentence.replace("the", "one").replace("has", "had long"))
            model(input_ids=torch.tensor([prompt.source_ids(sentence)]), labels=torch.tensor([target])).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    return folder


@pytest.mark.usefixtures("patient")
def test_a_t5_decodes_like_generate(t5: Path) -> None:
    prompt = EncoderDecoderPrompt.from_folder(t5)
    theirs = AutoModelForSeq2SeqLM.from_pretrained(t5, dtype=torch.float64).eval()
    model = T5(t5, torch.float64)
    decoder = CopyDecoder(model, prompt.eos, range(theirs.config.vocab_size))
    sources = [replace(prompt.source(sentence), prompt=model.start_ids) for sentence in SENTENCES]
    outputs = decoder.decode(sources)
    copied = [
        sum(a == b for a, b in zip(output.ids, source.ids, strict=False))
        for source, output in zip(sources, outputs, strict=True)
    ]
    assert copied[0] > 3, "drafts are accepted"
    for source, output in zip(sources, outputs, strict=True):
        ids = torch.tensor([source.encoded])
        made = theirs.generate(
            ids, do_sample=False, max_new_tokens=source.max_output_tokens, eos_token_id=prompt.eos, pad_token_id=0
        )[0, 1:].tolist()
        assert output.ids == (made[: made.index(prompt.eos)] if prompt.eos in made else made)
        forced = torch.tensor([[*model.start_ids, *output.ids]])
        expected = theirs(input_ids=ids, decoder_input_ids=forced).logits[0].log_softmax(-1).max(-1).values
        torch.testing.assert_close(
            torch.tensor(output.log_probabilities),
            expected[: len(output.log_probabilities)].float(),
            rtol=1e-4,
            atol=1e-4,
        )
    prefix = [*sources[0].ids[:3], 7]
    assert decoder.decode(sources[:1], [prefix])[0].ids[:4] == prefix
    forced = torch.tensor([[*model.start_ids, *prefix]])
    logits = theirs(input_ids=torch.tensor([sources[0].encoded]), decoder_input_ids=forced).logits[0, -1]
    assert decoder.likeliest_next(sources[0], prefix, 3) == logits.topk(3).indices.tolist()


def test_int8_layers_are_close_to_exact_and_independent_of_the_batch() -> None:
    random = torch.Generator().manual_seed(5)
    weight, tokens = torch.randn(64, 96, generator=random), torch.randn(3, 5, 96, generator=random)
    layer = Int8Linear(weight)
    expected = torch.nn.functional.linear(tokens, weight)
    assert (layer(tokens) - expected).norm() / expected.norm() < 0.02
    assert torch.equal(layer(tokens)[1:2, :2], layer(tokens[1:2, :2]))


@pytest.mark.parametrize(
    ("vnni", "bf16", "pays"), [(True, False, True), (False, False, False), (True, True, False), (False, True, False)]
)
def test_int8_is_used_on_processors_with_vnni_and_without_bf16(
    vnni: bool, bf16: bool, pays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: vnni)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: bf16)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert int8_pays() == (pays and torch.backends.mkldnn.is_available())


def test_an_int8_model_is_close_to_the_exact_one(peaked: Path) -> None:
    ids = torch.tensor([Prompt.from_folder(peaked).source_ids(SENTENCES[1])])
    models = [Gemma3(peaked, torch.float32, int8) for int8 in (False, True)]
    exact, coarse = (model.forward(_packed(ids), model.cache([()], ids.shape[1])) for model in models)
    assert 0 < (exact - coarse).norm() / exact.norm() < 0.05


def _assert_tensors_are_on_the_cpu(model: Callable[[], Gemma3 | T5], prompt: Prompt) -> None:
    """A tensor made without naming a device is on the default one, here "meta", and fails beside those on the CPU."""

    def outputs() -> tuple[list[list[int]], list[int]]:
        loaded = model()
        decoder = CopyDecoder(loaded, prompt.eos, [5, 6, 7])
        sources = [
            replace(source, prompt=[*loaded.start_ids, *source.prompt]) for source in map(prompt.source, SENTENCES)
        ]
        return [output.ids for output in decoder.decode(sources)], decoder.likeliest_next(sources[0], [], 3)

    expected = outputs()
    with torch.device("meta"):
        assert outputs() == expected


def test_gemma3_makes_every_tensor_on_its_device(peaked: Path) -> None:
    _assert_tensors_are_on_the_cpu(lambda: Gemma3(peaked, torch.float64, device="cpu"), Prompt.from_folder(peaked))


def test_a_t5_makes_every_tensor_on_its_device(t5: Path) -> None:
    _assert_tensors_are_on_the_cpu(lambda: T5(t5, torch.float64, "cpu"), EncoderDecoderPrompt.from_folder(t5))


DTYPES = pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
VOCABULARY_SIZES = pytest.mark.parametrize("vocabulary_size", [400, 250])


@DTYPES
@VOCABULARY_SIZES
def test_an_output_of_gemma3_does_not_depend_on_its_batch(
    peaked: Path, dtype: torch.dtype, vocabulary_size: int
) -> None:
    _assert_outputs_do_not_depend_on_batches(Gemma3(peaked, dtype), Prompt.from_folder(peaked), vocabulary_size)


@DTYPES
@VOCABULARY_SIZES
def test_an_output_of_a_t5_does_not_depend_on_its_batch(t5: Path, dtype: torch.dtype, vocabulary_size: int) -> None:
    _assert_outputs_do_not_depend_on_batches(T5(t5, dtype), EncoderDecoderPrompt.from_folder(t5), vocabulary_size)


def _scored(model: Gemma3 | T5, prompt: Prompt, sentence: str, text: str) -> Source:
    """A text that is to be scored as one for a sentence."""
    before, encoded = prompt.before_text(sentence)
    return Source([*model.start_ids, *before], prompt.text_ids(text), (), 0, encoded)


def test_a_t5_scores_like_transformers(t5: Path) -> None:
    prompt = EncoderDecoderPrompt.from_folder(t5)
    theirs = TransformersEngine(AutoModelForSeq2SeqLM.from_pretrained(t5).eval(), prompt)
    model = T5(t5, torch.float32)
    decoder = CopyDecoder(model, prompt.eos, range(len(model.embeddings)))
    before, after = SENTENCES[0], SENTENCES[0].replace("the", "one")
    outputs = decoder.read([_scored(model, prompt, before, text) for text in (after, before)])
    score, own = (sum(output.log_probabilities) for output in outputs)
    assert [score - own] == pytest.approx(theirs.log_ratios([before], [after]), abs=1e-3)
    assert theirs.log_ratios([before], [before]) == [0.0]


def _assert_outputs_do_not_depend_on_batches(model: Gemma3 | T5, prompt: Prompt, vocabulary_size: int) -> None:
    """Not in one bit: alone, in other batches, beside rare tokens, and with more threads."""
    texts = [*SENTENCES, "Zoë paid £40,000; ÄÖÜ ßþð ¿¡.", *(" ".join(SENTENCES[3].split()[:n]) for n in (3, 9, 24))]
    sources = [replace(s, prompt=[*model.start_ids, *s.prompt]) for s in map(prompt.source, texts)]
    vocabulary = range(min(vocabulary_size, len(model.embeddings)))
    decoder = CopyDecoder(model, prompt.eos, vocabulary)
    rare = [set(source.ids) - {*vocabulary} for source in sources]
    assert any(rare) == (vocabulary_size == 250)
    outputs = decoder.decode(sources)
    assert [decoder.decode([source])[0] for source in sources] == outputs
    assert decoder.decode(sources[::-1])[::-1] == outputs
    assert CopyDecoder(model, prompt.eos, vocabulary, tokens_per_batch=200).decode(sources) == outputs
    scored = [_scored(model, prompt, text, text) for text in texts]
    read = decoder.read(scored)
    assert [decoder.read([source])[0] for source in scored] == read
    assert decoder.read(scored[::-1])[::-1] == read
    threads = torch.get_num_threads()
    try:
        for count in (1, 2, 4):
            torch.set_num_threads(count)
            assert decoder.decode(sources) == outputs
    finally:
        torch.set_num_threads(threads)


@DTYPES
def test_attention_to_one_row_does_not_depend_on_width_and_span(dtype: torch.dtype) -> None:
    random = torch.Generator().manual_seed(7)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=random).to(dtype)

    query, keys, values = draw(1, 4, 1, 256), draw(1, 1, 200, 256), draw(1, 1, 200, 256)
    results = []
    for rows, width, span in [(1, 4, 256), (3, 4, 256), (1, 12, 256), (2, 40, 512), (5, 4, 1024)]:
        all_queries, all_keys, all_values = (
            draw(rows, 4, width, 256),
            draw(rows, 1, span, 256),
            draw(rows, 1, span, 256),
        )
        all_queries[-1, :, 2], all_keys[-1, :, :200], all_values[-1, :, :200] = query[0, :, 0], keys[0], values[0]
        bias = torch.zeros(rows, 1, width, span)
        bias[..., 200:] = -math.inf
        results.append(attend(all_queries, all_keys, all_values, bias, 1 / 16)[-1, :, 2])
    assert all(torch.equal(result, results[0]) for result in results)
    expected = torch.nn.functional.scaled_dot_product_attention(query, keys, values, scale=1 / 16, enable_gqa=True)
    torch.testing.assert_close(results[0], expected[0, :, 0], rtol=0.02, atol=0.002)
