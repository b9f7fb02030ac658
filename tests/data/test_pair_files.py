"""Files of pairs: every format gives the same pairs, and what cannot be used is named."""

import json
import re
from contextlib import nullcontext
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError
from unspin.data.corpora import CorpusError
from unspin.data.pair_files import Columns, Pair, PairError, PairsSource, read_pairs, scan_pairs

ROWS = [("Its rooftop leaks.", "Its roof leaks."), ('He said "no",\nthen left.', 'He said "no",\nthen went.')]


def _jsonl(folder: Path, *rows: object) -> Path:
    file = folder / "pairs.jsonl"
    file.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return file


def _texts(found: object) -> list[tuple[str, str]]:
    assert isinstance(found, list) and all(isinstance(pair, Pair) for pair in found), found
    return [(pair.spun, pair.original) for pair in found]


def test_json_lines_may_have_other_field_names_and_blank_lines(tmp_path: Path) -> None:
    file = _jsonl(
        tmp_path, {"bad": "Its rooftop leaks.", "good": "Its roof leaks.", "more": 1}, "", {"bad": "a", "good": "b"}
    )
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert list(scan_pairs(file, Columns("bad", "good"))) == [
        Pair("Its rooftop leaks.", "Its roof leaks.", f"{file}:1", 1),
        Pair("a", "b", f"{file}:3", 3),
    ]


@pytest.mark.parametrize("text", ['spun\toriginal\r\n“A b”\t"B\r\n', 'Original\tid\t"Spun"\n"B\t7\t“A b”\n'])
def test_columns_of_tab_separated_values_are_found_by_name(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_text(text, encoding="utf-8", newline="")
    assert [(pair.spun, pair.original) for pair in read_pairs(file)] == [("“A b”", '"B')]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('"A ""big"" firm"', 'A "big" firm'),
        ('"""Yes,"" he said."', '"Yes," he said.'),
        ('"Yes," he said, "no"', '"Yes," he said, "no"'),
        ('"For all, it seems."', "For all, it seems."),
        ('""Yes""', '""Yes""'),
    ],
)
def test_only_cells_that_a_spreadsheet_quoted_are_unquoted(tmp_path: Path, cell: str, text: str) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_text(f"spun\toriginal\n{cell}\tB\n", encoding="utf-8")
    assert [pair.spun for pair in read_pairs(file)] == [text]


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("p.jsonl", b"{", "not JSON"),
        ("p.jsonl", b"[1]", "expected a JSON object, found list"),
        ("p.jsonl", b'{"spin": "a"}', "no field 'spun'; it has 'spin'"),
        ("p.jsonl", b'{"spun": 1, "original": "a"}', "field 'spun' is int, not text"),
        ("p.jsonl", b'{"spun": "a \\ud800", "original": "a"}', "lone surrogate"),
        ("p.jsonl", b"\xff", "not UTF-8 at byte 0"),
        ("p.tsv", b"a", "1 column, fewer than the header has"),
    ],
)
def test_an_unreadable_line_is_named(tmp_path: Path, name: str, text: bytes, complaint: str) -> None:
    file = tmp_path / name
    file.write_bytes(
        (b"spun\toriginal\na b\ta b" if name == "p.tsv" else b'{"spun": "a b", "original": "a b"}')
        + b"\n"
        + text
        + b"\n"
    )
    found = read_pairs(file)
    next(found)
    with pytest.raises(CorpusError) as error:
        next(found)
    line = 3 if name == "p.tsv" else 2
    assert str(error.value).startswith(f"{file}:{line}: ") and complaint in str(error.value)


def test_a_line_shorter_than_the_header_is_named(tmp_path: Path) -> None:
    file = tmp_path / "p.tsv"
    file.write_text("id\tspun\toriginal\n1\ta\n")
    with pytest.raises(CorpusError, match=r"p\.tsv:2: 2 columns, fewer than the header has"):
        list(read_pairs(file))


