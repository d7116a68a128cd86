"""A small organisation on a real database: people near a place, reports, answers, and the consumers of its topics."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from math import cos, radians
from unittest.mock import patch
from uuid import UUID

import asyncpg

from dispatch.clock import MovableClock
from dispatch.domain.incident import Incident
from dispatch.domain.matching.geo import EARTH_M, mercator
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents.agenda import AgendaRunner
from dispatch.services.incidents.parking_alerts import raise_parking_alerts
from dispatch.services.ingest.batches import Batches, Handler
from dispatch.services.intake import submitting
from dispatch.services.intake.opening import Intake
from dispatch.services.matching import candidates
from dispatch.services.plans.plan_files import PlanBook
from dispatch.services.subscriptions import SUBSCRIPTIONS
from dispatch.storage import incidents as store
from dispatch.storage.journal import Entry, append
from dispatch.storage.pool import transaction
from schemas.base import Position
from schemas.decoding import Received, Unreadable, decode
from schemas.envelope import unpack
from schemas.ids import named, new_id
from schemas.plans import Plan
from schemas.replies import Answer, ReplyReceived
from schemas.reports import ReportBody
from tests.domain.builders import PLACE, plan

TRUSTED = "control-room"
PLAN = plan(trusted_sources=(TRUSTED,))
DEFAULT = Plan.model_validate({"name": "default", "title": {"fr": "Sinon", "en": "Else"}})
BORN = date(1990, 1, 31)

SEND_ALL = """
    INSERT INTO messages (id, organisation, mode, recipient_kind, recipient_id, incident_id, offer_id, purpose,
                          channel, severity, status, attempts, due_at, created_at, sent_at)
    SELECT gen_random_uuid(), i.organisation, i.mode, 'volunteer', o.volunteer_id, i.id, o.id, 'offer', 'sms', 1,
           'sent', 1, o.extended_at, o.extended_at, o.extended_at
    FROM offers o JOIN incidents i ON i.id = o.incident_id
    WHERE o.status = 'extended' AND o.expires_at <= $1 AND NOT EXISTS (SELECT FROM messages m WHERE m.offer_id = o.id)
