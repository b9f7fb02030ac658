"""A persona: one sampled spinning tool, the same throughout an article.

Its decisions are draws from a hash of (persona seed, what is decided about), never from a running generator: the same word is
treated the same way all through an article, whatever the order of work.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from pydantic import Field
from unspin.data.config import Config
from unspin.data.lexicons import frequency

CONTENT_ONLY = 0.1  # of the function words that others know are known to a tool that is after content words


def draw(*key: object) -> float:
    """A number in [0, 1) that depends on `key` alone."""
    digest = hashlib.blake2b("\x1f".join(map(str, key)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def held_out(term: str) -> bool:
    """Whether a lexicon term is in the hashed tenth that no model is trained on."""
    return draw("held-out head", term.lower()) < 0.1


class Tools(Config):
    """What the sampled tools are like, each trait as the share of tools that have it."""

    heavy: float = Field(0.0, ge=0, le=1, description="share of tools that replace nearly every word they know")
    content: float = Field(0.2, ge=0, le=1, description="share of tools that hardly touch function words")
    rare: float = Field(0.0, ge=0, le=1, description="share of tools that take the rarest substitute within their reach (of phrases and thesaurus)")
    chained: float = Field(0.0, ge=0, le=1, description="share of tools that put synonyms of synonyms, as thesauri do that merge senses")


@dataclass(frozen=True, slots=True)
class Persona:
    """A spinning tool.

    seed: what every draw starts from. engines: names, in order of precedence. strength: the share of words it tries to
    touch, 0..1. coverage: the share of heads its dictionary holds. consistent: one substitute per head throughout.
    senses: how far down a list of substitutes it reaches. rare: whether it takes the rarest of these. near: the weight of near relations.
    chained: whether synonyms of synonyms are near relations. inflects: whether a substitute takes the form of what it replaces; crude tools
    insert dictionary forms. function_words: the share of function words its dictionary has of those that others have. Protections say what
    it leaves alone.
    """

    seed: str
    engines: tuple[str, ...]
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
        return draw(self.seed, *key)

    def knows(self, engine: str, head: str, share: float = 1.0) -> bool:
        """Whether the persona's copy of the engine's dictionary has this head, which a `share` of such tools have."""
        return self.draw("knows", engine, head) < share * self.coverage

    def choose(self, head: str, options: Sequence[str], counts: Sequence[int], *place: object) -> str:
        """One of the substitutes of a head, by how often each was seen where `counts` tells; `place` matters only to an inconsistent tool."""
        key = ("choose", head) if self.consistent else ("choose", head, *place)
        if counts:
            sums = list(accumulate(counts))
            return options[bisect_right(sums, self.draw(*key) * sums[-1])]
        reach = options[: self.senses]
        return min(reach, key=frequency) if self.rare else reach[int(self.draw(*key) * len(reach))]

    @classmethod
    def sample(cls, *seed: object, engines: dict[str, float], tools: Tools = Tools.model_construct()) -> Persona:  # noqa: B008 - it is frozen
        """Draw a tool. `engines` maps engine names to weights: the chance, relative to the heaviest, that a tool has it, and how early in turn."""
        key = "\x1f".join(map(str, seed))

        def die(*what: object) -> float:
            return draw(key, "persona", *what)

        heaviest = max(engines.values())
        chosen = [name for name, weight in engines.items() if die("engine", name) < 0.9 * weight / heaviest]
        if not chosen:
            chosen = [max(engines, key=lambda name: engines[name] * (0.5 + die("fallback", name)))]
        heavy, content, rare = (die(trait) < share for trait, share in (("heavy", tools.heavy), ("content", tools.content), ("rare", tools.rare)))
        surface = ("contract", "expand", "digits", "words", "abbreviate", "lengthen", "british", "american", "agreement", "article", "case")
        return cls(
            seed=key,
            engines=tuple(sorted(chosen, key=lambda name: -(die("turn", name) ** (1 / engines[name])))),  # Efraimidis and Spirakis 2006
            strength=0.4 + 0.2 * die("strength") if heavy else 0.06 + 0.5 * die("strength") ** 1.3,
            coverage=0.8 + 0.2 * die("coverage") if heavy else 0.35 + 0.65 * die("coverage"),
            consistent=die("consistent") < 0.75,
            senses=(5, 8, 12)[int(die("senses") * 3)] if rare else (1, 1, 2, 3, 5, 12)[int(die("senses") * 6)],
            rare=rare,
            near=0.5 * die("near"),
            chained=die("chained") < tools.chained,
            inflects=die("inflects") < 0.85,
            function_words=CONTENT_ONLY if content else 1.0,
            surface_rules=tuple(rule for rule in surface if die("surface", rule) < 0.25),
            fixes_articles=die("articles") < 0.5,
            title_case=die("title case") < 0.8,
            protects_names=die("names") < 0.4,
            protects_quotations=die("quotations") < 0.2,
        )
