"""CSV files as people and programs save them."""

from pathlib import Path

import pytest

from dispatch.services.core.csv_tables import Table, check_columns, decode, nearest, parse_table, read_table
from dispatch.services.core.errors import InvalidError

NAMES = ("id", "kind", "severity", "occurred_at")


def lines(table: Table) -> list[tuple[int, list[str]]]:
    return [(row.line, list(row.cells.values())) for row in table.rows]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_every_line_end_and_separator_of_spreadsheets_is_read(end: str, separator: str) -> None:
    table = parse_table(end.join([separator.join("ab"), separator.join("12"), "", separator.join("34"), ""]))
    assert table == Table(("a", "b"), table.rows, [])
    assert lines(table) == [(2, ["1", "2"]), (4, ["3", "4"])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_every_encoding_of_spreadsheets_is_read(encoding: str) -> None:
    assert lines(parse_table(decode("name;x\nÉlodie’s;1\n".encode(encoding)))) == [(2, ["Élodie’s", "1"])]


def test_a_quoted_cell_may_hold_separators_quotes_and_line_ends() -> None:
    table = parse_table('a,b\n"1,\n2","say ""no"""\n3,4\n')
    assert (lines(table), table.problems) == ([(2, ["1,\n2", 'say "no"']), (4, ["3", "4"])], [])


def test_an_unclosed_quote_costs_only_its_own_line() -> None:
    table = parse_table('a,b\n1,2\n3,"never closed\n5,6\n7,"closed"\n8,9\n')
    assert [row.line for row in table.rows] == [2, 4, 5, 6]
    assert [(found.line, found.message) for found in table.problems] == [
        (3, "a quote that opens in this line is not closed: close it, or remove it")
    ]


def test_an_unclosed_quote_that_meets_another_far_below_swallows_no_lines() -> None:
    table = parse_table('a,b\n1,"open\n' + "2,3\n" * 60 + '4,x",\n')
    assert (len(table.rows), table.problems[0].line) == (61, 2)


def test_a_quote_within_a_cell_is_named_by_its_line() -> None:
    table = parse_table('a,b\n1,"x" y\n3,4')
    assert lines(table) == [(3, ["3", "4"])]
    assert [(found.line, found.message[:30]) for found in table.problems] == [
        (2, "a quote ends before its cell d")
    ]


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("a,b\n1,2,3\n", 2, "quote a cell that holds the separator"),
        ("a,b,,\n1,2,,\n1,2,3,\n", 3, "column 3"),
        ("a,b,c\n1,2,3\n4,5", 3, "cut off"),
    ],
)
def test_a_line_with_other_cells_than_columns_is_named(text: str, line: int, word: str) -> None:
    (found,) = parse_table(text).problems
    assert (found.line, word in found.message) == (line, True)


def test_a_line_may_omit_its_last_cells() -> None:
    assert lines(parse_table("a,b,c\n1,2\n3,4,5\n")) == [(2, ["1", "2", ""]), (3, ["3", "4", "5"])]


@pytest.mark.parametrize(
    ("text", "word"),
    [("", "empty"), (" \n;;\n", "empty"), ("a,b,a\n1,2,3\n", "'a'"), ('a,"b\n1,2\n', "line 1")],
)
def test_a_file_without_a_usable_first_line_is_refused(text: str, word: str) -> None:
    with pytest.raises(InvalidError, match=word):
        parse_table(text)


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0"])
def test_a_spreadsheet_is_refused_with_its_remedy(tmp_path: Path, start: bytes) -> None:
    file = tmp_path / "reports.csv"
    file.write_bytes(start + bytes(range(256)))
    with pytest.raises(InvalidError, match=r"reports\.csv: .* save it as CSV"):
        read_table(file)


def test_a_file_that_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match=r"gone\.csv: No such file"):
        read_table(tmp_path / "gone.csv")


def test_all_unknown_columns_are_named_with_the_ones_that_may_be_meant() -> None:
    with pytest.raises(InvalidError) as refused:
        check_columns(["id", "knid", "Sévérité", "zz"], NAMES, ["id"])
    assert "'knid' (did you mean 'kind'?), 'Sévérité' (did you mean 'severity'?), 'zz';" in str(refused.value)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InvalidError, match="no column kind"):
        check_columns(["id"], NAMES, ["id", "kind"])


@pytest.mark.parametrize(
    ("word", "known"),
    [("Occured At", "occurred_at"), ("SEVERITY", "severity"), ("kinds_of_call", "kind"), ("xyz", None)],
)
def test_the_nearest_known_word_is_found(word: str, known: str | None) -> None:
    assert nearest(word, NAMES) == known