"""


def near(place: Position, north_m: float = 0, east_m: float = 0) -> Position:
    """Return the place so many metres away."""
    lat = place.lat + north_m / radians(1) / EARTH_M
    lon = place.lon + east_m / radians(1) / EARTH_M / cos(radians(place.lat))
    return Position(lat=lat, lon=lon)


@contextmanager
def failing_searches() -> Iterator[None]:
    """Make every search for volunteers fail."""
    with patch.object(candidates, "explore", side_effect=ZeroDivisionError):
        yield


class World:
    """One organisation, its plans, and its consumers, fed from the journal instead of Kafka."""

    def __init__(self, pool: asyncpg.Pool, clock: MovableClock, plans: Sequence[Plan] = (PLAN,)) -> None:
        """Start without volunteers."""
        self.uow = UnitOfWork(pool, clock)
        self.pool, self.clock = pool, clock
        self.organisation = named("organisation", "SDIS 67")
        self.book = PlanBook((*plans, DEFAULT))
        self.agenda = AgendaRunner(self.uow)
        self._batches = Batches(pool, clock, on_commit=lambda: None)
        self._count = 0
        self._consumed: dict[str, int] = {}

    async def create(self, area: tuple[float, float, float, float] | None = None) -> "World":
        """Create the organisation, with its area as (south, west, north, east)."""
        await self.pool.execute(
            "INSERT INTO organisations (id, name, south, west, north, east, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7)",
            self.organisation, "SDIS 67", *(area or (None,) * 4), self.now,
        )  # fmt: skip
        return self

    @property
    def now(self) -> datetime:
        """Return the time of the clock."""
        return self.clock.now()

    async def add_people(
        self, count: int, *, around: Position = PLACE, first_m: float = 100, step_m: float = 10,
        skills: Iterable[str] = ("first_aid",), availability: str = "available",
        consent: Sequence[str] = ("sms",), born: date = BORN,
    ) -> list[UUID]:  # fmt: skip
        """Add members who live to the north of a place, each one step farther; return their ids."""
        ids = [named("volunteer", self._count + n) for n in range(count)]
        homes = [near(around, first_m + n * step_m) for n in range(count)]
        self._count += count
        run = self.pool.executemany
        await run("INSERT INTO volunteers (id, created_at) VALUES ($1, $2)", [(i, self.now) for i in ids])
        await run(
            "INSERT INTO memberships"
            " (organisation, volunteer_id, name, birth_date, availability, language, consent, joined_at)"
            " VALUES ($1, $2, 'Ada', $3, $4, 'fr', $5, $6)",
            [(self.organisation, i, born, availability, consent, self.now) for i in ids],
        )
        await run(
            "INSERT INTO skills VALUES ($1, $2, $3)", [(self.organisation, i, s) for i in ids for s in skills]
        )
        for who, home in zip(ids, homes, strict=True):
            await self.set_position(who, home, "home")
        return ids

    async def set_position(
        self, who: UUID, place: Position, kind: str = "live", at: datetime | None = None
    ) -> None:
        """Store a position of a volunteer."""
        await self.pool.execute(
            "INSERT INTO member_positions VALUES ($1, $2, $3, point($4, $5), $6, $7, $8)",
            self.organisation, who, kind, *mercator(place.lat, place.lon), place.lat, place.lon, at or self.now,
        )  # fmt: skip

    async def send(self, source_id: str, *, source: str = TRUSTED, **changes: object) -> UUID:
        """Submit a report as the HTTP route does; return its id."""
        fields: dict[str, object] = {
            "id": source_id, "kind": "medical.fall", "position": PLACE, "occurred_at": self.now,
            "professional": {"requested": True, "reference": "SAMU 75-1"},
        }  # fmt: skip
        body = ReportBody.model_validate(fields | changes)
        accepted = await submitting.accept(
            self.uow, organisation=self.organisation, source=source, channel="http", body=body
        )
        return accepted.report_id

    async def open(self, source_id: str = "1", **changes: object) -> UUID:
        """Submit a report, open its incident and extend its first offers; return the incident's id."""
        report = await self.send(source_id, **changes)  # type: ignore[arg-type]
        await self.consume("incident.reports")
        return await self.incident_of(report)

    async def open_unasked(self, source_id: str = "1", **changes: object) -> UUID:
        """Submit a report and open its incident while searches fail: no offer is extended yet."""
        with failing_searches():
            return await self.open(source_id, **changes)

    async def incident_of(self, report: UUID) -> UUID:
        """Return the incident of a report."""
        found: UUID = await self.pool.fetchval("SELECT incident_id FROM reports WHERE id = $1", report)
        return found

    async def ask(self, source_id: str = "1", **changes: object) -> UUID:
        """Submit a report, open its incident, and extend offers until its first search is over."""
        name = await self.open(source_id, **changes)
        await self.consume("incident.events")
        return name

    async def read(self, name: UUID) -> Incident:
        """Read an incident from the tables."""
        async with self.pool.acquire() as connection:
            return (await store.read(connection, [name]))[name]  # type: ignore[arg-type]

    async def asked(self, name: UUID, status: str = "extended") -> list[UUID]:
        """Return the volunteers whose offers have a status, the nearest first."""
        offers = (await self.read(name)).offers.values()
        return [o.volunteer_id for o in sorted(offers, key=lambda o: o.distance_m) if o.status == status]

    async def reply(self, name: UUID, who: UUID, answer: Answer, received_at: datetime | None = None) -> UUID:
        """Store a volunteer's answer to their last offer; it is not processed yet."""
        offer = [o for o in (await self.read(name)).offers.values() if o.volunteer_id == who][-1]
        return await self.reply_to(name, offer.id, who, answer, received_at)

    async def reply_to(
        self, name: UUID, offer: UUID, who: UUID, answer: Answer, received_at: datetime | None = None,
        key: UUID | None = None,
    ) -> UUID:  # fmt: skip
        """Store an answer to an offer as the webhook and the page do, with another key where one is given."""
        at, reply = received_at or self.now, new_id()
        event = ReplyReceived(
            at=at, reply_id=reply, volunteer_id=who, offer_id=offer, incident_id=name, answer=answer,
            channel="page", received_at=at,
        )  # fmt: skip
        keyed = str(key or name)
        async with transaction(self.pool) as connection:
            await connection.execute(
                "INSERT INTO replies VALUES ($1, $2, 'actual', $3, $4, $5, $6, 'page', $7)",
                reply, self.organisation, who, offer, name, answer, at,
            )  # fmt: skip
            await append(connection, [Entry(reply, event, self.organisation, "actual", keyed, at, at)], at)
        return reply

    async def answer(self, name: UUID, who: UUID, *answers: Answer) -> Incident:
        """Store a volunteer's answers and process them; return the incident after them."""
        for one in answers:
            await self.reply(name, who, one)
            await self.consume("volunteer.replies")
        return await self.read(name)

    async def advance(self, seconds: float) -> None:
        """Advance the clock, then run rounds of the agenda until nothing is due; offers that expire were sent."""
        self.clock.advance(seconds)
        await self.send_expiring()
        for _ in range(20):
            if not await self.agenda.run_round():
                return
        raise AssertionError("the agenda always finds something due")

    async def send_expiring(self) -> None:
        """Record that the offers whose window has ended were sent: no sender runs here."""
        await self.pool.execute(SEND_ALL, self.now)

    async def consume(self, *topics: str, again: bool = False) -> int:
        """Deliver the new events of topics to their consumers, as Kafka would; return how many there were."""
        found = 0
        for topic in topics:
            since = 0 if again else self._consumed.get(topic, 0)
            rows = await self.pool.fetch(
                "SELECT * FROM journal WHERE topic = $1 AND id > $2 ORDER BY id", topic, since
            )
            await self.deliver(topic, [self.record_of(row) for row in rows])
            self._consumed[topic] = max((row["id"] for row in rows), default=since)
            found += len(rows)
        return found

    async def consume_all(self) -> None:
        """Deliver events until no consumer produces another."""
        while await self.consume(
            "incident.reports", "incident.events", "volunteer.replies", "dispatch.assignments"
        ):
            pass

    def record_of(self, row: asyncpg.Record) -> Received | Unreadable:
        """Return a row of the journal as a consumer receives it from Kafka."""
        return decode(row["topic"], row["key"], unpack(row["headers"]), row["body"])

    async def deliver(self, topic: str, records: Sequence[Received | Unreadable]) -> None:
        """Deliver records of a topic to its consumer."""
        consumer, handle = self._consumers()[topic]
        await self._batches.run(consumer, topic, records, handle, on_parked=raise_parking_alerts)

    def _consumers(self) -> dict[str, tuple[str, Handler]]:
        intake = Intake(self.book)
        return {
            one.topic: (one.consumer, one.handler(intake))
            for one in SUBSCRIPTIONS
            if one.uses_inbox and one.role != "notifications"
        }
