"""The prompt a decoder-only model sees, as token ids.

``<bos>Spun: {spun}\\nOriginal: {original}<eos>``. The parts are tokenized apart and special tokens in an article are text like any
other, so that nothing an article says can end the prompt or forge a part of it; source and target words get the same ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

NAME = "spun-original/1"


@dataclass(frozen=True)
class Source:
    """A sentence to restore: its prompt, its own ids, which of them open a word, and the most tokens an output may have."""

    prompt: Sequence[int]
    ids: Sequence[int]
    opens_word: Sequence[bool]
    room: int


def room_for(source: Sequence[int]) -> int:
    """How many tokens an honest restoration of a source may have."""
    return len(source) * 3 // 2 + 16


@dataclass(frozen=True)
class Prompt:
    """Turns texts into ids and back for one tokenizer."""

    tokenizer: Tokenizer
    bos: int
    eos: int

    @classmethod
    def from_folder(cls, folder: Path) -> Prompt:
        """Read ``tokenizer.json``. Raises FileNotFoundError if a checkpoint lacks it."""
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing: the checkpoint is incomplete")
        tokenizer = Tokenizer.from_file(str(path))
        tokenizer.encode_special_tokens = True
        bos, eos = tokenizer.token_to_id("<bos>"), tokenizer.token_to_id("<eos>")
        if bos is None or eos is None:
            raise ValueError(f"{path} has no <bos> and <eos>: not the tokenizer of a Gemma model")
        return cls(tokenizer, bos, eos)

    def text_ids(self, text: str) -> list[int]:
        """Ids of an article's text where it follows "Spun:" or "Original:"."""
        return list(self.tokenizer.encode(f" {text}", add_special_tokens=False).ids)

    def source(self, text: str) -> Source:
        """A sentence as copy-draft decoding takes it."""
        encoding = self.tokenizer.encode(f" {text}", add_special_tokens=False)
        opens = [not f" {text}"[start:end][:1].isalnum() for start, end in encoding.offsets]
        return Source(self.wrap(encoding.ids), encoding.ids, opens, room_for(encoding.ids))

    def source_ids(self, spun: str) -> list[int]:
        """All that stands before the target."""
        return self.wrap(self.text_ids(spun))

    def wrap(self, text_ids: list[int]) -> list[int]:
        return [self.bos, *self._literal("Spun:"), *text_ids, *self._literal("\nOriginal:")]

    def target_ids(self, original: str) -> list[int]:
        return [*self.text_ids(original), self.eos]

    def decode(self, ids: list[int]) -> str:
        """The text of generated ids, without the end mark and the space that opens it."""
        text: str = self.tokenizer.decode([i for i in ids if i != self.eos], skip_special_tokens=False)
        return text[1:] if text.startswith(" ") else text

    def piece(self, token: int) -> str:
        """The text of one token, with the space that opens a word."""
        text: str = self.tokenizer.decode([token], skip_special_tokens=False)
        return text

    def given_ids(self, text: str) -> list[int]:
        """Ids of the opening of an output, up to where a word ends."""
        return self.text_ids(text.rstrip()) if text.strip() else []

    def _literal(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)
