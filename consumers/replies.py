"""Hears `volunteer.replies`: seats are filled, the next are asked, the surplus is stood down."""

from collections.abc import Sequence

from consumers.broker import Broker, subscribe
from dispatch.services import hearing
from dispatch.services.batches import Batches
from dispatch.services.parking import tell
from schemas.envelope import Received, Unreadable


def register(broker: Broker, batches: Batches) -> None:
    """Subscribe the answers."""

    async def replies(records: Sequence[Received | Unreadable]) -> None:
        await batches.run("replies", "volunteer.replies", records, hearing.replies, on_parked=tell)

    subscribe(broker, "volunteer.replies", "replies", replies)
