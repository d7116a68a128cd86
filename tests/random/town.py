"""One run: an organisation of its own and the commands in it; the events of each transaction go to the model."""

from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import TypeVar
from uuid import UUID

import asyncpg

from dispatch.clock import MovableClock
from dispatch.runtime.node import gateway_trouble
from dispatch.services.access import organisations
from dispatch.services.core.unit_of_work import UnitOfWork, Work
from dispatch.services.incidents.agenda import AgendaRunner
from dispatch.services.incidents.parking_alerts import raise_parking_alerts
from dispatch.services.ingest.batches import Batches, Handler
from dispatch.services.messaging.sending import Sender
from dispatch.services.people import lists, muster_points, volunteers
from schemas.base import Event
from schemas.decoding import Received
from schemas.reports import ReportBody
from tests.conftest import START
from tests.random import races, scenes
from tests.random.bus import Fate, Reader, readers, received
from tests.random.event_rules import GRACE, apply_events
from tests.random.model import Model, Offer, Person
from tests.random.phones import Mood, Phones
from tests.support.post import LINKS, SECRET

T = TypeVar("T")

NEWS = "SELECT * FROM journal WHERE id > $1 AND organisation = $2 ORDER BY id"
LAST = "SELECT coalesce(max(id), 0) FROM journal"
FORGET = """
    DELETE FROM agenda;
    DELETE FROM member_positions;
    DELETE FROM addresses;
    DELETE FROM duty_contacts;
    DELETE FROM outbox;
    DELETE FROM messages WHERE status IN ('queued', 'leased');
"""
"""What services look for everywhere: left by the run before, it would come into this one."""
NAMES = count(1)
ALL = 100


class Lost(UnitOfWork):
    """An engine that loses the database just before it commits."""

    async def transact(self, work: Work[T]) -> T:
        """Do the work for nothing."""

        async def lost(connection: asyncpg.Connection, now: datetime) -> T:
            await work(connection, now)
            raise asyncpg.ConnectionDoesNotExistError("lost on purpose")

        return await super().transact(lost)


