"""A persona: one sampled spinning tool, which keeps its habits throughout an article.

Each decision is drawn from a hash of the persona's seed and the thing decided on, never from a running generator. The
same word is therefore treated alike throughout an article, in whatever order the sentences are spun.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from pydantic import Field
from unspin.config import Config
from unspin.english.lexicons import frequency
from unspin.hashing import hash_uniform

CONTENT_ONLY = 0.1  # share of the usual function words in the dictionary of a tool that targets content words
SURFACE_RULES = tuple(
    "contract expand digits words abbreviate lengthen british american agreement article case".split()
)


def is_held_out_term(term: str) -> bool:
    """Whether a dictionary term belongs to the hashed tenth that no model is trained on."""
    return hash_uniform("held-out head", term.lower()) < 0.1


class Tools(Config):
    """The population of sampled tools: for each trait, the share of tools that have it."""

    heavy: float = Field(0.0, ge=0, le=1, description="share of tools that replace nearly every word they know")
    content: float = Field(0.2, ge=0, le=1, description="share of tools that rarely replace function words")
    rare: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of tools that choose the rarest of the substitutes they consider (phrases and thesaurus)",
    )
    chained: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of tools that use synonyms of synonyms, as thesauri do that merge senses",
    )


USUAL_TOOLS = Tools()


@dataclass(frozen=True, slots=True)
class Persona:
    """The habits of one spinning tool.

    Attributes:
        seed: prefix of every draw.
        spinners: names of the spinners the tool uses, in order of precedence.
        strength: the share of words the tool tries to replace, 0 to 1.
        coverage: the share of headwords that its dictionary has.
        consistent: whether it uses the same substitute for a word every time.
        senses: how many substitutes of an entry it considers, counted from the first.
        rare: whether it chooses the rarest of these.
        near: the probability of taking a near relation instead of a synonym.
        chained: whether synonyms of synonyms count as near relations.
        inflects: whether it inflects substitutes; crude tools insert dictionary forms.
        function_words: the share of the usual function words that its dictionary has.
        surface_rules: which rules of the `surface` spinner it has.
        fixes_articles: whether it corrects "a" and "an" before a substitute.
        title_case: whether it keeps titles capitalised.
        protects_names: whether it leaves names alone.
        protects_quotations: whether it leaves quotations alone.
    """

    seed: str
    spinners: tuple[str, ...]
    strength: float
    coverage: float
    consistent: bool
    senses: int
    rare: bool
    near: float
    chained: bool
    inflects: bool
    function_words: float
    surface_rules: tuple[str, ...]
    fixes_articles: bool
    title_case: bool
    protects_names: bool
    protects_quotations: bool

    def draw(self, *key: object) -> float:
        """A uniform number in [0, 1) that depends on the persona's seed and `key` only."""
        return hash_uniform(self.seed, *key)

    def knows(self, spinner: str, headword: str, share: float = 1.0) -> bool:
        """Whether this tool's dictionary for a spinner has `headword`; the probability is ``share * coverage``."""
        return self.draw("knows", spinner, headword) < share * self.coverage

    def choose(self, headword: str, options: Sequence[str], counts: Sequence[int], *place: object) -> str:
        """Choose one of the substitutes of `headword`, in proportion to `counts` if there are any.

        An inconsistent tool chooses anew for each `place`; a consistent one ignores it.
        """
        key = ("choose", headword) if self.consistent else ("choose", headword, *place)
        if counts:
            sums = list(accumulate(counts))
            return options[bisect_right(sums, self.draw(*key) * sums[-1])]
        considered = options[: self.senses]
        return min(considered, key=frequency) if self.rare else considered[int(self.draw(*key) * len(considered))]

    @classmethod
    def sample(cls, *seed: object, spinners: dict[str, float], tools: Tools = USUAL_TOOLS) -> Persona:
        """Sample a tool.

        `spinners` maps names to weights. A spinner's weight relative to the heaviest decides how likely the tool has
        it and how early it comes in the order of precedence.
        """
        key = "\x1f".join(map(str, seed))

        def draw(*trait: object) -> float:
            return hash_uniform(key, "persona", *trait)

        heavy, content, rare = draw("heavy") < tools.heavy, draw("content") < tools.content, draw("rare") < tools.rare
        return cls(
            seed=key,
            spinners=_sample_spinners(spinners, draw),
            strength=0.4 + 0.2 * draw("strength") if heavy else 0.06 + 0.5 * draw("strength") ** 1.3,
            coverage=0.8 + 0.2 * draw("coverage") if heavy else 0.35 + 0.65 * draw("coverage"),
            consistent=draw("consistent") < 0.75,
            senses=(5, 8, 12)[int(draw("senses") * 3)] if rare else (1, 1, 2, 3, 5, 12)[int(draw("senses") * 6)],
            rare=rare,
            near=0.5 * draw("near"),
            chained=draw("chained") < tools.chained,
            inflects=draw("inflects") < 0.85,
            function_words=CONTENT_ONLY if content else 1.0,
            surface_rules=tuple(rule for rule in SURFACE_RULES if draw("surface", rule) < 0.25),
            fixes_articles=draw("articles") < 0.5,
            title_case=draw("title case") < 0.8,
            protects_names=draw("names") < 0.4,
            protects_quotations=draw("quotations") < 0.2,
        )


def _sample_spinners(weights: Mapping[str, float], draw: Callable[..., float]) -> tuple[str, ...]:
    """Draw at least one spinner, in weighted random order (Efraimidis and Spirakis, Inf. Proc. Letters 97(5), 2006)."""
    heaviest = max(weights.values())
    chosen = [name for name, weight in weights.items() if draw("engine", name) < 0.9 * weight / heaviest]
    if not chosen:
        chosen = [max(weights, key=lambda name: weights[name] * (0.5 + draw("fallback", name)))]
    return tuple(sorted(chosen, key=lambda name: -(draw("turn", name) ** (1 / weights[name]))))
