"""Systems: whatever turns the texts of a spun article into restored ones. Ours, and what people could use instead.

Each baseline gets what it needs to do well: the dictionaries the engines spin with, counts of clean English from the training articles, a
margin set on the validation articles, the base model's judgement of candidates. `revision` says what a system's output depends on.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Protocol

from unspin.data.edits import Edit, align, apply
from unspin.data.errors import UnspinError
from unspin.data.morphology import inflect
from unspin.data.segment import words
from unspin.data.spinners.persona import held_out
from unspin.data.spinners.phrases import index as phrases
from unspin.data.spinners.protocol import Sentence
from unspin.data.spinners.tables import recase
from unspin.data.spinners.thesaurus import index as thesaurus
from unspin.infer.checkpoint import Checkpoint
from unspin.infer.default_model import base_folder
from unspin.infer.prompt import Prompt
from unspin.infer.restorer import Restorer
from unspin.train.batches import load_split
from unspin.train.metrics import f_score

if TYPE_CHECKING:
    from unspin.train.config import EvalConfig

WINDOW = 10  # words on either side by which the noisy channel judges
TUNED_ON = 150  # validation rows
MARGINS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)  # natural logarithms


class System(Protocol):
    """Restores the texts of one article (sentences or paragraphs), as many as it is given."""

    @property
    def revision(self) -> str: ...

    def restore(self, texts: Sequence[str]) -> list[str]: ...


class Copy:
    """The input as it came."""

    revision = "1"

    def __init__(self, config: EvalConfig) -> None:
        pass

    def restore(self, texts: Sequence[str]) -> list[str]:
        return list(texts)


class Unspin:
    """The restorer that users get, on whole articles: each text is a paragraph."""

    engine = "draft"

    def __init__(self, config: EvalConfig) -> None:
        self._checkpoint = Checkpoint.open(config.checkpoint)
        self._threshold = config.min_confidence

    @cached_property
    def _restorer(self) -> Restorer:
        return Restorer.from_pretrained(str(self._checkpoint.folder), engine=self.engine, min_confidence=self._threshold, report=print)

    @property
    def revision(self) -> str:
        one = self._checkpoint
        settings = (self.engine, self._threshold, one.digest, asdict(one.calibration), one.passage, one.vocabulary())
        return _digest(settings, _code("unspin.infer"))

    def restore(self, texts: Sequence[str]) -> list[str]:
        restored = self._restorer.restore("\n\n".join(texts)).text.split("\n\n")
        if len(restored) != len(texts):
            raise UnspinError(f"{len(texts)} paragraphs became {len(restored)}: the restorer lost or made one")
        return restored


class UnspinInt8(Unspin):
    """The same model by CTranslate2."""

    engine = "ctranslate2"


class Harper:
    """A grammar checker (harper-py): its first suggestion wherever the American and the British dictionary agree that something is wrong."""

    def __init__(self, config: EvalConfig) -> None:
        pass

    @property
    def revision(self) -> str:
        return version("harper-py")

    @cached_property
    def _linters(self) -> list[Any]:
        from harper import Dialect, Linter

        return [Linter(dialect=dialect) for dialect in (Dialect.AMERICAN, Dialect.BRITISH)]

    def restore(self, texts: Sequence[str]) -> list[str]:
        return [self._mend(text) for text in texts]

    def _mend(self, text: str) -> str:
        from harper import Language

        found = [{(lint.span.start, lint.span.end): lint for lint in it.lint(text, language=Language.PLAINTEXT)} for it in self._linters]
        position = len(text)
        for span in sorted(found[0].keys() & found[1].keys(), reverse=True):
            lint = found[0][span]
            if span[1] <= position and lint.suggestions:
                text = self._linters[0].apply_suggestion(text, lint, lint.suggestions[0])
                position = span[0]
        return text


class ReverseLexicon:
    """The engines' dictionaries read backwards: a word or phrase gives way to the entry that is commonest in clean English.

    Held-out entries are left out, as they are from training. `gains` are differences of log counts.
    """

    rounds = 1
    options = 4  # for a word or phrase, the commonest in clean English

    def __init__(self, config: EvalConfig) -> None:
        self._data = config.lexicon_data

    @property
    def revision(self) -> str:
        return _digest(type(self).__name__, str(self._data), TUNED_ON, MARGINS, _code("unspin.train.benchmark", "systems.py"))

    def restore(self, texts: Sequence[str]) -> list[str]:
        return [self._restore(text) for text in texts]

    def _restore(self, text: str) -> str:
        for _ in range(self.rounds):
            before, text = text, apply(text, chosen(self.gains(text), self._margin))
            if text == before:
                break
        return text

    @cached_property
    def _margin(self) -> float:
        """The margin with the best F0.5 on validation rows."""
        rows = [row for row in load_split(self._data, "validation").to_list() if row["edits"]][:TUNED_ON]
        found = [(self.gains(row["spun"]), set(align(row["spun"], row["original"]))) for row in rows]

        def score(margin: float) -> float:
            made = [set(chosen(gains, margin)) for gains, _ in found]
            right = sum(len(edits & due) for edits, (_, due) in zip(made, found, strict=True))
            return f_score(right / max(sum(map(len, made)), 1), right / sum(len(due) for _, due in found), 0.5)

        return max(MARGINS, key=score)

    def gains(self, text: str) -> list[tuple[float, Edit]]:
        """Candidates with how much better than what stands there each would be."""
        counts = self._counts
        return [(counts(edit.replacement) - counts(text[edit.start : edit.end]), edit) for edit in self.candidates(text)]

    def candidates(self, text: str) -> Iterator[Edit]:
        """For each word or phrase that a dictionary holds, the commonest entries it may stand for, in its own form and casing."""
        sentence = Sentence.of(text)
        places: dict[tuple[int, int], set[str]] = {}
        for match in (match for index in (phrases(), thesaurus()) for match in index.matches(sentence)):
            span = sentence.words[match.first].start, sentence.words[match.last].end
            for term in (*match.entry.substitutes, *match.entry.near):
                if not (held_out(term) or held_out(match.entry.head)):
                    places.setdefault(span, set()).add(recase(text[slice(*span)], inflect(term, match.entry.pos, match.tag), True))
        for span, options in places.items():
            known = sorted(options - {text[slice(*span)]}, key=lambda option: (-self._counts(option), option))
            yield from (Edit(*span, option) for option in known[: self.options])

    @cached_property
    def _counts(self) -> Callable[[str], float]:
        """Log count of a phrase of up to four words in the training articles' originals."""
        grams: Counter[tuple[str, ...]] = Counter()
        for original in dict.fromkeys(load_split(self._data, "train")["original"]):
            found = [word.lower() for word in words(original)]
            for size in range(1, 5):
                grams.update(zip(*(found[i:] for i in range(size)), strict=False))
        return lambda phrase: math.log(grams[tuple(word.lower() for word in words(phrase))] + 0.1)


