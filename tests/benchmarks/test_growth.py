"""Odd documents take time in proportion to their length: some of the cases of the benchmark, in small."""

import pytest

from benchmarks.growth import LIMIT, SENTENCES, Case, cases, growth

PIECES = ("a", "“", "‘", "[", "![", "```", "</", "<?", "<a x='", "&#", "{{", "a@", "[a]: b\n", "> ", "|a|b|\n", "not ")
CASES = [case for case in cases() if case.piece in PIECES and not case.is_restored]
RESTORED = [
    Case(format, piece, True)
    for format in ("txt", "md", "html", "rst")
    for piece in ("“a.” the warfare ", "<! the warfare ")
]


RESTORED += [case for case in cases() if case.piece in SENTENCES]


@pytest.mark.parametrize("case", [*CASES, *RESTORED], ids=lambda case: f"{case.format} {case.piece!r}")
def test_time_grows_linearly(case: Case) -> None:
    assert any(growth(case, 10_000, runs) < LIMIT for runs in (1, 2, 4))  # again, if something else disturbed it
