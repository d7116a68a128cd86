"""CSV files as people and programs save them: encodings, separators, line ends, quotes, and the first line."""

import csv
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from io import StringIO
from pathlib import Path
from stat import S_ISREG
from time import sleep, time

from dispatch.domain.counting import counted
from dispatch.services.core.errors import InvalidError

SEPARATORS = ",;\t|"
BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""The first bytes of .xlsx, .ods and .xls files."""
DECLARED = re.compile(r'"?sep=([,;\t|])"?\s*', re.IGNORECASE)
"""The line before the column names by which Excel states the separator."""
ATTEMPTS = 5
SETTLED_S = 0.25
"""A file that was changed less than so many seconds ago may still be being saved: it is looked at again as late."""
LONGEST_RECORD = 50
"""The most lines of one record; a longer one has a quote that was closed by another record's quote."""
UNCLOSED = "a quote that opens in this line is not closed: close it, or remove it"
EARLY_QUOTE = 'a quote ends before its cell does: write "" for a quote inside a quoted cell'
SHORTEST_START = 3
"""The length from which a known word is probably meant by a longer one: `lat` by `latitude`."""
SIMILAR = 0.6
"""The least similarity of a word to the one that may have been meant, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """The cells of one record by column; `line` is its first line in the file, counted from 1.

    `lacking` is the number of columns for which the record has no cell, not even an empty one.
    """

    line: int
    cells: dict[str, str]
    lacking: int = 0


@dataclass(frozen=True, slots=True)
class TableProblem:
    """Why a record could not be read; never repeats its content."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Table:
    """A file with its columns, the records that could be read, and the problems of the others, in order of line."""

    headers: tuple[str, ...]
    rows: list[TableRow]
    problems: list[TableProblem]


def read_table(path: Path) -> Table:
    """Read a CSV file; raises InvalidError where no table can be made of it."""
    try:
        return parse_table(decode(snapshot(path)))
    except InvalidError as error:
        raise InvalidError("file", f"{path}: {error}") from None


def snapshot(path: Path) -> bytes:
    """Return the bytes of a file as they were at one moment; raises InvalidError for one that is being saved."""
    try:
        for _ in range(ATTEMPTS):
            before, data = path.stat(), path.read_bytes()
            if not S_ISREG(before.st_mode):
                return data
            if time() - before.st_mtime < SETTLED_S:
                sleep(SETTLED_S)
            after = path.stat()
            if (before.st_mtime_ns, before.st_ino, len(data)) == (
                after.st_mtime_ns,
                after.st_ino,
                after.st_size,
            ):
                return data
    except OSError as error:
        raise InvalidError("file", str(error.strerror)) from None
    raise InvalidError("file", "this file is being saved: wait until that has ended, then repeat the command")


def decode(data: bytes) -> str:
    """Return the text of a file in UTF-8 or UTF-16, else in that of Western Windows or of an old Macintosh."""
    if data.startswith(SPREADSHEETS):
        raise InvalidError("file", "this is a spreadsheet: save it as CSV (comma- or semicolon-separated)")
    marked = next((name for mark, name in BYTE_ORDER_MARKS.items() if data.startswith(mark)), None)
    try:
        return data.decode(marked or _guessed(data))
    except UnicodeDecodeError:
        # Excel for Mac ends lines with CR alone where it writes its own encoding.
        macintosh = b"\r" in data and b"\n" not in data
        return data.decode("mac_roman" if macintosh else "cp1252", "replace")


def _guessed(data: bytes) -> str:
    """Return UTF-16 for a text without byte order mark in which every other byte of the first line is null."""
    start = data[:64]
    if len(start) > 1 and start.count(0) * 3 > len(start):
        return "utf-16-be" if start[0] == 0 else "utf-16-le"
    return "utf-8"


def parse_table(text: str, *, twice: bool = False) -> Table:
    """Read the text of a CSV file; raises InvalidError where it is empty or its first line names no columns.

    A column that appears twice is an error too, unless the caller looks for it (`twice`).
    """
    # Not `splitlines`, which also splits at characters that may stand in a cell.
    lines = list(StringIO(text.removeprefix("\ufeff").replace("\0", ""), newline=""))
    filled = next((number for number, line in enumerate(lines) if line.strip(SEPARATORS + " \r\n")), None)
    if filled is None:
        raise InvalidError("file", "the file is empty")
    declared = DECLARED.fullmatch(lines[filled])
    filled += declared is not None
    if filled == len(lines):
        raise InvalidError("file", "the file is empty")
    delimiter = declared[1] if declared else max(SEPARATORS, key=_unquoted(lines[filled]).count)
    records = _records(lines, filled, delimiter)
    line, cells = next(records)
    if isinstance(cells, str):
        raise InvalidError("file", f"line {line}: {cells}")
    headers = tuple(cell.strip() for cell in cells)
    if not twice:
        _require_each_once(line, headers)
    return _table(headers, records, cut=not lines[-1].endswith(("\n", "\r")))


