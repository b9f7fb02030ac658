"""The prompt: how a sentence is presented to a model, as token ids.

A decoder-only model reads ``<bos>Spun: {spun}\nOriginal: {original}<eos>``; an encoder-decoder model encodes the spun
text and decodes the original. The parts are tokenized separately, and special tokens that occur in an article are plain
text. So nothing in an article can end the prompt or forge a part of it, and a word has the same ids in source and
target.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from tokenizers import Encoding, Tokenizer
from unspin.errors import UnspinError
from unspin.infer.models.loading import ADVICE, read_json
from unspin.lazy import cached_property


class PromptError(UnspinError):
    """Raised if the tokenizer of a model folder cannot be used; the message says what it lacks."""


@contextmanager
def _panics_reported() -> Iterator[None]:
    """Turn a panic of the tokenizers library into `PromptError`; its class is no `Exception`, and has no other name.

    A pattern that would search for ever panics after ten million steps.
    """
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise PromptError(f"the model's tokenizer.json cannot be used ({error}): use another model") from None


@dataclass(frozen=True)
class Source:
    """A text to restore, as copy-draft decoding reads it.

    `prompt` are the ids that a decoder reads before its output. `encoded` are the ids that an encoder reads; a
    decoder-only model has none. `ids` are the text's own ids, which are drafted; ``opens_word[i]`` says whether id `i`
    begins a word or a punctuation mark.
    """

    prompt: Sequence[int]
    ids: Sequence[int]
    opens_word: Sequence[bool]
    max_output_tokens: int
    encoded: Sequence[int] = ()


def max_output_tokens(source: Sequence[int]) -> int:
    """The length limit, in tokens, for the output of a source: more than any real restoration needs."""
    return len(source) * 3 // 2 + 16


@dataclass(frozen=True)
class Prompt:
    """Turns texts into ids and back for a decoder-only model.

    `name` identifies the prompt form in a checkpoint. `bos` is None if the tokenizer names no such token.
    """

    name: ClassVar[str] = "spun-original/1"
    is_encoder_decoder: ClassVar[bool] = False
    tokenizer: Tokenizer
    bos: int | None
    eos: int

    @classmethod
    def from_folder(cls, folder: Path) -> Prompt:
        """Load the tokenizer of a model folder.

        Raises `PromptError` if ``tokenizer.json`` is missing or damaged, or its configuration names no end token.
        """
        tokenizer, special = _load_tokenizer(folder)
        eos = special.get("eos_token")
        if eos is None:
            raise PromptError(
                f"{folder / 'tokenizer_config.json'} names no eos_token: give the folder of a language model"
            )
        return cls(tokenizer, special.get("bos_token"), eos)

    @property
    def bos_ids(self) -> list[int]:
        """The id that every sequence begins with, or none."""
        return [] if self.bos is None else [self.bos]

    def text_ids(self, text: str) -> list[int]:
        """The ids of a text, spun or original, as it stands in the prompt."""
        return list(self._encode(self._in_prompt(text)).ids)

    def batch_text_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """`text_ids` of many texts, on all cores."""
        inputs = [self._in_prompt(text) for text in texts]
        with _panics_reported():
            encodings = self.tokenizer.encode_batch_fast(inputs, add_special_tokens=False)
        return [encoding.ids for encoding in encodings]

    def source(self, text: str) -> Source:
        """A text as copy-draft decoding reads it."""
        encoding = self._encode(self._in_prompt(text))
        opens_word = _opens_word(self._in_prompt(text), encoding.offsets)
        return Source(self.wrap_source(encoding.ids), encoding.ids, opens_word, max_output_tokens(encoding.ids))

    def source_ids(self, spun: str) -> list[int]:
        """The ids of a spun text in its prompt: everything before the target."""
        return self.wrap_source(self.text_ids(spun))

    def wrap_source(self, text_ids: list[int]) -> list[int]:
        """Put the ids of a spun text into the prompt."""
        before, after = self._around_source
        return [*before, *text_ids, *after]

    def target_ids(self, original: str) -> list[int]:
        """The ids of an original as the model should write it, with the end token."""
        return self.end_target(self.text_ids(original))

    def end_target(self, text_ids: list[int]) -> list[int]:
        """Add the end token to the ids of an original."""
        return [*text_ids, self.eos]

    def prefix_ids(self, opening: str) -> list[int]:
        """The ids of the beginning of an output; white space at its end is left to the next token."""
        return self.text_ids(opening.rstrip()) if opening.strip() else []

    def before_text(self, sentence: str) -> tuple[list[int], list[int]]:
        """What a model reads before a text that is to be scored: the ids of the decoder, and those of the encoder.

        Only an encoder-decoder model is shown the sentence that the text may replace.
        """
        return self.bos_ids or [self.eos], []

    def before_copy(self, sentence: str) -> tuple[list[int], list[int]]:
        """What a model reads before it restores a sentence: the ids of the decoder, and those of the encoder."""
        return self.source_ids(sentence), []

    def text_ends(self, text: str) -> list[int]:
        """For each of `text_ids`, the index in the text of the character after it."""
        in_prompt = self._in_prompt(text)
        shift = len(in_prompt) - len(text)
        encoding = self._encode(in_prompt)
        return [max(end - shift, 0) for _, end in encoding.offsets]

    def decode(self, ids: list[int]) -> str:
        """The text of generated ids, without the end token and the leading space."""
        return self._decode([i for i in ids if i != self.eos]).removeprefix(" ")

    def piece(self, token: int) -> str:
        """The text of one token, with its leading space if it opens a word."""
        return self._decode([token])

    def _encode(self, in_prompt: str) -> Encoding:
        with _panics_reported():
            return self.tokenizer.encode(in_prompt, add_special_tokens=False)

    def _decode(self, ids: list[int]) -> str:
        with _panics_reported():
            text: str = self.tokenizer.decode(ids, skip_special_tokens=False)
        return text

    def _in_prompt(self, text: str) -> str:
        """A text as it is tokenized: with the space that follows "Spun:" or "Original:"."""
        return f" {text}"

    @cached_property
    def _around_source(self) -> tuple[list[int], list[int]]:
        """The ids of the prompt before and after the spun text."""
        before, after = (self._encode(literal).ids for literal in ("Spun:", "\nOriginal:"))
        return [*self.bos_ids, *before], after


@dataclass(frozen=True)
class EncoderDecoderPrompt(Prompt):
    """The prompt of an encoder-decoder model: each text between the special tokens of the tokenizer's template."""

    name: ClassVar[str] = "encoder-decoder/1"
    is_encoder_decoder: ClassVar[bool] = True

    def source(self, text: str) -> Source:
        decoder_only = super().source(text)
        return replace(decoder_only, prompt=[], encoded=decoder_only.prompt)

    def end_target(self, text_ids: list[int]) -> list[int]:
        return self.wrap_source(text_ids)

    def prefix_ids(self, opening: str) -> list[int]:
        return [*_template(self.tokenizer)[0], *super().prefix_ids(opening)]

    def before_text(self, sentence: str) -> tuple[list[int], list[int]]:
        return self.prefix_ids(""), self.source_ids(sentence)

    def before_copy(self, sentence: str) -> tuple[list[int], list[int]]:
        return self.before_text(sentence)

    def decode(self, ids: list[int]) -> str:
        text: str = self.tokenizer.decode([i for i in ids if i not in (self.eos, self.bos)], skip_special_tokens=False)
        return text.removeprefix(" ")

    def _in_prompt(self, text: str) -> str:
        return text

    @cached_property
    def _around_source(self) -> tuple[list[int], list[int]]:
        """The ids of the tokenizer's template before and after a text; an end token is added if it has none."""
        before, after = _template(self.tokenizer)
        return before, after if self.eos in after else [*after, self.eos]


