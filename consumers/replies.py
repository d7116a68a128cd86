"""Hears `volunteer.replies`: seats are filled, the next are asked, the surplus is stood down."""

from collections.abc import Sequence

from consumers.broker import Broker, subscribe
from dispatch.services.incidents import handlers
from dispatch.services.incidents.parking_alerts import tell
from dispatch.services.ingest.batches import Batches
from schemas.envelope import Received, Unreadable


def register(broker: Broker, batches: Batches) -> None:
    """Subscribe the answers."""

    async def replies(records: Sequence[Received | Unreadable]) -> None:
        await batches.run("replies", "volunteer.replies", records, handlers.replies, on_parked=tell)

    subscribe(broker, "volunteer.replies", "replies", replies)