class NoisyChannel(ReverseLexicon):
    """The reverse lexicon's candidates, judged by the base model that was never tuned: log probability of the words around with and without.

    The channel is uniform over candidates, its constant the margin. Two rounds, since a neighbour that was put right makes the next
    judgement better. Probabilities are over the ids that the released model's training saw.
    """

    rounds = 2
    options = 2  # with four, a benchmark takes hours

    def __init__(self, config: EvalConfig) -> None:
        super().__init__(config)
        self._vocabulary = Checkpoint.open("default").vocabulary()
        self._known: dict[str, float] = {}

    @cached_property
    def _scorer(self) -> Callable[[list[str]], list[float]]:
        from unspin.train.benchmark.likelihood import Likelihood

        return Likelihood(base_folder(print), self._vocabulary)

    def gains(self, text: str) -> list[tuple[float, Edit]]:
        pairs = [(edit, *_around(text, edit)) for edit in self.candidates(text)]
        new = sorted({window for _, *windows in pairs for window in windows} - self._known.keys())
        self._known |= zip(new, self._scorer(new), strict=True)
        return [(self._known[after] - self._known[before], edit) for edit, before, after in pairs]


def _around(text: str, edit: Edit) -> tuple[str, str]:
    """The `WINDOW` words on either side of an edit with what stands there, and with what would."""
    left = " ".join(text[: edit.start].split(" ")[-WINDOW - 1 :])
    right = " ".join(text[edit.end :].split(" ")[: WINDOW + 1])
    return left + text[edit.start : edit.end] + right, left + edit.replacement + right


