"""What a model's output proposes for a sentence, and where its doubts are placed in the source."""

import math

import pytest
from unspin.edits import Edit
from unspin.infer.engines.base import Rewriting
from unspin.infer.proposals import UncertainWord, propose_edits, split_output

SOURCE = "The overseas minister spoke."


def _tokens(*tokens: str) -> tuple[int, ...]:
    """Where each token ends."""
    return tuple(len("".join(tokens[: i + 1])) for i in range(len(tokens)))


def test_an_edit_has_the_probability_of_its_tokens_and_of_the_token_after_it() -> None:
    ends = _tokens("The", " foreign", " minister", " spoke", ".")
    log_probabilities = tuple(math.log(chance) for chance in (0.75, 0.5, 0.5, 0.6, 0.1, 1))
    proposals = propose_edits(SOURCE, Rewriting("The foreign minister spoke.", ends, log_probabilities))
    ((edit, probability),) = [(p.edit, p.probability) for p in proposals.edits]
    assert edit == Edit(4, 12, "foreign")
    assert probability == pytest.approx(0.5 * 0.5)


def test_runner_ups_are_placed_in_the_source() -> None:
    ends = _tokens("The", " foreign", " minister", " spoke", ".")
    runner_ups = (("A", 0.1), (" overseas", 0.2), ("s", 0.3), (" talked", 0.3), ("", 0.001))
    log_probabilities = tuple(math.log(chance) for chance in (0.75, 0.5, 0.5, 0.6, 0.1, 1))
    proposals = propose_edits(SOURCE, Rewriting("The foreign minister spoke.", ends, log_probabilities, runner_ups))
    expected = [(0, 0.25, "a", 0.1), (4, 0.5, "overseas", 0.2), (13, 0.5, "", 0.0), (22, 0.4, "talked", 0.3)]
    words = proposals.uncertain_words
    assert [(w.start, pytest.approx(w.doubt), w.runner_up, w.runner_up_probability) for w in words] == expected
    assert SOURCE[22:].startswith("spoke")


def test_doubts_are_reported_by_an_engine_without_runner_ups() -> None:
    output = Rewriting("He left.", (2, 7, 8), (math.log(0.9), math.log(0.6), math.log(0.2), 0.0))
    expected = (UncertainWord(0, pytest.approx(0.1)), UncertainWord(3, pytest.approx(0.4)))
    assert propose_edits("He left.", output).uncertain_words == expected


def test_a_doubt_inside_a_replacement_is_left_out() -> None:
    output = Rewriting("He went away.", _tokens("He", " went", " away", "."), (0.0, 0.0, math.log(0.5), 0.0, 0.0))
    assert propose_edits("He left.", output).uncertain_words == ()


def test_a_passage_is_divided_among_its_sentences_and_edits_across_a_boundary_are_dropped() -> None:
    text = "The foreign minister spoke, and he left."
    output = Rewriting(text, tuple(range(1, len(text) + 1)), (0.0,) * (len(text) + 1))
    first, second = split_output([SOURCE, "Then he left."], output)
    assert [p.edit for p in first.edits] == [Edit(4, 12, "foreign")]
    assert not first.rejected and not second.rejected and second.edits == ()


@pytest.mark.parametrize("text", ["", "The", "word " * 30], ids=["empty", "cut short", "runaway"])
def test_an_output_that_is_no_restoration_is_rejected_for_every_sentence(text: str) -> None:
    output = Rewriting(text, (len(text),), (0.0, 0.0))
    parts = split_output([SOURCE, "Then he left."], output)
    assert all(part.rejected and not part.edits and not part.uncertain_words for part in parts)
