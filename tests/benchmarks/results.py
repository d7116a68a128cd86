"""The benchmark's results: in the terminal, in docs/benchmarks.md, and as JSON for later runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson
from rich.table import Table
from rich.text import Text

from tests.benchmarks.row import Row

START, END = "<!-- the table: make bench -->", "<!-- the end of the table -->"
COLUMNS = ("measure", "value", "bound in the same run", "value / bound", "goal", "met", "what limits it")
MARKS = {True: "yes", False: "no", None: "–"}
COLOURS = {True: "green", False: "red", None: ""}


@dataclass(slots=True)
class Results:
    """Rows by measure, the machine of each measure, and the ratios for the gate."""

    machine: dict[str, dict[str, str]] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    gate: dict[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Results":
        """Read the results of an earlier run; empty if there was none."""
        if not path.exists():
            return cls()
        found = orjson.loads(path.read_bytes())
        rows = {name: [Row(**row) for row in rows] for name, rows in found["rows"].items()}
        return cls(found["machine"], rows, found["gate"])

    def put(self, name: str, rows: list[Row], machine: dict[str, str], order: Sequence[str]) -> None:
        """Replace a measure's rows."""
        self.machine[name], self.rows[name] = machine, rows
        self.rows = {one: self.rows[one] for one in order if one in self.rows}

    def write(self, path: Path) -> None:
        """Write everything as JSON."""
        path.write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2) + b"\n")

    def write_page(self, page: Path) -> None:
        """Replace the table between its marks on a page; the text around it is unchanged."""
        before, _, rest = page.read_text().partition(START)
        _, _, after = rest.partition(END)
        page.write_text(f"{before}{START}\n\n{self._page()}\n{END}{after}")

    def _page(self) -> str:
        lines = ["| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
        rows = (cells(row) for rows in self.rows.values() for row in rows)
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
        for machine, names in self._machines().items():
            lines += ["", f"Measured ({', '.join(names)}):", ""]
            lines += [f"- {name}: {value}" for name, value in machine]
        return "\n".join(lines) + "\n"

    def _machines(self) -> dict[tuple[tuple[str, str], ...], list[str]]:
        found: dict[tuple[tuple[str, str], ...], list[str]] = {}
        for name, machine in self.machine.items():
            found.setdefault(tuple(machine.items()), []).append(name)
        return found


def cells(row: Row) -> tuple[str, ...]:
    """Return a row as text cells."""
    bound = f"{amount(row.bound)} {row.unit} ({row.bound_is})" if row.bound is not None else "–"
    ratio = f"{row.ratio:.3g}" if row.ratio is not None else "–"
    value = f"{amount(row.value)} {row.unit}"
    return row.measure, value, bound, ratio, row.goal or "–", MARKS[row.met], row.limit or "–"


def amount(value: float) -> str:
    """Return a figure with three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(rows: Iterable[Row]) -> Table:
    """Return a table for the terminal."""
    laid = Table(*COLUMNS, header_style="bold", pad_edge=False, show_lines=True)
    for row in rows:
        laid.add_row(*(Text(cell, COLOURS[row.met]) for cell in cells(row)))
    return laid


def facts(machine: Mapping[str, str]) -> Table:
    """Return a table of the facts about the machine."""
    laid = Table(show_header=False, box=None, pad_edge=False)
    for name, value in machine.items():
        laid.add_row(Text(name, "bold"), value)
    return laid
