"""A phrase keeps agreeing with the abbreviation next to it, and one that is made to agree needs no other support."""

from collections.abc import Callable

import pytest
from unspin.edits import align
from unspin.infer.fidelity.abbreviations import abbreviated_phrases, agreement


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("the area under the curve (AUC)", [("AUC", "area under the curve")]),
        ("the region under the curve (AUC)", []),
        ("a convolutional neural network (CNN)", [("CNN", "convolutional neural network")]),
        ("two convolutional neural networks (CNNs; see Fig. 2)", [("CNNs", "convolutional neural networks")]),
        ("a convolutional brain network (CNN)", []),
        ("a CNN (convolutional neural network) and", [("CNN", "convolutional neural network")]),
        ("CNNs (the convolutional neural networks)", [("CNNs", "convolutional neural networks")]),
        ("a CNN (convolutional brain network)", []),
        ("by magnetic resonance imaging (MRI)", [("MRI", "magnetic resonance imaging")]),
        ("long deoxyribonucleic acid [DNA]", [("DNA", "deoxyribonucleic acid")]),
        ("under ultraviolet (UV) light", [("UV", "ultraviolet")]),
        ("of coronavirus disease 2019 (COVID-19)", [("COVID-19", "coronavirus disease 2019")]),
        ("with type 2 diabetes mellitus (T2DM)", [("T2DM", "type 2 diabetes mellitus")]),
        ("their health-related quality of life (HRQoL)", [("HRQoL", "health-related quality of life")]),
        ("long short-term memory (LSTM)", [("LSTM", "long short-term memory")]),
        ("a messenger RNA (mRNA) and interleukin 6 (IL-6)", [("mRNA", "messenger RNA"), ("IL-6", "interleukin 6")]),
        ("a measure of quality of life (MQL)", [("MQL", "measure of quality of life")]),
        ("by low-rank adaptation (LoRA)", [("LoRA", "low-rank adaptation")]),
        ("of Alzheimer’s disease (AD)", [("AD", "Alzheimer’s disease")]),
        ("the European Union (EU)", [("EU", "European Union")]),
        ("the electron microscope (TEM)", []),  # "the" gives no letter
        ("the Bureau of Personnel Management (OPM)", []),  # a phrase does not begin with "of"
        ("unusual sales (US) and trials (see Fig. 2) of May (2019) (p < 0.05)", []),
    ],
)
def test_the_phrases_of_abbreviations_are_found(text: str, phrases: list[tuple[str, str]]) -> None:
    assert list(abbreviated_phrases(text)) == phrases


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("The region under the curve (AUC) rose.", "The area under the curve (AUC) rose.", 1),
        ("The convolutional brain network (CNN) won.", "The convolutional neural network (CNN) won.", 1),
        ("The CNN (convolutional brain network) won.", "The CNN (convolutional neural network) won.", 1),
        ("The area under the curve (AUC) rose.", "The region under the curve (AUC) rose.", -1),
        ("The area under the curve (AUC) rose.", "The area under the curve (AOC) rose.", -1),
        ("The area under the curve (AUC) rose.", "The area under the curve (AUC) grew.", 0),
        ("The arena under the curve (AUC) rose.", "The area under the curve (AUC) rose.", 0),
        ("The region under the bend (AUC) rose.", "The region under the curve (AUC) rose.", 0),
        ("The area under the curve rose.", "The area under the curve (AUC) rose.", 0),
        ("An uncommon sale (US) was made.", "An unusual sale (US) was made.", 0),
    ],
)
def test_agreement_of_an_edit(source: str, target: str, expected: int) -> None:
    (edit,) = align(source, target)
    assert agreement(source, edit) == expected


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("The area under the curve (AUC) rose.", "The region under the curve (AUC) rose."),
        ("The neural network (NN) won.", "The brain network (NN) won."),
        ("An NN (neural network) won.", "An NN (brain network) won."),
    ],
)
def test_broken_agreement_is_refused(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert any("stands for" in reason for reason in refusals(source, target)), refusals(source, target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("The region under the curve (AUC) rose.", "The area under the curve (AUC) rose."),
        ("The convolutional brain network (CNN) won.", "The convolutional neural network (CNN) won."),
        ("The support trajectory machine (SVM) won.", "The support vector machine (SVM) won."),
        ("The area under the bend (AUC) rose.", "The area under the curve (AUC) rose."),
        ("An unwonted sale (US) was made.", "A rare sale (US) was made."),
    ],
)
def test_a_kept_fact_passes(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert refusals(source, target) == []


@pytest.mark.parametrize(
    ("phrase", "abbreviation", "word"),
    [("The avian thing", "AI", "influenza"), ("The haze of the payroll", "DOP", "database")],
)
def test_agreement_takes_the_place_of_other_support(
    phrase: str, abbreviation: str, word: str, refusals: Callable[..., list[str]]
) -> None:
    target = phrase.replace("thing", word).replace("haze", word)
    assert refusals(f"{phrase} was lost.", f"{target} was lost.")
    assert refusals(f"{phrase} ({abbreviation}) was lost.", f"{target} ({abbreviation}) was lost.") == []