@dataclass
class Town:
    """Six volunteers, a supervisor, a duty contact, and the machinery that serves them."""

    pool: asyncpg.Pool
    clock: MovableClock
    uow: UnitOfWork
    organisation: UUID
    model: Model
    phones: Phones
    sender: Sender
    began: int
    read: int
    readers: dict[str, Reader] = field(default_factory=lambda: readers(scenes.BOOK))
    sent: list[tuple[str, ReportBody]] = field(default_factory=list)
    texts: int = 0

    @classmethod
    async def found(cls, pool: asyncpg.Pool) -> "Town":
        """Make an organisation with its people; whatever runs before left behind is forgotten."""
        await pool.execute(FORGET)
        began = await pool.fetchval(LAST)
        clock = MovableClock(START)
        uow = UnitOfWork(pool, clock)
        number = next(NAMES)
        organisation = await organisations.create(uow, f"run {number}")
        duty = organisations.DutyContact("Grace", "+33639989900", drills=True)
        await organisations.set_duty(uow, organisation, [duty])
        await muster_points.put(uow, organisation, scenes.STATIONS)
        bodies = scenes.people(number)
        ids = await volunteers.register_all(uow, organisation, bodies)
        people = {
            id_: Person(
                id_,
                body.phone,
                frozenset(map(str, body.skills)),
                "drills" in body.consent,
                station=body.station,
            )
            for id_, body in zip(ids, bodies, strict=True)
        }
        await cls._part(uow, organisation, people)
        model = Model(people)
        phones = Phones(pool, clock, model)
        sender = Sender(uow, {"sms": phones}, secret=SECRET, public_url=LINKS, on_trouble=gateway_trouble)
        return cls(pool, clock, uow, organisation, model, phones, sender, began, await pool.fetchval(LAST))

    @staticmethod
    async def _part(uow: UnitOfWork, organisation: UUID, people: dict[UUID, Person]) -> None:
        """Put people on lists, and keep two apart."""
        ids = list(people)
        for name, numbers in scenes.LISTS.items():
            phones = [people[ids[number]].phone for number in sorted(numbers)]
            await lists.set_list(uow, organisation, name, phones=phones)
        one, other = (ids[number] for number in scenes.APART)
        await lists.keep_apart(uow, organisation, one, other)
        people[one].apart, people[other].apart = other, one
        for number, id_ in enumerate(ids):
            people[id_].lists = frozenset(name for name, on in scenes.LISTS.items() if number in on)

    @property
    def now(self) -> datetime:
        """Tell the time."""
        return self.clock.now()

    def ago(self, seconds: float) -> datetime:
        """Give the moment so many seconds ago."""
        return self.now - timedelta(seconds=seconds)

    async def apply_new_events(self) -> list[Event]:
        """Tell the model what was committed since the last time, and give it to the readers."""
        rows = await self.pool.fetch(NEWS, self.read, self.organisation)
        self.read = max((row["id"] for row in rows), default=self.read)
        records = [received(row) for row in rows]
        for reader in self.readers.values():
            for record in records:
                if record.data is not None and record.data.topic == reader.topic:
                    reader.log[record.key].append(record)
        events = [record.data for record in records if record.data is not None]
        apply_events(self.model, events)
        return events

    async def deliver(self, reader: Reader, most: int, turn: int, fate: Fate = "well") -> None:
        """Give a reader its next batch."""
        batch = reader.batch(most, turn)
        if fate == "fails":
            await self._lose(self.process(reader, batch, losing(reader.handle)))
            return
        await self.process(reader, batch, reader.handle)
        if fate != "forgotten":
            reader.commit(batch)
        await self.apply_new_events()
        if reader.name == "replies":
            self.check_processed(batch)

    async def race(self, turn: int) -> None:
        """Let two processes ask people at once: the second does all while the first is about to claim."""
        reader = self.readers["reports"]
        # A report that adds to another one waits for its lock.
        waiting = [record for record in reader.batch(ALL, turn) if not record.data.updates]  # type: ignore[union-attr]
        first = [record for record in waiting if record.key == waiting[0].key]
        others = [record for record in waiting if record.key != waiting[0].key]
        if others:
            races.enter(partial(self.process, reader, others, reader.handle))
            await self.process(reader, first, reader.handle)
            if (late := races.left()) is not None:
                await late()
            reader.commit(waiting)
            await self.apply_new_events()

    async def _lose(self, work: Awaitable[object]) -> None:
        """Do what is lost before its commit."""
        await self.apply_new_events()
        with suppress(asyncpg.ConnectionDoesNotExistError):
            await work
        assert not await self.apply_new_events(), "what was not committed did not happen"

    async def process(self, reader: Reader, batch: Sequence[Received], handle: Handler) -> None:
        """Run a handler over a batch as a consumer does."""
        batches = Batches(self.pool, self.clock, on_commit=lambda: None)
        await batches.run(reader.name, reader.topic, batch, handle, on_parked=raise_parking_alerts)

    def check_processed(self, batch: Sequence[Received]) -> None:
        """Check that no yes was dropped, when it is processed first: who waits may be sent home at the end."""
        for record in batch:
            reply = self.model.replies[record.data.reply_id]  # type: ignore[union-attr]
            if reply.reply_id in self.model.worked:
                continue
            self.model.worked.add(reply.reply_id)
            offer = self.model.offers[reply.offer_id]
            incident = self.model.incidents[offer.incident]
            if reply.answer == "accepted":
                listed = offer.waiting_since is not None
                seated = offer.status == "accepted" or incident.holds(offer.volunteer)
                assert seated or listed or offer.late is not None, (
                    "a yes is seated, listed or thanked, never dropped"
                )
            if reply.answer == "danger":
                assert incident.raised("danger"), "a danger escalates"

    async def deliver_all(self, turn: int = 0, fate: Fate = "well") -> None:
        """Deliver until nothing is new; the fate is that of the first batch of each reader."""
        while any(reader.behind for reader in self.readers.values()):
            for reader in self.readers.values():
                if reader.behind:
                    await self.deliver(reader, ALL, turn, fate)
            fate = "well"
        await self.apply_new_events()

    async def run_agenda(self, fate: Fate = "well") -> None:
        """Work what is due until nothing is."""
        if fate == "fails":
            await self._lose(AgendaRunner(Lost(self.pool, self.clock)).run_round())
            return
        for _ in range(20):
            done = await AgendaRunner(self.uow).run_round()
            self.check_patience(await self.apply_new_events())
            if not done:
                return
        raise AssertionError("the agenda never rests")

    def check_patience(self, events: Sequence[Event]) -> None:
        """Check that no offer expired while an answer to it was being worked."""
        answered = {r.offer_id for r in self.model.unprocessed_replies() if r.received_at > self.now - GRACE}
        expired = {e.offer_id for e in events if e.type == "offer.expired.v1"}  # type: ignore[attr-defined]
        assert not expired & answered, "expiry waits a little for answers that are not worked yet"

    async def send(self, mood: Mood = "well") -> None:
        """Send what is due."""
        self.phones.mood = mood
        while await self.sender.round():
            pass
        if self.phones.wrong:
            raise self.phones.wrong[0]
        await self.apply_new_events()

    def offer(self, index: int, of: str = "live") -> Offer | None:
        """Find an offer in a state; any other where there is none."""
        known = list(self.model.offers.values())
        wanted = [offer for offer in known if of in self.model.states(offer)] or known
        return wanted[index % len(wanted)] if wanted else None

    def incident(self, index: int) -> UUID | None:
        """Find an incident, the newest first."""
        found = list(reversed(self.model.incidents))
        return found[index % len(found)] if found else None


def losing(handle: Handler) -> Handler:
    """Make a handler that loses the database just before the commit."""

    async def lost(connection: asyncpg.Connection, records: Sequence[Received], now: datetime) -> None:
        await handle(connection, records, now)
        raise asyncpg.ConnectionDoesNotExistError("lost on purpose")

    return lost