def test_a_file_that_is_missing_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"p\.jsonl: no such file"):
        list(read_pairs(tmp_path / "p.jsonl"))
    (tmp_path / "p.xlsx").touch()
    with pytest.raises(CorpusError, match=r"from \.tsv, \.csv, \.jsonl or \.parquet files, not '\.xlsx'"):
        list(read_pairs(tmp_path / "p.xlsx"))
    with pytest.raises(CorpusError, match=r": a folder: give a "):
        list(read_pairs(tmp_path))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_cells_of_csv_hold_line_breaks_and_quotation_marks(delimiter: str, tmp_path: Path) -> None:
    quoted = [[f'"{text.replace(chr(34), chr(34) * 2)}"' for text in row] for row in ROWS]
    lines = [["id", "Good", "bad"], *([str(n), good, bad] for n, (bad, good) in enumerate(quoted)), []]
    file = tmp_path / "pairs.csv"
    file.write_text("\n".join(delimiter.join(line) for line in lines), encoding="utf-8-sig", newline="")
    found = list(scan_pairs(file, Columns("bad", "good")))
    assert _texts(found) == ROWS
    assert [(pair.source, pair.line) for pair in found] == [(f"{file}:2", 2), (f"{file}:3", 3)]  # type: ignore[union-attr]


