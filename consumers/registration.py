"""Registration of the declared subscriptions with a broker: a batch in, one service call, end."""

from collections.abc import Iterable
from datetime import datetime

import asyncpg

from consumers.broker import Broker, Handler, subscribe
from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents.parking_alerts import raise_parking_alerts
from dispatch.services.ingest.batches import Batches, Waiting
from dispatch.services.intake.opening import Intake
from dispatch.services.subscriptions import Subscription
from schemas.decoding import Received, Unreadable


def register(
    broker: Broker, subscriptions: Iterable[Subscription], uow: UnitOfWork, batches: Batches, intake: Intake
) -> None:
    """Subscribe consumers to a broker that has not started."""
    for one in subscriptions:
        handler = _once(one, intake, batches) if one.uses_inbox else _every_time(one, intake, uow)
        for _ in range(one.members):
            subscribe(broker, one.topic, one.consumer, handler, max_records=one.batch)


def _once(subscription: Subscription, intake: Intake, batches: Batches) -> Handler:
    """Return a handler that passes each event on once, by the inbox, and parks what cannot be handled."""
    handle = subscription.handler(intake)

    async def handler(records: list[Received | Unreadable]) -> Waiting:
        return await batches.run(
            subscription.consumer, subscription.topic, records, handle, on_parked=raise_parking_alerts
        )

    return handler


def _every_time(subscription: Subscription, intake: Intake, uow: UnitOfWork) -> Handler:
    """Return a handler that passes on whatever is delivered, each batch in one transaction."""
    handle = subscription.handler(intake)

    async def handler(records: list[Received | Unreadable]) -> None:
        async def inside(connection: asyncpg.Connection, now: datetime) -> None:
            await handle(connection, records, now)  # type: ignore[arg-type]

        await uow.transact(inside)

    return handler
