"""A prompting baseline: the base model, which was never fine-tuned, with six examples in its prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from unspin.evaluation.systems.base import System, SystemSettings, digest, package_digest
from unspin.infer.models.backbone import default_backbone
from unspin.infer.models.checkpoint import Checkpoint
from unspin.infer.models.prompt import Prompt
from unspin.lazy import cached_property
from unspin.segment import words

EXAMPLES = (  # (spun, original)
    (
        "The chief of the labour syndicate expressed that talks might carry on on Monday.",
        "The head of the trade union said that talks would continue on Monday.",
    ),
    (
        "Profits dropped by 4 percent, nevertheless the firm anticipates a robust 2nd half.",
        "Profits fell by 4 per cent, but the company expects a strong second half.",
    ),
    ("She has lived within the city since 1998.", "She has lived in the city since 1998."),
    ("The council approved the plan on Tuesday.", "The council approved the plan on Tuesday."),
    (
        "Medical practitioners caution that the ailment might unfold quickly in packed camps.",
        "Doctors warn that the disease could spread quickly in crowded camps.",
    ),
    (
        "“We're not afraid of tough work,” the younger man informed reporters.",
        "“We are not afraid of hard work,” the young man told reporters.",
    ),
)


@dataclass(frozen=True)
class FewShotPrompt(Prompt):
    """The usual prompt, preceded by the examples in the same form. Its end token should be the line break."""

    def wrap_source(self, text_ids: list[int]) -> list[int]:
        examples = "".join(f"Spun: {spun}\nOriginal: {original}\n" for spun, original in EXAMPLES)
        return [
            *self.bos_ids,
            *self.tokenizer.encode(examples, add_special_tokens=False).ids,
            *super().wrap_source(text_ids)[len(self.bos_ids) :],
        ]


class FewShot(System):
    """The base model with six examples in its prompt.

    If an output has less than half or more than twice the words of its text, the text is returned unchanged.
    """

    def __init__(self, settings: SystemSettings) -> None:
        self._vocabulary = Checkpoint.open("default").vocabulary()

    @property
    def revision(self) -> str:
        return digest(EXAMPLES, package_digest("unspin.infer"))

    @cached_property
    def _prompt_and_decoder(self) -> tuple[FewShotPrompt, Any]:
        from unspin.infer.engines.decoding import CopyDecoder
        from unspin.infer.models.base import fast_dtype
        from unspin.infer.models.gemma3 import Gemma3

        folder = default_backbone()
        model = Gemma3(folder, fast_dtype())
        plain = Prompt.from_folder(folder)
        (line_break,) = plain.tokenizer.encode("\n", add_special_tokens=False).ids
        ids = range(len(model.embeddings)) if self._vocabulary is None else self._vocabulary
        return FewShotPrompt(plain.tokenizer, plain.bos, line_break), CopyDecoder(model, line_break, ids)

    def restore(self, texts: Sequence[str]) -> list[str]:
        prompt, decoder = self._prompt_and_decoder
        outputs = [prompt.decode(output.ids) for output in decoder.decode([prompt.source(text) for text in texts])]
        return [
            output if len(words(text)) <= 2 * len(words(output)) <= 4 * len(words(text)) else text
            for text, output in zip(texts, outputs, strict=True)
        ]
