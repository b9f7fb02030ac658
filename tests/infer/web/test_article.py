"""The edits and choices of an article: `article.js`, run in a browser without the page."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

# Edits as [article, offset, spun, restored, group]: the model's own deletions and insertions carry their white space.
VERY = [0, 6, "very ", "", 0]
FIRM = [0, 4, "firm", "company", 0]
NOT = [[0, 3, "not ", "", 1], [0, 31, "", " not", 1]]
NEGATED = "He not always says that he will go."

Run = Callable[..., Any]

SCRIPT = """async ([texts, edits, steps]) => {
    const { Article } = await import("/article.js");
    const article = new Article({}, 0.5);
    const articles = texts.map((text) => ({ text, fixed: [] }));
    article.open({ articles, blocks: [], warnings: [] });
    const line = edits.map(([article, offset, spun, restored, group]) => (
        { article, offset, spun, restored, group, kind: "word", confidence: 0.9 }
    ));
    article.update({ done: 1, spun_share: 0, warnings: [], edits: line });
    const at = (start) => article.places().find((place) => place.start === start);
    const word = (offset) => {
        article.cursor = article.wordAt(0, offset);
        return article.places().find((place) => place.isCursor);
    };
    const type = (place, words) => { article.choose([place], article.shaped(place, words)); article.cursor = null; };
    const all = (isMade) => article.chooseAll(article.places(), isMade);
    const results = [];
    const show = (result = article.restoredText()) => results.push(result);
    eval(steps);
    return results;
}"""


@pytest.fixture(scope="module")
def run(browser: Any, address: str) -> Iterator[Run]:
    """Runs steps of JavaScript on an article, and returns what they show."""
    page = browser.new_context(bypass_csp=True).new_page()
    page.goto(address)
    yield lambda texts, edits, steps: page.evaluate(
        SCRIPT, [[texts] if isinstance(texts, str) else texts, edits, steps]
    )
    page.close()


@pytest.mark.parametrize(
    ("text", "edits", "steps", "expected"),
    [
        ("It is very good.", [VERY], "article.choose([at(6)], null); show(); article.choose([at(6)], ''); show()",
         ["It is very good.", "It is good."]),
        ("It is very good.", [VERY], "type(at(6), 'really'); show()", ["It is really good."]),
        ("The man sat on chair.", [[0, 14, "", " the", 0]], "type(at(14), 'a'); show(); type(at(14), ''); show()",
         ["The man sat on a chair.", "The man sat on chair."]),
        (NEGATED, NOT, "show(); type(at(31), 'never'); show()",
         ["He always says that he will not go.", "He always says that he will never go."]),
        (NEGATED, NOT, "article.choose([at(3)], null); show(); article.choose([at(3)], ''); show()",
         [NEGATED, "He always says that he will not go."]),
        (NEGATED, NOT, "article.chooseAll([at(3)], false); show(); article.chooseAll([at(3)], true); show()",
         [NEGATED, "He always says that he will not go."]),
        ("The firm left.", [FIRM], "type(at(4), ''); show(); article.choose([article.places()[0]], null); show()",
         ["The left.", "The firm left."]),
        ("The firm left.", [FIRM], "type(at(4), ''); all(false); show(); all(true); show()",
         ["The firm left.", "The company left."]),
        ("The firm left.", [FIRM], "type(at(4), ''); type(article.places()[0], 'bank'); show()", ["The bank left."]),
        ("The firm left.", [FIRM], "type(at(4), 'firm'); show(); show(at(4).isMade)", ["The firm left.", False]),
        ("The firm left.", [], "type(word(5), ''); show(); type(article.places()[0], 'bank'); show()",
         ["The left.", "The bank left."]),
        ("One.\n\n  Second word.", [], "type(word(10), ''); show()", ["One.\n\n  word."]),
        ("It is very good.", [VERY], "type(word(12), ''); show(); show(article.places().length)", ["It is.", 2]),
        ("A very big dog.", [[0, 2, "very ", "", 0]], "type(word(8), ''); show()", ["A dog."]),
        ("A very big dog.", [[0, 1, " very", "", 0]], "type(word(8), ''); show()", ["A dog."]),
        ("A very big dog.", [[0, 1, " very", "", 0], [0, 7, "big ", "", 0]], "show()", ["A dog."]),
        ("A very big dog.", [], "type(word(3), ''); type(word(8), ''); show()", ["A dog."]),
        ("A very big dog.", [], "type(word(0), ''); type(word(3), ''); show(); type(word(8), ''); show()",
         ["big dog.", "dog."]),
        ("A very big dog.", [[0, 1, " very", "", 0]], "type(word(0), ''); show()", ["big dog."]),
        ("A very big dog.", [], "type(word(8), ''); type(word(3), 'small'); show()", ["A small dog."]),
        ("A firm left.", [], "type(word(0), ''); type(word(2), ''); show()", ["left."]),
        ("The cat was.", [[0, 4, "", "old ", 0]], "type(word(5), ''); show(); show(article.madeEdits().length)",
         ["The old was.", 2]),
        ("The cat.", [[0, 4, "", "old ", 0]], "article.choose([at(4)], null); type(word(6), ''); show()", ["The."]),
        ("The cat was.", [[0, 3, "", " old", 0]], "type(word(5), ''); show()", ["The old was."]),
        ("A word “Big cats (here” it.", [], "type(word(8), ''); type(word(18), ''); show()", ["A word “cats (” it."]),
        ("The firm left.", [], "type(word(5), ''); const gap = article.places()[0]; show(article.context(gap).start);"
         "type(gap, 'bank'); show()", [4, "The bank left."]),
        ("One\ntwo three", [], "type(word(5), ''); show()", ["One\nthree"]),
        ("The cat was old.", [[0, 4, "", "old ", 0]], "type(word(5), 'dog'); show()", ["The old dog was old."]),
        ("A cafe\u0301 here.", [], "type(word(3), 'bar'); show()", ["A bar here."]),
        ("A \U0001f600 firm.", [], "type(word(5), 'bank'); show()", ["A \U0001f600 bank."]),
    ],
)  # fmt: skip
def test_words_keep_their_spaces_and_groups_their_edits(
    run: Run, text: str, edits: list[Any], steps: str, expected: list[Any]
) -> None:
    assert run(text, edits, steps) == expected


# The group of NOT, in whose place the reader has words of their own; that came before the edits were known.
COVERED = """article.threshold = 0.95; type(word(4), 'hardly'); article.threshold = 0.5;"""


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("show(); show(at(31).isMade)", ["He hardly always says that he will go.", False]),
        ("all(true); show()", ["He hardly always says that he will go."]),
        ("all(false); show()", [NEGATED]),
        ("article.choose([at(3)], null); show()", [NEGATED]),
        ("article.choose([at(31)], at(31).restored); show()", ["He always says that he will not go."]),
        (
            "article.choose([at(31)], at(31).restored); article.undo(); show()",
            ["He hardly always says that he will go."],
        ),
    ],
)
def test_a_group_is_not_made_in_part_beside_own_words(run: Run, steps: str, expected: list[Any]) -> None:
    assert run(NEGATED, NOT, COVERED + steps) == expected


def test_steps_are_undone_one_by_one_and_nothing_is_no_step(run: Run) -> None:
    steps = """type(at(4), 'bank'); type(at(4), 'bank'); all(true); show(article.past.length);
        article.undo(); show(); article.redo(); show(); article.undo(); article.undo(); show()"""
    assert run("The firm left.", [FIRM], steps) == [1, "The company left.", "The bank left.", "The company left."]


def test_undo_says_what_changes(run: Run) -> None:
    steps = """type(word(10), 'went'); type(at(4), 'bank');
        for (const move of ["undo", "undo", "undo", "redo", "redo", "redo"]) show(article[move]()?.start ?? null)"""
    assert run("The firm left.", [FIRM], steps) == [4, 9, None, 9, 4, None]


def test_the_cursor_passes_the_rest_of_a_word_that_has_an_edit(run: Run) -> None:
    steps = """for (const direction of [1, -1]) {
            const word = article.wordBeside(direction > 0 ? at(4) : { article: 0, start: 11, end: 16 }, direction);
            show([word.start, word.end]);
        }"""
    assert run("The firm’s owner.", [FIRM], steps) == [[9, 10], [4, 10]]


def test_a_word_after_a_long_gap_is_whole(run: Run) -> None:
    steps = "const word = article.wordBeside({ article: 0, start: 0, end: 3 }, 1); show([word.start, word.end])"
    assert run("One " + "." * 993 + " Second", [], steps) == [[998, 1004]]


def test_the_context_has_the_other_edits_and_not_the_place_itself(run: Run) -> None:
    text = "A\nIt is very good of the firm."
    edits = [[0, 8, "very ", "", 0], [0, 17, "", " indeed", 0], [0, 25, "firm", "company", 0]]
    context = run(text, edits, "show(article.context(at(17))); show(article.context(at(8)))")
    assert context == [
        {"paragraph": "It is good of the company.", "start": 10, "end": 10, "restored": " indeed"},
        {"paragraph": "It is very good indeed of the company.", "start": 6, "end": 11, "restored": ""},
    ]


def test_the_cursor_goes_through_all_articles(run: Run) -> None:
    steps = """let word = { article: 0, start: 0, end: 0 };
        while (word = article.wordBeside(word, 1)) show(article.texts[word.article].slice(word.start, word.end));
        word = article.wordBeside({ article: 2, start: 0, end: 0 }, -1); show(word)"""
    gap = " " * 5000
    expected = ["One", "two", "three", {"article": 0, "start": 5004, "end": 5007}]
    assert run([f"One.{gap}two", "", "three"], [], steps) == expected


def test_a_saved_article_counts_before_it_is_opened_again(run: Run) -> None:
    steps = """type(at(4), ''); type(word(10), 'went');
        const saved = Article.restored(JSON.parse(JSON.stringify(article.save())));
        show(saved.places().length); show(saved.warnings)"""
    assert run("The firm left.", [FIRM], steps) == [2, []]


WALK = """
const random = (() => { let state = seed; return (n) => (state = (state * 48271) % 2147483647) % n; })();
const pick = (items) => items[random(items.length)];
const start = article.restoredText();
const faults = [];
const check = (step) => {
    const text = article.restoredText();
    const made = article.madeEdits();
    const after = (place, i) => made[i + 1]?.article !== place.article || made[i + 1].start >= place.end;
    if (!made.every(after)) faults.push([step, "places overlap"]);
    const applied = [...made].reverse().reduce((text, { start, end, restored }) => (
        text.slice(0, start) + restored + text.slice(end)
    ), texts[0]);
    if (applied !== text) faults.push([step, text, applied]);
    if (/  |^ /m.test(text)) faults.push([step, "spaces", text]);
    const count = made.filter(({ group }) => group === 1).length;
    if (count === 1) faults.push([step, "half a group", text]);
};
for (let i = 0; i < 40 && !faults.length; i += 1) {
    const places = article.places();
    const step = pick(["own", "delete", "choose", "threshold", "all", "undo", "redo"]);
    if (step === "own" || step === "delete") {
        const place = word(random(texts[0].length));
        if (place) type(place, step === "own" ? pick(["bank", "two words"]) : "");
    }
    if (step === "choose" && places.length) {
        const place = pick(places);
        const words = pick([null, place.restored, article.shaped(place, "own"), ""]);
        article.choose([place], words);
    }
    if (step === "threshold") article.threshold = pick([0.5, 0.95]);
    if (step === "all") article.chooseAll(places, random(2) === 1);
    if (step === "undo" || step === "redo") article[step]();
    article.cursor = null;
    check(step);
}
while (article.past.length) article.undo();
article.threshold = 0.5;
if (article.restoredText() !== start) faults.push(["undo to the start", article.restoredText()]);
show(faults);
"""


def test_any_steps_keep_edits_text_and_spaces_together(run: Run) -> None:
    text = f"A very big dog ran. {NEGATED}\nIt is “very” good, he said.\n\nThe firm left."
    negated = text.index(NEGATED)
    moved = [[0, negated + offset, spun, restored, 1] for _, offset, spun, restored, _ in NOT]
    deleted = [[0, 1, " very", "", 0], [0, text.index("good"), "good, ", "", 0]]
    edits = [*deleted, *moved, [0, text.index("firm"), "firm", "company", 0], [0, text.index("dog"), "", "old ", 0]]
    for seed in range(1, 101):
        assert run(text, sorted(edits), f"const seed = {seed};{WALK}") == [[]], seed
