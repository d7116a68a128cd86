"""Files of reports on the command line: what a file holds, and the sending of its reports."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from dispatch.cli.connection import run
from dispatch.cli.output import fail, organisation_of, print_json, problem, progress, screen, table, warning
from dispatch.clock import Clock
from dispatch.config import MisuseError, Settings
from dispatch.domain.counting import counted
from dispatch.domain.places.service_area import implausible
from dispatch.domain.scheduling.staleness import is_stale
from dispatch.services.core.csv_tables import nearest, read_table
from dispatch.services.core.errors import ConflictError, InvalidError, OverloadedError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.intake import submitting
from dispatch.services.intake.admission import Admission
from dispatch.services.intake.file_problems import FileProblem, by_message
from dispatch.services.intake.report_files import FileReport, ReadFile, read_file
from dispatch.services.intake.report_maps import read_map
from dispatch.services.intake.submitting import ADVICE, Accepted, Submission, advice_to
from dispatch.services.plans.plan_files import PlanBook, load
from schemas.base import Mode
from schemas.reports import ReportBody

LABELS = {
    "lines": "lines",
    "bad": "lines that cannot be read",
    "repeated": "lines that repeat a report",
    "reports": "reports",
    "planned": "… of a kind for which a plan asks volunteers",
    "placed": "… with a place",
    "timed": "… with a time",
    "stale": "… too old to ask anybody before a supervisor confirms",
    "ambiguous": "… at a time that comes twice, as clocks go back: the first is taken",
}
MISSPELT = 0.8
"""The similarity from which a kind without a plan is probably one that a plan names."""


class Sheet(NamedTuple):
    """A file with its map, and how its reports are to be sent."""

    file: Path
    map: Path | None
    source: str
    mode: Mode
    skip_bad: bool


@dataclass(slots=True)
class Tally:
    """How many reports of a file were accepted and known already; the problems of the others, each with its lines."""

    accepted: int = 0
    repeated: int = 0
    problems: list[str] = field(default_factory=list)


class Unplanned(NamedTuple):
    """A kind for which no plan asks volunteers: how many reports have it, and the kind that may be meant."""

    kind: str
    reports: int
    meant: str | None


def report_sheet(sheet: Sheet, organisation: str | None, *, dry_run: bool, json: bool) -> None:
    """Send the reports of a file, or say what sending them would do."""
    found = read_sheet(sheet.file, sheet.map, sheet.mode, Clock().now())
    if dry_run:
        _show(sheet, found, load(Settings().plans), json=json)
        return
    _print_problems(sheet.file, found.problems)
    bad = len({one.line for one in found.problems})
    if bad and not sheet.skip_bad:
        fail(f"{bad} of {counted(found.lines, 'line')} cannot be read, so nothing was sent: correct them, or leave "
             "them out with --skip-bad")  # fmt: skip
    if not found.reports:
        fail(f"{sheet.file}: no line is a report")
    tally = run(lambda uow: _send(uow, organisation, sheet, found.reports))
    _print(sheet, found, tally, json=json)


def read_sheet(file: Path, map_file: Path | None, mode: Mode, now: datetime) -> ReadFile:
    """Read a file of reports under a map; raises MisuseError where file and map do not fit."""
    try:
        return read_file(read_table(file), read_map(map_file) if map_file else None, mode, now)
    except InvalidError as error:
        raise MisuseError(str(error)) from None


async def until_accepted(uow: UnitOfWork, admission: Admission, submission: Submission) -> Accepted:
    """Send a report, and again after each rejection for overload, when the server asks for it."""
    while True:
        try:
            return await submitting.accept(
                uow, organisation=submission.organisation, source=submission.source, channel="cli",
                body=submission.body, admission=admission, salvaged=submission.salvaged,
            )  # fmt: skip
        except OverloadedError as refused:
            problem(f"{refused}: again in {refused.retry_after_s} s")
            await asyncio.sleep(refused.retry_after_s)


async def _send(uow: UnitOfWork, name: str | None, sheet: Sheet, reports: Sequence[FileReport]) -> Tally:
    organisation, admission, tally = await organisation_of(uow, name), Admission(uow), Tally()
    rejected: list[FileProblem] = []
    with progress() as shown:
        for one in shown.track(reports, description="reports"):
            submission = Submission(organisation, sheet.source, "cli", one.read.body, one.read.salvaged)
            try:
                accepted = await until_accepted(uow, admission, submission)
            except (InvalidError, ConflictError) as error:
                rejected.append(FileProblem(one.line, getattr(error, "field", "id"), str(error)))
            else:
                tally.repeated += accepted.repeated
                tally.accepted += not accepted.repeated
    tally.problems = by_message(rejected)
    return tally


def _print(sheet: Sheet, found: ReadFile, tally: Tally, *, json: bool) -> None:
    for text in tally.problems:
        problem(f"{sheet.file}:{text}")
    for kind in unplanned(found.reports, load(Settings().plans)):
        problem(_said(kind))
    known = tally.repeated + found.repeated
    left_out = by_message(found.problems)
    if json:
        print_json({"accepted": tally.accepted, "repeated": known, "problems": [*left_out, *tally.problems]})
    else:
        again = f", {known} known already" if known else ""
        screen.print(f"[green]{counted(tally.accepted, 'report')}[/] accepted{again}")
    for one in found.reports:
        if one.read.salvaged:
            problem(f"{sheet.file}:{one.line}: accepted without {', '.join(one.read.salvaged.dropped)}")
    _advise(sheet.mode, [one.read.body for one in found.reports])
    if tally.problems:
        fail("some reports were rejected")


def _advise(mode: Mode, bodies: Sequence[ReportBody]) -> None:
    """Say of how many actual reports the emergency services know nothing."""
    if mode == "actual" and (count := sum(advice_to(body) is not None for body in bodies)):
        warning(f"{counted(count, 'report')} without a professional reference. {' '.join(ADVICE.values())}")


def unplanned(reports: Sequence[FileReport], book: PlanBook) -> list[Unplanned]:
    """Return the kinds for which no plan asks volunteers, the most frequent first."""
    counts = Counter(one.read.body.kind for one in reports if not book.choose(one.read.body.kind).asks)
    known = {kind for plan in book.plans for kind in plan.kinds if not kind.endswith("*")}
    return [Unplanned(kind, n, nearest(kind, known, MISSPELT)) for kind, n in counts.most_common()]


def _said(one: Unplanned) -> str:
    hint = f" (did you mean {one.meant!r}?)" if one.meant else ""
    return f"no plan asks volunteers for the kind {one.kind!r}{hint}: {counted(one.reports, 'report')}"


def _print_problems(file: Path, problems: Sequence[FileProblem]) -> None:
    for text in by_message(problems):
        problem(f"{file}:{text}")


def _show(sheet: Sheet, found: ReadFile, book: PlanBook, *, json: bool) -> None:
    """Print what a file holds; exit 1 where lines cannot be read."""
    lacking = unplanned(found.reports, book)
    figures = _figures(sheet.mode, found, book)
    if json:
        problems = by_message(found.problems)
        print_json(figures | {"no_plan": [one._asdict() for one in lacking], "problems": problems})
    else:
        _print_problems(sheet.file, found.problems)
        screen.print(table(f"{sheet.file}: nothing was sent", ("what", "how many"), _labelled(figures)))
        if lacking:
            rows = ((one.kind, one.reports, one.meant) for one in lacking)
            screen.print(table("no plan asks volunteers for", ("kind", "reports", "meant?"), rows))
    if found.problems:
        fail("lines cannot be read: correct them, or leave them out with --skip-bad")


def _labelled(figures: dict[str, int]) -> list[tuple[str, int]]:
    return [(LABELS[name], number) for name, number in figures.items()]


def _figures(mode: Mode, found: ReadFile, book: PlanBook) -> dict[str, int]:
    bodies, now = [one.read.body for one in found.reports], Clock().now()
    placed = [body.position for body in bodies if body.position and implausible(body.position, None) is None]
    stale = [b for b in bodies if is_stale(book.choose(b.kind), b.severity, mode, b.occurred_at, now)]
    return {
        "lines": found.lines,
        "bad": len({one.line for one in found.problems}),
        "repeated": found.repeated,
        "reports": len(bodies),
        "planned": sum(book.choose(body.kind).asks for body in bodies),
        "placed": len(placed),
        "timed": sum(one.timed for one in found.reports),
        "stale": len(stale),
        "ambiguous": found.ambiguous,
    }
