"""The `contextual` spinner: substitutes that a language model finds plausible in their context.

A masked model predicts a word from the whole sentence (LSBert: Qiang et al., AAAI 2020, section 3.2): the words are
fluent but may change the meaning. A causal model ranks the thesaurus's synonyms, in any sense, by their
probability after the left context. Each word gets at most one proposal, the best, which is the same for every
persona.

Costs one forward pass a sentence, and up to a few more for substitutes of several tokens: with Gemma 3 270M 0.2 to
1.6 seconds on two cores, and 2.3 GB for each process that spins. Results are cached per process.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from inspect import signature
from typing import TYPE_CHECKING, Any, Literal

from unspin.data.spinners.models import first_line, max_input_tokens, open_config
from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence, Spinner, Substitution
from unspin.data.spinners.registry import SpinnerError
from unspin.data.spinners.tables import recase
from unspin.data.spinners.thesaurus import index
from unspin.english.morphology import forms, inflect
from unspin.english.word_classes import IMMUTABLE
from unspin.storage import cache_folder

if TYPE_CHECKING:
    import torch

ModelKind = Literal["masked", "causal"]
FILLERS = 30  # a masked model's likeliest words for a place; the first suitable one is proposed
MIN_SCORE = -7.0  # minimum log probability of a synonym minus the original's, both after the left context
BATCH_SIZE = 8  # rows of a forward pass; logits over a vocabulary of 262,144 take 1 MB a token


class Contextual(Spinner):
    """Proposes a language model's choice for each content word.

    `model` is a local folder or a hub name; without it, the default base model that `unspin` has converted is used.
    An instance holds the name only and is cheap to pickle; weights are loaded at the first sentence, once per
    process.

    Raises `SpinnerError` if there is no model, or one that is neither masked nor causal.
    """

    name = "contextual"

    def __init__(self, model: str = "") -> None:
        self.model = model or _default_model()
        _kind(self.model)

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        yield from _substitutions(self.model, sentence)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A substitute for word number `at` of the sentence.

    `text` is inflected and cased like the word; `headword` and `term` are the lemmas of word and substitute.
    """

    at: int
    text: str
    headword: str
    term: str


@dataclass(frozen=True, slots=True)
class _Hypothesis:
    """A candidate that is scored token by token.

    `read` are the tokens of the left context and the candidate's scored tokens, `rest` its unscored tokens. `score` is
    the sum of their log probabilities so far, minus that of the whole original.
    """

    candidate: _Candidate
    read: tuple[int, ...]
    rest: tuple[int, ...]
    score: float

    def advance(self, log_probabilities: torch.Tensor) -> _Hypothesis:
        """Score one more token, given the log probabilities [vocabulary] after the tokens read."""
        token, *rest = self.rest
        score = self.score + float(log_probabilities[token])
        return _Hypothesis(self.candidate, (*self.read, token), tuple(rest), score)


@lru_cache(maxsize=1 << 14)
def _substitutions(model: str, sentence: Sentence) -> tuple[Substitution, ...]:
    places = [i for i in range(len(sentence.words)) if _is_content(sentence, i)]
    best = (_fill if _kind(model) == "masked" else _rank)(model, sentence, places)
    words = sentence.words
    return tuple(
        Substitution(words[c.at].start, words[c.at].end, c.text, Contextual.name, c.headword, c.term) for c in best
    )


def _is_content(sentence: Sentence, index: int) -> bool:
    word = sentence.words[index]
    return len(word.text) >= 3 and word.text.isalpha() and word.lower not in IMMUTABLE and not sentence.named(index)


# Loading


def _default_model() -> str:
    folder = cache_folder() / "gemma-3-270m"
    if not folder.is_dir():
        advice = f"write contextual:FOLDER, or run `unspin restore` once, which makes the default {folder}"
        raise SpinnerError(f"spinners: contextual: no model named; {advice}")
    return str(folder)


@lru_cache(maxsize=8)
def _kind(model: str) -> ModelKind:
    """The kind of a model by its config: the class it was saved from, or its type if no class is named."""
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    )

    config = open_config("contextual", model)
    tables: dict[ModelKind, dict[str, str]] = {
        "masked": MODEL_FOR_MASKED_LM_MAPPING_NAMES,
        "causal": MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    }
    for kind, table in tables.items():
        if set(config.architectures or ()) & set(table.values()):
            return kind
    for kind, table in tables.items():
        if config.model_type in table:
            return kind
    what = f"spinners: contextual:{model}: a {config.model_type} model is neither masked nor causal"
    raise SpinnerError(f"{what}; name a model of the BERT or GPT family")


