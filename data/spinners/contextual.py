"""The `contextual` engine: substitutes that a language model finds plausible where they are put.

A masked model fills the place itself, having read the sentence (LSBert: Qiang et al., AAAI 2020, section 3.2), so what it puts is fluent but
may mean another thing. A causal model ranks the thesaurus's any-sense synonyms by their probability after the left context, so what it puts
is a synonym in one sense or another. One proposal a word at most, the best; the same for every persona, so whether it is used is the
mixture's matter. Costs one forward pass a sentence and up to a few more for substitutes of several tokens: with Gemma 3 270M 0.2 to 1.6
seconds on two cores, and 2.3 GB for each process that spins. Results are kept for the process.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from inspect import signature
from typing import TYPE_CHECKING, Any, Literal

from platformdirs import user_cache_path
from unspin.data.morphology import forms, inflect
from unspin.data.spinners.models import first_line, longest, open_config
from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence, Substitution
from unspin.data.spinners.registry import EngineError
from unspin.data.spinners.tables import IMMUTABLE, recase
from unspin.data.spinners.thesaurus import index

if TYPE_CHECKING:
    import torch

Kind = Literal["masked", "causal"]
FILLERS = 30  # a masked model's, of which the first that fits is put
WORST = -7.0  # log probability relative to the original: what is less likely after the left context is no word for this place
ROWS = 8  # a forward pass holds; logits over a vocabulary of 262,144 are 1 MB a token


class Contextual:
    """Puts a language model's choice for a content word. `model` is a folder or a hub name; without it, the converted default model.

    Holds the model's name alone, so it is cheap to pickle; weights are loaded at the first sentence, once a process.
    Raises `EngineError` where there is no model or one that is neither masked nor causal.
    """

    name = "contextual"

    def __init__(self, model: str = "") -> None:
        self.model = model or _default_model()
        _kind(self.model)

    def propose(self, sentence: Sentence, persona: Persona) -> Iterator[Substitution]:
        yield from _substitutions(self.model, sentence)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """`text`, in the form and casing of word `at`; as lemmas, `term` for `head`."""

    at: int
    text: str
    head: str
    term: str


@dataclass(frozen=True, slots=True)
class _Reading:
    """A candidate of which the tokens in `read`, left context included, are scored and those in `rest` are not yet."""

    candidate: _Candidate
    read: tuple[int, ...]
    rest: tuple[int, ...]
    score: float

    def on(self, next_token: torch.Tensor) -> _Reading:
        """One token further, given the log probability of each."""
        token, *rest = self.rest
        return _Reading(self.candidate, (*self.read, token), tuple(rest), self.score + float(next_token[token]))


@lru_cache(maxsize=1 << 14)
def _substitutions(model: str, sentence: Sentence) -> tuple[Substitution, ...]:
    places = [i for i in range(len(sentence.words)) if _is_content(sentence, i)]
    best = (_fill if _kind(model) == "masked" else _rank)(model, sentence, places)
    words = sentence.words
    return tuple(Substitution(words[c.at].start, words[c.at].end, c.text, Contextual.name, c.head, c.term) for c in best)


def _is_content(sentence: Sentence, index: int) -> bool:
    word = sentence.words[index]
    return len(word.text) >= 3 and word.text.isalpha() and word.lower not in IMMUTABLE and not sentence.named(index)


# The model


def _default_model() -> str:
    folder = user_cache_path("unspin") / "gemma-3-270m"
    if not folder.is_dir():
        raise EngineError(f"engines: contextual: no model named; write contextual:FOLDER, or run `unspin` once, which makes the default {folder}")
    return str(folder)


@lru_cache(maxsize=8)
def _kind(model: str) -> Kind:
    """What the config says the model is: by the class it was saved from, else by its type."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, MODEL_FOR_MASKED_LM_MAPPING_NAMES

    config = open_config("contextual", model)
    tables: dict[Kind, dict[str, str]] = {"masked": MODEL_FOR_MASKED_LM_MAPPING_NAMES, "causal": MODEL_FOR_CAUSAL_LM_MAPPING_NAMES}
    for kind, table in tables.items():
        if set(config.architectures or ()) & set(table.values()):
            return kind
    for kind, table in tables.items():
        if config.model_type in table:
            return kind
    raise EngineError(f"engines: contextual:{model}: a {config.model_type} model is neither masked nor causal; name a BERT or a GPT of some kind")


