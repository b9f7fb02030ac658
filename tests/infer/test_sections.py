"""References and headings of papers are recognised; news and other prose are not taken for them."""

import pytest
from unspin.infer.prose import prose_sentences
from unspin.infer.sections import is_reference, is_references_heading, is_section_heading

PAPER = """\
2.1 Materials and methods of the study
We gathered the data of 30 patients.
7. References
[1] Smith J, Jones K. The effect of tea on the heart of mice. J Cardiol. 2019;12(3):33–40.
World Health Organization. Guidelines for the treatment of pain. Geneva: WHO; 2012.
A survey of the methods that are in use in the field of
medicine. Cambridge University Press, 2004.
Wood, K. The growth of the trees in the city (in press).
Appendix
J. Smith, the first author, was in charge of the trial.
Stone, J. (2011). The book of all things. Penguin.
The authors thank the nurses for their help.
"""


def test_the_references_and_headings_of_a_paper_are_left_alone() -> None:
    assert [PAPER[span.start : span.end] for span in prose_sentences(PAPER)] == [
        "We gathered the data of 30 patients.",
        "J. Smith, the first author, was in charge of the trial.",
        "The authors thank the nurses for their help.",
    ]


def test_prose_ends_a_list_of_references() -> None:
    text = "References\nIn this part we say what we owe to others.\nWood, who wrote to us in March, was of help.\n"
    assert len(list(prose_sentences(text))) == 2


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("References", True),
        ("REFERENCES:", True),
        ("7. References and notes", True),
        ("VI. Works Cited", True),
        ("Literature cited", True),
        ("Bibliography", True),
        ("References to the war were cut", False),
        ("He gave two references.", False),
    ],
)
def test_headings_of_lists_of_references(line: str, expected: bool) -> None:
    assert is_references_heading(line) is expected


@pytest.mark.parametrize(
    "line",
    [
        "[3] J. Stone and K. Wood, “A method for rain,” IEEE Trans. Rain, vol. 3, no. 2, pp. 12–19, 2018.",
        "3. Smith J. Tea and the heart. J Cardiol. 2019;12(3):33–40.",
        "Smith J, Jones KL. Tea and the heart. J Cardiol. 2019;12:33.",
        "van der Berg, A., & Wood, K. (2001). On the growth of trees. Nature, 12, 33-40.",
        "Smith-Jones, A. B. (2019, May). Tea and the heart. The Guardian.",
        "Berlin, Ira. 1998. Many Thousands Gone. Cambridge, MA: Belknap Press.",
        "Lee, Ann, et al. “The Age of Steam.” Journal of Steam 12.3 (2019): 44–51.",
        "Wood, K. 2004. Of rain. doi:10.1000/182",
    ],
)
def test_an_entry_is_recognised_by_itself(line: str) -> None:
    assert is_reference(line)


@pytest.mark.parametrize(
    "line",
    [
        "Smith and Jones (2019) found that the rate rose in 12 of 30 towns (pp. 3–4).",
        "J. Smith (2019) wrote in the Journal of Rain that 12 of 30 towns were wet.",
        "Today, U.S. Senator John Kennedy (R-LA) said on May 3, 2019, that Vol. 2 is out.",
        "Today, Reps. Darren Soto (D-FL-09) and Mike Waltz wrote to the Journal of Law in 2020.",
        "Steven A. Greenlaw, a professor since 1999, wrote for the Journal of Law in 2003.",
        "AUSTIN, TX (June 5, 2019) – The court met in 2018, and again in 2019.",
        "Data USA, an online tool of 2016, was built by the staff of the MIT Press.",
        "The UK, which joined in 1973, left with 52 to 48, 3-2 in the court, in 2020.",
        "World War II (1939–1945) cost 12, 33-40 million lives.",
        "Malcolm X (1992) is a film by Spike Lee.",
    ],
)
def test_prose_is_no_entry(line: str) -> None:
    assert not is_reference(line)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2.1 Materials and methods of the study", True),
        ("3.2.1. Effects of the dose on the older patients", True),
        ("IV. Results of the second part of the trial", True),
        ("Data Availability Statement and Ethics Approval", True),
        ("Conflicts of Interest and Author Contributions", True),
        ("2.1 million people were left without power", False),
        ("6.1 Quake Shakes Homes in Northern California", False),
        ("3.5 Million Voters Head to the Polls Today", False),
        ("5 Things You Should Know Before Buying a House", False),
        ("2. Wash your hands before you eat at home", False),
        ("V. Putin visits China after the summit today", False),
        ("Results of the Study Anger Doctors in London", False),
        ("Deputy International Minister Says So Today", False),
        ("The results of the study and the methods.", False),
        ("***", False),
    ],
)
def test_headings_of_sections_are_told_from_titles_of_news(line: str, expected: bool) -> None:
    assert is_section_heading(line) is expected