@lru_cache(maxsize=2)
def _load(model: str) -> tuple[Any, Any]:
    """Tokenizer and network.

    Raises `SpinnerError` if weights are missing; transformers would initialise a missing language-model head at random.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    auto_class = AutoModelForMaskedLM if _kind(model) == "masked" else AutoModelForCausalLM
    options = {"trust_remote_code": False, "dtype": torch.float32, "use_safetensors": True, "output_loading_info": True}
    where = f"spinners: contextual:{model}"
    try:
        tokenizer = AutoTokenizer.from_pretrained(model, trust_remote_code=False)
        network, loading = auto_class.from_pretrained(model, **options)
    except (OSError, ValueError, KeyError) as error:
        raise SpinnerError(f"{where}: needs safetensors weights and a tokenizer ({first_line(error)})") from error
    if missing := loading["missing_keys"]:
        raise SpinnerError(f"{where}: saved without its language-model head ({min(missing)}); name one that has it")
    return tokenizer, network.eval()


# Masked models


def _fill(model: str, sentence: Sentence, places: Sequence[int]) -> Iterator[_Candidate]:
    """For each place, the likeliest filler that is a word of the same form.

    The model reads the sentence followed by its masked copy. A sentence that is too long to be read twice gets no
    candidates.
    """
    tokenizer, network = _load(model)
    text, words = sentence.text, sentence.words
    if tokenizer.mask_token in text:
        return
    for first in range(0, len(places), BATCH_SIZE):
        batch = places[first : first + BATCH_SIZE]
        masked = [text[: words[i].start] + tokenizer.mask_token + text[words[i].end :] for i in batch]
        inputs = tokenizer([text] * len(batch), masked, padding=True, return_tensors="pt")
        if inputs["input_ids"].shape[1] > max_input_tokens(tokenizer, network):
            return
        for at, fillers in zip(batch, _fillers(tokenizer, network, inputs), strict=True):
            yield from _first_suitable(sentence, at, fillers)


def _fillers(tokenizer: Any, network: Any, inputs: Any) -> Iterator[list[str]]:
    """For each row, which has one mask, the likeliest fillers that are whole words."""
    import torch

    with torch.inference_mode():
        logits = network(**inputs).logits
    at_mask = logits[inputs["input_ids"] == tokenizer.mask_token_id]
    for ids in at_mask.topk(min(FILLERS, at_mask.shape[-1])).indices.tolist():
        words = [tokenizer.decode([token]).strip() for token in ids]
        encoded = tokenizer([" " + word for word in words], add_special_tokens=False)["input_ids"]
        yield [word for word, token, alone in zip(words, ids, encoded, strict=True) if alone == [token]]


def _first_suitable(sentence: Sentence, at: int, fillers: list[str]) -> Iterator[_Candidate]:
    """The first filler that can be the same inflected form as the word but not the same lemma."""
    original = sentence.words[at]
    readings = {(form.pos, form.tag): form.lemma for form in reversed(forms(original.lower))}
    for filler in fillers:
        if not filler.isalpha() or filler.lower() in IMMUTABLE or (original.text.islower() and not filler.islower()):
            continue
        shared = [form for form in forms(filler.lower()) if (form.pos, form.tag) in readings]
        if shared and not {form.lemma for form in forms(filler.lower())} & set(readings.values()):
            headword = readings[shared[0].pos, shared[0].tag]
            yield _Candidate(at, recase(original.text, filler.lower(), False), headword, shared[0].lemma)
            return


# Causal models


def _rank(model: str, sentence: Sentence, places: Sequence[int]) -> Iterator[_Candidate]:
    """For each place, the synonym with the highest summed log probability after the left context, if above `MIN_SCORE`.

    A sum never exceeds the sum of its first terms. Candidates are therefore scored token by token, common prefixes
    once, and dropped as soon as they fall below the best of their place; few remain after the first pass.
    """
    pending = list(_score_first_tokens(model, sentence, _synonyms(sentence, places)))
    best: dict[int, _Hypothesis] = {}
    while pending:
        for hypothesis in pending:
            at = hypothesis.candidate.at
            if not hypothesis.rest and hypothesis.score > _score(best.get(at)):
                best[at] = hypothesis
        pending = _score_next_tokens(
            model, [h for h in pending if h.rest and h.score > _score(best.get(h.candidate.at))]
        )
    yield from (best[at].candidate for at in sorted(best))


def _score(hypothesis: _Hypothesis | None) -> float:
    return hypothesis.score if hypothesis else MIN_SCORE


def _synonyms(sentence: Sentence, places: Sequence[int]) -> list[_Candidate]:
    """Every thesaurus synonym of the words at `places`, in any sense and part of speech, inflected and cased alike."""
    wanted = set(places)
    candidates: dict[tuple[int, str], _Candidate] = {}
    for match in index().matches(sentence):
        if match.first != match.last or match.first not in wanted:
            continue
        original = sentence.words[match.first].text
        for term in match.entry.substitutes:
            text = recase(original, inflect(term, match.entry.pos, match.tag), False)
            # "bridge over" is as likely as "bridge" and says nothing about the synonym
            if original.lower() not in text.lower().split():
                candidates.setdefault((match.first, text), _Candidate(match.first, text, match.entry.lemma, term))
    return list(candidates.values())


def _score_first_tokens(model: str, sentence: Sentence, candidates: Sequence[_Candidate]) -> Iterator[_Hypothesis]:
    """The candidates with their first token scored, in one pass over the sentence.

    Candidates whose tokens merge with those of the context are dropped. If the sentence is longer than the model's
    limit, there are none.
    """
    tokenizer, network = _load(model)
    whole = _encode(tokenizer, [sentence.text])[0]
    if not candidates or len(whole) > max_input_tokens(tokenizer, network):
        return
    log_probabilities = _logits(network, [whole], range(len(whole)))[0].log_softmax(-1)
    words = {c.at: sentence.words[c.at] for c in candidates}
    before = _encode(tokenizer, [sentence.text[: word.start].rstrip() for word in words.values()])
    through = _encode(tokenizer, [sentence.text[: word.end] for word in words.values()])
    contexts, originals = dict(zip(words, before, strict=True)), dict(zip(words, through, strict=True))
    substituted = _encode(tokenizer, [sentence.text[: words[c.at].start] + c.text for c in candidates])
    for candidate, tokens in zip(candidates, substituted, strict=True):
        context, original = contexts[candidate.at], originals[candidate.at]
        n = len(context)
        extends_context = 0 < n < min(len(tokens), len(original)) and tokens[:n] == context == original[:n]
        if extends_context and whole[: len(original)] == original:
            original_score = sum(float(log_probabilities[i - 1, original[i]]) for i in range(n, len(original)))
            yield _Hypothesis(candidate, context, tokens[n:], -original_score).advance(log_probabilities[n - 1])


def _score_next_tokens(model: str, hypotheses: Sequence[_Hypothesis]) -> list[_Hypothesis]:
    """Each hypothesis with one more token scored; those longer than the model's limit are dropped."""
    tokenizer, network = _load(model)
    limit = max_input_tokens(tokenizer, network)
    prefixes = [read for read in dict.fromkeys(h.read for h in hypotheses) if len(read) <= limit]
    log_probabilities: dict[tuple[int, ...], torch.Tensor] = {}
    for first in range(0, len(prefixes), BATCH_SIZE):
        rows = prefixes[first : first + BATCH_SIZE]
        lasts = sorted({len(row) - 1 for row in rows})
        for row, logits in zip(rows, _logits(network, rows, lasts), strict=True):
            log_probabilities[row] = logits[lasts.index(len(row) - 1)].log_softmax(-1)
    return [h.advance(log_probabilities[h.read]) for h in hypotheses if h.read in log_probabilities]


def _encode(tokenizer: Any, texts: list[str]) -> list[tuple[int, ...]]:
    """Token ids of each text, preceded by the model's start token if it has one."""
    opening = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    start = () if opening is None else (opening,)
    return [(*start, *ids) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]


def _logits(network: Any, rows: Sequence[tuple[int, ...]], positions: Sequence[int]) -> torch.Tensor:
    """Logits of the token after each position, [rows, positions, vocabulary]; rows are padded on the right."""
    import torch

    width = max(map(len, rows))
    ids = torch.tensor([row + (0,) * (width - len(row)) for row in rows])
    mask = torch.tensor([(1,) * len(row) + (0,) * (width - len(row)) for row in rows])
    wanted = torch.tensor(positions)
    # With a large vocabulary the output layer is half the work; most models accept the positions to apply it to.
    takes_positions = "logits_to_keep" in signature(network.forward).parameters
    only = {"logits_to_keep": wanted} if takes_positions else {}
    with torch.inference_mode():
        logits = network(input_ids=ids, attention_mask=mask, use_cache=False, **only).logits
    return logits if only else logits[:, wanted]
