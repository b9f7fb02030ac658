"""Measuring detection: which units there are, what counts as garbled, and coefficients that fit."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from unspin.config import load_config
from unspin.evaluation.detection import (
    MIN_CLEAN,
    DetectionConfig,
    Sample,
    Unit,
    accusation_table,
    detection_table,
    fit_shares,
    length_table,
    real_samples,
    share_table,
    threshold,
    units_of,
    writers_samples,
)
from unspin.infer.article import DocumentDraft, SentenceDraft
from unspin.infer.confidence import Calibration

ROOT = Path(__file__).parents[2]
ORIGINAL = "The minister said that the war in the north had ended on Monday.\nNobody left the talks early that day."
SPUN = ORIGINAL.replace("war", "warfare").replace("ended", "finished up")


def _read(text: str) -> list[SentenceDraft]:
    """Sentences in which each word speaks for a spinner by 0.1."""
    (article,) = DocumentDraft.of(text).articles
    for sentence in article.sentences:
        sentence.reading.garbling = (0.1,) * len(sentence.text.split())
    return article.sentences


def _units(kind: str, tool: str, garblings: Sequence[float], register: str = "press", words: int = 10) -> list[Unit]:
    sample = Sample("test", register, tool, "", "")
    return [
        Unit(kind, sample, ("A text.",), words, words // 2 if tool else 0, g * words, {"screening": g, "list": 0.0})
        for g in garblings
    ]


def test_the_words_that_a_tool_changed_are_counted_in_each_unit() -> None:
    units = list(units_of(Sample("test", "press", "tool", SPUN, ORIGINAL), _read))
    assert [(unit.kind, unit.words, unit.garbled) for unit in units] == [("sentence", 14, 3), ("sentence", 7, 0)]
    assert units[0].garbling == pytest.approx(1.4) and units[0].scores["screening"] == pytest.approx(0.1)
    long = Sample("test", "press", "tool", "\n\n".join([SPUN] * 5), "\n\n".join([ORIGINAL] * 5))
    assert [(u.words, u.garbled) for u in units_of(long, _read) if u.kind == "document"] == [(105, 15)]
    assert all(unit.garbled == 0 for unit in units_of(Sample("test", "press", "", SPUN, SPUN), _read))


def test_the_threshold_lets_one_clean_unit_in_a_hundred_pass() -> None:
    clean = _units("sentence", "", np.arange(200) / 200)
    assert sum(unit.scores["screening"] > threshold(clean) for unit in clean) == 2


def test_tables_give_area_and_rate_by_tool_and_the_rates_of_clean_text() -> None:
    clean = _units("sentence", "", np.arange(MIN_CLEAN) / 1000)
    spun = _units("sentence", "heavy", [0.5, 0.6]) + _units("sentence", "light", [0.05, 0.2])
    rows = list(detection_table([*clean, *spun]))
    assert rows[2:] == [
        "| sentence | heavy | 2 | 1.000 / 100% | 0.500 / 0% |",
        "| sentence | light | 2 | 0.752 / 50% | 0.500 / 0% |",
    ]
    assert "| 4 to 11 | 4 | 0.876 / 75% |" in list(length_table([*clean, *spun]))
    learners = _units("sentence", "", [0.01, 0.4, 0.5, 0.6], "learners")
    assert "| sentence | learners | 4 | 75.0% | 0.0% |" in list(accusation_table(clean, learners))
    few = list(detection_table([*clean[:5], *spun]))
    assert few[2] == "| sentence | heavy | 2 | 1.000 | 0.500 |"  # too few clean units for a rate


def test_coefficients_fit_and_the_interval_holds_nine_of_ten_shares() -> None:
    draw = np.random.default_rng(20)
    units = []
    for kind, words in (("sentence", 20), ("paragraph", 60), ("document", 300)):
        units += _units(kind, "", np.maximum(draw.normal(0.001, 0.001, 300), 0), words=words)
        for share in draw.uniform(0.1, 0.6, 300):
            garbling = max((-np.log(1 - share) / 3.0 + 0.001) * draw.lognormal(0, 0.3), 0)
            (unit,) = _units(kind, "tool", [garbling], words=words)
            units.append(unit._replace(garbled=round(share * words)))
    fitted = fit_shares(units)
    assert 2 < fitted.screen_rate < 4.5
    held = [
        low <= unit.garbled / unit.words <= high
        for unit in units
        for _, low, high in [fitted.garbled_share(unit.garbling, unit.words)]
    ]
    assert 0.85 < np.mean(held) < 0.95
    assert len(list(share_table(units, fitted))) == 2 + 6


def test_the_share_table_says_how_often_shares_are_right_and_above_a_limit() -> None:
    exact = Calibration(screen_floor=0.0, screen_rate=1.0, screen_spread=0.0, screen_word_spread=0.1)
    clean = _units("document", "", [0.0, 0.0, 0.07, 0.2], words=100)
    spun = _units("document", "heavy", [0.0, 0.7], words=100)
    assert list(share_table([*clean, *spun], exact))[2:] == [
        "| document | press | 4 | 0.000 | 0.062 | 0.062 | 50% | 0.02 | 50% | 25% | 0% |",
        "| document | heavy | 2 | 0.500 | 0.252 | 0.252 | 50% | 0.05 | 50% | 50% | 50% |",
    ]


def test_real_sentences_of_a_tool_stand_together_and_rare_tools_count_as_one(tmp_path: Path) -> None:
    tools = ["big"] * 25 + ["small", "tiny"]
    lines = [f"{tool}\tThe warfare {i} ended.\tThe war {i} ended." for i, tool in enumerate(tools)]
    (tmp_path / "pairs.tsv").write_text("\n".join(["tool\tspun\toriginal", *lines]) + "\n")
    samples = list(real_samples(tmp_path / "pairs.tsv"))
    assert [(sample.tool, sample.text.count("\n") + 1) for sample in samples if sample.tool] == [
        ("real: big", 10),
        ("real: big", 10),
        ("real: big", 5),
        ("real: other tools", 2),
    ]
    assert all(sample.text == sample.original for sample in samples if not sample.tool)


def test_other_writers_sentences_are_clean_documents(tmp_path: Path) -> None:
    (tmp_path / "writers.txt").write_text("A  text.\n" * 12)
    samples = list(writers_samples("learners", tmp_path / "writers.txt"))
    assert [(sample.register, sample.tool, sample.text) for sample in samples] == [
        ("learners", "", "\n".join(["A text."] * 10)),
        ("learners", "", "A text.\nA text."),
    ]


def test_the_config_names_sources_of_its_build_config() -> None:
    config = load_config(
        ROOT / "configs" / "detect" / "default.yaml", DetectionConfig, ["corpora=texts", "phrases=list.tsv"]
    )
    text = config.data.read_text(encoding="utf-8")
    assert all(f"name: {source}" in text for source in config.registers)


def test_the_default_calibration_has_an_interval_around_its_share() -> None:
    for garbling in (0.0, 1.0, 30.0):
        share, low, high = Calibration().garbled_share(garbling, 100)
        assert 0 <= low <= share <= high <= 1
