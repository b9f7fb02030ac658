"""What the dictionary engines share: an index of heads, longest match first, replaced in the form of the original."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from unspin.data.morphology import fitting, forms, inflect
from unspin.data.spinners.persona import Persona
from unspin.data.spinners.protocol import Sentence, Substitution

MOST_WORDS = 6
# Closed-class words and number words: WordNet lists senses for some of them ("a" is vitamin A), real tools leave them be.
IMMUTABLE = frozenset(
    """a am an and are as at be been being but by can could d did do does done for from had has have having he her hers him his how i if in
    into is it its ll m me might mine must my no nor not of off on or our ours re s shall she should so some such t than that the their
    theirs them then there these they this those to too up us ve was we were what when where which who whom whose why will with would you
    your one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
    twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion first second third fourth fifth sixth
    seventh eighth ninth tenth monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december mr mrs ms dr never none nothing nobody neither""".split()
)
# Half of all running words. A tool that replaced each of them would be unreadable, so few do: their entries are rarer.
COMMONEST = frozenset(
    """the of to in a an and is are was were be been has have had that this it its we us our he his her they their i my you your""".split()
)
RARER = 0.25


@dataclass(frozen=True, slots=True)
class Head:
    """A dictionary entry as the index holds it. `near` are weaker relations; `counts` say how often each substitute was seen, if that is known."""

    head: str
    pos: str
    substitutes: tuple[str, ...]
    near: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """Words ``first..last`` of a sentence are `entry` in the form `tag`."""

    first: int
    last: int
    entry: Head
    tag: str


class Index:
    """Heads by (part of speech, words), looked up with the inflecting word brought to its lemma."""

    def __init__(self, heads: Iterable[Head]) -> None:
        self._heads = {(head.pos, tuple(head.head.lower().split(" "))): head for head in heads}
        self._openers: dict[str, int] = {}
        for pos, words in self._heads:
            opener = words[0] if pos == "verb" or len(words) > 1 else ""
            self._openers[opener] = max(self._openers.get(opener, 0), len(words))

    def heads(self) -> Iterable[Head]:
        return self._heads.values()

    def matches(self, sentence: Sentence) -> Iterator[Match]:
        """Every head at every place, longest first at each place."""
        lowers = [word.lower for word in sentence.words]
        for first in range(len(lowers)):
            for count in range(self._longest(lowers[first]), 0, -1):
                last = first + count - 1
                if last < len(lowers) and sentence.adjacent(first, last):
                    yield from self._at(lowers, first, last)

    def _longest(self, word: str) -> int:
        lemmas = {word, *(form.lemma for form in forms(word))}
        return min(MOST_WORDS, max(self._openers.get(lemma, 1) for lemma in lemmas))

    def _at(self, lowers: list[str], first: int, last: int) -> Iterator[Match]:
        window = tuple(lowers[first : last + 1])
        literal = self._heads.get(("function", window)) or self._heads.get(("term", window))
        if literal:
            yield Match(first, last, literal, "")
            return
        previous = lowers[first - 1] if first else ""
        for bent, pos_set in ((window[-1], ("noun", "adj", "adv")), (window[0], ("verb",))):
            for lemma, pos in dict.fromkeys((form.lemma, form.pos) for form in forms(bent) if form.pos in pos_set):
                words = (lemma, *window[1:]) if pos == "verb" else (*window[:-1], lemma)
                entry = self._heads.get((pos, words))
                if entry:
                    readings = [form for form in forms(bent) if (form.lemma, form.pos) == (lemma, pos)]
                    yield Match(first, last, entry, fitting(readings, previous).tag)


def choose_term(match: Match, persona: Persona, engine: str) -> str:
    """The substitute (a lemma) this persona puts for a match; "" if its dictionary has none."""
    entry = match.entry
    share = RARER if COMMONEST.issuperset(entry.head.split(" ")) else 1.0
    if entry.pos == "function":
        share *= persona.function_words
    if not persona.knows(engine, entry.head, share):
        return ""
    options, counts = entry.substitutes, entry.counts
    if entry.near and (not options or persona.draw("near", entry.head) < persona.near):
        options, counts = entry.near, ()
    return persona.choose(entry.head, options, counts, match.first) if options else ""


def propose(index: Index, sentence: Sentence, persona: Persona, engine: str) -> Iterator[Substitution]:
    """What a dictionary engine proposes: each match replaced in its own form and casing."""
    for match in index.matches(sentence):
        term = choose_term(match, persona, engine)
        if not term:
            continue
        start, end = sentence.words[match.first].start, sentence.words[match.last].end
        form = inflect(term, match.entry.pos, match.tag) if persona.inflects else term
        text = recase(sentence.text[start:end], form, persona.title_case)
        if text.lower() != sentence.text[start:end].lower():
            yield Substitution(start, end, text, engine, match.entry.head, term)


def recase(original: str, substitute: str, title_case: bool) -> str:
    """Give a substitute the casing of what it replaces."""
    if original.isupper() and len(original) > 1:
        return substitute.upper()
    if not original[:1].isupper():
        return substitute
    titled = title_case and all(word[:1].isupper() for word in original.split())
    if titled and " " in original:
        return " ".join(word[:1].upper() + word[1:] for word in substitute.split(" "))
    return substitute[:1].upper() + substitute[1:]
