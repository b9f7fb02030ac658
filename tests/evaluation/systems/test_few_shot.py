"""The few-shot prompt: its examples stand before the text, in the same form."""

from pathlib import Path

from unspin.evaluation.systems.few_shot import EXAMPLES, FewShotPrompt
from unspin.infer.models.prompt import Prompt


def test_examples_precede_the_text(tiny_base: Path) -> None:
    plain = Prompt.from_folder(tiny_base)
    prompt = FewShotPrompt(plain.tokenizer, plain.bos, plain.eos)
    text = prompt.decode(list(prompt.source("A text.").prompt))
    assert all(f"Spun: {spun}\nOriginal: {original}\n" in text for spun, original in EXAMPLES)
    assert text.endswith("Spun: A text.\nOriginal:")
