"""Which words and phrases a spinner substitutes, and how often, learned from its texts and their originals.

Two texts are aligned, and each phrase that was replaced is counted. Where a phrase became equally many words, each of
its words is counted too. Everything is in lower case, except for names in the original. Substitutions that change only
function words, numbers or capitals are left out. So are insertions, deletions, words of one or two letters, phrases
with other characters than letters and hyphens, and names in place of names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from unspin.data.spinners.protocol import Sentence
from unspin.edits import Edit, align, apply
from unspin.english.morphology import forms
from unspin.english.terms import known_names
from unspin.english.word_classes import IMMUTABLE

MAX_PHRASE_WORDS = 6  # longer passages were rewritten, and hardly recur
MAX_GARBLED_WORDS = 3  # that may replace one word of a term

TermPair = tuple[str, str]  # a term or phrase of the original, and its garbled form


def count_substitutions(spun: str, original: str) -> Counter[TermPair]:
    """How often each phrase of up to `MAX_PHRASE_WORDS` words became another, and each word another word."""
    replaced = list(_replaced_phrases(_lower_except_names(spun), _lower_except_names(original)))
    found = Counter(filter(_is_usable, replaced)) | word_pairs(replaced)  # the larger count: both have single words
    counts: Counter[TermPair] = Counter()
    for (expected, garbled), count in found.items():
        counts[expected, garbled.lower()] += count
    return counts


def phrase_lines(counts: Mapping[TermPair, int]) -> Iterator[str]:
    """The lines of a list for `unspin.phrase_lists.read_phrases`, with counts, the most frequent phrases first."""
    yield "garbled\texpected\tcount"
    for count, garbled, expected in sorted(
        (-count, garbled, expected) for (expected, garbled), count in counts.items()
    ):
        yield f"{garbled}\t{expected}\t{-count}"


def _replaced_phrases(spun: str, original: str) -> Iterator[TermPair]:
    for edit in align(spun, original):
        expected, garbled = edit.replacement.split(), spun[edit.start : edit.end].split()
        if max(len(expected), len(garbled)) <= MAX_PHRASE_WORDS:
            yield " ".join(expected), " ".join(garbled)


def _lower_except_names(text: str) -> str:
    sentence = Sentence.of(text)
    plain = (word for index, word in enumerate(sentence.words) if not _is_name(sentence, index))
    return apply(text, [Edit(word.start, word.end, word.lower) for word in plain])


def _is_name(sentence: Sentence, index: int) -> bool:
    """Whether a word has a capital inside a sentence or after its first letter, or is a name but no other word."""
    word = sentence.words[index].text
    return (
        sentence.named(index)
        or word[1:] != word[1:].lower()
        or (known_names().get(word) == "word" and not forms(word.lower()))
    )


def word_pairs(pairs: Iterable[TermPair]) -> Counter[TermPair]:
    """How often each word of a term became another word, or up to `MAX_GARBLED_WORDS` words.

    Terms whose words changed places are skipped, and so are function words.
    """
    counts: Counter[TermPair] = Counter()
    for term, garbled in pairs:
        replaced = _aligned_words(term, garbled)
        if {word for word, _ in replaced}.isdisjoint(word for _, other in replaced for word in other.split(" ")):
            counts.update(filter(_is_usable, replaced))
    return counts


def _aligned_words(term: str, garbled: str) -> list[TermPair]:
    """The replaced words of one term, without common words at both ends; empty if the words cannot be paired."""
    old, new = term.split(" "), garbled.split(" ")
    while old and new and old[0] == new[0]:
        old, new = old[1:], new[1:]
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    if len(old) == len(new):
        return [(word, other) for word, other in zip(old, new, strict=True) if word != other]
    return [(" ".join(old), " ".join(new))] if len(old) == 1 and len(new) <= MAX_GARBLED_WORDS else []


def _is_usable(pair: TermPair) -> bool:
    """Whether both phrases have content, differ in more than capitals, and are not both names."""
    term, garbled = pair[0].lower(), pair[1].lower()
    return _has_content(term) and _has_content(garbled) and term != garbled and (pair[0] == term or pair[1] == garbled)


def _has_content(term: str) -> bool:
    """Whether a term of letters and hyphens has three characters or more and is not made of function words only."""
    letters = term.replace(" ", "").replace("-", "")
    return len(term) > 2 and not IMMUTABLE.issuperset(term.split(" ")) and letters.isalpha()
