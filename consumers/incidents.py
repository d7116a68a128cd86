"""Hears `incident.events` and `dispatch.assignments`: whom to ask, and whom an urgent assignment frees."""

from collections.abc import Sequence

from consumers.broker import Broker, subscribe
from dispatch.services.incidents import handlers
from dispatch.services.incidents.parking_alerts import tell
from dispatch.services.ingest.batches import Batches
from schemas.envelope import Received, Unreadable


def register(broker: Broker, batches: Batches) -> None:
    """Subscribe the assembly of people."""

    async def incidents(records: Sequence[Received | Unreadable]) -> None:
        await batches.run("incidents", "incident.events", records, handlers.incidents, on_parked=tell)

    async def overlaps(records: Sequence[Received | Unreadable]) -> None:
        await batches.run("overlaps", "dispatch.assignments", records, handlers.overlaps, on_parked=tell)

    subscribe(broker, "incident.events", "incidents", incidents)
    subscribe(broker, "dispatch.assignments", "overlaps", overlaps)
