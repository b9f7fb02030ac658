"""The notation of papers stays as it is written; the words next to it are restored."""

import re
from collections.abc import Callable

import pytest
from unspin.edits import Edit
from unspin.infer.fidelity.judge import violation
from unspin.infer.fidelity.scholarly import keeps_notation, notation_in


@pytest.mark.parametrize(
    ("sentence", "old", "new"),
    [
        # citations
        ("The rate rose [12, 13] in adults.", "12, 13", "12, 14"),
        ("The rate rose [12, 13] in adults.", " [12, 13]", ""),
        ("The rate rose [12–14] in adults.", "12–14", "12-14"),
        ("The rate rose12,13 in adults.", "rose12,13", "rose"),
        ("It fell (Smith et al., 2019) again.", "et al.", "and others"),
        ("It fell (Smith et al., 2019) again.", "2019", "2018"),
        ("It fell (Smith et al., 2019) again.", " (Smith et al., 2019)", ""),
        ("It fell (Cook & Rice, 2019; Hill, 2001).", "Hill", "Hills"),
        ("It fell (Stone and Wood, 2019).", "Stone", "Rock"),
        ("It fell (see also Stone, 2019).", "see also", "look at"),
        ("It fell (cf. Stone, in press).", "in press", "in the press"),
        ("Smith and Jones (2019) found it.", "and", "with"),
        ("Cook (2019) found it.", "Cook", "Chef"),
        # statistics
        ("It was lower (p < 0.001) here.", "<", ">"),
        ("It was lower (p < 0.001) here.", "p", "page"),
        ("It was lower (p < 0.001) here.", "p", "P"),
        ("The odds (OR 2.1, 95 % CI 1.2–3.4) rose.", "1.2–3.4", "1.2 to 3.4"),
        ("The odds (OR 2.1, 95 % CI 1.2–3.4) rose.", "OR", "or"),
        ("The odds (OR 2.1, 95 % CI 1.2–3.4) rose.", "CI", "interval"),
        ("The group (n = 30) was small.", "n", "number"),
        ("They were linked (r = .43) there.", ".43", "43"),
        ("They were linked (r = −.43) there.", "−.43", ".43"),
        ("Values are mean ± SD in all.", "mean", "average"),
        ("Values are mean ± SD in all.", "SD", "deviation"),
        ("Age was 45 ± 6 years in men.", "±", "and"),
        ("The effect was F(1, 23) = 4.5 there.", "F(1, 23)", "M(1, 23)"),
        ("We used the χ2 test here.", "χ2", "chi-square"),
        ("We ran a t-test on it.", "t-test", "test"),
        ("The line y = ax + b was drawn.", "y = ax + b", "y"),
        ("It was 10 × 10^6 there.", "×", "x"),
        # units
        ("It took 5 mg/kg daily.", "mg/kg", "mg"),
        ("It took 5 mg/kg daily.", "mg/kg", "milligrams per kilogram"),
        ("Pressure was 120 mmHg then.", "mmHg", "mmHG"),
        ("Heat it to 37 °C first.", "°C", "°F"),
        ("Slices of 5 µm were cut.", "µm", "mm"),
        ("A dose of 5 nM was used.", "nM", "nm"),
        ("It had a pH of 7.4 there.", "pH", "PH"),
        # species
        ("Cells of Escherichia coli grew.", "coli", "colony"),
        ("Cells of E. coli grew.", "E. coli", "bacteria"),
        ("Cells of E. coli grew.", "coli", "colon"),
        ("Cells of Homo sapiens grew.", "Homo sapiens", "humans"),
        ("Cells of Mus musculus grew.", "musculus", "muscle"),
        ("Cells of Salmonella spp. grew.", "spp.", "species"),
        # genes and proteins
        ("The gene TP53 was lost.", "TP53", "TP63"),
        ("The gene BRCA1 was lost.", "BRCA1", "Brca1"),
        ("The gene p53 was lost.", "p53", "page 53"),
        ("The level of IL-6 was high.", "IL-6", "IL-8"),
        ("The level of TNF-α was high.", "TNF-α", "TNF"),
        # formulas
        ("We added H2O to it.", "H2O", "water"),
        ("We added NaCl to it.", "NaCl", "salt"),
        ("We added Ca2+ to it.", "Ca2+", "Ca2"),
        # references
        ("See Fig. 2 for more.", "Fig. 2", "Fig. 3"),
        ("See Fig. 2 for more.", "Fig.", "Figure"),
        ("See Figure 2A for more.", "Figure", "Picture"),
        ("See table 3 for more.", "table", "desk"),
        ("See Eq. (4) for more.", "Eq.", "Equity"),
        ("See section 3.2 for more.", "section", "area"),
        ("See Appendix B for more.", "Appendix", "Annex"),
    ],
)
def test_no_edit_touches_notation(sentence: str, old: str, new: str) -> None:
    match = re.search(rf"(?:\b|(?=\W)){re.escape(old)}", sentence)
    assert match and violation(sentence, Edit(match.start(), match.end(), new))


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("The illness rate (p < 0.05) was low.", "The disease rate (p < 0.05) was low."),
        ("The rate rose [12, 13] in grown-ups.", "The rate rose [12, 13] in adults."),
        ("The rate rose [12, 13] in adults.", "The rate increased [12, 13] in adults."),
        ("Smith and Jones (2019) discovered it.", "Smith and Jones (2019) found it."),
        ("Kids (n = 30) obtained 5 mg/kg daily.", "Children (n = 30) received 5 mg/kg daily."),
        ("The chances (OR 2.1) rose.", "The odds (OR 2.1) rose."),
        ("As shown in discern 2, the fee rose.", "As shown in figure 2, the fee rose."),
        ("Cells of E. coli grew quick.", "Cells of E. coli grew fast."),
        ("The degree of IL-6 was excessive.", "The level of IL-6 was excessive."),
        ("In this section I portray it.", "In this section I describe it."),
        ("Tables 3 persons sat at were full.", "Tables 3 people sat at were full."),
        ("He walked 5 km at 6 km/h.", "He walked 5 kilometres at 6 km/h."),
        ("The U.S. allies met in May 2019.", "The US allies met in May 2019."),
    ],
)
def test_words_next_to_notation_are_restored(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert refusals(source, target) == []


@pytest.mark.parametrize(
    ("sentence", "notation"),
    [
        ("It rose (see Stone et al., 2019, p. 3; Hill, 2001a).", ["(see Stone et al., 2019, p. 3; Hill, 2001a)"]),
        ("It rose (F(1, 23) = 4.5, p = .04).", ["F(1, 23) = 4.5", "p = .04"]),
        ("Homo sapiens ate E. coli (Fig. 2a).", ["Homo sapiens", "E. coli", "Fig. 2a"]),
        ("It fell (founded in May 2019) to 5% (up 2%).", []),
        ("The “Theory of the Leisure Class” (1899) sold (March 2019).", []),
        ("American businesses and Zika virus data rose by 3 in figures.", []),
    ],
)
def test_notation_is_told_from_prose(sentence: str, notation: list[str]) -> None:
    assert list(notation_in(sentence)) == notation


def test_notation_may_be_gained_but_not_lost_or_moved() -> None:
    assert keeps_notation(["[1]", "p53"], ["[1]", "Table 2", "p53"])
    assert not keeps_notation(["[1]", "p53"], ["[1]"])
    assert not keeps_notation(["[1]", "p53"], ["p53", "[1]"])
