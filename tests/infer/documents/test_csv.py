"""CSV and TSV: the cells of a column are found as `csv` finds them, edits keep them valid, and all else stays."""

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from unspin.edits import Edit, apply
from unspin.infer.documents.base import Contents, DocumentOptions, FormatError
from unspin.infer.documents.csv_table import csv_views

TABLE = st.text('ab ,;"\n\r\t|=é', max_size=40)


def _named(contents: Contents) -> list[tuple[str, str]]:
    return [(view.name, view.text) for view in contents.views]


def _replaced(raw: str, old: str, new: str) -> str | None:
    """The raw text with `old` replaced in the first cell that holds it, or None if the edit is refused."""
    view = next(view for view in csv_views(raw).views if old in view.text)
    start = view.text.index(old)
    edit = view.raw_edit(raw, Edit(start, start + len(old), new))
    return apply(raw, [edit]) if edit else None


def test_the_cells_of_the_column_are_found() -> None:
    raw = (
        'id,text,note\r\n1,"He said ""old"".\r\n\r\nSo, he left.",x\r\n\r\n2,an old law,"x,\r\ny"\r\n3,,x\r\n4,"last",'
    )
    contents = csv_views(raw)
    assert contents.faults == []
    assert _named(contents) == [
        ("row 0", 'He said "old".\r\n\r\nSo, he left.'),
        ("row 1", "an old law"),
        ("row 3", "last"),
    ]
    assert _replaced(raw, "old", 'a "new"') == raw.replace('""old""', '""a ""new""""')
    assert _replaced(raw, "old law", "new rule") == raw.replace("old law", "new rule")


def test_the_header_tells_the_delimiter() -> None:
    assert _named(csv_views("id;text\n1;a, b\n")) == [("row 0", "a, b")]
    assert _named(csv_views("id\ttext\n1\ta, b; c\n")) == [("row 0", "a, b; c")]
    assert _named(csv_views('"id, or: number, if any"|text\n1|a\n')) == [("row 0", "a")]
    assert _named(csv_views("\ufeffsep=;\r\nid;text,\r\n1;a, b\r\n", DocumentOptions(field="text,"))) == [
        ("row 0", "a, b")
    ]
    assert _named(csv_views('"sep=:"\nid:text\n1:a\n')) == [("row 0", "a")]
    assert _named(csv_views("text\na\n")) == [("row 0", "a")]


@pytest.mark.parametrize(
    "raw", ["\ufefftext,id\na,1", '\ufeff"text","id"\n"a",1\n', "\n\r\n id , text \n\n1,a", "text\ra\r"]
)
def test_marks_blank_lines_and_spaces_around_the_header_do_no_harm(raw: str) -> None:
    assert _named(csv_views(raw)) == [("row 0", "a")]


def test_a_header_alone_has_no_cells() -> None:
    assert csv_views("id,text\n") == csv_views("text") == Contents([], [])


def test_each_faulty_row_is_named_by_its_line() -> None:
    raw = 'id,text\n1,"a\nb"\n2\n3,c,d\n4,"e" f\n5,g\n6,"h\ni,j\n'
    contents = csv_views(raw)
    assert _named(contents) == [("row 0", "a\nb"), ("row 4", "g")]
    assert contents.faults == [
        "line 4 has another number of cells than the header (1, not 2)",
        "line 5 has another number of cells than the header (3, not 2)",
        "line 6 has text after the closing quotation mark of a cell",
        "line 8 has a quotation mark that is never closed; the rest of the file cannot be read",
    ]
    assert csv_views("sep=,\r\ntext\r\na,b").faults == ["line 3 has another number of cells than the header (2, not 1)"]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("id,body\n1,a", r"no column has the name 'text' \(columns: id, body\): name the column with --field"),
        ("text,id,text\n", "2 columns have the name 'text': rename all but one"),
        ("\n\r\n", "it has no header"),
        ('id,"text\n1,a', "line 1, the header, has a quotation mark that is never closed"),
        ("The minister " * 50 + "\n", r"\(columns: The minister The minister The minister …\)"),
    ],
)
def test_a_table_without_the_column_is_refused(raw: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        csv_views(raw)


def test_an_edit_that_needs_quotation_marks_is_refused_in_a_cell_without_them() -> None:
    raw = 'text;id\nan old law;1\n"an aged law";2\n'
    for new in ("new; newer", '"new"', "new\nnewer", "new\r"):
        assert _replaced(raw, "old", new) is None
        assert _replaced(raw, "aged", new) == raw.replace("aged", new.replace('"', '""'))
    assert _replaced(raw, "old", "new, newer") == raw.replace("old", "new, newer")


def test_no_edit_makes_a_formula() -> None:
    raw = 'text\nan old law\n"an aged -law"\n-5 degrees\n'
    for new in ("=", "+", "-", "@"):
        assert _replaced(raw, "an old", new) is None
        assert _replaced(raw, "an aged", new) is None
    assert _replaced(raw, "an aged ", "") is None
    assert _replaced(raw, "-5", "-6") == raw.replace("-5", "-6")
    assert _replaced(raw, "old", "=") == raw.replace("old", "=")


def test_the_tags_of_html_in_a_cell_stay() -> None:
    raw = 'id,text\n1,"<p class=""old"">An <b>old</b> law &amp; rule</p>"\n2,<b>An aged</b> law\n'
    assert [view.text.strip() for view in csv_views(raw).views] == ["An old law & rule", "An aged law"]
    assert _replaced(raw, "old law", 'new "rule"') == raw.replace("old</b> law", 'new</b> ""rule""')
    assert _replaced(raw, "aged law", "new, rule") is None
    assert _replaced(raw, "aged law", "new rule") == raw.replace("aged</b> law", "new</b> rule")


@example(raw='"a""b"\r\rc,"d\n"')
@given(TABLE)
def test_cells_are_those_that_csv_finds(raw: str) -> None:
    raw = "text,id\n" + raw
    contents = csv_views(raw)
    if contents.faults:
        return
    rows = [row for row in csv.reader(io.StringIO(raw, newline="")) if len(row) > 1]
    assert [view.text for view in contents.views] == [row[0] for row in rows[1:] if row[0].strip()]


@given(TABLE)
def test_any_text_is_read_or_refused(raw: str) -> None:
    try:
        contents = csv_views(raw, DocumentOptions(field="a"))
    except FormatError:
        return
    position = 0
    for view in contents.views:
        for start, end, character in zip(view.starts, view.ends, view.text, strict=True):
            assert position <= start and raw[start:end] in (character, character * 2)
            position = end


@given(
    st.lists(st.text('ab,"\n=é;', min_size=1, max_size=9), min_size=1, max_size=4),
    st.booleans(),
    TABLE,
    st.integers(0, 8),
)
def test_an_edit_changes_its_cell_alone(texts: list[str], quote_all: bool, replacement: str, at: int) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL)
    writer.writerows([("id", "text", "note"), *((str(i), text, text) for i, text in enumerate(texts))])
    raw = file.getvalue()
    contents = csv_views(raw)
    assert contents.faults == []
    for view in contents.views:
        if at < len(view.text) and (edit := view.raw_edit(raw, Edit(at, at + 1, replacement))):
            row = int(view.name.removeprefix("row "))
            rows = list(csv.reader(io.StringIO(apply(raw, [edit]), newline="")))[1:]
            expected = [[str(i), text, text] for i, text in enumerate(texts)]
            expected[row][1] = view.text[:at] + replacement + view.text[at + 1 :]
            assert rows == expected
