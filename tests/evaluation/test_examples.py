"""Examples in the report: each kind holds the right texts, in order."""

from unspin.evaluation.examples import MAX_EXAMPLES, examples
from unspin.evaluation.suites.base import Row, Suite

SPUN, ORIGINAL = "The overseas minister stated the warfare ended.", "The foreign minister said the war ended."


def test_examples_are_sorted_into_kinds() -> None:
    short, short_original = "The warfare ended.", "The war ended."
    suite = Suite("s", tuple(Row(str(i), *pair) for i, pair in enumerate([(SPUN, (ORIGINAL,))] * 3)))
    other = Suite("t", (Row("x", short, (short_original,)),))
    texts = examples([suite, other], [[ORIGINAL, SPUN, "A alien minister stated the warfare ended."], [short_original]])
    assert [(text["suite"], text["restored"]) for text in texts["best"]] == [("s", ORIGINAL), ("t", short_original)]
    assert [text["restored"] for text in texts["worst"]] == ["A alien minister stated the warfare ended."]
    assert texts["still spun"][0]["restored"] == SPUN
    assert texts["best"][0] == {"suite": "s", "spun": SPUN, "restored": ORIGINAL, "original": ORIGINAL}


def test_of_equal_rank_shorter_texts_come_first_and_the_number_is_limited() -> None:
    rows = [Row(str(n), f"The {'9' * n} warfare ended.", (f"The {'9' * n} war ended.",)) for n in range(30, 0, -1)]
    best = examples([Suite("s", tuple(rows))], [[row.references[0] for row in rows]])["best"]
    assert [text["original"] for text in best] == [row.references[0] for row in rows[::-1][:MAX_EXAMPLES]]
