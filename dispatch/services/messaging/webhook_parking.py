"""Webhook calls that cannot be read: parked with their parameters, and reported to a supervisor."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

import asyncpg
import structlog

from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.incidents.parking_alerts import raise_parking_alerts
from dispatch.services.messaging.gateway import Parameters
from dispatch.storage import parking
from schemas.decoding import Unreadable
from schemas.envelope import pack

SECRETS = {"key"}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WebhookCall:
    """One webhook call, `inbound` or `receipts`, and the organisation whose key came with it."""

    organisation: UUID
    gateway: str
    path: str
    values: Parameters


async def park(uow: UnitOfWork, call: WebhookCall, reason: str) -> None:
    """Park a call that cannot be read, without its key, and raise an escalation; the same call counts once."""
    kept = [item for item in call.values.items() if item[0] not in SECRETS]
    body = urlencode(kept, errors="surrogateescape").encode()
    item = Unreadable(reason, call.gateway, call.organisation, None, pack([]), body)

    async def work(connection: asyncpg.Connection, now: datetime) -> None:
        topic = f"gateways/{call.path}"
        await raise_parking_alerts(
            connection, await parking.park(connection, "webhooks", topic, [item], now), now
        )

    await uow.transact(work)
    log.error("webhook call parked", gateway=call.gateway, path=call.path, reason=reason)
