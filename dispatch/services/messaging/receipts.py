"""Receipts: what providers report about messages that they accepted."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

import asyncpg
import structlog

from dispatch.services.core.group_commit import GroupCommit
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
ORDER: Sequence[ReceiptStatus] = ("sent", "failed", "delivered")
"""The order of the receipts of one transaction."""
WINDOW_S = 0.02
"""How long receipts are collected: a provider reports on the messages of one request within moments."""

log = structlog.get_logger()


class Reported(NamedTuple):
    """A receipt, and whose gateway reports it: that of one organisation knows the messages of no other."""

    receipt: Receipt
    organisation: UUID | None = None


class ReceiptWriter(GroupCommit[Reported, bool]):
    """Records receipts that arrive together in one transaction, and tells each caller whether it is for one of ours."""

    def __init__(self, uow: UnitOfWork) -> None:
        super().__init__(partial(record_receipts, uow), window_s=WINDOW_S)


async def record_receipts(uow: UnitOfWork, reported: Sequence[Reported]) -> list[bool]:
    """Record receipts; return for each whether the message is one of ours.

    A receipt for a message that was never sent changes nothing; it is logged, as is one for an unknown message.
    """
    groups: dict[tuple[ReceiptStatus, UUID | None], dict[UUID, Receipt]] = defaultdict(dict)
    for one in reported:
        groups[one.receipt.status, one.organisation][one.receipt.message_id] = one.receipt

    async def inside(connection: asyncpg.Connection, now: datetime) -> list[bool]:
        changed: set[UUID] = set()
        for status, organisation in sorted(groups, key=lambda group: ORDER.index(group[0])):
            found = [_completed(one) for _, one in sorted(groups[status, organisation].items())]
            rows = await complete(found, connection, now, before=BEFORE[status], organisation=organisation)
            changed.update(row["id"] for row in rows)
        others = [one for one in reported if one.receipt.message_id not in changed]
        unknown = await _unknown(connection, others) if others else []
        return [one not in unknown for one in reported]

    return await uow.transact(inside)


def _completed(receipt: Receipt) -> Completed:
    reason = "not delivered" if receipt.status == "failed" else ""
    return Completed(receipt.message_id, receipt.status, reason, receipt.detail)


async def _unknown(connection: asyncpg.Connection, reported: Sequence[Reported]) -> list[Reported]:
    """Return the receipts for messages that are not ours; log those, and those for messages that were never sent."""
    rows = await connection.fetch(
        sql("attempts_of_messages"),
        [one.receipt.message_id for one in reported],
        [one.organisation for one in reported],
    )
    attempts = {(row["id"], row["organisation"]): row["attempts"] for row in rows}
    tried = [(one, attempts.get((one.receipt.message_id, one.organisation))) for one in reported]
    for (receipt, _), times in tried:
        if not times:
            what = (
                "receipt for an unknown message"
                if times is None
                else "receipt for a message that was never sent"
            )
            log.warning(what, message=str(receipt.message_id), status=receipt.status)
    return [one for one, times in tried if times is None]
