"""Receipts: what providers report about messages that they accepted."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg
import structlog

from dispatch.services.core.unit_of_work import UnitOfWork
from dispatch.services.messaging.gateway import Receipt, ReceiptStatus
from dispatch.storage.messages import Completed, complete
from dispatch.storage.queries import sql

BEFORE: dict[ReceiptStatus, Sequence[str]] = {
    "sent": ("queued", "leased"),
    "delivered": ("queued", "leased", "sent", "skipped", "failed"),
    "failed": ("queued", "leased", "sent"),
}
"""The statuses that each receipt may follow: it may arrive before the send is recorded, and may resolve a doubt."""

log = structlog.get_logger()


async def record_receipt(uow: UnitOfWork, receipt: Receipt) -> bool:
    """Record a receipt; return False, and log it, where the message is not one of ours."""
    reason = "not delivered" if receipt.status == "failed" else ""
    completed = Completed(receipt.message_id, receipt.status, reason, receipt.detail)

    async def inside(connection: asyncpg.Connection, now: datetime) -> bool:
        rows = await complete([completed], connection, now, before=BEFORE[receipt.status])
        return bool(rows) or await connection.fetchval(sql("message_status"), receipt.message_id) is not None

    known = await uow.transact(inside)
    if not known:
        log.warning("receipt for an unknown message", message=str(receipt.message_id), status=receipt.status)
    return known
