"""What the lines of a roster file would change: who is new, who changes in what, and who leaves."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from dispatch.domain.counting import counted
from dispatch.services.core.phone_numbers import NO_TEXTS, takes_no_texts
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.people import opt_out, roster_writer
from dispatch.services.people.roster_entry import NEEDED, Member, RosterEntry, changed_fields, merged
from dispatch.services.people.roster_files import RosterFile, RosterLine
from dispatch.storage.pool import transaction
from dispatch.storage.queries import sql

NOBODY = UUID(int=0)
"""The id of a person who is not created yet."""
TENTH = 10
FEW = 5
"""From so many people on, a tenth of the roster that loses its names, skills or consents is taken for a mistake."""

HANDED_ON = (
    "another name and another birth date: has this number changed hands? What the file does not say of its new"
    " holder stays as it was, such as consent"
)


class MemberChange(NamedTuple):
    """A person whom a line adds or changes, and the names of the fields that change, with what is lost."""

    line: int
    name: str | None
    fields: Sequence[str]


class Leaver(NamedTuple):
    """A person on the roster who is not in the file."""

    volunteer_id: UUID
    name: str | None


@dataclass(slots=True)
class RosterChanges:
    """The changes of a file: `entries` is what is written, the rest says what that does.

    `fields` counts the people by changed field; `losses` those who lose all of something, `size` the roster before.
    """

    entries: list[RosterEntry] = field(default_factory=list)
    added: list[MemberChange] = field(default_factory=list)
    changed: list[MemberChange] = field(default_factory=list)
    unchanged: int = 0
    leaving: list[Leaver] = field(default_factory=list)
    staying: list[Leaver] = field(default_factory=list)
    fields: Counter[str] = field(default_factory=Counter)
    losses: Counter[str] = field(default_factory=Counter)
    skills: Counter[str] = field(default_factory=Counter)
    size: int = 0

    @property
    def dangers(self) -> list[str]:
        """Return why these changes look like a damaged file, in words; usually nothing."""
        found, people = [], counted(self.size, "person", "people")
        if len(self.leaving) * TENTH > self.size:
            found.append(f"{len(self.leaving)} of {people} would leave the roster: is the file complete?")
        for what, count in self.losses.items():
            if count >= FEW and count * TENTH > self.size:
                found.append(f"{count} of {people} would {what}: is the column complete?")
        return found


async def compare(uow: UnitOfWork, organisation: UUID, file: RosterFile, *, sync: bool) -> RosterChanges:
    """Compare a file with the roster; a line that lacks what its new person needs is added to the problems."""
    changes = RosterChanges(size=await uow.pool.fetchval(sql("count_members"), organisation))
    for chunk in roster_writer.chunks(file.lines):
        known = await _known(uow, organisation, [line.entry.phone for line in chunk])
        for line in chunk:
            _compare_line(changes, file, line, known.get(line.entry.phone))
    if sync:
        leavers = [one async for one in _leavers(uow, organisation, file.phones)]
        async with transaction(uow.pool) as connection:
            assigned = await opt_out.assigned(connection, organisation, [one.volunteer_id for one in leavers])
        changes.leaving = [one for one in leavers if one.volunteer_id not in assigned]
        changes.staying = [one for one in leavers if one.volunteer_id in assigned]
    return changes


async def _known(uow: UnitOfWork, organisation: UUID, phones: Sequence[str]) -> dict[str, Member]:
    """Return the members with these phones."""
    async with transaction(uow.pool) as connection:
        people = await roster_writer.volunteers_by_phone(connection, phones)
        members = await roster_writer.read_members(connection, organisation, list(people.values()))
    return {phone: members[id_] for phone, id_ in people.items() if id_ in members}


def _compare_line(changes: RosterChanges, file: RosterFile, line: RosterLine, before: Member | None) -> None:
    entry = line.entry
    if before is None and entry.missing:
        _add_missing(file, line)
        return
    after = merged(before.volunteer_id if before else NOBODY, before, entry)
    fields = changed_fields(before, after) if before else ()
    if before is None:
        changes.added.append(MemberChange(line.line, after.name, fields))
        _warn_of_defaults(file, line)
    elif fields or entry.work:
        changes.changed.append(MemberChange(line.line, after.name, _told(before, after, fields)))
        _count(changes, before, after, fields)
        if before.name and {"name", "birth_date"} <= set(fields):
            file.warnings.add(line.line, "phone", HANDED_ON)
    else:
        changes.unchanged += 1
    if before is None or fields or entry.work:
        changes.entries.append(entry)
    changes.skills.update(list(after.skills))
    if "sms" in after.consent and takes_no_texts(entry.phone):
        file.warnings.add(line.line, "phone", NO_TEXTS)


def _count(changes: RosterChanges, before: Member, after: Member, fields: Sequence[str]) -> None:
    changes.fields.update(fields)
    changes.losses["get another name"] += "name" in fields
    changes.losses["lose all skills"] += bool(before.skills) and not after.skills
    changes.losses["lose all consent"] += bool(before.consent) and not after.consent


def _told(before: Member, after: Member, fields: Sequence[str]) -> list[str]:
    """Return the fields that change, with the name that is replaced and what is lost."""
    words = {"name": f"name (was {before.name})"} if before.name else {}
    words |= {name: f"{name} (none any more)" for name in ("skills", "consent") if not getattr(after, name)}
    return [words.get(name, name) for name in fields]


def _add_missing(file: RosterFile, line: RosterLine) -> None:
    """Note what a new person lacks; a number of which nothing else is said is probably a known one, mistyped."""
    missing = line.entry.missing
    if len(missing) == len(NEEDED):
        file.problems.add(
            line.line, "phone", f"not on the roster; a new person also needs {', '.join(missing)}"
        )
        return
    for column in missing:
        file.problems.add(line.line, column, _missing(column, file.columns))


def _missing(column: str, columns: Collection[str]) -> str:
    if column in columns:
        return "empty; a new person needs it"
    return "the file has no such column; a new person needs it"


def _warn_of_defaults(file: RosterFile, line: RosterLine) -> None:
    """Say once what is assumed of new people."""
    if not line.entry.consent:
        file.warnings.add(line.line, "consent", "new people without consent: nobody calls them")
    if line.entry.language is None:
        file.warnings.add(line.line, "language", "not said of new people: they get French texts")
    if line.entry.availability is None:
        file.warnings.add(line.line, "availability", "not said of new people: unavailable, nobody calls them")


async def _leavers(uow: UnitOfWork, organisation: UUID, phones: Collection[str]) -> AsyncIterator[Leaver]:
    """Yield the members whose phone is on no line of the file."""
    after: UUID | None = None
    while rows := await uow.pool.fetch(sql("member_phones"), organisation, after, roster_writer.CHUNK):
        for row in rows:
            if row["phone"] not in phones:
                yield Leaver(row["volunteer_id"], row["name"])
        after = rows[-1]["volunteer_id"]