@lru_cache(maxsize=2)
def _load(model: str) -> tuple[Any, Any]:
    """Tokenizer and network. A head that the weights lack would be made up at random, so that is an error too."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    make = AutoModelForMaskedLM if _kind(model) == "masked" else AutoModelForCausalLM
    plain = {"trust_remote_code": False, "dtype": torch.float32, "use_safetensors": True, "output_loading_info": True}
    try:
        tokenizer = AutoTokenizer.from_pretrained(model, trust_remote_code=False)
        network, loading = make.from_pretrained(model, **plain)
    except (OSError, ValueError, KeyError) as error:
        raise EngineError(f"engines: contextual:{model}: needs safetensors weights and a tokenizer ({first_line(error)})") from error
    missing = loading["missing_keys"]
    if missing:
        raise EngineError(f"engines: contextual:{model}: saved without its language-model head ({min(missing)}); name one that has it")
    return tokenizer, network.eval()


# Masked


def _fill(model: str, sentence: Sentence, places: Sequence[int]) -> Iterator[_Candidate]:
    """For each place the likeliest filler that is a word in the same form, the masked sentence read behind the whole one.

    A sentence that takes more tokens, twice, than the model can read is left as it is.
    """
    tokenizer, network = _load(model)
    text, words = sentence.text, sentence.words
    if tokenizer.mask_token in text:
        return
    for first in range(0, len(places), ROWS):
        chunk = places[first : first + ROWS]
        masked = [text[: words[i].start] + tokenizer.mask_token + text[words[i].end :] for i in chunk]
        rows = tokenizer([text] * len(chunk), masked, padding=True, return_tensors="pt")
        if rows["input_ids"].shape[1] > longest(tokenizer, network):
            return
        for at, fillers in zip(chunk, _fillers(tokenizer, network, rows), strict=True):
            yield from _first_fitting(sentence, at, fillers)


def _fillers(tokenizer: Any, network: Any, rows: Any) -> Iterator[list[str]]:
    """For each row with one mask its likeliest fillers, whole words only."""
    import torch

    with torch.inference_mode():
        logits = network(**rows).logits
    at_mask = logits[rows["input_ids"] == tokenizer.mask_token_id]
    for ids in at_mask.topk(min(FILLERS, at_mask.shape[-1])).indices.tolist():
        words = [tokenizer.decode([token]).strip() for token in ids]
        encoded = tokenizer([" " + word for word in words], add_special_tokens=False)["input_ids"]
        yield [word for word, token, alone in zip(words, ids, encoded, strict=True) if alone == [token]]


def _first_fitting(sentence: Sentence, at: int, fillers: list[str]) -> Iterator[_Candidate]:
    """The first filler that can be read as the word is, and is not the same lemma."""
    original = sentence.words[at]
    readings = {(form.pos, form.tag): form.lemma for form in reversed(forms(original.lower))}
    for filler in fillers:
        if not filler.isalpha() or filler.lower() in IMMUTABLE or (original.text.islower() and not filler.islower()):
            continue
        shared = [form for form in forms(filler.lower()) if (form.pos, form.tag) in readings]
        if shared and not {form.lemma for form in forms(filler.lower())} & set(readings.values()):
            head = readings[shared[0].pos, shared[0].tag]
            yield _Candidate(at, recase(original.text, filler.lower(), False), head, shared[0].lemma)
            return


# Causal


def _rank(model: str, sentence: Sentence, places: Sequence[int]) -> Iterator[_Candidate]:
    """For each place the synonym of the highest summed log probability after the left context, if it is not `WORST` below the original's.

    A sum is never above those of its first terms, so candidates are read token by token, beginnings in common once, and dropped when they
    fall below the best of their place: after a first pass over the sentence few are left.
    """
    readings = list(_first_tokens(model, sentence, _synonyms(sentence, places)))
    best: dict[int, _Reading] = {}
    while readings:
        for reading in readings:
            at = reading.candidate.at
            if not reading.rest and reading.score > _score(best.get(at)):
                best[at] = reading
        readings = _one_further(model, [r for r in readings if r.rest and r.score > _score(best.get(r.candidate.at))])
    yield from (best[at].candidate for at in sorted(best))


def _score(reading: _Reading | None) -> float:
    return reading.score if reading else WORST


def _synonyms(sentence: Sentence, places: Sequence[int]) -> list[_Candidate]:
    """Every thesaurus synonym of the words at `places`, whatever the sense and part of speech, in the word's form and casing."""
    wanted = set(places)
    found: dict[tuple[int, str], _Candidate] = {}
    for match in index().matches(sentence):
        if match.first != match.last or match.first not in wanted:
            continue
        original = sentence.words[match.first].text
        for term in match.entry.substitutes:
            text = recase(original, inflect(term, match.entry.pos, match.tag), False)
            if original.lower() not in text.lower().split():  # "bridge over" after "the" is as likely as "bridge" and says nothing
                found.setdefault((match.first, text), _Candidate(match.first, text, match.entry.head, term))
    return list(found.values())


