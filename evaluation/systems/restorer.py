"""This project's restorer as a system, with its default engine and with CTranslate2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from unspin.errors import UnspinError
from unspin.evaluation.systems.base import System, SystemSettings, digest, package_digest
from unspin.infer.models.checkpoint import Checkpoint
from unspin.infer.phrase_table import PhraseTable
from unspin.infer.restorer import Restorer
from unspin.lazy import cached_property
from unspin.logs import counted
from unspin.phrase_lists import read_phrases


class Unspin(System):
    """The restorer as users get it. It restores an article as a whole; each text is one paragraph of it."""

    engine = "draft"

    def __init__(self, settings: SystemSettings) -> None:
        self._checkpoint = Checkpoint.open(settings.checkpoint)
        self._min_confidence = settings.min_confidence
        self._pairs = None if settings.phrases is None else read_phrases(settings.phrases)
        self._protect = settings.protect

    @cached_property
    def _restorer(self) -> Restorer:
        return Restorer.from_pretrained(
            str(self._checkpoint.folder),
            engine=self.engine,
            min_confidence=self._min_confidence,
            phrases=None if self._pairs is None else PhraseTable(self._pairs),
            protect=self._protect,
        )

    @property
    def revision(self) -> str:
        checkpoint = self._checkpoint
        weights = (
            checkpoint.digest,
            asdict(checkpoint.calibration),
            checkpoint.max_passage_words,
            checkpoint.vocabulary(),
        )
        options = self._min_confidence, self._pairs, self._protect
        return digest((self.engine, *options, *weights), package_digest("unspin.infer"))

    def restore(self, texts: Sequence[str]) -> list[str]:
        restored = self._restorer.restore("\n\n".join(texts)).text.split("\n\n")
        if len(restored) != len(texts):
            raise UnspinError(
                f"the restorer turned {counted(len(texts), 'paragraph')} into {len(restored)}; it must keep their "
                "number: please report this with the text"
            )
        return restored


class UnspinInt8(Unspin):
    """The same checkpoint in 8-bit integers, run by CTranslate2."""

    engine = "ctranslate2"