def test_a_faulty_row_of_csv_does_not_hide_the_others(tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_bytes(b'spun,original\n"a\nb",c\nd,e,f\n"g"h,i\n\xe9,j\nk,l\n')
    pairs = list(scan_pairs(file))
    assert _texts([pair for pair in pairs if isinstance(pair, Pair)]) == [("a\nb", "c"), ("k", "l")]
    errors = [str(error).removeprefix(f"{file}:") for error in pairs if isinstance(error, PairError)]
    assert [error[:2] for error in errors] == ["4:", "5:", "6:"]
    for error, complaint in zip(errors, ("3 cells, and the header has 2", "not CSV", "not UTF-8"), strict=True):
        assert complaint in error


def test_parquet_files_and_data_sets_have_columns_of_text(tmp_path: Path) -> None:
    bad, good = (list(texts) for texts in zip(*ROWS, strict=True))
    file = tmp_path / "data" / "pairs.parquet"
    file.parent.mkdir()
    pq.write_table(pa.table({"good": [*good, "x"], "bad": [*bad, None]}), file)
    datasets.disable_progress_bars()
    made = PairsSource(name="made", licence="ours", dataset=str(file.parent), spun="bad", original="good")
    for place, found in (
        (f"{file}", list(scan_pairs(file, Columns("bad", "good")))),
        (made.dataset, list(made.scan())),
    ):
        assert _texts(found[:2]) == ROWS and [pair.source for pair in found[:2]] == [  # type: ignore[union-attr]
            f"{place}, row 0",
            f"{place}, row 1",
        ]
        assert str(found[2]) == f"{place}, row 2: field 'bad' is empty, not text: correct it"
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(CorpusError, match=r"pairs\.parquet: cannot be read as Parquet after row 0"):
        list(scan_pairs(file))


@pytest.mark.parametrize("suffix", [".tsv", ".csv", ".parquet", "a data set"])
def test_missing_columns_are_named_with_those_that_are_there(suffix: str, tmp_path: Path) -> None:
    if suffix in (".tsv", ".csv"):
        file = tmp_path / f"pairs{suffix}"
        file.write_text("bad,good\na b,a c\n".replace(",", "," if suffix == ".csv" else "\t"))
    else:
        file = tmp_path / "pairs.parquet"
        pq.write_table(pa.table({"bad": ["a b"], "good": ["a c"]}), file)
    place = {"path": file} if suffix.startswith(".") else {"dataset": str(tmp_path)}
    source = PairsSource.model_validate({"name": "made", "licence": "ours", **place})
    with pytest.raises(CorpusError) as error:
        list(source.scan())
    assert str(error.value).startswith("pairs, made: ")
    assert "needs the columns spun and original; it has 'bad', 'good'; name yours with the keys" in str(error.value)
    named = PairsSource.model_validate({"name": "made", "licence": "ours", **place, "spun": "bad", "original": "good"})
    assert _texts(list(named.scan())) == [("a b", "a c")]


@pytest.mark.parametrize(
    ("name", "data", "complaint"),
    [
        ("p.tsv", b"", "the first line is blank"),
        ("p.csv", b"\nspun,original\na,b\n", "the first line is blank"),
        (
            "p.tsv",
            b"The firms exited.\tThe companies left.\n",
            "needs the columns spun and original; it has 'The firms",
        ),
        ("p.tsv", "spun\toriginal\na\tb\n".encode("utf-16"), "not UTF-8 but UTF-16"),
        ("p.csv", "spun,original\na,b\n".encode("utf-16-le"), "not UTF-8 but UTF-16"),
        ("p.tsv", b"spun\tspun\toriginal\na\tb\tc\n", "2 columns are called 'spun': rename all but one"),
        ("p.jsonl", b' [{"spun": "a", "original": "b"}]\n', "holds a JSON array, not JSON Lines"),
        ("p.csv", b'spun,original\n"a,b\nc,d\n', ":2: a quotation mark is opened here and never closed"),
        ("p.csv", b'spun,original,"x\na,b,1\n', ":1: a quotation mark is opened in the header and not closed"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(
    name: str, data: bytes, complaint: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(CorpusError, match=re.escape(complaint)) as error:
        list(scan_pairs(tmp_path / name))
    assert not isinstance(error.value, PairError), "on_error=skip cannot skip it"


def test_a_column_with_exactly_the_name_is_preferred(tmp_path: Path) -> None:
    file = tmp_path / "pairs.parquet"
    pq.write_table(pa.table({"SPUN": ["x"], "spun": ["a b"], "Original": ["a c"]}), file)
    assert _texts(list(scan_pairs(file))) == [("a b", "a c")]


def test_blank_rows_and_headers_with_line_breaks_of_spreadsheets_are_read(tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text('"number\nof the row";spun;original\n1;a b;a c\n;;\n2;d e;d f\n')
    pairs = list(scan_pairs(file))
    assert _texts(pairs) == [("a b", "a c"), ("d e", "d f")]
    assert [pair.source for pair in pairs] == [f"{file}:3", f"{file}:5"]


def test_a_header_with_a_hundred_line_breaks_is_searched_no_further(tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    for breaks, rows in ((99, 1), (100, 0)):
        text = 'spun,original,"number' + breaks * "\n" + '"\na b,a c,1\n'
        file.write_text(text)
        with nullcontext() if rows else pytest.raises(CorpusError, match="not closed within 100 lines: correct it"):
            assert len(list(scan_pairs(file))) == rows


@pytest.mark.parametrize("header", ['spun,original,5" disk', 'spun,original,a;"b', '"5"" disk",spun,original'])
def test_a_quotation_mark_within_the_name_of_a_column_opens_nothing(header: str, tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    row = dict.fromkeys(header.split(","), "1") | {"spun": "a b", "original": "a c"}
    file.write_text(f"{header}\n{','.join(row.values())}\n")
    assert _texts(list(scan_pairs(file))) == [("a b", "a c")]


def test_a_zero_byte_is_an_error_of_its_row(tmp_path: Path) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_bytes(b"spun\toriginal\na b\ta\0c\nd e\td f\n")
    error, pair = scan_pairs(file)
    assert "pairs.tsv:2: field 'original' is not UTF-8" in str(error) and isinstance(pair, Pair)


def test_a_spreadsheet_s_line_with_the_delimiter_is_skipped(tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text("sep=;\nspun;original\na, b;a, c\n")
    (pair,) = scan_pairs(file)
    assert isinstance(pair, Pair) and (pair.spun, pair.original, pair.source) == ("a, b", "a, c", f"{file}:3")


def test_text_that_is_not_utf_8_inside_a_table_or_a_data_set_is_an_error_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "pairs.parquet"
    bad = pa.array([b"\xff\xfe"]).view(pa.string())
    pq.write_table(pa.table({"spun": bad, "original": ["a"]}), file)
    with pytest.raises(CorpusError, match="cannot be read as Parquet"):
        list(scan_pairs(file))
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "train.jsonl").write_text('{"spun": "a", "original": "b"}\n{broken\n')
    source = PairsSource.model_validate({"name": "made", "licence": "ours", "dataset": str(tmp_path / "set")})
    with pytest.raises(CorpusError, match=r"pairs, made: .*set cannot be read as a data set"):
        list(source.scan())


@pytest.mark.parametrize("place", [{}, {"path": "pairs.tsv", "dataset": "owner/name"}])
def test_pairs_lie_in_a_file_or_in_a_data_set(place: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="give either path, a file of pairs, or dataset"):
        PairsSource.model_validate({"name": "made", "licence": "ours", **place})


def test_spun_and_original_are_two_columns() -> None:
    with pytest.raises(ValidationError, match="spun and original are both 'text': name two columns"):
        PairsSource.model_validate(
            {"name": "made", "licence": "ours", "path": "a.tsv", "spun": "text", "original": "text"}
        )


def test_a_data_set_that_does_not_exist_is_named(tmp_path: Path) -> None:
    source = PairsSource(name="made", licence="ours", dataset=str(tmp_path / "gone"))
    with pytest.raises(CorpusError, match=r"pairs, made: .*gone cannot be loaded as a data set"):
        list(source.scan())