def _unquoted(line: str) -> str:
    return re.sub(r'"[^"]*"', "", line)


def _records(lines: Sequence[str], start: int, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """Yield the first line of each record with its cells, or with the reason for which it could not be read.

    After a quote that is never closed, reading goes on with the next line, as if that quote's line stood alone.
    """
    while start < len(lines):
        rest = map(lines.__getitem__, range(start, len(lines)))
        reader, first = csv.reader(rest, delimiter=delimiter, strict=True), start
        try:
            for cells in reader:
                if start + reader.line_num - first > LONGEST_RECORD:
                    break
                yield first + 1, cells
                first = start + reader.line_num
            else:
                return
            problem = UNCLOSED
        except csv.Error as error:
            within = start + reader.line_num == first + 1 and "end of data" not in str(error)
            problem = EARLY_QUOTE if within else UNCLOSED
        yield first + 1, problem
        start = first + 1


def _require_each_once(line: int, headers: Sequence[str]) -> None:
    twice = next((name for name in headers if name and headers.count(name) > 1), None)
    if twice is not None:
        raise InvalidError("file", f"line {line}: the column {twice!r} appears twice")


def _table(headers: tuple[str, ...], records: Iterator[tuple[int, list[str] | str]], *, cut: bool) -> Table:
    rows: list[TableRow] = []
    problems: list[TableProblem] = []
    short = False
    for line, cells in records:
        if isinstance(cells, str):
            problems.append(TableProblem(line, cells))
        elif surplus := _surplus(headers, cells):
            problems.append(TableProblem(line, surplus))
        elif any(cell.strip() for cell in cells):
            rows.append(
                TableRow(line, _named(headers, cells), len(list(filter(None, headers[len(cells) :]))))
            )
            short = len(cells) < len(headers)
    if cut and short and not (problems and problems[-1].line > rows[-1].line):
        problems.append(TableProblem(rows.pop().line, "the file ends within this line: it may be cut off"))
    return Table(tuple(filter(None, headers)), rows, problems)


def _surplus(headers: Sequence[str], cells: Sequence[str]) -> str:
    """Return what is wrong with a record that has text beyond the named columns."""
    if any(cell.strip() for cell in cells[len(headers) :]):
        columns = counted(len(headers), "column")
        return f"{counted(len(cells), 'cell')}, but {columns}: quote a cell that holds the separator"
    for number, (header, cell) in enumerate(zip(headers, cells, strict=False), 1):
        if not header and cell.strip():
            return f"a cell in column {number}, which has no name in the first line"
    return ""


def _named(headers: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    padded = [*cells, *[""] * (len(headers) - len(cells))]
    return {name: cell.strip() for name, cell in zip(headers, padded, strict=False) if name}


@lru_cache(maxsize=4096)
def folded(word: str) -> str:
    """Return a word without case, accents and punctuation: `Début d'activité` as `debut_d_activite`."""
    letters = unicodedata.normalize("NFKD", word.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


def nearest(word: str, known: Collection[str], similar: float = SIMILAR) -> str | None:
    """Return the known word that was probably meant, if any is near enough."""
    by_folded, plain = {folded(name): name for name in known}, folded(word)
    found = get_close_matches(plain, by_folded, n=1, cutoff=similar)
    found = found or [one for one in by_folded if len(one) >= SHORTEST_START and plain.startswith(one)]
    return by_folded[found[0]] if found else None


def meant(word: str, known: Collection[str]) -> str:
    """Return a hint at the known word that was probably meant, to follow the unknown one; empty where none is near."""
    near = nearest(word, known)
    return f" (did you mean {near!r}?)" if near else ""


def line_ranges(lines: Iterable[int]) -> str:
    """Return line numbers as `2-41, 50`."""
    spans: list[list[int]] = []
    for line in sorted(set(lines)):
        if spans and line == spans[-1][1] + 1:
            spans[-1][1] = line
        else:
            spans.append([line, line])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


def check_columns(headers: Collection[str], known: Sequence[str], required: Collection[str] = ()) -> None:
    """Raise InvalidError for columns that nothing reads, all in one message, and for the first that is missing."""
    unknown = [header for header in headers if header not in known]
    if unknown:
        said = ", ".join(f"{name!r}{meant(name, known)}" for name in unknown)
        raise InvalidError("file", f"unknown {_columns(unknown)}: {said}; known are {', '.join(known)}")
    missing = [name for name in known if name in required and name not in headers]
    if missing:
        raise InvalidError(
            "file", f"no {_columns(missing)} {', '.join(missing)}; known are {', '.join(known)}"
        )


def _columns(names: Collection[str]) -> str:
    return "column" if len(names) == 1 else "columns"
