"""Which name an edit makes, and whether the article or the list of well-known names supports it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache

from unspin.english.terms import common_names, known_names
from unspin.english.thesaurus import related
from unspin.english.varieties import SPELLINGS
from unspin.infer.fidelity.capitals import Word, name_spans, words_of
from unspin.infer.fidelity.change import Change
from unspin.infer.fidelity.context import MAX_NAME_WORDS

JOINING = frozenset("of the and for on in de &".split())
OFFICES = frozenset(
    """Senate House Congress Parliament Assembly Cabinet Court Department Ministry Treasury Bureau Agency Commission
    Committee Council Board Senator Congressman Congresswoman Representative Governor President Secretary Minister
    Premier Chancellor Mayor Director Treasurer Ambassador Judge Justice General Admiral Colonel Captain Major
    Lieutenant Sergeant King Queen Prince Princess Duke Pope Bishop Professor Doctor Chairman Speaker""".split()
)


def is_supported(change: Change) -> bool:
    """Whether the article or the list has the name that an edit makes, and no other garbled to the same words."""
    for old, new in _runs(change):
        name = " ".join(new)
        if (len(old) > 1 and is_well_known(" ".join(old))) or (len(old) == 1 and {old[0], name} <= OFFICES):
            return False  # a name that is sound
        mentioned = change.context.mentions(name)
        if mentioned or is_well_known(name):
            if len(old) == len(new) and not _may_stand_for(old, new, name):
                return False
            known, own = _candidates(tuple(old), tuple(new)), _in_american(name)
            if mentioned:
                garbled = " ".join(old)
                rivals = [
                    rival
                    for rival in change.context.names_by_length.get(len(old), ())
                    if rival != garbled and _may_stand_for(old, new, rival)
                ]
                rivals += filter(change.context.mentions, known)
                return all(_in_american(rival) == own for rival in rivals)
            return all(_in_american(rival) == own for rival in known)
    return False


def _in_american(name: str) -> str:
    return " ".join(SPELLINGS.get(word, word) for word in name.lower().split(" "))


def _may_stand_for(old: Sequence[str], new: Sequence[str], name: str) -> bool:
    """Whether the words of a garbled name are related to those of another name one by one.

    Words that the edit keeps are taken to be right.
    """
    garbled, words = [word.lower() for word in old], name.lower().split(" ")
    kept = {word.lower() for word in new} & set(garbled)
    return len(garbled) == len(words) and all(
        word == other or (word not in kept and related(word, other)) for word, other in zip(garbled, words, strict=True)
    )


def _runs(change: Change) -> Iterator[tuple[list[str], list[str]]]:
    """The stretches of capitalised words around an edit, before and after it, longest first."""
    source, restored = words_of(change.source), words_of(change.restored)
    start = change.edit.start
    before = [word for word in source if word.start + len(word.text) <= start]
    after = [word for word in source if word.start >= change.edit.end]
    old = [word for word in source if word not in before and word not in after]
    new = [word for word in restored if word.start + len(word.text) > start and word.start < change.restored_end]
    while old and new and old[0].text == new[0].text:
        before.append(old.pop(0))
        new.pop(0)
    while old and new and old[-1].text == new[-1].text:
        after.insert(0, old.pop())
        new.pop()
    left = _reach(before[::-1])[::-1]
    right = _reach(after)
    stretches = [
        (left[len(left) - i :], right[:j])
        for i in range(len(left) + 1)
        for j in range(len(right) + 1)
        if len(new) < i + j + len(new) <= MAX_NAME_WORDS or i == j == 0
    ]
    sure = {change.source[a:b] for a, b in name_spans(change.source)}
    stands_alone = all(not w.has_capital or w.text in sure | OFFICES or w.opens for w in (*left[-1:], *right[:1]))
    for head, tail in sorted(stretches, key=lambda stretch: -len(stretch[0]) - len(stretch[1])):
        old_run, new_run = ([w.text for w in (*head, *middle, *tail)] for middle in (old, new))
        while new_run and old_run and new_run[0] == old_run[0] and not new_run[0][:1].isupper():
            new_run, old_run = new_run[1:], old_run[1:]
        is_name = new_run and new_run[0][:1].isupper() and new_run[-1][:1].isupper()
        if is_name and (len(new_run) > 1 or stands_alone):  # "Addicts" of "Mobile Addicts" is no name by itself
            yield old_run, new_run


def _reach(words: Sequence[Word]) -> list[Word]:
    """The capitalised words next to an edit, with the small words between them."""
    reached: list[Word] = []
    for word in words:
        if not word.has_capital and word.text not in JOINING:
            break
        reached.append(word)
        if word.opens:
            break
    return reached


@cache
def _well_known() -> frozenset[str]:
    return frozenset(name.lower() for name, kind in known_names().items() if kind == "phrase")


def is_well_known(name: str) -> bool:
    """Whether a list has a name of several words, whatever its capitals."""
    return name.lower() in _well_known()


@cache
def _rival_names() -> Mapping[int, Mapping[str, list[str]]]:
    """The names written for this project, which are the best known, by their number of words and their first word."""
    names: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in sorted(common_names()):
        low = name.lower()
        names[low.count(" ") + 1][low.split(" ")[0]].append(low)
    return names


@lru_cache(maxsize=1 << 10)
def _candidates(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    """The best-known names that a garbled name may stand for."""
    first_word = old[0].lower()
    return tuple(
        name
        for first, names in _rival_names()[len(old)].items()
        if related(first_word, first)
        for name in names
        if _may_stand_for(old, new, name)
    )
