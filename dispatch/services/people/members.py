"""Members: an organisation names a person by the id of the membership, which tells nothing to another organisation.

Tables, topics and the journal name the person by one pseudonym. It is replaced where an organisation reads or writes.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import asyncpg

from dispatch.services.core.errors import NotFoundError
from dispatch.storage.queries import sql

SKEW = timedelta(minutes=5)
"""How much the clock of the process that registered a member may be ahead of the clock of another one."""

Source = asyncpg.Connection | asyncpg.Pool
Sighting = tuple[UUID, datetime]
"""A person, by pseudonym, at a time."""


class Membership(NamedTuple):
    """A membership; the name is that of a present member."""

    id: UUID
    joined_at: datetime
    name: str | None


@dataclass(frozen=True, slots=True)
class Members:
    """The memberships of people in one organisation, by pseudonym, the oldest first.

    `unknown` has the id of each person for the time before their memberships.
    """

    memberships: Mapping[UUID, Sequence[Membership]]
    unknown: Mapping[UUID, UUID]

    def id(self, who: UUID, at: datetime) -> UUID:
        """Return the id by which the organisation knew a person at a time; the pseudonym of a duty contact stays."""
        held = self._held(who, at)
        return held.id if held else self.unknown.get(who, who)

    def names(self, seen: Iterable[Sighting]) -> dict[UUID, str]:
        """Return the names of present members by id, for those memberships that were seen."""
        held = (self._held(*one) for one in seen)
        return {one.id: one.name for one in held if one and one.name is not None}

    def _held(self, who: UUID, at: datetime) -> Membership | None:
        """Return the membership of a time: joining again must not rename what was before."""
        held = self.memberships.get(who, ())
        before = [one for one in held if one.joined_at <= at]
        soon = [one for one in held[:1] if one.joined_at <= at + SKEW]
        return next(reversed(before or soon), None)


async def members_of(source: Source, organisation: UUID, people: Collection[UUID]) -> Members:
    """Read the memberships of people in an organisation."""
    if not people:
        return Members({}, {})
    rows = await source.fetch(sql("memberships_of_people"), organisation, sorted(people))
    memberships = defaultdict(list)
    for row in rows:
        if row["id"] is not None:
            memberships[row["volunteer_id"]].append(Membership(row["id"], row["joined_at"], row["name"]))
    return Members(memberships, {row["volunteer_id"]: row["unknown"] for row in rows})


async def people_of(source: Source, organisation: UUID, ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return the people whom an organisation's present members are, by the members' ids."""
    rows = await source.fetch(sql("people_of_members"), organisation, list(ids))
    return {row["id"]: row["volunteer_id"] for row in rows}


async def person_of(source: Source, organisation: UUID, member_id: UUID) -> UUID:
    """Return the person who is a member; raises NotFoundError where none on the roster has this id."""
    found = await people_of(source, organisation, [member_id])
    if member_id not in found:
        raise NotFoundError("there is no such volunteer on this roster")
    return found[member_id]
