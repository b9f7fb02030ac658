"""Helpers for the spinners that run a transformers model. Nothing heavy is imported until a model is needed."""

from __future__ import annotations

from typing import Any

from unspin.data.spinners.registry import SpinnerError


def open_config(spinner: str, model: str) -> Any:
    """The transformers config of a local folder or a hub model. Raises `SpinnerError` if there is none."""
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(model, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        what = f"spinners: {spinner}:{model}: no model there"
        raise SpinnerError(f"{what}; name a transformers folder or a hub model ({first_line(error)})") from error


def max_input_tokens(tokenizer: Any, network: Any) -> int:
    """The longest input, in tokens, that both the tokenizer and the network accept."""
    positions = getattr(network.config, "max_position_embeddings", None)
    return min(tokenizer.model_max_length, positions or tokenizer.model_max_length)


def first_line(error: Exception) -> str:
    """The first line of an error message; transformers' messages run to paragraphs."""
    return str(error).strip().partition("\n")[0]
