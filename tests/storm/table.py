"""The table of a storm, for the terminal and for docs/storm.md."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.storm.campaign import Row
from tests.storm.checks import CHECKS

MOST_SHOWN = 10
MEASURES = ("again", "worst wait", "takeover", "due late")
COLUMNS = ("fault", "n", *CHECKS, *MEASURES, "verdict")


def render(rows: Sequence[Row], seed: int, seconds: float) -> Table:
    """Return all rows in colours; a failed check is red, with the number of violations."""
    table = Table(title=caption(rows, seed, seconds))
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in ("fault", "verdict") else "right")
    for row in rows:
        colour = "yellow" if row.skipped else "green" if row.held else "red"
        counts = [count if count in ("0", "-") else f"[red]{count}[/]" for count in _counts(row)]
        verdict = f"[{colour}]{escape(_verdict(row))}[/]"
        table.add_row(row.fault, _incidents(row), *counts, *_measures(row), verdict)
    return table


def markdown(rows: Sequence[Row], seed: int, seconds: float) -> str:
    """Return all rows as Markdown."""
    told = ((row.fault, _incidents(row), *_counts(row), *_measures(row), _verdict(row)) for row in rows)
    lines = [COLUMNS, ("---", *["---:"] * (len(COLUMNS) - 2), "---"), *told]
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{caption(rows, seed, seconds)}\n\n{body}\n"


def caption(rows: Sequence[Row], seed: int, seconds: float) -> str:
    """Return the caption: number of faults and incidents, seed, duration."""
    incidents = sum(row.incidents for row in rows)
    return f"{len(rows)} faults, {incidents} incidents, seed {seed}, {seconds / 60:.0f} minutes"


def summary(row: Row) -> str:
    """Return a row in one line, for the progress output."""
    if row.skipped:
        return f"skipped: {row.skipped}"
    wrong = (
        ", ".join(f"{len(found)} {line}" for line, found in row.violations.items() if found)
        or "all checks passed"
    )
    return (
        f"{row.incidents} incidents, {wrong}; {row.repeated} repeated, worst wait {_seconds(row.worst_wait)}, "
        f"takeover {_seconds(row.takeover)}, due late {_seconds(row.expiry_delay)}, took {row.lasted:.0f} s"
    )


def print_findings(screen: Console, rows: Sequence[Row]) -> None:
    """Print the violations, at most ten per check."""
    for row in rows:
        for line, found in row.violations.items():
            for one in found[:MOST_SHOWN]:
                screen.print(f"[red]{escape(row.fault)}[/] {line}: {escape(one)}", soft_wrap=True)
            if len(found) > MOST_SHOWN:
                screen.print(f"  and {len(found) - MOST_SHOWN} more")


def _incidents(row: Row) -> str:
    return "-" if row.skipped else str(row.incidents)


def _counts(row: Row) -> list[str]:
    return ["-" if row.skipped else str(len(found)) for found in row.violations.values()]


def _measures(row: Row) -> list[str]:
    if row.skipped:
        return ["-"] * len(MEASURES)
    return [str(row.repeated), *map(_seconds, (row.worst_wait, row.takeover, row.expiry_delay))]


def _verdict(row: Row) -> str:
    if row.skipped:
        return f"skipped: {row.skipped}"
    return "held" if row.held else "VIOLATED"


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"
