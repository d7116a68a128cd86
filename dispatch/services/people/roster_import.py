"""Importing a roster file: first all of it is read and compared, then all of it is written, in one transaction."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

import asyncpg

from dispatch.domain.counting import counted
from dispatch.services.access import organisations
from dispatch.services.core.csv_tables import decode
from dispatch.services.core.errors import ConflictError, InvalidError
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people import opt_out, roster_writer
from dispatch.services.people.muster_points import station_names
from dispatch.services.people.roster_changes import RosterChanges, compare
from dispatch.services.people.roster_files import Reading, RosterFile, read_roster
from dispatch.services.people.roster_problems import RosterProblem
from dispatch.services.plans.plan_files import PlanBook
from dispatch.services.plans.vocabulary import asked_skills, skills_never_asked
from dispatch.storage.queries import sql

Progress = Callable[[int], None]


class ImportOrder(NamedTuple):
    """A file to import into an organisation's roster, and how; see the route that takes it."""

    organisation: UUID
    sheet: bytes
    ignored: Collection[str] = ()
    sync: bool = False
    dry_run: bool = False
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What became of a file: the number of people in valid lines, what is wrong or odd, and the people who changed."""

    registered: int
    problems: list[RosterProblem]
    warnings: list[RosterProblem]
    added: int
    changed: int
    fields: dict[str, int]
    unchanged: int
    left: int


def _unseen(_done: int) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class RosterImport:
    """A file that was compared with the roster and can be written; nothing of it is written yet.

    `left_out` is the number of lines with a mistake.
    """

    organisation: UUID
    changes: RosterChanges
    problems: list[RosterProblem]
    warnings: list[RosterProblem]
    remarks: list[str]
    left_out: int

    @property
    def people(self) -> int:
        """Return the number of people in the valid lines."""
        return len(self.changes.added) + len(self.changes.changed) + self.changes.unchanged

    def summary(self) -> ImportSummary:
        """Return the numbers alone."""
        changes = self.changes
        return ImportSummary(
            registered=self.people, problems=self.problems, warnings=self.warnings,
            added=len(changes.added), changed=len(changes.changed), fields=dict(changes.fields),
            unchanged=changes.unchanged, left=len(changes.leaving),
        )  # fmt: skip


async def import_sheet(uow: UnitOfWork, order: ImportOrder) -> ImportSummary:
    """Examine a file and, unless that is all, apply it; raises InvalidError where no line of it is valid."""
    text = decode(order.sheet)
    prepared = await examine(uow, order.organisation, text, sync=order.sync, ignored=order.ignored)
    if prepared.problems and not prepared.people:
        first = prepared.problems[0]
        raise InvalidError(f"line {first.lines}, {first.field}", first.message)
    if not order.dry_run:
        await apply(uow, prepared, confirmed=order.confirmed)
    return prepared.summary()


async def examine(
    uow: UnitOfWork, organisation: UUID, text: str, *,
    sync: bool = False, ignored: Collection[str] = (), book: PlanBook | None = None,
    progress: Progress = _unseen,
) -> RosterImport:  # fmt: skip
    """Read a file and compare it with the roster; `sync` also finds the people who are not in the file.

    Raises InvalidError where nothing of the file can be read, ConflictError where `sync` cannot tell who is missing.
    """
    whose = await organisations.get(uow, organisation)
    skills = await uow.pool.fetch(sql("skills_of_roster"), organisation)
    known = {row["skill"] for row in skills} | set(asked_skills(book) if book else ())
    stations = await station_names(uow.pool, organisation)
    reading = Reading(uow.clock.now().date(), whose.country, whose.area, known, ignored, stations)
    # In a thread: it takes a minute for 100,000 lines, and the loop serves other requests meanwhile.
    file = await asyncio.to_thread(read_roster, text, reading, progress)
    if sync and file.unknown_people:
        raise ConflictError(_unreadable(file))
    changes = await compare(uow, organisation, file, sync=sync)
    return RosterImport(
        organisation, changes, file.problems.listed(), file.warnings.listed(), _remarks(changes, book),
        len(file.problems.lines()),
    )  # fmt: skip


async def apply(
    uow: UnitOfWork, prepared: RosterImport, *, confirmed: bool, progress: Progress = _unseen
) -> None:
    """Write all changes, or none; raises ConflictError where they look like a damaged file and nobody confirmed it."""
    if prepared.changes.dangers and not confirmed:
        dangers = " ".join(prepared.changes.dangers)
        raise ConflictError(f"{dangers} Nothing was imported: repeat it with yes to import it all the same.")
    if prepared.changes.entries or prepared.changes.leaving:
        await uow.transact(partial(_apply, prepared, progress))


async def _apply(
    prepared: RosterImport, progress: Progress, connection: asyncpg.Connection, now: datetime
) -> None:
    """Write in the order of all writers: incidents, phone numbers, people by id; nobody waits for the new people."""
    organisation, changes = prepared.organisation, prepared.changes
    leaving = sorted(one.volunteer_id for one in changes.leaving)
    await opt_out.withdraw_offers(connection, leaving, organisation, now)
    people = await roster_writer.find_or_create(connection, [one.phone for one in changes.entries], now)
    said = [(people.by_phone[one.phone], one) for one in changes.entries]
    done = _Count(progress)
    new = [one for one in said if one[0] in people.created]
    await roster_writer.write(connection, organisation, new, now, written=done.add)
    known = {phone: id_ for phone, id_ in people.by_phone.items() if id_ not in people.created}
    await roster_writer.lock(connection, known, leaving)
    changed = [one for one in said if one[0] not in people.created]
    await roster_writer.write(connection, organisation, changed, now, written=done.add)
    await _remove(connection, organisation, leaving, now)


async def _remove(
    connection: asyncpg.Connection, organisation: UUID, leaving: list[UUID], now: datetime
) -> None:
    await opt_out.require_no_offers(connection, leaving, organisation)
    if await opt_out.assigned(connection, organisation, leaving):
        raise ConflictError(
            "somebody who leaves has just been assigned to an incident: import the file again"
        )
    for volunteer_id in leaving:
        await opt_out.remove(connection, organisation, volunteer_id, now)


@dataclass(slots=True)
class _Count:
    """The people written so far, reported as they grow; a transaction that is repeated begins at 0."""

    progress: Progress
    done: int = 0

    def add(self, count: int) -> None:
        self.done += count
        self.progress(self.done)


def _remarks(changes: RosterChanges, book: PlanBook | None) -> list[str]:
    """Return the skills of the file that no plan asks for."""
    return [str(found) for found in skills_never_asked(book, changes.skills)] if book else []


def _unreadable(file: RosterFile) -> str:
    first = file.problems.listed()[0]
    what = ": ".join(part for part in (f"line {first.lines}", first.field, first.message) if part)
    lines = counted(file.unknown_people, "line")
    return f"on {lines} it is not clear who is meant, so it is not clear who is missing: {what}"
