"""What the engines that ask a transformers model share. Nothing heavy is imported before a model is asked for."""

from __future__ import annotations

from typing import Any

from unspin.data.spinners.registry import EngineError


def open_config(engine: str, model: str) -> Any:
    """The config of a folder or hub model. Raises `EngineError` where there is none."""
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(model, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise EngineError(f"engines: {engine}:{model}: no model there; name a transformers folder or a hub model ({first_line(error)})") from error


def longest(tokenizer: Any, network: Any) -> int:
    """How many tokens a model can read."""
    return min(tokenizer.model_max_length, getattr(network.config, "max_position_embeddings", None) or tokenizer.model_max_length)


def first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
