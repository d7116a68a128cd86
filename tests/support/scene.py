"""A scene on a real database: an organisation, volunteers on its roster, incidents with offers to them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import count
from unittest.mock import patch
from uuid import UUID

import asyncpg

from dispatch.domain.commands import Act, Tick
from dispatch.domain.incident import Incident, Offer
from dispatch.domain.opening import open_incident
from dispatch.services.access import organisations
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents import execution
from dispatch.services.people import volunteers
from dispatch.services.replies import applying
from dispatch.storage import incidents as store
from dispatch.storage.pool import transaction
from schemas.decoding import Received, decode
from schemas.envelope import unpack
from schemas.ids import named
from schemas.plans import Plan
from schemas.volunteers import VolunteerBody
from tests.domain.builders import PLACE, opening, plan


def phone(number: int) -> str:
    """Return a phone number of the range reserved for fiction."""
    return f"+3363998{number:04d}"


def a_volunteer(number: int = 0, **changes: object) -> VolunteerBody:
    """Return a volunteer near the place whom every gate lets through."""
    body: dict[str, object] = {
        "name": f"Ada {number}",
        "phone": phone(number),
        "skills": ["first_aid", "watch"],
        "position": {"lat": PLACE.lat + number / 10_000, "lon": PLACE.lon},
        "birth_date": "1990-01-31",
        "consent": ["sms", "drills"],
    }
    return VolunteerBody.model_validate(body | changes)


@dataclass
class Scene:
    """One organisation with its volunteers and incidents."""

    uow: UnitOfWork
    organisation: UUID
    people: list[UUID] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)

    @classmethod
    async def open(cls, uow: UnitOfWork, people: int = 3, name: str = "SDIS 75") -> "Scene":
        """Create an organisation with volunteers."""
        scene = cls(uow, await organisations.create(uow, name))
        bodies = [a_volunteer(number) for number in range(people)]
        # Of random ids, one phone's offers would share a code now and then.
        ids = map(partial(named, "person", name), count())
        with patch("dispatch.services.people.roster_writer.uuid4", partial(next, ids)):
            scene.people = await volunteers.register_all(uow, scene.organisation, bodies) if bodies else []
        return scene

    async def incident(self, under: Plan | None = None, **changes: object) -> Incident:
        """Open an incident and extend its first offers."""
        known = {
            "organisation": self.organisation,
            "report_id": named("report", next(self.numbers)),
        } | changes
        async with transaction(self.uow.pool) as connection:
            now = self.uow.clock.now()
            decision = open_incident(opening(**known), under or plan(), now)
            await store.write(connection, [decision], now)
            (result,) = await execution.lock_and_execute(connection, [(decision.incident.id, Tick())], now)
        assert result.incident is not None
        return result.incident

    async def offer(self, number: int = 0, incident: Incident | None = None) -> Offer:
        """Return the offer to a volunteer, in a new incident where none is given."""
        incident = incident or await self.incident()
        return next(o for o in incident.offers.values() if o.volunteer_id == self.people[number])

    async def member(self, who: UUID) -> UUID:
        """Return the id by which the organisation names a person now."""
        query = "SELECT id FROM memberships WHERE organisation = $1 AND volunteer_id = $2"
        found = await self.uow.pool.fetchval(query, self.organisation, who)
        assert isinstance(found, UUID)
        return found

    async def read(self, incident_id: UUID) -> Incident:
        """Read an incident from the tables."""
        async with self.uow.pool.acquire() as connection:
            return (await store.read(connection, [incident_id]))[incident_id]  # type: ignore[arg-type]

    async def act(self, incident_id: UUID, what: str) -> None:
        """Execute an act of a supervisor."""
        act = Act(what, "Ada")  # type: ignore[arg-type]
        await execution.execute_command(self.uow, self.organisation, incident_id, act)

    async def process_replies(self) -> None:
        """Process the stored answers as the consumer does."""
        async with transaction(self.uow.pool) as connection:
            await applying.apply_replies(
                connection, await self._unprocessed(connection), self.uow.clock.now()
            )

    async def _unprocessed(self, connection: asyncpg.Connection) -> Sequence[Received]:
        rows = await connection.fetch(
            "SELECT j.* FROM journal j JOIN replies r ON r.id = j.stream "
            "WHERE r.processed_at IS NULL AND j.topic = 'volunteer.replies' ORDER BY j.id"
        )
        found = [decode(row["topic"], row["key"], unpack(row["headers"]), row["body"]) for row in rows]
        return [one for one in found if isinstance(one, Received)]

    @property
    def now(self) -> datetime:
        """Return the time of the clock."""
        return self.uow.clock.now()
