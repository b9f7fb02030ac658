"""What a model sees of a sentence, as token ids.

A decoder-only model reads ``<bos>Spun: {spun}\\nOriginal: {original}<eos>``, an encoder-decoder model the sentence on one side and its original
on the other. The parts are tokenized apart and special tokens in an article are text like any other, so that nothing an article says can
end the prompt or forge a part of it; source and target words get the same ids.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from tokenizers import Tokenizer
from unspin.data.errors import UnspinError


class PromptError(UnspinError):
    """A model folder whose tokenizer cannot be used; the message says what it lacks."""


@dataclass(frozen=True)
class Source:
    """A sentence to restore: what stands before its output, its own ids, which of them open a word, and the most tokens an output may have.

    `encoded` is what an encoder reads; a decoder-only model has none, and all of its prompt before the output.
    """

    prompt: Sequence[int]
    ids: Sequence[int]
    opens_word: Sequence[bool]
    room: int
    encoded: Sequence[int] = ()


def room_for(source: Sequence[int]) -> int:
    """How many tokens an honest restoration of a source may have."""
    return len(source) * 3 // 2 + 16


@dataclass(frozen=True)
class Prompt:
    """Turns texts into ids and back for the tokenizer of a decoder-only model. `bos` is None where the model has no such token."""

    name: ClassVar[str] = "spun-original/1"
    tokenizer: Tokenizer
    bos: int | None
    eos: int

    @classmethod
    def from_folder(cls, folder: Path) -> Prompt:
        """Read ``tokenizer.json`` and the names of its special tokens. Raises `PromptError` where a checkpoint lacks them."""
        tokenizer, special = _read(folder)
        eos = special.get("eos_token")
        if eos is None:
            raise PromptError(f"{folder / 'tokenizer_config.json'} names no eos_token: not the tokenizer of a language model")
        return cls(tokenizer, special.get("bos_token"), eos)

    @property
    def opening(self) -> list[int]:
        """What every sequence begins with."""
        return [] if self.bos is None else [self.bos]

    def text_ids(self, text: str) -> list[int]:
        """Ids of an article's text where it follows "Spun:" or "Original:"."""
        return list(self.tokenizer.encode(self._written(text), add_special_tokens=False).ids)

    def texts_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """`text_ids` of many texts, by all cores."""
        encodings = self.tokenizer.encode_batch_fast([self._written(text) for text in texts], add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def source(self, text: str) -> Source:
        """A sentence as copy-draft decoding takes it."""
        encoding = self.tokenizer.encode(f" {text}", add_special_tokens=False)
        return Source(self.wrap(encoding.ids), encoding.ids, _open_a_word(f" {text}", encoding.offsets), room_for(encoding.ids))

    def source_ids(self, spun: str) -> list[int]:
        """All that stands before the target."""
        return self.wrap(self.text_ids(spun))

    def wrap(self, text_ids: list[int]) -> list[int]:
        before, after = self._around_source
        return [*before, *text_ids, *after]

    def target_ids(self, original: str) -> list[int]:
        return self.end(self.text_ids(original))

    def end(self, text_ids: list[int]) -> list[int]:
        """The ids of an original as a target: with its end mark."""
        return [*text_ids, self.eos]

    def given_ids(self, opening: str) -> list[int]:
        """Ids of the opening of an output, up to where a word ends."""
        return self.text_ids(opening.rstrip()) if opening.strip() else []

    def decode(self, ids: list[int]) -> str:
        """The text of generated ids, without the end mark and the space that opens it."""
        text: str = self.tokenizer.decode([i for i in ids if i != self.eos], skip_special_tokens=False)
        return text[1:] if text.startswith(" ") else text

    def piece(self, token: int) -> str:
        """The text of one token, with the space that opens a word."""
        text: str = self.tokenizer.decode([token], skip_special_tokens=False)
        return text

    def _written(self, text: str) -> str:
        """A text as it stands where the tokenizer reads it."""
        return f" {text}"

    @cached_property
    def _around_source(self) -> tuple[list[int], list[int]]:
        before, after = (self.tokenizer.encode(literal, add_special_tokens=False).ids for literal in ("Spun:", "\nOriginal:"))
        return [*self.opening, *before], after


@dataclass(frozen=True)
class TwoSidedPrompt(Prompt):
    """For an encoder-decoder model: either text with the special tokens that its tokenizer puts around it."""

    name: ClassVar[str] = "encoder-decoder/1"

    def source(self, text: str) -> Source:
        encoding = self.tokenizer.encode(text, add_special_tokens=False)
        return Source([], encoding.ids, _open_a_word(text, encoding.offsets), room_for(encoding.ids), self.wrap(encoding.ids))

    def end(self, text_ids: list[int]) -> list[int]:
        return self.wrap(text_ids)

    def given_ids(self, opening: str) -> list[int]:
        return [*_template(self.tokenizer)[0], *super().given_ids(opening)]

    def decode(self, ids: list[int]) -> str:
        text: str = self.tokenizer.decode([i for i in ids if i not in (self.eos, self.bos)], skip_special_tokens=False)
        return text.removeprefix(" ")

    def _written(self, text: str) -> str:
        return text

    @cached_property
    def _around_source(self) -> tuple[list[int], list[int]]:
        """What the tokenizer's own template puts before and behind a text, and an end mark in any case."""
        before, after = _template(self.tokenizer)
        return before, after if self.eos in after else [*after, self.eos]


def _open_a_word(text: str, offsets: Sequence[tuple[int, int]]) -> list[bool]:
    """Which tokens do not go on with a word: those at a space or a sign, or behind one."""
    return [not text[start : start + 1].isalnum() or not text[max(start - 1, 0) : start].isalnum() for start, _ in offsets]


def _template(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """The special ids that a tokenizer puts before and behind a text."""
    plain, whole = (list(tokenizer.encode("a", add_special_tokens=special).ids) for special in (False, True))
    start = next((i for i in range(len(whole)) if whole[i : i + len(plain)] == plain), 0)
    return whole[:start], whole[start + len(plain) :]


PROMPTS: dict[str, type[Prompt]] = {prompt.name: prompt for prompt in (Prompt, TwoSidedPrompt)}


def _read(folder: Path) -> tuple[Tokenizer, dict[str, int]]:
    """A tokenizer that takes special tokens in a text for text, and the ids of those that its configuration names."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise PromptError(f"{path} is missing: the model folder is incomplete, or its tokenizer is of an old kind: save it again with transformers")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # what tokenizers raises is nothing narrower
        raise PromptError(f"{path} is damaged ({error}): copy the model again") from None
    tokenizer.encode_special_tokens = True
    tokenizer.no_padding()  # some files ask for either, and a text would come out longer or shorter
    tokenizer.no_truncation()
    settings = folder / "tokenizer_config.json"
    try:
        named = dict(json.loads(settings.read_text(encoding="utf-8"))) if settings.is_file() else {}
    except (ValueError, TypeError):
        raise PromptError(f"{settings} is damaged: copy the model again") from None
    found: dict[str, int] = {}
    for key in ("bos_token", "eos_token", "pad_token"):
        token = named.get(key)
        number = tokenizer.token_to_id(token["content"] if isinstance(token, dict) else token) if token else None
        if number is not None:
            found[key] = number
    return tokenizer, found
