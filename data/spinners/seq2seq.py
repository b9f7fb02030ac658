"""Round trips by sequence-to-sequence models of transformers: Marian (OPUS-MT), NLLB, BART.

Costs seconds a sentence on a CPU. Models are loaded at the first sentence and kept, two at a time per process.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from unspin.data.spinners.models import first_line, max_input_tokens, open_config
from unspin.data.spinners.registry import SpinnerError


@dataclass(frozen=True, slots=True)
class NeuralRoute:
    """Translates with model `forward` and back with model `back`.

    A multilingual model serves both ways; then `english` and `other` are its language codes.
    """

    rule: str
    forward: str
    back: str
    english: str = ""
    other: str = ""

    def round_trip(self, text: str) -> str:
        """The text translated there and back, or "" if it is too long for a model."""
        foreign = _translate(self.forward, text, self.english, self.other)
        return _translate(self.back, foreign, self.other, self.english) if foreign.strip() else ""


def marian(forward: str, back: str) -> NeuralRoute:
    """A route by two models. Raises `SpinnerError` if one is missing or is not a translation model."""
    for model in (forward, back):
        _check(model)
    return NeuralRoute(Path(forward).name, forward, back)


def nllb(model: str, language: str) -> NeuralRoute:
    """A route by one multilingual model; `language` is a FLORES-200 code (NLLB Team, arXiv:2207.04672, table 1).

    Raises `SpinnerError` if the model is missing or is not a translation model.
    """
    _check(model)
    return NeuralRoute(f"eng-{language.partition('_')[0]}", model, model, "eng_Latn", language)


@lru_cache(maxsize=8)
def _check(model: str) -> None:
    config = open_config("roundtrip", model)
    if not config.is_encoder_decoder:
        what = f"spinners: roundtrip:{model}: a {config.model_type} model does not translate"
        raise SpinnerError(f"{what}; name a Marian, NLLB or BART model")


@lru_cache(maxsize=2)
def _load(model: str) -> tuple[Any, Any]:
    """Tokenizer and network; only safetensors weights are loaded."""
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    options = {"trust_remote_code": False, "dtype": torch.float32, "use_safetensors": True}
    where = f"spinners: roundtrip:{model}"
    try:
        tokenizer = AutoTokenizer.from_pretrained(model, trust_remote_code=False)
        return tokenizer, AutoModelForSeq2SeqLM.from_pretrained(model, **options).eval()
    except ImportError as error:
        advice = "pip install sentencepiece"
        raise SpinnerError(f"{where}: its tokenizer needs a package; {advice} ({first_line(error)})") from error
    except (OSError, ValueError, KeyError) as error:
        raise SpinnerError(f"{where}: needs safetensors weights and a tokenizer ({first_line(error)})") from error


def _translate(model: str, text: str, source: str, target: str) -> str:
    """The greedy translation, or "" if the text is longer than the model's limit."""
    import torch

    tokenizer, network = _load(model)
    if source:
        tokenizer.src_lang = source
    inputs = tokenizer(text, return_tensors="pt")
    length, limit = inputs["input_ids"].shape[1], max_input_tokens(tokenizer, network)
    if length > limit:
        return ""
    options = {"do_sample": False, "num_beams": 1, "max_new_tokens": min(2 * length + 8, limit - 2)}
    if target:
        options["forced_bos_token_id"] = _language_token(model, tokenizer, target)
    with torch.inference_mode():
        output = network.generate(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], **options)
    return tokenizer.decode(output[0], skip_special_tokens=True)


def _language_token(model: str, tokenizer: Any, code: str) -> int:
    """The token that tells the model to write in a language. Raises `SpinnerError` if it does not know the language."""
    token = tokenizer.convert_tokens_to_ids(code)
    if token is None or token == tokenizer.unk_token_id:
        what = f"spinners: roundtrip:nllb:{model}: does not know the language {code!r}"
        raise SpinnerError(f"{what}; give its FLORES-200 code, such as deu_Latn")
    return token
