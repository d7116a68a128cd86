"""From what happens to what people are told: four consumers, each with a group of its own."""

from collections.abc import Awaitable, Callable

from consumers.broker import Broker, subscribe
from dispatch.services.incidents.parking_alerts import tell
from dispatch.services.ingest.batches import Batches, Handler
from dispatch.services.messaging import composing
from schemas.envelope import Received, Unreadable

HANDLERS: tuple[tuple[str, str, Handler], ...] = (
    ("dispatch.offers", "offer-messages", composing.offer_messages),
    ("dispatch.assignments", "assignment-messages", composing.assignment_messages),
    ("incident.events", "incident-messages", composing.incident_messages),
    ("dispatch.escalations", "escalation-messages", composing.escalation_messages),
)


def register(broker: Broker, batches: Batches) -> None:
    """Subscribe the handlers; nothing is sent in them."""
    for topic, consumer, handle in HANDLERS:
        subscribe(broker, topic, consumer, _batch(batches, topic, consumer, handle))


def _batch(
    batches: Batches, topic: str, consumer: str, handle: Handler
) -> Callable[[list[Received | Unreadable]], Awaitable[None]]:
    async def run(records: list[Received | Unreadable]) -> None:
        await batches.run(consumer, topic, records, handle, on_parked=tell)

    return run