def _opens_word(text: str, offsets: Sequence[tuple[int, int]]) -> list[bool]:
    """Whether each token begins a word or a punctuation mark: its start is not between two letters or digits."""
    return [
        not text[start : start + 1].isalnum() or not text[max(start - 1, 0) : start].isalnum() for start, _ in offsets
    ]


def _template(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """The special ids that a tokenizer's template puts before and after a text."""
    with _panics_reported():
        plain, templated = (list(tokenizer.encode("a", add_special_tokens=special).ids) for special in (False, True))
    start = next((i for i in range(len(templated)) if templated[i : i + len(plain)] == plain), 0)
    return templated[:start], templated[start + len(plain) :]


PROMPTS: dict[str, type[Prompt]] = {prompt.name: prompt for prompt in (Prompt, EncoderDecoderPrompt)}


def _load_tokenizer(folder: Path) -> tuple[Tokenizer, dict[str, int]]:
    """A tokenizer that reads special tokens in a text as plain text, and the result of `_special_ids`."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise PromptError(
            f"{path} is missing: copy the whole model folder, or save a slow tokenizer again with transformers"
        )
    try:
        with _panics_reported():
            tokenizer = Tokenizer.from_file(str(path))
    except PromptError:
        raise
    except Exception as error:  # tokenizers raises no narrower class
        raise PromptError(f"{path} is damaged ({error}): copy the model again") from None
    tokenizer.encode_special_tokens = True
    tokenizer.no_padding()  # some files turn on padding or truncation, which would change the length of a text
    tokenizer.no_truncation()
    return tokenizer, _special_ids(tokenizer, folder / "tokenizer_config.json")


def _special_ids(tokenizer: Tokenizer, config_file: Path) -> dict[str, int]:
    """The ids of the tokens that a tokenizer_config.json names as "bos_token" and "eos_token", by these keys."""
    config = read_json(config_file) if config_file.is_file() else {}
    ids: dict[str, int] = {}
    for key in ("bos_token", "eos_token"):
        token = config.get(key)
        text = token.get("content") if isinstance(token, dict) else token
        if not isinstance(text, str | None):
            raise PromptError(f"{config_file} is damaged ({key} is {text!r}, not a token): {ADVICE}")
        token_id = tokenizer.token_to_id(text) if text else None
        if token_id is not None:
            ids[key] = token_id
    return ids
