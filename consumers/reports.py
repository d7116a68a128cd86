"""Hears `incident.reports`: each report becomes an incident, or adds to one."""

from collections.abc import Sequence

from consumers.broker import Broker, subscribe
from dispatch.services.incidents.parking_alerts import tell
from dispatch.services.ingest.batches import Batches
from dispatch.services.intake.opening import Intake
from schemas.envelope import Received, Unreadable


def register(broker: Broker, batches: Batches, intake: Intake) -> None:
    """Subscribe the intake."""

    async def reports(records: Sequence[Received | Unreadable]) -> None:
        await batches.run("reports", "incident.reports", records, intake.take_in, on_parked=tell)

    subscribe(broker, "incident.reports", "reports", reports)
