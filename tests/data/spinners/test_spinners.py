"""The spinners: edits restore the original, tools keep their habits, protected and held-out words are respected."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unspin.data.spinners import Mixture, Persona, SpinnerError, spin_article, spinner_names
from unspin.data.spinners.persona import Tools, is_held_out_term
from unspin.data.spinners.phrases import chained_index, index
from unspin.edits import Edit, apply
from unspin.english.lexicons import frequency
from unspin.english.word_classes import IMMUTABLE

SPINNERS = ("phrases", "thesaurus", "surface")
SENTENCES = [
    "The foreign minister said on Monday that two companies had left the country because of the war.",
    "“We don't want to raise taxes, but we have no choice,” she told reporters in Geneva.",
    "An hour later, 25 people were taken to hospital after the explosion near the bridge.",
    "He ran quickly towards the larger houses, which were being rebuilt.",
]
HEAVY = replace(
    Persona.sample("heavy", spinners={"phrases": 1, "thesaurus": 1, "surface": 1}),
    spinners=SPINNERS, strength=1.0, coverage=1.0, senses=20, rare=False, function_words=1.0,
    protects_names=False, protects_quotations=False,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(SENTENCES) | st.text(max_size=60))
def test_edits_applied_to_the_spun_text_give_the_original(seed: int, sentence: str) -> None:
    spun = Mixture(SPINNERS).spin(sentence, Persona.sample(seed, spinners=dict.fromkeys(SPINNERS, 1.0)))
    assert apply(spun.text, spun.edits) == sentence


@pytest.mark.parametrize("spinner", SPINNERS)
def test_each_spinner_garbles_something_under_its_name(spinner: str) -> None:
    persona = replace(HEAVY, spinners=(spinner,), surface_rules=("expand", "digits", "words"))
    spun = [Mixture(SPINNERS, "include").spin(sentence, persona) for sentence in SENTENCES]
    assert {edit.spinner for each in spun for edit in each.edits} == {spinner}


def test_an_article_is_spun_by_sentence_and_keeps_its_layout() -> None:
    text = f"{SENTENCES[0]}  {SENTENCES[2]}\n\n \n{SENTENCES[3]}\n"
    first, second, third = (Mixture(SPINNERS).spin(SENTENCES[i], HEAVY).text for i in (0, 2, 3))
    assert first != SENTENCES[0]
    assert spin_article(text, HEAVY, Mixture(SPINNERS)) == f"{first}  {second}\n\n \n{third}\n"


def _substitutes_in_one_sentence(consistent: bool) -> list[set[str]]:
    """What each of 40 tools makes of three occurrences of one word."""
    text = "The minister resigned, the minister left and the minister spoke."
    tools = [replace(HEAVY, spinners=("thesaurus",), consistent=consistent, seed=str(i)) for i in range(40)]
    spun = [Mixture(SPINNERS, "include").spin(text, tool) for tool in tools]
    return [{edit.rule for edit in each.edits if edit.replacement == "minister"} for each in spun]


def test_only_a_consistent_tool_treats_a_word_alike_throughout() -> None:
    assert all(len(rules) == 1 for rules in _substitutes_in_one_sentence(consistent=True))
    assert sum(len(rules) > 1 for rules in _substitutes_in_one_sentence(consistent=False)) > 30


def _spun_words(persona: Persona) -> dict[str, str]:
    """Original words of the sample sentences and what stands in their place."""
    spun = [Mixture(SPINNERS, "include").spin(sentence, persona) for sentence in SENTENCES]
    return {edit.replacement: each.text[edit.start : edit.end] for each in spun for edit in each.edits}


def test_a_substitute_takes_the_inflection_of_the_original_unless_the_tool_is_crude() -> None:
    tool = replace(HEAVY, spinners=("thesaurus",), near=0.0, senses=1)
    expected = {"reporters": ("newsmen", "newsman"), "rebuilt": ("reconstructed", "reconstruct")}
    for inflects in (True, False):
        spun = _spun_words(replace(tool, inflects=inflects))
        assert {word: spun[word] for word in expected} == {
            word: inflected if inflects else lemma for word, (inflected, lemma) in expected.items()
        }


def test_held_out_headwords_are_excluded_or_used_alone() -> None:
    excluded, alone = (
        [
            edit.rule.split(" > ")
            for sentence in SENTENCES
            for edit in Mixture(SPINNERS, which).spin(sentence, HEAVY).edits
            if " > " in edit.rule
        ]
        for which in ("exclude", "only")
    )
    assert excluded and not any(is_held_out_term(term) for pair in excluded for term in pair)
    assert alone and all(any(map(is_held_out_term, pair)) for pair in alone)


def test_quotations_and_names_are_left_alone_only_by_tools_that_protect_them() -> None:
    sentence = "The Foreign Minister of Great Falls said “the old war was over”."
    mixture = Mixture(SPINNERS, "include")
    kept = {"protects_quotations": "“the old war was over”", "protects_names": "Great Falls"}
    unprotected = mixture.spin(sentence, HEAVY).text
    for protection, text in kept.items():
        assert text not in unprotected
        protected = mixture.spin(sentence, replace(HEAVY, **{protection: True})).text
        assert text in protected and protected != sentence


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_protected_spans_are_never_touched(seed: int) -> None:
    sentence = (
        "On Monday the Foreign Ministry said “the old war was over, the world knows” in the great city of Great Falls."
    )
    surface_rules = ("case", "article", "expand")
    tool = replace(HEAVY, seed=str(seed), protects_names=True, protects_quotations=True, surface_rules=surface_rules)
    spun = Mixture(SPINNERS, "include").spin(sentence, tool)
    assert spun.edits
    for text in ("Foreign Ministry", "Monday", "“the old war was over, the world knows”", "Great Falls"):
        assert text in spun.text


def test_casing_is_kept() -> None:
    tool = replace(HEAVY, spinners=("thesaurus",))
    spun = Mixture(SPINNERS, "include").spin("The WAR ended. Government failed.", tool)
    replaced = {edit.replacement: spun.text[edit.start : edit.end] for edit in spun.edits}
    assert replaced.keys() == {"WAR", "ended", "Government", "failed"}
    for original, substitute in replaced.items():
        assert original.isupper() == substitute.isupper() and original.islower() == substitute.islower()
        assert original[0].isupper() == substitute[0].isupper()


def test_some_tools_correct_the_article_before_a_substitute() -> None:
    tool = replace(HEAVY, spinners=("thesaurus",), near=0.0, senses=1)
    for fixes, expected in ((True, "a detonation"), (False, "an detonation")):
        spun = Mixture(SPINNERS, "include").spin("An officer saw an explosion.", replace(tool, fixes_articles=fixes))
        assert expected in spun.text
        assert apply(spun.text, spun.edits) == "An officer saw an explosion."


def test_a_spinner_of_another_package_is_found_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shouting.py").write_text(
        "from unspin.data.spinners import Spinner, Substitution\n"
        "class Shouting(Spinner):\n"
        "    name = 'shouting'\n"
        "    def __init__(self, mark='!'): self.mark = mark\n"
        "    def propose(self, sentence, persona):\n"
        "        for w in sentence.words:\n"
        "            yield Substitution(w.start, w.end, w.text.upper() + self.mark, self.name, 'shout')\n"
    )
    metadata = tmp_path / "shouting-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text("[unspin.spinners]\nshouting = shouting:Shouting\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "shouting" in spinner_names()
    spun = Mixture(["shouting:?"]).spin("He left.", replace(HEAVY, spinners=("shouting:?",)))
    assert spun.text == "HE? LEFT?." and {edit.spinner for edit in spun.edits} == {"shouting"}


def test_an_unknown_spinner_is_refused_by_name() -> None:
    with pytest.raises(
        SpinnerError,
        match=r"unknown 'shuffle'; there are contextual, learned, moby, order, phrases, roundtrip, surface, thesaurus, "
        "tortured",
    ):
        Mixture(["shuffle"])


def _tools(**shares: float) -> list[Persona]:
    spinners = {"phrases": 1.0, "thesaurus": 0.3}
    return [Persona.sample("tools", i, spinners=spinners, tools=Tools(**shares)) for i in range(300)]


def test_traits_are_shares_of_the_sampled_tools() -> None:
    tools = _tools(heavy=0.3, content=0.6, rare=0.15, chained=0.5)
    traits = {
        "content": [tool.function_words < 1 for tool in tools],
        "rare": [tool.rare for tool in tools],
        "chained": [tool.chained for tool in tools],
    }
    for name, share in (("content", 0.6), ("rare", 0.15), ("chained", 0.5)):
        assert sum(traits[name]) / 300 == pytest.approx(share, abs=0.08)
    assert sum(tool.strength >= 0.4 and tool.coverage >= 0.8 for tool in tools) / 300 > 0.3
    assert not any(tool.rare or tool.chained for tool in _tools())


def test_a_trait_changes_nothing_else_about_a_tool() -> None:
    for plain, chained in zip(_tools(), _tools(chained=1.0), strict=True):
        assert replace(chained, chained=False) == plain != chained


def test_the_heavier_spinner_is_used_by_more_tools_and_takes_precedence_more_often() -> None:
    tools = _tools()
    both = [tool for tool in tools if len(tool.spinners) == 2]
    assert sum("phrases" in t.spinners for t in tools) > 2 * sum("thesaurus" in t.spinners for t in tools)
    assert sum(tool.spinners[0] == "phrases" for tool in both) > 0.6 * len(both) > 0


def test_a_tool_that_prefers_rare_words_takes_the_rarest_it_considers() -> None:
    options = ("said", "declared", "opined", "told")
    assert frequency("said") > frequency("declared") > frequency("opined")
    assert replace(HEAVY, rare=True, senses=3).choose("state", options, ()) == "opined"
    assert replace(HEAVY, rare=True, senses=2).choose("state", options, ()) == "declared"


def test_counts_decide_how_often_a_substitute_is_chosen() -> None:
    chosen = [replace(HEAVY, seed=str(i)).choose("deep", ("profound", "bottomless"), (9, 1)) for i in range(400)]
    assert chosen.count("profound") / 400 == pytest.approx(0.9, abs=0.05)


def test_a_phrase_is_as_frequent_as_its_rarest_word() -> None:
    assert frequency("the") > frequency("government") > frequency("effulgent")
    assert frequency("the government") == frequency("government")
    assert frequency("xyzzyx") == 0


def test_near_relations_of_the_chained_index_are_synonyms_of_synonyms() -> None:
    plain = {(entry.lemma, entry.pos): entry for entry in index().entries()}
    with_near = [entry for entry in chained_index().entries() if entry.near]
    assert len(with_near) > 5000
    for entry in with_near[::500]:
        steps = [plain[step, entry.pos] for step in entry.substitutes if (step, entry.pos) in plain]
        reached = {term for step in steps for term in step.substitutes}
        assert set(entry.near) <= reached - {entry.lemma, *entry.substitutes}
    assert not any(entry.near for entry in chained_index().entries() if entry.pos == "function")


def test_a_tool_that_targets_content_words_leaves_most_function_words_alone() -> None:
    def function_word_edits(share: float) -> int:
        tool = replace(HEAVY, spinners=("phrases",), function_words=share)
        edits: list[Edit] = []
        for sentence in SENTENCES:
            for i in range(20):
                edits += Mixture(SPINNERS, "include").spin(sentence, replace(tool, seed=str(i))).edits
        return sum(edit.replacement.lower() in IMMUTABLE for edit in edits)

    assert function_word_edits(0.1) < 0.4 * function_word_edits(1.0)
