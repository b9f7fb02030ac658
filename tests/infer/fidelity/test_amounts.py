"""Numbers are compared by exact value, with their sign, decimals and unit."""

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unspin.infer.fidelity.amounts import Amount, amounts_in, same_amounts, with_usual_forms


def _values(text: str) -> list[object]:
    return [amount.value for amount in amounts_in(text) if not amount.optional]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("They paid 2,000 dollars.", "They paid 3,000 dollars."),
        ("It lasted ten days.", "It lasted twelve days."),
        ("Dozens of persons were hurt.", "Hundreds of people were hurt."),
        ("The eleventh try failed.", "The twelfth try failed."),
        ("It weighed 5 mg.", "It weighed 5 g."),
        ("He drank 70 centilitres.", "He drank 70 millilitres."),
        ("It came at 7 am sharp.", "It came at 7 pm sharp."),
        ("The debt is 12345678901234567 pesos.", "The debt is 12345678901234568 pesos."),
        ("It cost 1,5 million.", "It cost 15 million."),
        ("Dial 0800 first.", "Dial 800 first."),
        ("Version 1.10 is out.", "Version 1.1 is out."),
        ("It was −5 outside.", "It was 5 outside."),
        ("Take ½ of it.", "Take ¼ of it."),
        ("Mix ½ ⅓ ¼ cups.", "Mix ½ ⅓ cups."),
        ("In 2010 15 people died.", "In 2015 10 people died."),
        ("It cost 23 greenbacks.", "It cost 23 cents."),
        ("He weighs eleven rock.", "He weighs eleven pounds."),
        ("It grew by five percent factors.", "It grew by five per cent."),
        ("Rates fell by half a point from 4.5 percent.", "Rates fell from half a point from 4.5 percent."),
        ("It rose by 5 percent.", "It rose to 5 percent."),
        ("World War II began.", "World War III began."),
        ("It left at quarter to nine.", "It left at quarter past nine."),
        ("Two thirds of them left.", "Two fifths of them left."),
    ],
)
def test_another_amount_is_refused(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert refusals(source, target)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("They had 2,000 members.", "They had two thousand members."),
        ("Some 1000's were held.", "Some thousands were held."),
        ("Sales grew by 5 pct.", "Sales grew by 5 percent."),
        ("He came two times.", "He came twice."),
        ("It cost 23 greenbacks.", "It cost 23 dollars."),
        ("He weighs eleven rock.", "He weighs eleven stone."),
        ("It took 60 minutes.", "It took an hour."),
        ("It took 18 months.", "It took a year and a half."),
        ("It weighed half a kilo.", "It weighed 500 grams."),
        ("It begins at 7 p.m. sharp.", "It begins at 7pm sharp."),
        ("It begins at 20:00 sharp.", "It begins at 8pm sharp."),
        ("It fell by 0.25 percentage points.", "It fell by 25 basis points."),
        ("It was the twenty-third.", "It was the 23rd."),
        ("World War 2 began.", "World War II began."),
        ("About 2/3 of them left.", "About two thirds of them left."),
        ("It rose via 5 percent.", "It rose by 5 percent."),
        ("No 1 came.", "No one came."),
    ],
)
def test_another_form_of_the_same_amount_passes(source: str, target: str, refusals: Callable[..., list[str]]) -> None:
    assert refusals(source, target) == []


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("two thousand and five of 2,005", [2005, 2005]),
        ("thousands, 1000's and 1000s", ["many 1000"] * 3),
        ("the 2nd and the second", ["2nd", "2nd"]),
        ("at first, 1st", []),
        ("the third, the fifth, the 10th", ["3rd", "5th", "10th"]),
        ("twenty-two of two dozen", [22, 24]),
        ("3 hundred, 4 million, 5 billion, 6 trillion", [300, 4 * 10**6, 5 * 10**9, 6 * 10**12]),
        ("two hundred and 99", [299]),
        ("two thousand five hundred, two million five hundred thousand", [2500, 2_500_000]),
        ("1,500 thousand, 1,500 million, fifteen hundred", [1_500_000, 1_500_000_000, 1500]),
        ("1.1 million, two hundred thousand, twenty dozen", [1_100_000, 200_000, 240]),
        ("a hundred and one, twenty-one, one of five", [101, 21, 5]),
        ("in 2019 one of ten one-day events", [2019, 10]),
        ("the eleventh, the twentieth, the ninetieth, the hundredth", ["11th", "20th", "90th", "100th"]),
        ("twenty, five and nineteen and three", [20, 5, 19, 3]),
        ("20 and 20, 20 and 30, 200 and 100", [20, 20, 20, 30, 200, 100]),
        ("0.5 or 1.25 on 10.4.2019", [Fraction(1, 2), Fraction(5, 4), "10.4.2019"]),
        ("−5 or minus 5, 3–1, 3-1", [-5, -5, 3, 1, 3, 1]),
        ("2½ or 2/3 or half a million", [Fraction(5, 2), Fraction(2, 3), 500_000]),
        ("XIV and IX, but I", [14, 9]),
        ("5m passengers, $5m, 5m deep", [5_000_000, 5_000_000, 5]),
        ("0800, 4th", ["0800", "4th"]),
    ],
)
def test_numbers_are_read_by_value(text: str, values: list[object]) -> None:
    assert _values(text) == values


@given(st.integers(min_value=0, max_value=10**29))
def test_grouped_digits_have_the_value_of_plain_ones(number: int) -> None:
    assert _values(f"{number:,}") == _values(str(number))


def test_a_number_of_many_digits_is_compared_digit_by_digit() -> None:
    number = "7" * 5000
    assert same_amounts(amounts_in(number), amounts_in(number))
    assert not same_amounts(amounts_in(number), amounts_in(number[:-1] + "8"))


@pytest.mark.parametrize(
    ("text", "usual"),
    [
        ("half past six", "6:30"),
        ("quarter to nine", "8:45"),
        ("12 a.m. and 12 p.m.", "0:00 and 12:00"),
        ("in the nineties, the 90s", "in the 1990s, the 1990s"),
        ("March 5th, the 5th of March", "March 5, 5 March"),
    ],
)
def test_amounts_with_two_common_forms_get_one(text: str, usual: str) -> None:
    assert with_usual_forms(text) == usual


def test_a_unit_is_gained_only_from_a_related_word() -> None:
    rock, stone, pounds = (amounts_in(f"eleven {noun}") for noun in ("rock", "stone", "pounds"))
    assert same_amounts(rock, stone) and not same_amounts(rock, pounds) and not same_amounts(stone, rock)
    assert isinstance(rock[0], Amount) and rock[0].unit is None and rock[0].noun == "rock"
