"""A scene with phones: what happens is turned into messages, and messages are sent to simulated phones."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from dispatch.clock import MovableClock
from dispatch.domain.commands import Tick
from dispatch.domain.incident import Incident, Offer
from dispatch.gateways.simulated.client import SimulatedGateway
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents import execution
from dispatch.services.ingest.batches import Batches
from dispatch.services.intake.opening import Intake
from dispatch.services.messaging.delivery import OnTrouble
from dispatch.services.messaging.gateway import Gateway
from dispatch.services.messaging.gateway_registry import GatewayRegistry
from dispatch.services.messaging.sending import Sender
from dispatch.services.plans.plan_files import load
from dispatch.services.replies import receiving
from dispatch.services.subscriptions import SUBSCRIPTIONS, Subscription
from dispatch.storage.pool import transaction
from schemas.decoding import Received, decode
from schemas.envelope import unpack
from schemas.ids import named
from schemas.replies import Answer
from tests.support.scene import Scene, phone

COMPOSING = [one for one in SUBSCRIPTIONS if one.role == "notifications"]
UNREACHED = next(one for one in SUBSCRIPTIONS if one.consumer == "unreached")
INTAKE = Intake(load(None))
SECRET = b"a secret of the tests"
LINKS = "https://renfort.example.org"


@dataclass
class Post:
    """One organisation whose volunteers have phones."""

    scene: Scene
    clock: MovableClock
    gateway: SimulatedGateway
    uow: UnitOfWork
    read: dict[str, int] = field(default_factory=dict)

    @classmethod
    async def open(
        cls, pool: asyncpg.Pool, clock: MovableClock, *, people: int = 3, flaky: bool = False
    ) -> "Post":
        uow = UnitOfWork(pool, clock)
        return cls(await Scene.open(uow, people), clock, SimulatedGateway(flaky=flaky), uow)

    def sender(self, gateway: Gateway | None = None, on_trouble: OnTrouble | None = None) -> Sender:
        """Make a sender, as another process would."""
        registry = GatewayRegistry([gateway or self.gateway])
        return Sender(self.uow, registry.by_channel, secret=SECRET, public_url=LINKS, on_trouble=on_trouble)

    async def notify(self, *, again: bool = False) -> None:
        """Turn what happened since the last time into messages; `again` delivers everything once more."""
        for one in COMPOSING:
            await self._consume(one, 0 if again else self.read.get(one.topic, 0))

    async def replace_unreached(self) -> None:
        """Let the consumer of what became of messages do its work."""
        await self._consume(UNREACHED, self.read.get(UNREACHED.topic, 0))

    async def _consume(self, one: Subscription, last: int) -> None:
        rows = await self.uow.pool.fetch(
            "SELECT * FROM journal WHERE topic = $1 AND id > $2 ORDER BY id", one.topic, last
        )
        self.read[one.topic] = max([row["id"] for row in rows], default=last)
        await Batches(self.uow.pool, self.clock, lambda: None).run(
            one.consumer, one.topic, [_heard(row) for row in rows], one.handler(INTAKE)
        )

    async def deliver(self) -> None:
        """Notify, then send until nothing is due."""
        await self.notify()
        sender = self.sender()
        while await sender.round():
            pass

    async def answer(self, offer: Offer, answer: Answer = "accepted", at: datetime | None = None) -> None:
        """Let a volunteer answer, and work the answer."""
        await self.receive(offer, answer, at)
        await self.scene.process_replies()

    async def receive(self, offer: Offer, answer: Answer = "accepted", at: datetime | None = None) -> None:
        """Let a volunteer answer; the answer is stored and not processed yet."""
        received = at or self.clock.now()
        await receiving.receive(
            self.uow, offer_id=offer.id, answer=answer, channel="page", received_at=received
        )

    async def duty(self, turn: int, *, drills: bool = False) -> str:
        """Put a supervisor on duty; return the number."""
        number = phone(9000 + turn)
        await self.uow.pool.execute(
            "INSERT INTO duty_contacts VALUES ($1, $2, $3, 'Grace', 'sms', $4, 'fr', $5)",
            named("duty", turn), self.scene.organisation, turn, number, drills,
        )  # fmt: skip
        return number

    def texts(self, number: int) -> list[str]:
        """Read a volunteer's phone."""
        return [message.text for message in self.gateway.phone(phone(number)).inbox]

    async def messages(self, purpose: str | None = None) -> list[asyncpg.Record]:
        """Read the table."""
        rows = await self.uow.pool.fetch("SELECT * FROM messages ORDER BY created_at, id")
        return [row for row in rows if purpose in (None, row["purpose"])]

    async def journalled(self, message_id: UUID) -> list[str]:
        """Name what was said about a message."""
        rows = await self.uow.pool.fetch(
            "SELECT type FROM journal WHERE stream = $1 ORDER BY seq", message_id
        )
        return [row["type"].split(".")[1] for row in rows]

    async def expire(self, incident: Incident, seconds: float = 61) -> None:
        """Let the offers' window pass."""
        self.clock.advance(seconds)
        await self.tick(incident.id)

    async def tick(self, incident_id: UUID) -> None:
        """Do what is due for an incident."""
        async with transaction(self.uow.pool) as connection:
            await execution.lock_and_execute(connection, [(incident_id, Tick())], self.clock.now())


def _heard(row: asyncpg.Record) -> Received:
    heard = decode(row["topic"], row["key"], unpack(row["headers"]), row["body"])
    assert isinstance(heard, Received)
    return heard
