"""Receipts: what providers report about messages that they accepted."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

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


async def record_receipt(uow: UnitOfWork, receipt: Receipt, organisation: UUID | None = None) -> bool:
    """Record a receipt; return False where the message is not one of ours.

    The gateway of one `organisation` knows the messages of no other; that of the whole installation knows all.
    A receipt for a message that was never sent changes nothing; it is logged, as is one for an unknown message.
    """
    reason = "not delivered" if receipt.status == "failed" else ""
    completed = Completed(receipt.message_id, receipt.status, reason, receipt.detail)

    async def inside(connection: asyncpg.Connection, now: datetime) -> bool:
        before = BEFORE[receipt.status]
        rows = await complete([completed], connection, now, before=before, organisation=organisation)
        return bool(rows) or await _is_known(connection, receipt, organisation)

    return await uow.transact(inside)


async def _is_known(connection: asyncpg.Connection, receipt: Receipt, organisation: UUID | None) -> bool:
    """Return whether the message is one of ours; log a receipt for one that no sender ever passed to a gateway."""
    row = await connection.fetchrow(sql("message_status"), receipt.message_id, organisation)
    if row is None or not row["attempts"]:
        what = (
            "receipt for an unknown message" if row is None else "receipt for a message that was never sent"
        )
        log.warning(what, message=str(receipt.message_id), status=receipt.status)
    return row is not None
