"""Round trips by sequence-to-sequence models of transformers: Marian (OPUS-MT), NLLB, BART. Takes seconds a sentence on a CPU."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from unspin.data.spinners.models import first_line, longest, open_config
from unspin.data.spinners.registry import EngineError


@dataclass(frozen=True, slots=True)
class Neural:
    """There by one model and back by another, or by the same one told the language of its input and output."""

    rule: str
    forward: str
    back: str
    english: str = ""
    other: str = ""

    def round_trip(self, text: str) -> str:
        abroad = _translate(self.forward, text, self.english, self.other)
        return _translate(self.back, abroad, self.other, self.english) if abroad.strip() else ""


def marian(forward: str, back: str) -> Neural:
    """The route by two models. Raises `EngineError` where one is missing or no translator."""
    for model in (forward, back):
        _check(model)
    return Neural(Path(forward).name, forward, back)


def nllb(model: str, language: str) -> Neural:
    """Languages as FLORES-200 codes (NLLB Team, 2022, table 1)."""
    _check(model)
    return Neural(f"eng-{language.partition('_')[0]}", model, model, "eng_Latn", language)


@lru_cache(maxsize=8)
def _check(model: str) -> None:
    config = open_config("roundtrip", model)
    if not config.is_encoder_decoder:
        raise EngineError(f"engines: roundtrip:{model}: a {config.model_type} model does not translate; name a Marian, NLLB or BART of some kind")


@lru_cache(maxsize=2)
def _load(model: str) -> tuple[Any, Any]:
    """Tokenizer and network. Weights are read from safetensors alone."""
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    plain = {"trust_remote_code": False, "dtype": torch.float32, "use_safetensors": True}
    try:
        tokenizer = AutoTokenizer.from_pretrained(model, trust_remote_code=False)
        return tokenizer, AutoModelForSeq2SeqLM.from_pretrained(model, **plain).eval()
    except ImportError as error:
        raise EngineError(f"engines: roundtrip:{model}: its tokenizer lacks a package; pip install sentencepiece ({first_line(error)})") from error
    except (OSError, ValueError, KeyError) as error:
        raise EngineError(f"engines: roundtrip:{model}: needs safetensors weights and a tokenizer ({first_line(error)})") from error


def _translate(model: str, text: str, source: str, target: str) -> str:
    """The likeliest translation, word by word; nothing for a text longer than the model can read."""
    import torch

    tokenizer, network = _load(model)
    if source:
        tokenizer.src_lang = source
    rows = tokenizer(text, return_tensors="pt")
    length, limit = rows["input_ids"].shape[1], longest(tokenizer, network)
    if length > limit:
        return ""
    opening = {"forced_bos_token_id": _language(model, tokenizer, target)} if target else {}
    room = min(2 * length + 8, limit - 2)
    wanted = {"do_sample": False, "num_beams": 1, "max_new_tokens": room, **opening}
    with torch.inference_mode():
        made = network.generate(input_ids=rows["input_ids"], attention_mask=rows["attention_mask"], **wanted)
    return tokenizer.decode(made[0], skip_special_tokens=True)


def _language(model: str, tokenizer: Any, code: str) -> int:
    token = tokenizer.convert_tokens_to_ids(code)
    if token is None or token == tokenizer.unk_token_id:
        raise EngineError(f"engines: roundtrip:nllb:{model}: does not know the language {code!r}; name one by its FLORES-200 code, such as deu_Latn")
    return token
