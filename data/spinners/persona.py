"""A persona: one sampled spinning tool, the same throughout an article.

Its decisions are draws from a hash of (persona seed, what is decided about), never from a running generator: the same word is
treated the same way all through an article, whatever the order of work.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


def draw(*key: object) -> float:
    """A number in [0, 1) that depends on `key` alone."""
    digest = hashlib.blake2b("\x1f".join(map(str, key)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def held_out(term: str) -> bool:
    """Whether a lexicon term is in the hashed tenth that no model is trained on."""
    return draw("held-out head", term.lower()) < 0.1


@dataclass(frozen=True, slots=True)
class Persona:
    """A spinning tool.

    seed: what every draw starts from. engines: names, in order of precedence. strength: the share of words it tries to
    touch, 0..1. coverage: the share of heads its dictionary holds. consistent: one substitute per head throughout.
    senses: how far down a list of substitutes it reaches. near: the weight of near relations. inflects: whether a substitute takes the
    form of what it replaces; crude tools insert dictionary forms. Protections say what it leaves alone.
    """

    seed: str
    engines: tuple[str, ...]
    strength: float
    coverage: float
    consistent: bool
    senses: int
    near: float
    inflects: bool
    function_words: bool
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

    def choose(self, head: str, options: tuple[str, ...], *place: object) -> str:
        """One of the substitutes of a head; `place` matters only to an inconsistent tool."""
        reach = options[: self.senses]
        key = ("choose", head) if self.consistent else ("choose", head, *place)
        return reach[int(self.draw(*key) * len(reach))]

    @classmethod
    def sample(cls, *seed: object, engines: dict[str, float]) -> Persona:
        """Draw a tool. `engines` maps engine names to weights: the chance, relative to the heaviest, that a tool has it."""
        key = "\x1f".join(map(str, seed))

        def die(*what: object) -> float:
            return draw(key, "persona", *what)

        heaviest = max(engines.values())
        chosen = tuple(name for name, weight in engines.items() if die("engine", name) < 0.9 * weight / heaviest)
        if die("order") < 0.4:
            chosen = chosen[::-1]
        surface = ("contract", "expand", "digits", "words", "abbreviate", "lengthen", "british", "american", "agreement", "article", "case")
        return cls(
            seed=key,
            engines=chosen or (max(engines, key=lambda name: engines[name] * (0.5 + die("fallback", name))),),
            strength=0.06 + 0.5 * die("strength") ** 1.3,
            coverage=0.35 + 0.65 * die("coverage"),
            consistent=die("consistent") < 0.75,
            senses=(1, 1, 2, 3, 5, 12)[int(die("senses") * 6)],
            near=0.5 * die("near"),
            inflects=die("inflects") < 0.85,
            function_words=die("function words") < 0.8,
            surface_rules=tuple(rule for rule in surface if die("surface", rule) < 0.25),
            fixes_articles=die("articles") < 0.5,
            title_case=die("title case") < 0.8,
            protects_names=die("names") < 0.4,
            protects_quotations=die("quotations") < 0.2,
        )
