"""Paging: escalations become messages to the duty contact whose turn it is."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import structlog

from dispatch.services.messaging import composing, page_groups
from dispatch.services.messaging.composing import Notice
from dispatch.storage.queries import sql
from schemas.decoding import Received
from schemas.escalations import EscalationRaised
from schemas.offers import Channel

log = structlog.get_logger()


async def escalation_messages(
    connection: asyncpg.Connection, received: Sequence[Received], now: datetime
) -> None:
    """Page the duty contact whose turn it is, or the alarm phone where nobody is on duty.

    Where there is neither, a warning is logged, `dispatch doctor` fails, and `dispatch watch` shows it.
    """
    pages = [(r, r.data) for r in received if isinstance(r.data, EscalationRaised) and r.data.page]
    if not pages:
        return
    duty: dict[UUID, list[asyncpg.Record]] = defaultdict(list)
    for row in await connection.fetch(sql("duty_order"), sorted({r.organisation for r, _ in pages})):
        duty[row["organisation"]].append(row)
    found = [_page(record, event, duty[record.organisation]) for record, event in pages]
    await _queue(connection, [page for page in found if page is not None], now)


async def _queue(
    connection: asyncpg.Connection, pages: Sequence[tuple[Notice, Channel]], now: datetime
) -> None:
    """Queue pages, but none about what the contact is about to be told already."""
    people = sorted({notice.recipient_id for notice, _ in pages})
    about = sorted({notice.escalation_id for notice, _ in pages if notice.escalation_id})
    rows = await connection.fetch(sql("queued_pages"), people, about, now - page_groups.TOLD_WITHIN)
    queued = {(row["recipient_id"], row["escalation_id"]) for row in rows}
    new = [one for one in pages if (one[0].recipient_id, one[0].escalation_id) not in queued]
    await composing.queue(connection, new, now)


def _page(
    record: Received, event: EscalationRaised, contacts: Sequence[asyncpg.Record]
) -> tuple[Notice, Channel] | None:
    """Choose the contact whose turn it is; a drill pages only those who opted in."""
    able = [contact for contact in contacts if record.mode == "actual" or contact["drills"]]
    if not able:
        organisation = str(record.organisation)
        log.warning("nobody to page", organisation=organisation, mode=record.mode, reason=event.reason)
        return None
    contact = able[event.turn % len(able)]
    incident = event.subject_id if event.subject_kind == "incident" else None
    notice = Notice(
        record.organisation, record.mode, "escalation", contact["id"], event.escalation_id, record.sequence,
        incident_id=incident, escalation_id=event.escalation_id, recipient_kind="duty",
    )  # fmt: skip
    return notice, contact["channel"]
