"""The table of a storm, and what its rows say in words."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.storm.checks import LINES
from tests.storm.storm import Row

MOST_SHOWN = 10


def render(rows: Sequence[Row], seed: int, seconds: float) -> Table:
    """Lay out all rows; a line that was violated shows in red how often."""
    incidents = sum(row.incidents for row in rows)
    title = f"{len(rows)} faults, {incidents} incidents, seed {seed}, {seconds / 60:.0f} minutes"
    table = Table(title=title)
    table.add_column("fault")
    for name in ("n", *LINES, "again", "worst wait", "takeover", "due late"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for row in rows:
        table.add_row(row.fault, *_cells(row), _verdict(row))
    return table


def in_words(row: Row) -> str:
    """Tell a row in one line, for progress."""
    if row.skipped:
        return f"skipped: {row.skipped}"
    wrong = (
        ", ".join(f"{len(found)} {line}" for line, found in row.found.items() if found) or "all lines hold"
    )
    return (
        f"{row.incidents} incidents, {wrong}; {row.repeated} repeated, worst wait {_seconds(row.worst_wait)}, "
        f"takeover {_seconds(row.takeover)}, due late {_seconds(row.latest_entry)}, took {row.lasted:.0f} s"
    )


def print_findings(screen: Console, rows: Sequence[Row]) -> None:
    """Name what was found, some of each."""
    for row in rows:
        for line, found in row.found.items():
            for one in found[:MOST_SHOWN]:
                screen.print(f"[red]{escape(row.fault)}[/] {line}: {escape(one)}", soft_wrap=True)
            if len(found) > MOST_SHOWN:
                screen.print(f"  and {len(found) - MOST_SHOWN} more")


def _cells(row: Row) -> list[str]:
    if row.skipped:
        return ["-"] * (len(LINES) + 5)
    counts = [f"[red]{len(found)}[/]" if found else "0" for found in row.found.values()]
    times = (row.worst_wait, row.takeover, row.latest_entry)
    return [str(row.incidents), *counts, str(row.repeated), *map(_seconds, times)]


def _verdict(row: Row) -> str:
    if row.skipped:
        return f"[yellow]skipped: {escape(row.skipped)}[/]"
    return "[green]held[/]" if row.held else "[red]VIOLATED[/]"


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"
