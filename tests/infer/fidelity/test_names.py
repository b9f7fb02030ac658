"""Names are never lost, and put in only where the article or the list of well-known names supports exactly them."""

from collections.abc import Callable

import pytest
from unspin.infer.fidelity.capitals import name_spans


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("Roman Vassilenko talked.", "Novel Vassilenko talked."),
        ("They met Kamilov there.", "They met Karimov there."),
        ("The chief spoke.", "The chief Kowalski spoke."),
        ("The Unified Countries sent troops.", "The United States sent troops."),
        ("The Unified Countries sent troops.", "The United Nations sent troops."),
        ("They flew to Japan then.", "They flew to China then."),
        ("They fled from Turkey then.", "They fled from Chad then."),
        ("The Korean team won.", "The Japanese team won."),
        ("The Soviet Union fell.", "The Western Union fell."),
        ("He sued the Supreme Court.", "He sued the High Court."),
        ("He wrote to Congress again.", "He wrote to the government again."),
        ("The Prime Minister spoke.", "The Foreign Minister spoke."),
        ("The Senate voted on it.", "The House voted on it."),
        ("He won at Pinnacle Health.", "He won at Summit Health."),
        ("Federer won in an hour.", "Nadal won in an hour."),
        ("The Jap Europe office shut.", "The Western Europe office shut."),
    ],
)
def test_another_name_is_refused(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert refusals(source, target)


@pytest.mark.parametrize(
    ("source", "target", "article"),
    [
        ("The White Home said so.", "The White House said so.", ""),
        ("The Supreme Courtroom sat.", "The Supreme Court sat.", ""),
        ("He reads the Wall Avenue Journal.", "He reads the Wall Street Journal.", ""),
        ("The Related Press said so.", "The Associated Press said so.", ""),
        ("The Frosty Warfare ended.", "The Cold War ended.", ""),
        ("He met Deputy International Minister Ivanov.", "He met Deputy Foreign Minister Ivanov.", ""),
        ("The Unified Countries sent troops.", "The United Nations sent troops.", "The UN said so."),
        ("The Unified Countries sent troops.", "The United Nations sent troops.", "The United Nations said so."),
        ("President George Shrub won.", "President George Bush won.", ""),
        ("He wrote to Judge Rock again.", "He wrote to Judge Stone again.", "Judge Elaine Stone sat."),
        ("The CEO left.", "The chief executive officer left.", ""),
        ("Gov. Kessler left.", "Governor Kessler left.", ""),
        ("The U.S. army left.", "The US army left.", ""),
        ("A South Korea court sat.", "A South Korean court sat.", ""),
        ("Deputy International Minister Says So Today", "Deputy Foreign Minister Says So Today", ""),
    ],
)
def test_a_name_with_support_is_restored(
    source: str, target: str, article: str, refusals: Callable[..., list[str]]
) -> None:
    assert refusals(source, target, article) == []


@pytest.mark.parametrize(
    ("sentence", "names"),
    [
        ("President Tokayev of Kazakhstan recalled the Frosty Warfare.", ["Tokayev", "Kazakhstan"]),
        ("In January Mr Kamilov left the UK.", ["Kamilov", "UK"]),
        ("Roman Vassilenko met Roman leaders.", ["Roman", "Vassilenko", "Roman"]),
        ("In May, Kamilov left.", ["Kamilov"]),
        ("Turkey met Chile; nice people live in Nice.", ["Turkey", "Chile", "Nice"]),
        ("Nice people met.", []),
        ("World War II cost 640 MB.", []),
    ],
)
def test_sure_names_are_told_from_words_with_a_capital(sentence: str, names: list[str]) -> None:
    assert [sentence[a:b] for a, b in name_spans(sentence) if sentence[a:b] != "Mr"] == names
