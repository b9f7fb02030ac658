"""The base class of systems, the settings they are created from, and digests that tell when outputs are outdated."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from unspin.hashing import code_digest


@dataclass(frozen=True)
class SystemSettings:
    """What a config says about systems; each system uses what concerns it.

    `checkpoint` is "default" or a folder, for the systems called unspin. Edits below `min_confidence` are not made;
    None takes the checkpoint's own threshold. `phrases` is their list of garbled phrases, and `protect` are the terms
    that they do not touch. `lexicon_data` is the data set whose clean text the lexicon baselines count.
    """

    checkpoint: str = "default"
    min_confidence: float | None = None
    phrases: Path | None = None
    protect: tuple[str, ...] = ()
    lexicon_data: Path | None = None


class System(ABC):
    """Restores the texts of one article.

    Creating it is cheap, and raises `UnspinError` if a setting is missing or wrong. Models are loaded by the first call
    of `restore`.
    """

    def __init__(self, settings: SystemSettings) -> None:  # noqa: B027 - optional to override
        """Most systems ignore the settings; one that uses them overrides this."""

    @property
    @abstractmethod
    def revision(self) -> str:
        """A string that changes whenever the outputs may change; stored outputs of another revision are not reused."""

    @abstractmethod
    def restore(self, texts: Sequence[str]) -> list[str]:
        """Restore the sentences or paragraphs of one article: one output per text, in order."""


def digest(*parts: object) -> str:
    """Sixteen hex digits of the SHA-256 of the parts as JSON."""
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:16]


def package_digest(*packages: str, data: Sequence[str] = ()) -> str:
    """A digest of the code below packages, and of their files that match the patterns `data`.

    Stored outputs of other code are not reused.
    """
    return code_digest(*(Path(str(files(package))) for package in packages), data=data)
