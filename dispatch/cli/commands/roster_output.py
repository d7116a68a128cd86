"""What `dispatch volunteers import` prints: mistakes, warnings, and what changes or would change."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dispatch.cli.output import print_json, problem, screen, table, warning
from dispatch.domain.counting import counted
from dispatch.services.people.roster_import import RosterImport
from dispatch.services.people.roster_problems import RosterProblem

MOST_LISTED = 40
"""Mistakes, warnings and people that are listed; `--json` lists all."""


def print_problems(file: Path, prepared: RosterImport) -> None:
    """Print mistakes and warnings on stderr, each once with its lines."""
    for found in prepared.problems[:MOST_LISTED]:
        problem(located(file, found))
    for found in prepared.warnings[:MOST_LISTED]:
        warning(f"warning: {located(file, found)}")
    for remark in prepared.remarks:
        warning(f"warning: {remark}")
    for one in prepared.changes.staying:
        warning(f"warning: {one.name} is not in the file, but is assigned to a running incident: stays")
    more = max(0, len(prepared.problems) - MOST_LISTED) + max(0, len(prepared.warnings) - MOST_LISTED)
    if more:
        problem(f"and {counted(more, 'other')}: --json lists all")


def located(file: Path, found: RosterProblem) -> str:
    """Return a mistake as `roster.csv:2-41: phone: …`."""
    return ": ".join(part for part in (f"{file}:{found.lines}", found.field, found.message) if part)


def print_changes(prepared: RosterImport, *, dry: bool) -> None:
    """Print how many people are added, changed and removed, and in which fields; for a dry run also who."""
    changes = prepared.changes
    title = "would change" if dry else "changed"
    rows = [
        ("new people", len(changes.added)),
        ("people changed", len(changes.changed)),
        *((f"  {name}", count) for name, count in sorted(changes.fields.items())),
        ("people unchanged", changes.unchanged),
        ("people who leave", len(changes.leaving)),
    ]
    screen.print(table(title, ("what", "people"), rows))
    if dry:
        people = list(_people(prepared))
        if people:
            screen.print(table("who", ("line", "name", "what"), people[:MOST_LISTED]), soft_wrap=True)
        if len(people) > MOST_LISTED:
            screen.print(f"and {counted(len(people) - MOST_LISTED, 'other')}: --json lists all")
        for danger in changes.dangers:
            warning(f"warning: {danger} Without --yes this import is refused.")


def print_result(prepared: RosterImport, *, dry: bool) -> None:
    """Print an import as JSON; the people of a dry run are listed by line and name."""
    changes = prepared.changes
    result: dict[str, Any] = {
        "imported": 0 if dry else prepared.people,
        "problems": prepared.problems,
        "warnings": prepared.warnings,
        "remarks": prepared.remarks,
        "added": len(changes.added),
        "changed": len(changes.changed),
        "fields": dict(changes.fields),
        "unchanged": changes.unchanged,
        "left": len(changes.leaving),
        "dry_run": dry,
    }
    if dry:
        names = ("line", "name", "what")
        result |= {
            "dangers": changes.dangers,
            "people": [dict(zip(names, row, strict=True)) for row in _people(prepared)],
        }
    print_json(result)


def _people(prepared: RosterImport) -> Iterator[tuple[int | None, str | None, str]]:
    changes = prepared.changes
    for one in sorted((*changes.added, *changes.changed), key=lambda change: change.line):
        yield one.line, one.name, ", ".join(one.fields) or "new"
    for leaver in changes.leaving:
        yield None, leaver.name, "leaves"