EXAMPLES = (
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
    ("“We're not afraid of tough work,” the younger man informed reporters.", "“We are not afraid of hard work,” the young man told reporters."),
)


@dataclass(frozen=True)
class FewShotPrompt(Prompt):
    """The usual prompt with examples before it, a line each; a restoration ends with its line."""

    def wrap(self, text_ids: list[int]) -> list[int]:
        examples = "".join(f"Spun: {spun}\nOriginal: {original}\n" for spun, original in EXAMPLES)
        return [*self.opening, *self.tokenizer.encode(examples, add_special_tokens=False).ids, *super().wrap(text_ids)[len(self.opening) :]]


class FewShot:
    """The base model, never tuned, with six examples in its prompt; an output half or twice as long as its text is not taken."""

    def __init__(self, config: EvalConfig) -> None:
        self._vocabulary = Checkpoint.open("default").vocabulary()

    @property
    def revision(self) -> str:
        return _digest(EXAMPLES, _code("unspin.infer"))

    @cached_property
    def _engine(self) -> tuple[FewShotPrompt, Any]:
        from unspin.infer.decoding import CopyDecoder
        from unspin.infer.gemma import Gemma, fast_dtype

        folder = base_folder(print)
        model = Gemma(folder, fast_dtype())
        plain = Prompt.from_folder(folder)
        (line_end,) = plain.tokenizer.encode("\n", add_special_tokens=False).ids
        ids = range(len(model.embeddings)) if self._vocabulary is None else self._vocabulary
        return FewShotPrompt(plain.tokenizer, plain.bos, line_end), CopyDecoder(model, line_end, ids)

    def restore(self, texts: Sequence[str]) -> list[str]:
        prompt, decoder = self._engine
        outputs = [prompt.decode(output.ids) for output in decoder.decode([prompt.source(text) for text in texts])]
        return [out if len(words(text)) <= 2 * len(words(out)) <= 4 * len(words(text)) else text for text, out in zip(texts, outputs, strict=True)]


SYSTEMS: dict[str, Callable[[EvalConfig], System]] = {
    "unspin": Unspin,
    "unspin int8": UnspinInt8,
    "copy the input": Copy,
    "reverse lexicon": ReverseLexicon,
    "noisy channel": NoisyChannel,
    "few-shot": FewShot,
    "harper": Harper,
}


def chosen(gains: Sequence[tuple[float, Edit]], margin: float) -> list[Edit]:
    """The edits that gain more than the margin, the best first, none over another."""
    taken: list[Edit] = []
    for gain, edit in sorted(gains, key=lambda it: (-it[0], it[1])):
        if gain > margin and all(edit.end <= other.start or other.end <= edit.start for other in taken):
            taken.append(edit)
    return sorted(taken)


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:16]


def _code(package: str, *names: str) -> str:
    """What a package's modules are at present: outputs kept by an older version are not taken for today's."""
    modules = sorted((file for file in files(package).iterdir() if file.name.endswith(".py")), key=lambda file: file.name)
    return _digest(*(file.read_text(encoding="utf-8") for file in modules if not names or file.name in names))