def _first_tokens(model: str, sentence: Sentence, candidates: Sequence[_Candidate]) -> Iterator[_Reading]:
    """The candidates, first token read; scores are relative to the log probability of the whole original.

    Left out are those that would be tokenized together with their context, and all of a sentence longer than the model can read.
    """
    tokenizer, network = _load(model)
    whole = _encode(tokenizer, [sentence.text])[0]
    if not candidates or len(whole) > longest(tokenizer, network):
        return
    next_tokens = _logits(network, [whole], range(len(whole)))[0].log_softmax(-1)
    words = {c.at: sentence.words[c.at] for c in candidates}
    contexts = dict(zip(words, _encode(tokenizer, [sentence.text[: word.start].rstrip() for word in words.values()]), strict=True))
    originals = dict(zip(words, _encode(tokenizer, [sentence.text[: word.end] for word in words.values()]), strict=True))
    put = _encode(tokenizer, [sentence.text[: words[c.at].start] + c.text for c in candidates])
    for candidate, tokens in zip(candidates, put, strict=True):
        context, original = contexts[candidate.at], originals[candidate.at]
        cut = len(context)
        if 0 < cut < min(len(tokens), len(original)) and tokens[:cut] == context and whole[: len(original)] == original == context + original[cut:]:
            of_original = sum(float(next_tokens[i - 1, original[i]]) for i in range(cut, len(original)))
            yield _Reading(candidate, context, tokens[cut:], -of_original).on(next_tokens[cut - 1])


def _one_further(model: str, readings: Sequence[_Reading]) -> list[_Reading]:
    """Each reading with its next token scored."""
    tokenizer, network = _load(model)
    beginnings = [read for read in dict.fromkeys(r.read for r in readings) if len(read) <= longest(tokenizer, network)]
    next_token: dict[tuple[int, ...], torch.Tensor] = {}
    for first in range(0, len(beginnings), ROWS):
        rows = beginnings[first : first + ROWS]
        lasts = sorted({len(row) - 1 for row in rows})
        for row, logits in zip(rows, _logits(network, rows, lasts), strict=True):
            next_token[row] = logits[lasts.index(len(row) - 1)].log_softmax(-1)
    return [reading.on(next_token[reading.read]) for reading in readings if reading.read in next_token]


def _encode(tokenizer: Any, texts: list[str]) -> list[tuple[int, ...]]:
    """Token ids behind the one token that opens a text, if the model has such."""
    opening = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    start = () if opening is None else (opening,)
    return [(*start, *ids) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]


def _logits(network: Any, rows: Sequence[tuple[int, ...]], places: Sequence[int]) -> torch.Tensor:
    """Of the token after each of `places`, [rows, places, vocabulary]; padded on the right, where no token of a row looks."""
    import torch

    width = max(map(len, rows))
    ids = torch.tensor([row + (0,) * (width - len(row)) for row in rows])
    mask = torch.tensor([(1,) * len(row) + (0,) * (width - len(row)) for row in rows])
    wanted = torch.tensor(places)
    # The output layer is half the work with a large vocabulary; most models, not all, can be told where to apply it.
    only = {"logits_to_keep": wanted} if "logits_to_keep" in signature(network.forward).parameters else {}
    with torch.inference_mode():
        logits = network(input_ids=ids, attention_mask=mask, use_cache=False, **only).logits
    return logits if only else logits[:, wanted]
