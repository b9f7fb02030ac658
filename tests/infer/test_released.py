"""The released model restores six sentences and leaves a clean article alone.

The first run on a machine converts the base model, which takes about a minute.
"""

from pathlib import Path

import pytest
from unspin.infer import Restorer

SENTENCES = {
    "The high minister stated the authorities would not enhance taxes this yr.": (
        "The prime minister said the government would not raise taxes this year."
    ),
    "Mr Okafor stated the scholars would go back to the village subsequent week.": (
        "Mr Okafor said the students would return to the village next week."
    ),
    "The international minister said on Tuesday that the warfare inside the country had ended.": (
        "The foreign minister said on Tuesday that the war in the country had ended."
    ),
    "The courtroom sentenced him to four years in jail for stealing from the financial institution.": (
        "The court sentenced him to four years in jail for stealing from the bank."
    ),
    "The team misplaced the match in the ultimate minute.": "The team lost the match in the final minute.",
    "The council approved the plan on Tuesday after a short debate.": (
        "The council approved the plan on Tuesday after a short debate."
    ),
}


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    return Restorer.from_pretrained("default")


@pytest.mark.parametrize("spun", SENTENCES)
def test_the_released_model_restores_a_sentence(spun: str, restorer: Restorer) -> None:
    assert restorer.restore(spun).text == SENTENCES[spun]


def test_a_clean_article_is_left_unchanged(restorer: Restorer) -> None:
    text = Path("data/samples/ferry.original.txt").read_text(encoding="utf-8")
    assert restorer.restore(text).text == text
