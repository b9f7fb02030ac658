"""The engines: rows can be undone, personas are consistent, protections and held-out heads hold."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unspin.data.edits import apply
from unspin.data.lexicons import frequency
from unspin.data.spinners import EngineError, Mixture, Persona, engine_names
from unspin.data.spinners.persona import Tools, held_out
from unspin.data.spinners.phrases import chained_index, index
from unspin.data.spinners.tables import IMMUTABLE

ENGINES = ("phrases", "thesaurus", "surface")
SENTENCES = [
    "The foreign minister said on Monday that two companies had left the country because of the war.",
    "“We don't want to raise taxes, but we have no choice,” she told reporters in Geneva.",
    "An hour later, 25 people were taken to hospital after the explosion near the bridge.",
    "He ran quickly towards the larger houses, which were being rebuilt.",
]
HEAVY = replace(
    Persona.sample("heavy", engines={"phrases": 1, "thesaurus": 1, "surface": 1}),
    engines=ENGINES, strength=1.0, coverage=1.0, senses=20, rare=False, function_words=1.0,
    protects_names=False, protects_quotations=False,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(SENTENCES) | st.text(max_size=60))
def test_edits_applied_to_the_spun_text_give_the_original(seed: int, sentence: str) -> None:
    spun = Mixture(ENGINES).spin(sentence, Persona.sample(seed, engines=dict.fromkeys(ENGINES, 1.0)))
    assert apply(spun.text, spun.edits) == sentence


@pytest.mark.parametrize("engine", ENGINES)
def test_each_engine_garbles_something(engine: str) -> None:
    persona = replace(HEAVY, engines=(engine,), surface_rules=("expand", "digits", "words"))
    made = [Mixture(ENGINES, "include").spin(sentence, persona) for sentence in SENTENCES]
    assert any(spun.edits for spun in made)
    assert {edit.engine for spun in made for edit in spun.edits} == {engine}


def test_a_consistent_tool_treats_a_word_alike_throughout() -> None:
    persona = replace(HEAVY, consistent=True)
    first, second = (Mixture(ENGINES).spin(f"The {other} minister resigned.", persona).text for other in ("first", "new"))
    assert first.split()[-2:] == second.split()[-2:]


def test_inflection_is_kept() -> None:
    persona = replace(HEAVY, engines=("thesaurus",), near=0.0, senses=1)
    edits = [e for s in SENTENCES for e in Mixture(ENGINES, "include").spin(s, persona).edits]
    plurals = [e for e in edits if e.replacement == "companies"]
    assert plurals and all("company" in e.rule for e in plurals)


def test_held_out_heads_never_appear_and_can_be_had_alone() -> None:
    seen = [e.rule.split(" > ") for s in SENTENCES for e in Mixture(ENGINES, "exclude").spin(s, HEAVY).edits if " > " in e.rule]
    unseen = [e.rule.split(" > ") for s in SENTENCES for e in Mixture(ENGINES, "only").spin(s, HEAVY).edits if " > " in e.rule]
    assert seen and unseen
    assert not any(held_out(term) for pair in seen for term in pair)
    assert all(any(map(held_out, pair)) for pair in unseen)


def test_protected_quotations_and_names_stay() -> None:
    persona = replace(HEAVY, protects_quotations=True, protects_names=True)
    spun = Mixture(ENGINES, "include").spin(SENTENCES[1], persona).text
    assert "“We don't want to raise taxes, but we have no choice,”" in spun
    assert "Geneva" in spun


def test_casing_is_kept() -> None:
    spun = Mixture(ENGINES, "include").spin("The WAR ended. Government failed.", replace(HEAVY, engines=("thesaurus",)))
    for edit in spun.edits:
        old = spun.text[edit.start : edit.end]
        assert old.isupper() == edit.replacement.isupper() and old[0].isupper() == edit.replacement[0].isupper()


def test_an_engine_of_another_package_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shouting.py").write_text(
        "from unspin.data.spinners import Substitution\n"
        "class Shouting:\n"
        "    name = 'shouting'\n"
        "    def __init__(self, mark='!'): self.mark = mark\n"
        "    def propose(self, sentence, persona):\n"
        "        for w in sentence.words: yield Substitution(w.start, w.end, w.text.upper() + self.mark, self.name, 'shout')\n"
    )
    (tmp_path / "shouting-1.dist-info").mkdir()
    (tmp_path / "shouting-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: shouting\nVersion: 1\n")
    (tmp_path / "shouting-1.dist-info" / "entry_points.txt").write_text("[unspin.spinners]\nshouting = shouting:Shouting\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "shouting" in engine_names()
    spun = Mixture(["shouting:?"]).spin("He left.", replace(HEAVY, engines=("shouting:?",)))
    assert spun.text == "HE? LEFT?." and {edit.engine for edit in spun.edits} == {"shouting"}


def test_an_unknown_engine_is_refused_by_name() -> None:
    with pytest.raises(EngineError, match=r"unknown 'shuffle'; there are contextual, moby, order, phrases, roundtrip, surface, thesaurus, tortured"):
        Mixture(["shuffle"])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_protected_spans_are_never_touched(seed: int) -> None:
    sentence = "On Monday the Foreign Ministry said “the old war was over, the world knows” in the great city of Great Falls."
    tool = replace(HEAVY, seed=str(seed), protects_names=True, protects_quotations=True, surface_rules=("case", "article", "expand"))
    spun = Mixture(ENGINES, "include").spin(sentence, tool)
    assert spun.edits
    for kept in ("Foreign Ministry", "Monday", "“the old war was over, the world knows”", "Great Falls"):
        assert kept in spun.text


def _tools(**shares: float) -> list[Persona]:
    return [Persona.sample("tools", i, engines={"phrases": 1.0, "thesaurus": 0.3}, tools=Tools(**shares)) for i in range(300)]


def test_traits_are_shares_of_the_sampled_tools() -> None:
    tools = _tools(heavy=0.3, content=0.6, rare=0.15, chained=0.5)
    traits = {"heavy": [t.strength >= 0.4 and t.coverage >= 0.8 for t in tools], "content": [t.function_words < 1 for t in tools]}
    traits |= {"rare": [t.rare for t in tools], "chained": [t.chained for t in tools]}
    for name, share in (("content", 0.6), ("rare", 0.15), ("chained", 0.5)):
        assert sum(traits[name]) / 300 == pytest.approx(share, abs=0.08)
    assert sum(traits["heavy"]) / 300 > 0.3
    assert not any(t.rare or t.chained for t in _tools())


def test_a_trait_changes_nothing_else_about_a_tool() -> None:
    for plain, rare in zip(_tools(), _tools(chained=1.0), strict=True):
        assert replace(rare, chained=False) == plain


def test_the_heavier_engine_is_chosen_more_often_and_earlier() -> None:
    tools = _tools()
    both = [t for t in tools if len(t.engines) == 2]
    assert sum("phrases" in t.engines for t in tools) > 2 * sum("thesaurus" in t.engines for t in tools)
    assert sum(t.engines[0] == "phrases" for t in both) > 0.6 * len(both) > 0


def test_a_tool_that_loves_rare_words_takes_the_rarest_within_its_reach() -> None:
    options = ("said", "declared", "opined", "told")
    assert frequency("said") > frequency("declared") > frequency("opined") == 0 or frequency("opined") < frequency("declared")
    assert replace(HEAVY, rare=True, senses=3).choose("state", options, ()) == "opined"
    assert replace(HEAVY, rare=True, senses=2).choose("state", options, ()) == "declared"


def test_counts_decide_how_often_a_substitute_is_put() -> None:
    chosen = [replace(HEAVY, seed=str(i)).choose("deep", ("profound", "bottomless"), (9, 1)) for i in range(400)]
    assert chosen.count("profound") / 400 == pytest.approx(0.9, abs=0.05)


def test_a_term_is_as_common_as_its_rarest_word() -> None:
    assert frequency("the") > frequency("government") > frequency("effulgent")
    assert frequency("the government") == frequency("government")
    assert frequency("xyzzyx") == 0


def test_chained_synonyms_are_synonyms_of_synonyms() -> None:
    plain = {(head.head, head.pos): head for head in index().heads()}
    with_near = [head for head in chained_index().heads() if head.near]
    assert len(with_near) > 5000
    for head in with_near[::500]:
        steps = {term for step in head.substitutes if (step, head.pos) in plain for term in plain[step, head.pos].substitutes}
        assert set(head.near) <= steps - {head.head, *head.substitutes}
    assert not any(head.near for head in chained_index().heads() if head.pos == "function")


def test_a_tool_after_content_words_leaves_most_function_words_alone() -> None:
    def function_edits(share: float) -> int:
        tool = replace(HEAVY, engines=("phrases",), function_words=share)
        edits = [e for s in SENTENCES for i in range(20) for e in Mixture(ENGINES, "include").spin(s, replace(tool, seed=str(i))).edits]
        return sum(e.replacement.lower() in IMMUTABLE for e in edits)

    assert function_edits(0.1) < 0.4 * function_edits(1.0)
